"""--letters: the notation writes a reader's own letters; nothing else changes, and no two things get one letter."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import pytest
from click.testing import CliRunner
from renaming import letters as plain
from renaming import renamed, source

from derive import catalogue, modified_equation
from derive.commands.main import main
from derive.errors import UsageError
from derive.readings.stability import stability
from derive.result import Equation
from derive.writing import boxes, latex
from derive.writing.latex import equation_latex
from derive.writing.letters import checked, read_letters, spelled
from derive.writing.text import equation_text

OWN = {"gamma": "gammaK", "theta": "thetaK", "L": "LK"}  # sort like the names they stand for, and occur nowhere
READINGS = [
    ("modified-eq", "momentum"), ("modified-loss", "adam"), ("second-order", "nesterov"), ("stability", "sgdw"),
    ("energy", "momentum"),
    ("modifying", "gd"), ("initial-layer", "aggmo"), ("finite-step", "adam-bias-corrected"),
    ("explain", "momentum"), ("explain", "adam"),
]  # fmt: skip


@pytest.fixture(autouse=True)
def lines_are_not_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (boxes, latex):
        monkeypatch.setattr(module, "width", lambda *_: 0.0)


def derive(*arguments: str) -> str:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, repr(result.exception)
    return result.stdout


def call(command: str, scheme: str, *more: str) -> str:
    return derive(command, *([scheme] if command == "explain" else ["--scheme", scheme]), *more)


def option(letters: Mapping[str, str]) -> str:
    return ",".join(f"{n}={m}" for n, m in letters.items())


def written(equation: Equation, letters: Mapping[str, str] | None = None) -> list[str]:
    return [equation_text(equation, True, True, letters), equation_latex(equation, True, letters)]


#: memory in units of 1/gamma has a letter of its own in each medium; the order of a sum may depend on the letters
WITHOUT = {"adagrad-torch", "ftrl", "scion-rms"}


@pytest.mark.parametrize("name", [n for n in catalogue(noise=False, branches=False) if n not in WITHOUT])
def test_own_letters_are_those_of_the_scheme_written_in_them(name: str) -> None:
    """The second route: the same scheme with its names replaced in its file."""
    pair = renamed(source(name))
    names = {old: new for new, old in pair.back.items() if old not in pair.original.regimes}
    first = modified_equation(pair.original, 1)
    second = modified_equation(pair.scheme, 1)
    names |= {f"{v}_bar": f"{names[v]}_bar" for v in first.scheme.units if v in names}  # memory in units of 1/gamma
    for mine, other in zip(written(first, names), written(second), strict=True):
        regimes = {new: old for new, old in pair.back.items() if old in pair.original.regimes}
        for new, old in regimes.items():
            other = other.replace(new, old)
        assert plain(mine) == plain(other)
    if names:
        assert written(first, names) != written(first)


@pytest.mark.parametrize(("command", "scheme"), READINGS)
def test_readings_in_own_letters_are_read_back(command: str, scheme: str) -> None:
    """Put back one by one, the letters give the output without the option; without them it has none of the old ones."""
    for style in (("--ascii",), ("--format", "latex")):
        own, before = (call(command, scheme, *style, *more) for more in (("--letters", option(OWN)), ()))
        if command == "explain":  # the update is shown as it is typed, and as it is written in letters of another
            own, before = (text[text.lower().index("regime") :] for text in (own, before))
        texts = [plain(text).replace("\\gamma", "gamma").replace("\\theta", "theta") for text in (own, before)]
        assert not re.search(r"(?<![A-Za-z])(gamma|theta|L)(?![A-Za-z])", own)
        assert re.sub(r"(gamma|theta|L)K", r"\1", texts[0]) == texts[1]


@pytest.mark.parametrize("scheme", ["gd", "momentum", "adam", "implicit-midpoint", "normalised-gd", "momentum-schedule"])
def test_an_article_in_own_letters_is_read_back(scheme: str) -> None:
    """As the readings; lines, which are filled by width, are joined."""
    own, before = (derive("paper", scheme, "--order", "1", *more) for more in (("--letters", option(OWN)), ()))
    assert not re.search(r"(?<![A-Za-z])(gamma|theta|L)(?![A-Za-z])", own)
    texts = [re.sub(r"\\\\&(\\qquad)?\{\}", "", plain(text)) for text in (own, before)]
    assert re.sub(r"(gamma|theta|L)K", r"\1", texts[0]) == texts[1]


def test_letters_of_an_article_that_are_its_own() -> None:
    """gamma may become another's letter; n counts the steps of the article, so a reader's n is set upright."""
    text = derive("paper", "momentum", "--order", "1", "--letters", "gamma=h,beta=gamma,theta=n")
    assert r"\newcommand{\step}{h}" in text
    assert r"\frac{1+\gamma}{2\,(1-\gamma)^{3}}" in text
    assert r"\dot{\mathrm{n}}" in text
    assert r"\newcommand{\step}{h}" in derive("paper", "--preamble", "--letters", "gamma=h")
    result = CliRunner().invoke(main, ["paper", "momentum", "--letters", "gamma=beta"])
    assert "would write gamma like beta" in str(result.exception)


def test_a_paper_with_h_x_and_f() -> None:
    eq = modified_equation("momentum", 1)
    text = eq.latex({"gamma": "h", "theta": "x", "L": "f", "beta": r"\boldsymbol{\mu}"})
    assert text == "\n".join((
        r"\begin{align*}", r"\dot{x} ={}& - \frac{1}{1-\boldsymbol{\mu}}\, \nabla f\\",
        r"&{}- h\, \frac{1+\boldsymbol{\mu}}{2\,(1-\boldsymbol{\mu})^{3}}\, \nabla^{2} f\left[\nabla f\right]", r"\end{align*}",
    ))  # fmt: skip
    shown = derive("modified-eq", "--scheme", "gd", "--letters", "γ=η,theta=w")
    assert "w = w - η ∇L(w)" in shown
    assert "θ" not in shown


def test_json_keeps_the_names_of_the_scheme() -> None:
    arguments = ("stability", "--scheme", "momentum", "--format", "json")
    assert json.loads(derive(*arguments, "--letters", "beta=mu")) == json.loads(derive(*arguments))


def test_letters_may_be_exchanged() -> None:
    assert checked({"gamma": "beta", "beta": "gamma"}, ["gamma", "beta"], False) == {"gamma": "beta", "beta": "gamma"}
    assert "2 - q + 2 γ > 0" in derive("stability", "--scheme", "momentum", "--letters", "gamma=beta,beta=gamma")


@pytest.mark.parametrize(("letters", "why"), [
    ("gamma=beta", "rename beta as well"), ("gamma=h", "rename h as well"), ("gamma=s,theta=s", "like"), ("nu=x", "no 'nu'"),
    ("gamma", "not of the form"), ("gamma=", "not of the form"), ("gamma=a,gamma=b", "given twice"),
    ("gamma=\\input{x}", "no letter"),
    ("gamma=\\mathbf{\\input}", "no letter"), ("gamma=a b", "no letter"), ("gamma=$x$", "no letter"), ("gamma=1", "no letter"),
    ("gamma=\\mathbf{w}", "for --format latex"), ("beta=z", "rename z as well"), ("gamma=\\mathbf{a}^2", "no letter"),
])  # fmt: skip
def test_what_is_refused(letters: str, why: str) -> None:
    result = CliRunner().invoke(main, ["stability", "--scheme", "momentum", "--letters", letters])
    assert isinstance(result.exception, UsageError)
    assert why in str(result.exception)
    assert "\n" not in str(result.exception)
    assert result.stdout == ""


def test_one_letter_in_two_spellings_is_one_letter() -> None:
    for letters in ({"gamma": "λ"}, {"gamma": "lambda"}, {"gamma": "lam"}):
        with pytest.raises(UsageError, match="rename lam"):
            checked(letters, ["gamma", "lam"], True)
    assert spelled("λ") == spelled("lambda") == "lam"
    assert read_letters("θ=x") == {"theta": "x"}


def test_the_curvature_and_its_multiple_may_be_renamed() -> None:
    s = stability("momentum")
    shown = derive("stability", "--scheme", "momentum", "--letters", "gamma=h,h=k,theta=x")
    assert "L = k x^2/2, q = h k" in shown
    assert s.curvature == "h"
