"""The report: its words, formulas and sliders, what the file contains, the command, and the notebook."""

from __future__ import annotations

import doctest
import html
import html.parser
import importlib
import json
import pkgutil
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import verify.report
from derive import load_scheme, modified_equation
from derive.errors import DeriveError
from verify.commands.report import report_command
from verify.report.controls import exact, limits, page_controls
from verify.report.formula_images import FormulaImages
from verify.report.material import Request, gather
from verify.report.page import report_page
from verify.report.words import Phrases, field_words, potential_words

pytest.importorskip("ziamath", reason="the report's formulas need ziamath")
GAMMA = Fraction(3, 40)


# ------------------------------------------------------------------------------------------ words, formulas, controls


def test_words_for_what_people_know() -> None:
    say = Phrases(lambda name: {"eps": "ε"}.get(name, name), "eta")
    assert potential_words("dot(grad, grad)", True, say) == "penalises the squared gradient norm"
    assert potential_words("dot(grad, grad)", False, say) == "rewards the squared gradient norm"
    assert "friction" in field_words("eta", False, say, "eta")
    assert field_words("d3(grad, hess(grad))", False, say) == (
        "moves against the third derivative of the loss applied to the gradient and (the Hessian applied to the gradient)"
    )
    assert say.of("grad*(grad**2 + eps)**(-1/2)") == "the gradient, divided by √((∇L)² + ε)"


@pytest.mark.parametrize(
    "scheme", ["adam", "adan", "nesterov-convex", "rmsprop-centred", "sam-normalised", "adagrad-norm", "lion"]
)
def test_every_term_has_words_and_a_drawing(scheme: str) -> None:
    from derive.writing.formulas import write_term
    from derive.writing.notation import LATEX

    say, draw = Phrases(str), FormulaImages()
    for name, sums in modified_equation(scheme, 1).equations.items():
        for total in sums:
            for _, term in total:
                assert len(field_words(str(term) if term.factors else "1", True, say, name)) > 5
                assert draw.svg(write_term(term, LATEX)).startswith("<svg"), term


def test_a_formula_carries_its_latex() -> None:
    draw = FormulaImages()
    picture = draw.svg(r"\frac{1}{1-\beta}\, \nabla L")
    assert r'aria-label="\frac{1}{1-\beta}\, \nabla L"' in picture
    assert "http" not in picture + draw.sheet()
    assert draw.svg(r"\undefined<b>{").startswith('<code class="latex">\\undefined&lt;b&gt;')


def test_sliders_stay_inside_the_ranges_of_the_scheme() -> None:
    c = modified_equation("adamw", 1).configuration
    assert limits(c, "eps") == (0, None, False, True)
    real = {"beta1": "0.9", "beta2": "0.999", "eps": "1e-8", "lam": "0.01"}
    values = {n: Fraction(x) for n, x in real.items()}
    sliders = page_controls(c, values, Fraction(1, 1000), 40, 1, ("x", "y"), (Fraction(1, 2), Fraction(-7, 5)))
    by_key = {s.key: s for s in sliders}
    assert list(by_key) == ["gamma", "p0", "p1", "p2", "p3", "steps", "power", "x0", "x1"]
    for s in sliders:
        assert s.low <= s.value <= s.high
    assert by_key["gamma"].low == Fraction(1, 10**5)
    assert by_key["gamma"].high == 1
    assert by_key["p1"].high == Fraction(9999, 10000), "decay factors reach 0.9999 and stay below 1"
    assert (by_key["p1"].least, by_key["p1"].most, by_key["p1"].open) == (0, 1, (False, True))
    assert by_key["p2"].low == Fraction(1, 10**12), "stabilisers reach 1e-12 and are never 0"
    assert by_key["p2"].open[0]
    assert by_key["p3"].scale == "zero", "no weight decay is allowed"
    assert by_key["p3"].allowed == "0 ≤ λ"
    assert [s.key for s in sliders if s.whole] == ["steps", "power"]


@pytest.mark.parametrize("x", ["0.9", "0.9999", "1e-8", "2/3", "-7/5", "40", "31/500", "1/1048576", "1e-12", "123456789/1000"])
def test_a_number_is_written_exactly(x: str) -> None:
    assert Fraction(exact(Fraction(x))) == Fraction(x)
    assert len(exact(Fraction(x))) <= max(len(x), 10)


@pytest.mark.parametrize("name", [m.name for m in pkgutil.iter_modules(verify.report.__path__, "verify.report.")])
def test_every_example_runs(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__doc__
    assert not doctest.testmod(module).failed


# ------------------------------------------------------------------------------------------ the file


@pytest.fixture(scope="module")
def page() -> str:
    return report_page(gather(Request(load_scheme("momentum"), 2)))


class Outline(html.parser.HTMLParser):
    """Tags with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_the_file_needs_nothing_from_outside(page: str) -> None:
    assert not re.search(r"https?:|//[a-z]", re.sub(r"base64,[^\"]*", "", page)), "an address"
    for tag, attributes in Outline(page).tags:
        assert "src" not in attributes
        assert not any(name.startswith("on") for name in attributes), (tag, attributes)
        link = attributes.get("href") or attributes.get("xlink:href") or "#"
        assert link.startswith(("#", "data:")), link
    assert "default-src 'none'" in page
    assert "unsafe-eval" not in page
    assert not re.search(r"\beval\(|new Function|innerHTML", page)


def test_what_the_page_says(page: str) -> None:
    text = re.sub(r"<[^>]+>", " ", page)
    assert "penalises the squared gradient norm with strength" in text
    assert r'aria-label="\gamma\, \frac{1+\beta}{4\,(1-\beta)^{2}}"' in page, "relative to the loss, as people quote it"
    assert "Every slope is the expected one." in text
    assert "double precision" in text
    assert re.search(r'download="momentum-order-2\.certificate\.json"', page)


def test_the_embedded_certificate_checks(page: str, tmp_path: Path) -> None:
    import base64

    from verify.certificate.writing import check_certificate

    found = re.search(r'certificate\.json" href="data:application/json;base64,([^"]+)"', page)
    assert found is not None
    path = tmp_path / "c.json"
    path.write_bytes(base64.b64decode(found[1]))
    assert check_certificate(path)


def test_everything_that_can_be_operated_has_a_label(page: str) -> None:
    tags = Outline(page).tags
    labelled = {a["for"] for tag, a in tags if tag == "label"} | {a["id"] for _, a in tags if "id" in a and a.get("aria-label")}
    inputs = [a["id"] for tag, a in tags if tag == "input"]
    assert len(inputs) >= 12
    assert set(inputs) <= labelled
    assert all(a.get("aria-label") for tag, a in tags if a.get("role") in ("img", "group"))
    ids = [a["id"] for _, a in tags if "id" in a]
    assert len(ids) == len(set(ids))


def test_hostile_names_are_text(tmp_path: Path) -> None:
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)>&\"'"
    path = tmp_path / "evil.toml"
    text = json.dumps(evil)
    path.write_text(
        f'name = "evil"\ntitle = {text}\nreference = {text}\nupdate = "theta = theta - gamma*grad(theta)  # </pre>{evil[:20]}"\n',
        "utf-8",
    )
    page = report_page(gather(Request(load_scheme(path), 1, certificate=False)))
    tags = [tag for tag, _ in Outline(page).tags]
    assert tags.count("script") == 3
    assert "img" not in tags


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(a: str, b: str) -> float:
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_contrast(page: str, scheme: int) -> None:
    """WCAG 2 AA: 4.5 for text, 3 for graphics."""
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", re.findall(r":root \{(.*?)\}", page, re.S)[scheme]))
    for ground in ("back", "card"):
        for name in ("fore", "soft", "link"):
            assert contrast(colours[name], colours[ground]) >= 4.5, (name, ground)
    for name in ("limit", "modified", "iterates", "start", "level", "s2", "s3", "s4"):
        assert contrast(colours[name], colours["back"]) >= 3, name


# ------------------------------------------------------------------------------------------ the command


@pytest.mark.parametrize(("options", "says"), [
    (("--scheme", "gd", "--loss", "x**2"), "two"),
    (("--scheme", "gd", "--loss", "x*y*z"), "3 variables (x, y, z)"),
    (("--scheme", "gd", "--gamma", "-1"), "--gamma -1"),
    (("--scheme", "gd", "--at", "x=1"), "'y' has no value"),
    (("--scheme", "gd-schedule",), "r(t)"),
    (("--scheme", "gd", "--field", "x;y"), "--loss"),
    (("--scheme", "gd", "--set", "beta=1"), "beta"),
])  # fmt: skip
def test_bad_input_writes_nothing(options: tuple[str, ...], says: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(report_command, [*options, "-o", str(tmp_path / "r.html")])
    message = result.output + str(result.exception)
    assert isinstance(result.exception, DeriveError) or result.exit_code == 2, message
    assert says in message
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["r.pdf", "r", "r.html.png", "html"])
def test_a_name_of_another_format_is_refused_at_once(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def worked(*_: object) -> None:
        raise AssertionError("the work began")

    monkeypatch.setattr("verify.report.material.gather", worked)
    result = CliRunner().invoke(report_command, ["--scheme", "gd", "-o", str(tmp_path / name)])
    assert result.exit_code == 2
    assert result.output.splitlines()[-1].endswith("a report is a web page; write a name that ends in .html")
    assert not list(tmp_path.iterdir())
    with pytest.raises(AssertionError, match="the work began"):
        CliRunner().invoke(report_command, ["--scheme", "gd", "-o", str(tmp_path / "R.HTM")], catch_exceptions=False)


def test_an_interrupted_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    path = tmp_path / "r.html"
    path.write_text("before", "utf-8")
    result = CliRunner().invoke(report_command, ["--scheme", "gd", "--no-certificate", "-o", str(path)])
    assert result.exit_code != 0
    assert [p.name for p in tmp_path.iterdir()] == ["r.html"]
    assert path.read_text("utf-8") == "before"


# ------------------------------------------------------------------------------------------ the notebook


def test_the_notebook_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its code cells in order, in one namespace; what they assert holds."""
    monkeypatch.chdir(tmp_path)
    notebook = json.loads((Path(__file__).parents[1] / "examples" / "momentum.ipynb").read_text("utf-8"))
    assert notebook["nbformat"] == 4
    cells = ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]
    assert len(cells) >= 4
    names: dict[str, Any] = {}
    run: Callable[..., None] = exec
    for i, source in enumerate(cells):
        run(compile(source, f"cell {i}", "exec"), names)


def test_maps_have_words_and_pictures() -> None:
    """A page about a map says what it is, which one is drawn, and what is true of every map."""

    def text(request: Request) -> str:
        return html.unescape(re.sub(r"<[^>]+>", "", report_page(gather(request))))

    page = text(Request(load_scheme("muon"), 1))
    assert "P: map, the polar factor" in page
    assert "every smooth loss and every map of its kind" in page
    assert "with P(x, y) = x/sqrt(1 + x**2 + y**2); y/sqrt(1 + x**2 + y**2) (--set draws another P)" in page
    assert "Every slope is the expected one." in page
    settings = {"P(x, y)": "2*x; 3*y", "Q(x, y)": "x/2; y/3"}
    page = text(Request(load_scheme("mirror-descent"), 1, settings=settings, certificate=False))
    assert "with P(x, y) = 2*x; 3*y and Q(x, y) = x/2; y/3 (--set draws another P and Q)" in page


def test_words_of_maps() -> None:
    say = Phrases(str, maps={"P": "map", "A": "linear", "p": "componentwise"})
    assert say.of("A(P(grad))") == "A applied to (P of the gradient)"
    assert say.of("d2P(theta, grad, grad)") == "the second derivative of P at the parameters applied to the gradient twice"
    assert say.of("d2P(theta, grad, theta)").endswith("applied to the gradient and the parameters")
    assert say.of("dp(grad)*grad") == "(the derivative of p at the gradient) times the gradient"
