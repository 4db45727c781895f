"""The bibliography: every source of a data file is in it, every entry can be found by its reader, and none is unused."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from derive.commands.main import main
from derive.paper.compile import compile_latex, has_tex
from derive.paper.document import article_of, paper_latex
from derive.scheme import catalogue, load_scheme
from derive.scheme.bibliography import Work, bibtex, cited, works

ROOT = Path(__file__).parents[1]
FOLDERS = ("derive/schemes", "derive/schedules", "derive/trees/tableaux")
DATA = [p for folder in FOLDERS for p in sorted((ROOT / folder).glob("*.toml"))]
OWN = ("scheme momentum, regime inertial",)  # the catalogue itself
SITES = {"doi": r"10\.\d{4,9}/[-._;()/:A-Za-z0-9]+", "arxiv": r"\d{4}\.\d{4,5}", "isbn": r"[\d-]{10,17}X?", "url": r"https?://[^\s{}]+"}


def parts() -> Iterator[tuple[str, str]]:
    """Every source that a data file names: references are joined by semicolons."""
    for path in DATA:
        for part in tomllib.loads(path.read_text("utf-8")).get("reference", "").split(";"):
            if part.strip() and part.strip() not in OWN:
                yield path.name, part.strip()


def sources() -> Iterator[str]:
    """Where the claims on the literature come from."""
    for path in sorted((ROOT / "verify/claims/literature").glob("*.toml")):
        yield from (c["source"] for c in tomllib.loads(path.read_text("utf-8"))["claim"])


@pytest.mark.parametrize(("name", "part"), list(parts()))
def test_every_source_of_a_data_file_is_in_the_bibliography(name: str, part: str) -> None:
    assert cited(part), f"{name}: '{part}' names nothing in derive/scheme/bibliography.toml"


def test_sources_of_claims_with_a_year_or_an_identifier_are_in_the_bibliography() -> None:
    for source in sources():
        if re.search(r"\b(19|20)\d\d\b|arXiv", source):
            assert cited(source), source


def test_an_identifier_in_a_text_is_that_of_the_work_it_names() -> None:
    for text in (*(part for _, part in parts()), *sources()):
        for number in re.findall(r"arXiv:(\d{4}\.\d{4,5})", text):
            assert number in [w.identifiers.get("arxiv") for w in cited(text)], text


def test_no_entry_is_unused() -> None:
    texts = [*(part for _, part in parts()), *sources()]
    used = {w.key for text in texts for w in cited(text)} | {"hairer-lubich-wanner"}
    assert set(works()) == used


@pytest.mark.parametrize("work", works().values(), ids=lambda w: w.key)
def test_entries_are_complete(work: Work) -> None:
    assert work.authors
    assert work.title
    assert 1700 < work.year < 2100
    assert work.identifiers or work.without
    for kind, value in work.identifiers.items():
        assert re.fullmatch(SITES[kind], value), (kind, value)
    if "arxiv" in work.identifiers:
        submitted = 2000 + int(work.identifiers["arxiv"][:2])
        assert submitted <= work.year <= submitted + 5  # printed later, if at all


def test_names_belong_to_one_work() -> None:
    names = [name for work in works().values() for name in work.cited_as]
    assert len(names) == len(set(names))


def test_what_is_in_no_bibliography_is_found_to_be_missing() -> None:
    assert cited("Nobody 1999") == ()
    assert [w.key for w in cited("Polyak 1965")] == []


@pytest.mark.parametrize("name", catalogue())
def test_schemes_print_their_sources_in_full(name: str) -> None:
    scheme = load_scheme(name)
    shown = " ".join(CliRunner().invoke(main, ["schemes", name]).stdout.split())
    for work in cited(scheme.reference):
        assert work.title in shown
        assert str(work.year) in shown
        assert all(value in shown for value in work.identifiers.values())


# ---------------------------------------------------------------------------------------------- BibTeX


def test_bibtex_is_balanced_and_keeps_every_entry() -> None:
    text = bibtex(works().values())
    assert re.findall(r"^@\w+\{([\w-]+),$", text, re.M) == list(works())
    assert text.count("{") == text.count("}")
    assert "O(1/k$^{2}$)" in text


@pytest.mark.skipif(not has_tex() or shutil.which("bibtex") is None, reason="TeX is not installed")
def test_bibtex_reads_it(tmp_path: Path) -> None:
    (tmp_path / "all.bib").write_text(bibtex(works().values()), "utf-8")
    (tmp_path / "t.aux").write_text("\\citation{*}\n\\bibdata{all}\n\\bibstyle{plain}\n", "utf-8")
    done = subprocess.run(["bibtex", "t"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "error" not in done.stdout.lower()
    assert (tmp_path / "t.bbl").read_text("utf-8").count("\\bibitem") == len(works())


def test_paper_writes_the_works_that_it_cites(tmp_path: Path) -> None:
    out = tmp_path / "momentum.bib"
    assert CliRunner().invoke(main, ["paper", "--scheme", "momentum", "--order", "1", "--bib", str(out)]).exit_code == 0
    found = re.findall(r"^@\w+\{([\w-]+),$", out.read_text("utf-8"), re.M)
    assert found == ["polyak", "ghosh", "su-dynamics-1", "hairer-lubich-wanner"]


@pytest.mark.skipif(not has_tex(), reason="pdflatex is not installed")
@pytest.mark.parametrize("name", ["gd", "nesterov", "adams-bashforth-2"])
def test_articles_with_titles_compile_inside_the_margins(name: str) -> None:
    text = paper_latex(article_of(load_scheme(name), 1))
    assert all(work.year and str(work.year) in text for work in cited(load_scheme(name).reference))
    _, too_wide = compile_latex(text)
    assert not [x for x in too_wide if x > 2]
