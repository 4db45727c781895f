"""Pages about two players: their words, their game, what is refused, and the picture in headless Chromium."""

from __future__ import annotations

import html
import re
from fractions import Fraction
from pathlib import Path

import pytest
from click.testing import CliRunner
from test_report_browser import chromium, complaints, needs_chromium

from derive import load_scheme
from derive.scheme import Scheme, scheme_from_toml
from derive.scheme.catalogue import catalogue
from verify.commands.report import report_command
from verify.numeric.slopes import SlopeTable
from verify.report.material import Request, gather
from verify.report.page import report_page
from verify.report.players import plane_game

pytest.importorskip("ziamath", reason="the report's formulas need ziamath")
GAMES = sorted(name for name in catalogue() if name.startswith("game-"))
LONG = ("game-consensus", "game-symplectic-adjustment")  # each takes as long as all others together
GRADIENTS = """
name = "two"
update = "x = x - gamma*grad(f, x)\\ny = y {sign} gamma*grad({second}, y)"
unknowns = {{ x = "the first", y = "the second" }}
functions = {functions}
"""


def game(functions: str, second: str, sign: str) -> Scheme:
    return scheme_from_toml(GRADIENTS.format(functions=functions, second=second, sign=sign))


ONE = game('{ f = "loss(x, y)" }', "f", "+")


def page_text(request: Request) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", report_page(gather(request))))


def test_there_are_games() -> None:
    assert len(GAMES) >= 8


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] * (n in LONG)) for n in GAMES])
def test_every_game_has_a_page_whose_slopes_are_the_expected_ones(name: str) -> None:
    request = Request(load_scheme(name), 1, certificate=False)
    material = gather(request)
    assert isinstance(material.table, SlopeTable)
    assert material.table.confirmed
    text = html.unescape(re.sub(r"<[^>]+>", "", report_page(material)))
    assert "x descends f" in text
    assert "y descends g" in text
    assert "g = -f, a zero-sum game: to descend g is to ascend f." in text
    assert "has no regimes" not in text


def test_the_words_follow_the_sign() -> None:
    text = page_text(Request(ONE, 1, certificate=False))
    assert "At the lowest power of γ, x descends f and y ascends f." in text
    assert "in x′: x lowers |∇_x f|²" in text
    assert "in y′: y raises" not in text, "the squared gradient is lowered by ascent too"
    assert "zero-sum" not in text


def test_two_texts_are_two_losses() -> None:
    text = page_text(Request(load_scheme("game-simultaneous"), 0, loss="x*y + x**2/2; y**2/2 - x*y", certificate=False))
    assert "In the pictures f = x*y + x**2/2; g = y**2/2 - x*y." in text
    assert "zero-sum game:" not in text


def test_the_order_of_the_arguments_is_the_losses_own() -> None:
    """f(y, x) at x = 2, y = 3; read as f(x, y) the value would be 3 - 2*2."""
    turned = plane_game(game('{ f = "loss(y, x)" }', "f", "+"), "x - 2*y")
    assert turned.value([Fraction(2), Fraction(3)]) == -4
    assert turned.variables == ("x", "y")


def test_a_wrong_field_has_other_slopes(monkeypatch: pytest.MonkeyPatch) -> None:
    """f in the place of g in the first correction alone: x would answer a y that descends f."""
    from derive import ModifiedEquation

    right = ModifiedEquation.to_json

    def wrong(self: ModifiedEquation) -> dict[str, object]:
        found = right(self)
        for blocks in found["equations"].values():
            for item in blocks[1]["terms"]:
                item["term"] = re.sub(r"\bg\b", "f", item["term"])
        return found

    monkeypatch.setattr(ModifiedEquation, "to_json", wrong)
    table = gather(Request(load_scheme("game-simultaneous"), 1, certificate=False)).table
    assert isinstance(table, SlopeTable)
    assert not table.confirmed


THREE = """
name = "three"
update = "x = x - gamma*grad(f, x)\\ny = y + gamma*grad(f, y)\\nz = z + gamma*grad(f, z)"
unknowns = { x = "a", y = "b", z = "c" }
functions = { f = "loss(x, y, z)" }
"""
ALONE = game('{ f = "loss(x)", g = "loss(x, y)" }', "g", "-")


@pytest.mark.parametrize(("scheme", "options", "says"), [
    (THREE, (), "draws two players of one number each, whose losses read both; the unknowns here are x, y, z"),
    (ALONE, (), "the losses here are f(x), g(x, y)"),
    ("game-simultaneous", ("--loss", "x*y*z"), "has the variable z"),
    ("game-simultaneous", ("--loss", "x;y;x*y"), "3 texts for f, g"),
    ("game-simultaneous", ("--field", "x;y"), "give --loss"),
    ("game-simultaneous", ("--at", "x=1"), "'y' has no value"),
])  # fmt: skip
def test_what_is_no_game_in_the_plane_is_refused(
    scheme: Scheme | str, options: tuple[str, ...], says: str, tmp_path: Path
) -> None:
    if isinstance(scheme, str) and scheme in GAMES:
        result = CliRunner().invoke(report_command, ["--scheme", scheme, *options, "-o", str(tmp_path / "r.html")])
        message = result.output + str(result.exception)
    else:
        chosen = scheme_from_toml(scheme) if isinstance(scheme, str) else scheme
        with pytest.raises(Exception, match="a report of a game") as refused:
            gather(Request(chosen, 1))
        message = str(refused.value)
    assert says in message
    assert len(message.splitlines()) <= 5
    assert not list(tmp_path.iterdir())


@needs_chromium
@pytest.mark.parametrize("name", ["game-simultaneous", "game-negative-momentum"])
def test_the_picture_shows_the_difference(name: str, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(report_page(gather(Request(load_scheme(name), 1, certificate=False))), "utf-8")
    done = chromium(path, tmp_path / "profile", "--dump-dom", "--virtual-time-budget=3000")
    assert not complaints(done.stderr)
    status = re.search(r'id="status"[^>]*data-limit="([^"]+)" data-modified="([^"]+)"', done.stdout)
    assert status is not None
    assert float(status[2]) < float(status[1]) / 1.5
