"""The documentation: what its extension refuses, the ways between its pages, and the whole build (slow)."""

from __future__ import annotations

import doctest
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

for needed in ("sphinx", "furo", "myst_parser", "ziamath", "matplotlib"):
    pytest.importorskip(needed)

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(p for p in DOCS.rglob("*.md") if "_build" not in p.parts)
sys.path.insert(0, str(DOCS / "_ext"))

MODULES = ("docstrings", "execution", "formulas", "generated", "pictures", "references", "running", "session", "snippets")

#: page -> (its text, what the build says of it); one thing is wrong with each
BROKEN = {
    "status": ("```{command} derive modified-eq --scheme nobody\n```", "exit status 2, not 0"),
    "wrong-status": ("```{command} derive schemes gd\n:status: 1\n```", "exit status 0, not 1"),
    "program": ("```{command} sh -c true\n```", "pages run derive and verify, not 'sh'"),
    "shell": ("```{command} derive schemes gd; true\n```", "exit status 2, not 0"),
    "doctest": ("```pycon\n>>> 1 + 1\n3\n```", "Expected:\n    3"),
    "no-doctest": ("```pycon\nprint(1)\n```", "no example"),
    "formula": ("$\\nosuchcommand{x}$", "unknown: \\nosuchcommand"),
    "half-formula": ("$x^{$", "formula not drawn"),
    "no-formula": ("```{formula} derive schemes gd\n```", "no formula in what this prints"),
    "no-picture": ("```{picture} nothing_here\n:alt: words\n```", "no picture docs/pictures/nothing_here.py"),
    "elsewhere": ("```{picture} ../secret\n:alt: words\n```", "no picture docs/pictures/../secret.py"),
    "bad-picture": ("```{picture} bad\n:alt: words\n```", "bad.py does not draw: ZeroDivisionError"),
    "no-words": ("```{picture} good\n```", "needs words for those who do not see it"),
    "no-plot": ("```{command} derive schemes gd\n:picture: x.png\n:alt: words\n```", "no picture x.png was written"),
    "key-missing": ("```{json-keys} derive schemes gd --format json\nname: the name\n```", "'update'], not there []"),
    "key-extra": ("```{json-keys} derive schemes gd --format json\nweight: its weight\n```", "not there ['weight']"),
    "link": ("[nowhere](nowhere.md)", "cross-reference target not found: 'nowhere.md'"),
}

SOUND = """# Sound

```{command} derive modified-eq --scheme nobody
:status: 2
:stderr:
```

```{command}
:first: 1
derive modified-eq --scheme mine.toml \\
  --order 0
```

```{formula} derive modified-eq --scheme momentum --order 1 --format latex
```

```{picture} good
:alt: a line
A caption with $\\gamma^2$.
```

```pycon
>>> x = 1
```

```pycon
>>> x + 1
2
```
"""


FIGURE = """from matplotlib import pyplot


def draw():
    figure, axes = pyplot.subplots()
    axes.plot([0, 1])
    return figure
"""


def site(folder: Path, pages: dict[str, str]) -> Path:
    """A site of these pages with the project's own settings."""
    (folder / "pictures").mkdir(parents=True)
    (folder / "files").mkdir()
    (folder / "_static").mkdir()
    settings = (DOCS / "conf.py").read_text("utf-8").replace("HERE = Path(__file__).parent\n", f"HERE = Path({str(DOCS)!r})\n")
    (folder / "conf.py").write_text(settings, "utf-8")
    (folder / "files" / "mine.toml").write_text('name = "mine"\nupdate = "theta = theta - gamma*grad(theta)"\n', "utf-8")
    (folder / "pictures" / "good.py").write_text(FIGURE, "utf-8")
    (folder / "pictures" / "bad.py").write_text("def draw():\n    return 1/0\n", "utf-8")
    (folder / "site.css").write_text("", "utf-8")
    entries = "\n".join(pages)
    (folder / "index.md").write_text(f"# Index\n\n```{{toctree}}\n{entries}\n```\n", "utf-8")
    for name, text in pages.items():
        (folder / f"{name}.md").write_text(text if text.startswith("#") else f"# {name}\n\n{text}\n", "utf-8")
    return folder


def build(source: Path, out: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", str(source), str(out)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False)


def test_every_mistake_on_a_page_fails_the_build(tmp_path: Path) -> None:
    done = build(site(tmp_path / "source", {name: text for name, (text, _) in BROKEN.items()}), tmp_path / "out")
    assert done.returncode == 1
    said = re.sub(r"\x1b\[[0-9;]*m", "", done.stderr)
    for name, (_, message) in BROKEN.items():
        about = [part for part in re.split(r"(?m)^(?=\S*?\.md:?\d*: WARNING|\S*: WARNING)", said) if f"/{name}.md" in part]
        assert any(message in part for part in about), (name, message, about)


def test_a_sound_page_is_built_with_what_the_program_prints(tmp_path: Path) -> None:
    source, out = site(tmp_path / "source", {"sound": SOUND}), tmp_path / "out"
    done = build(source, out)
    assert done.returncode == 0, done.stderr
    page = (out / "sound.html").read_text("utf-8")
    assert "unknown scheme" in page
    assert 'class="formula"' in page
    assert "frac{1+" in page  # the formula's words for those who do not see it
    assert page.count("_images/good-light") == page.count("_images/good-dark") == 1
    assert "mathjax.js" not in page.lower()
    assert not re.search(r'(?:src|href)="(?:https?:)?//(?!doi\.org|www\.sphinx-doc|github\.com|pradyunsg)', page)
    kept = sorted((out / ".doctrees" / "runs").glob("*.run"))
    before = [p.stat().st_mtime_ns for p in kept]
    (source / "sound.md").write_text(SOUND + "\nMore.\n", "utf-8")
    assert build(source, out).returncode == 0
    assert [p.stat().st_mtime_ns for p in sorted((out / ".doctrees" / "runs").glob("*.run"))] == before


USES = (r"e^{n\log(1-\gamma)}", r"a\,b\quad c", r"\left\langle x,\,y\right\rangle", r"\text{a b} \sum_k")


@pytest.mark.parametrize("latex", USES)
def test_every_glyph_that_a_formula_uses_is_in_the_sheet(latex: str) -> None:
    formulas, glyphs = importlib.import_module("shadowdocs.formulas"), {}
    svg = formulas.drawn(latex, glyphs, False)
    assert set(re.findall(r'href="#([^"]+)"', svg)) == set(glyphs)
    assert all(text.count("<symbol") == 1 for text in glyphs.values())


def test_runs_are_remembered_by_words_files_and_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    execution = importlib.import_module("shadowdocs.execution")
    words, files = ["derive", "schemes"], {"a.toml": b"1"}
    keys = {execution.key_of(words, files), execution.key_of([*words, "gd"], files), execution.key_of(words, {"a.toml": b"2"})}
    monkeypatch.setattr(execution, "source_hash", lambda: "other sources")
    assert len(keys | {execution.key_of(words, files)}) == 4


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_the_extension(name: str) -> None:
    module = importlib.import_module(f"shadowdocs.{name}")
    assert module.__doc__
    assert not doctest.testmod(module).failed


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(DOCS)))
def test_ways_from_a_page_lead_somewhere(page: Path) -> None:
    text = page.read_text("utf-8")
    for target in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", text):
        assert (page.parent / target).exists(), target
    for name in re.findall(r"^```\{picture\} (\S+)", text, re.M):
        assert (DOCS / "pictures" / f"{name}.py").exists(), name
    for name in re.findall(r"^```\{literalinclude\} (\S+)", text, re.M):
        assert (page.parent / name).exists(), name


def test_every_picture_and_every_file_is_on_a_page() -> None:
    everything = "\n".join(p.read_text("utf-8") for p in PAGES)
    for path in (DOCS / "pictures").glob("[a-z]*.py"):
        assert f"{{picture}} {path.stem}\n" in everything, path.name
    for path in (DOCS / "files").iterdir():
        assert path.name in everything, path.name


@pytest.mark.parametrize("page", [p for p in PAGES if "```pycon" in p.read_text("utf-8")], ids=lambda p: p.name)
def test_examples_in_python_print_what_stands_below_them(page: Path) -> None:
    snippets = importlib.import_module("shadowdocs.snippets")
    names: dict[str, object] = {}
    for block in re.findall(r"^```pycon\n(.*?)^```", page.read_text("utf-8"), re.S | re.M):
        assert not snippets.failures(block, names, page.name)


@pytest.mark.slow
def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    done = build(DOCS, tmp_path / "out")
    assert done.returncode == 0, done.stderr
    pages = list((tmp_path / "out").rglob("*.html"))
    assert len(pages) > len(PAGES)
    for page in pages:
        for target in re.findall(r'(?:href|src)="(?!https?:|mailto:|data:|#)([^"#?]+)', page.read_text("utf-8")):
            assert (page.parent / target).exists(), (page.name, target)
