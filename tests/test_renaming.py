"""Roles are found or declared, never read off a name: other letters, the same outputs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from plain_schemes import PLAIN
from renaming import Renamed, letters, neutral, own_names, renamed, source

from derive import catalogue, modified_equation
from derive.equation import ModifiedEquation
from derive.errors import DeriveError, ResidualError
from derive.paper import context, opening, operators, pieces, sequences
from derive.paper.document import article_of, paper_latex
from derive.readings.accuracy import accuracy
from derive.readings.compare import compare
from derive.readings.energy import modified_energy
from derive.readings.explain import explain
from derive.readings.initial_layer import initial_layer
from derive.readings.loss import loss_of, modified_loss
from derive.readings.modifying import modifying_field
from derive.readings.second_order import second_order
from derive.readings.stability import stability
from derive.scheme import Scheme, scheme_from_toml
from derive.writing import boxes, latex, linebreak
from derive.writing import readings as report
from derive.writing.explanation import explanation_lines
from derive.writing.latex import equation_latex, fragment
from derive.writing.losses import loss_lines
from derive.writing.notation import UNICODE
from derive.writing.series import notation
from derive.writing.stability import stability_lines
from derive.writing.text import equation_text
from verify.report.sections import velocity_of
from verify.report.words import Phrases, field_words, potential_words

Lines = Callable[..., Any]

#: name -> (the reading, its lines)
READINGS: dict[str, tuple[Callable[[Scheme, str | None], Any], Lines]] = {
    "modified-loss": (lambda s, r: modified_loss(s, 1, regime=r), loss_lines),
    "modified-loss map": (lambda s, r: modified_loss(s, 1, form="map", regime=r), loss_lines),
    "second-order": (lambda s, r: second_order(s, 1, regime=r), report.second_order_lines),
    "accuracy": (lambda s, r: accuracy(s, "theta' + grad", 1, regime=r), report.accuracy_lines),
    "accuracy two": (lambda s, r: accuracy(s, "theta'' + theta' + grad", 1, regime=r), report.accuracy_lines),
    "stability": (lambda s, r: stability(s, regime=r), stability_lines),
    "energy": (lambda s, r: modified_energy(s, 1, regime=r), report.energy_lines),
    "modifying": (lambda s, r: modifying_field(s, 1, regime=r), report.modifying_lines),
    "initial-layer": (lambda s, r: initial_layer(s, 1, regime=r), report.initial_layer_lines),
    "compare": (lambda s, r: compare(s, s, 1, regimes=(r, r)), report.comparison_lines),
    "compare gd": (lambda s, r: compare(s, "gd", 1, regimes=(r, None)), report.comparison_lines),
}  # fmt: skip


def outputs(read: Callable[[], Any], lines: Lines) -> dict[str, str]:
    """The reading as text, LaTeX and JSON; the reason where there is none."""
    try:
        reading = read()
    except (DeriveError, ResidualError) as error:
        return {"error": str(error)}
    equation = getattr(reading, "equation", None)
    found = {style: "\n".join(lines(reading, notation(style, equation))) for style in ("unicode", "ascii")}
    return found | {"latex": fragment(lines(reading, notation("latex", equation))), "json": json.dumps(reading.to_json())}


AUTOMATIC = {
    "adagrad-torch", "asgd", "dual-averaging", "ftrl", "madgrad", "schedule-free", "schedule-free-adamw", "srmm",
    "weight-average",
}  # fmt: skip


def unchanged(pair: Renamed, first: dict[str, str], second: dict[str, str]) -> None:
    """The second output is the first in other letters."""
    translated = {key: pair.translated(text) for key, text in second.items()}
    plain = [{k: re.sub(r"\\bar\{(\w+)\}", r"\1_bar", letters(v)) for k, v in x.items()} for x in (first, translated)]
    assert plain[1] == plain[0]


def pairs_of_regimes(pair: Renamed) -> Iterator[tuple[str | None, str | None]]:
    """Every regime with its new name; no regime, so that the reading chooses."""
    yield None, None
    yield from zip(pair.original.regimes, pair.scheme.regimes, strict=True)


@pytest.fixture(autouse=True)
def lines_are_not_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their width depends on the letters."""
    for module in (boxes, latex):
        monkeypatch.setattr(module, "width", lambda *_: 0.0)


@pytest.mark.parametrize("name", catalogue(noise=False, branches=False))
def test_equation(name: str) -> None:
    pair = renamed(source(name))
    for mine, other in pairs_of_regimes(pair):
        for form in ("flow", "map"):
            first, second = (
                modified_equation(s, 1, regime=r, form=form) for s, r in ((pair.original, mine), (pair.scheme, other))
            )
            written = [
                {"text": equation_text(e), "latex": equation_latex(e), "json": json.dumps(e.to_json())} for e in (first, second)
            ]
            unchanged(pair, *written)


#: without schemes whose memory is carried in units of 1/gamma (the S_bar of an S has a letter of its own in each medium), and
#: without q, the letter of gamma h in the reading of stability, which takes another there
LETTERED = [n for n in catalogue(noise=False, branches=False) if n not in AUTOMATIC]


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("name", LETTERED)
def test_reading(name: str, reading: str) -> None:
    pair = renamed(source(name))
    read, lines = READINGS[reading]
    for mine, other in pairs_of_regimes(pair):
        unchanged(
            pair,
            outputs(lambda mine=mine: read(pair.original, mine), lines),
            outputs(lambda other=other: read(pair.scheme, other), lines),
        )


@pytest.mark.slow
@pytest.mark.parametrize("name", LETTERED)
def test_explain(name: str) -> None:
    pair = renamed(source(name))
    first, second = (outputs(lambda s=s: explain(s), explanation_lines) for s in (pair.original, pair.scheme))
    unchanged(pair, first, second)


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in PLAIN if n in LETTERED])
def test_article(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines are not broken here, their width depends on the letters; an article's own letters (S, T) give way to a scheme's."""
    for module in (linebreak, opening, operators, pieces, sequences):
        monkeypatch.setattr(module, "width", lambda *_: 0.0)
    text = source(name)
    kept = {n: m for n, m in neutral(own_names(scheme_from_toml(text))).items() if n not in context._NAMES}
    pair = renamed(text, kept)
    for mine, other in [*pairs_of_regimes(pair)][1:] or [(None, None)]:
        first, second = (paper_latex(article_of(s, 1, r)) for s, r in ((pair.original, mine), (pair.scheme, other)))
        unchanged(pair, {"latex": first}, {"latex": second})


def phrases_of(equation: ModifiedEquation) -> dict[str, str]:
    """What the report says of every term of an equation and of its modified loss, with either sign."""
    phrases = Phrases(UNICODE.symbol, velocity_of(equation), equation.algebra.loss, equation.scheme.maps)
    said = [
        field_words(str(term), positive, phrases, x)
        for x, sums in equation.equations.items() for total in sums for _, term in total for positive in (False, True)
    ]  # fmt: skip
    try:
        potential = loss_of(equation).potential
    except DeriveError:
        potential = ()
    return {"words": "; ".join(said + [potential_words(str(term), True, phrases) for total in potential for _, term in total])}


@pytest.mark.parametrize("name", [n for n in PLAIN if n in LETTERED])
def test_words_of_the_report(name: str) -> None:
    pair = renamed(source(name))
    for mine, other in pairs_of_regimes(pair):
        both = ((pair.original, mine), (pair.scheme, other))
        unchanged(pair, *(phrases_of(modified_equation(s, 1, regime=r)) for s, r in both))


def test_the_velocity_has_words() -> None:
    """theta' = w + ... makes w the velocity; G of RMSprop, slow as well, is none."""
    pair = renamed(source("momentum"))
    said = phrases_of(modified_equation(pair.scheme, 1, regime=list(pair.scheme.regimes)[1]))["words"]
    assert "slows down: friction on the velocity" in said
    assert velocity_of(modified_equation("rmsprop", 1, regime="inertial")) is None
