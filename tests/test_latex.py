"""What --format latex prints compiles as pasted, in amsart and in article with amsmath and amssymb, inside the margins."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner
from variants import REPRESENTATIVES, VARIANTS

from derive import catalogue, modified_equation
from derive.commands.main import main
from derive.errors import UsageError
from derive.paper.compile import compile_latex, has_tex
from derive.scheme import load_scheme
from derive.writing import latex as layout
from derive.writing.boxes import broken, items_of
from derive.writing.linebreak import tokens_of, width
from verify.commands.main import main as verify

needs_tex = pytest.mark.skipif(not has_tex(), reason="pdflatex is not installed")
PREAMBLES = {"amsart": r"\documentclass{amsart}", "article": r"\documentclass{article}\usepackage{amsmath,amssymb}"}
TEMPLATE = Path(__file__).parents[1] / "examples" / "claims" / "template.toml"
WHOLE = frozenset(catalogue()) - VARIANTS
POINT = ("--loss", "x**4/4 + x*y**2", "--at", "x=1/2,y=1/3")
SAMPLE = [
    ("modified-eq", "--scheme", "gd", "--order", "4"), ("modified-eq", "--scheme", "momentum", "--order", "5", "--show-memory"),
    ("modified-eq", "--scheme", "momentum", "--loss", "x**4/4 + x*y**2"),
    ("modified-eq", "--scheme", "rmsprop", "--set", "rho=9/10", "--set", "eps=1/100", *POINT),
    ("modified-eq", "--scheme", "adam", "--order", "2", "--loss", "x**2/2 + x*y**2"),
    ("modified-eq", "--scheme", "momentum", "--regime", "inertial", *POINT[:2], "--at", "x=1/2,y=1/3,eta_x=1,eta_y=2"),
    ("modified-eq", "--scheme", "momentum", "--order", "2", *POINT, "--form", "map"),
    ("modified-eq", "--update", "lrate = gamma*beta1; theta = theta - lrate*grad(theta + gamma*weight_decay*theta)",
     "--parameter", "weight_decay", "--order", "3"),
    ("modified-loss", "--scheme", "momentum", "--order", "3"), ("modified-loss", "--scheme", "adam-weight-decay"),
    ("modified-loss", "--scheme", "rmsprop", "--form", "map"), ("modified-loss", "--scheme", "ademamix"),
    ("second-order", "--scheme", "nesterov", "--regime", "strongly-convex", "--order", "3"),
    ("second-order", "--scheme", "triple-momentum", "--order", "2"),
    ("second-order", "--scheme", "nesterov", "--regime", "inertial", *POINT[:2], "--at", "x=1/2,y=1/3,p_x=1,p_y=2"),
    ("accuracy", "--scheme", "momentum", "--regime", "leapfrog", "--target", "theta'' + lam*theta' + grad"),
    ("accuracy", "--scheme", "rk4", "--target", "theta' + grad"),
    ("accuracy", "--scheme", "gd", "--target", "theta' = -hess(grad)"),
    ("stability", "--scheme", "sgdw"), ("stability", "--scheme", "aggmo"), ("stability", "--scheme", "rk4"),
    ("stability", "--scheme", "triple-momentum", "--regime", "tuned"), ("stability", "--scheme", "sam"),
    ("energy", "--scheme", "momentum", "--order", "3"), ("energy", "--scheme", "nesterov"),
    ("energy", "--scheme", "nesterov-convex"),
    ("energy", "--scheme", "momentum", *POINT[:2], "--at", "x=1/2,y=1/3,eta_x=1,eta_y=2"),
    ("modifying", "--scheme", "gd", "--order", "3"), ("modifying", "--scheme", "ademamix"),
    ("modifying", "--scheme", "adabelief"),
    ("modifying", "--scheme", "gd", *POINT), ("initial-layer", "--scheme", "aggmo"),
    ("initial-layer", "--scheme", "momentum", *POINT),
    ("initial-layer", "--scheme", "nesterov", "--order", "2"), ("compare", "nesterov", "nesterov-keras"),
    ("compare", "adam", "adamw"),
    ("compare", "gd", "heun"), ("compare", "momentum", "ema-momentum"), ("explain", "momentum"),
    ("explain", "adam-bias-corrected"),
    ("finite-step", "adam-bias-corrected"), ("finite-step", "momentum", "--order", "2", "--step", "3"),
    ("explain", "triple-momentum"), ("explain", "qhadam"), ("explain", "sgdw"), ("explain", "adagrad"), ("explain", "bdf2"),
    ("modified-sde", "gd", "--order", "3"), ("modified-sde", "momentum", "--order", "2", "--batch", "B"),
    ("modified-sde", "--update", "theta = theta - gamma*grad(theta) + sqrt(2*gamma)*normal()", "--order", "2"),
    ("modified-sde", "--update", "y = theta - gamma*sgrad(theta); theta = theta - gamma*sgrad(y)", "--order", "2"),
    ("modified-sde", "--update", "theta = theta - gamma*sfield(theta)", "--order", "3"),
    ("modified-sde", "game-alternating", "--order", "2"), ("modified-sde", "adam", "--regime", "inertial", "--order", "2"),
    ("modified-sde", "momentum", "--regime", "inertial", "--order", "2"), ("modified-sde", "two-batches"),
    ("modified-sde", "momentum", "--sampling", "reshuffled"),
    ("modified-sde", "gd", "--sampling", "reshuffled", "--order", "3"), ("modified-sde", "gd-schedule", "--order", "2"),
    ("modified-sde", "momentum", "--order", "2", "--losses", "x**4/4 + x*y**2; exp(x)*y", *POINT[2:], "--set", "beta=9/10"),
    ("modified-sde", "momentum", "--order", "2", "--losses", "x**4/4 + x*y**2; x**2*y"),
]  # fmt: skip


def call(*arguments: str) -> str:
    result = CliRunner().invoke(main, [*arguments, "--format", "latex"])
    assert result.exit_code == 0, (arguments, result.output)
    return result.stdout


@cache
def fragments(whole: bool = False) -> tuple[str, ...]:
    """Every command; the equations of the catalogue in every regime, as flow with memory and as map; tables of claims.

    Those of layered schemes have a megabyte through gamma^2.
    """
    found = [call(*arguments) for arguments in SAMPLE]
    for name in sorted((WHOLE if whole else REPRESENTATIVES) & set(catalogue(noise=False, branches=False))):
        scheme = load_scheme(name)
        for regime in scheme.regimes or [None]:
            order = "1" if scheme.layered else "2"
            chosen = ("modified-eq", "--scheme", name, "--order", order, *(("--regime", regime) if regime else ()))
            found += [call(*chosen, "--show-memory"), call(*chosen, "--form", "map")]
    claims = [("literature",), ("seeds", "--brief")] if whole else [(str(TEMPLATE),), (str(TEMPLATE), "--brief")]
    found += [CliRunner().invoke(verify, ["claims", *c, "--format", "latex"], standalone_mode=False).stdout for c in claims]
    return tuple(found)


def compiled(name: str, parts: tuple[str, ...]) -> list[float]:
    """By how many points lines are too wide; raises UsageError where TeX stops."""
    body = "\n\n\\bigskip\n".join(parts)
    return compile_latex(f"{PREAMBLES[name]}\n\\begin{{document}}\n{body}\n\\end{{document}}\n")[1]


@needs_tex
@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] * (n == "article")) for n in PREAMBLES])
def test_everything_compiles_as_pasted_inside_the_margins(name: str) -> None:
    too_wide = compiled(name, fragments())
    assert [x for x in too_wide if x > 2] == []


@needs_tex
@pytest.mark.slow
@pytest.mark.parametrize("name", PREAMBLES)
def test_the_whole_catalogue_compiles_as_pasted_inside_the_margins(name: str) -> None:
    too_wide = compiled(name, fragments(whole=True))
    assert [x for x in too_wide if x > 2] == []


def test_nothing_but_amsmath_and_amssymb_is_needed() -> None:
    text = "\n".join(fragments())
    assert not re.search(r"longtable|scalebox|tikz|\\(gradL|derL|abs|norm|inner|had|step)\b", text)


@needs_tex
def test_the_margins_would_be_left_without_line_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "broken", lambda row, room: [row])
    assert max(compiled("article", (call("modified-eq", "--scheme", "aggmo", "--order", "2"),))) > 100


@needs_tex
def test_an_undefined_macro_would_be_found() -> None:
    with pytest.raises(UsageError):
        compiled("article", (r"\begin{align*} \gradL \end{align*}",))


# ---------------------------------------------------------------------------------------------- line breaks


def signs(text: str) -> Counter[str]:
    r"""A formula without layout: no \frac, parentheses, signs of multiplication, blanks, numerators 1; roots as powers."""
    plain = re.sub(r"\\(?:bigg?|left|right|big)[lr]?(?![a-z])|\\q?quad|\\times|\\frac|\\,|\{\}|[{}()\s&/]", "", text)
    return Counter(t for t in tokens_of(plain.replace(r"\sqrt", "^2")) if t != "1")


def rows(text: str) -> Iterator[str]:
    return (row for row in text.splitlines() if "&" in row)


@pytest.mark.parametrize("room", [90.0, 160.0, 340.0])
@pytest.mark.parametrize("name", ["aggmo", "ademamix", "lion", "rmsprop-momentum", "nesterov"])
def test_breaking_a_row_loses_nothing_and_keeps_every_line_balanced(name: str, room: float) -> None:
    equation = modified_equation(name, 2)
    for total in equation["theta"]:
        row = total.latex()
        lines = broken(row, room)
        assert signs("".join(lines)) == signs(row)
        assert signs("".join(lines[1:])) != signs(row)
        for line in lines:
            assert line.count("{") == line.count("}")
            assert line.count(r"\left") == line.count(r"\right")
        text = "".join(lines)
        assert text.count(r"\bigl") + text.count(r"\biggl") == text.count(r"\bigr") + text.count(r"\biggr")


def test_rows_that_fit_stay_as_they_are() -> None:
    for name in ("gd", "momentum", "adam"):
        for total in modified_equation(name, 1)["theta"]:
            row = total.latex()
            assert broken(row, width(row)) == [row]


def test_items_are_read_to_their_ends() -> None:
    row = r"\frac{a\,(b+c)}{\sqrt{v} + \varepsilon}\, \left(\left|x\right| + 1\right)^{-1/2} - \theta_{1}^{2}"
    assert items_of(row) == [
        r"\frac{a\,(b+c)}{\sqrt{v} + \varepsilon}", r"\,", r"\left(\left|x\right| + 1\right)^{-1/2}", "-", r"\theta_{1}^{2}",
    ]  # fmt: skip


# ---------------------------------------------------------------------------------------------- labels


@pytest.mark.parametrize("name", ["momentum", "adam", "nesterov"])
def test_explain_labels_every_regime(name: str) -> None:
    text = call("explain", name)
    assert re.findall(r"^Regime ([\w-]+)", text, re.M) == list(load_scheme(name).regimes)
