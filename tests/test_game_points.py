"""Concrete games at a point, as the command prints them: values[player][k] against the drift of exact period maps.

Polynomial games in rational arithmetic; z_n is iterated on power series in gamma and is a polynomial in n at each power, so
f_k is a number that needs no flow, no trees and nothing of the package (`game_maps.Game.drift`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner
from game_maps import Game, random_loss, text

from derive.commands.main import main

LOSSES = {"x": "f", "y": "g", "z": "h"}
ORDER = 3


@dataclass(frozen=True)
class Case:
    """A word of moves, players' numbers of components, rates, and on which players each one's loss depends (all)."""

    word: Sequence[str]
    sizes: Mapping[str, int]
    rates: Mapping[str, str]
    slots: Mapping[str, str] | None = None

    def players(self, of: str) -> Sequence[str]:
        return tuple(self.slots[of] if self.slots else self.sizes)


CASES = {
    "(xy)": Case(["xy"], {"x": 2, "y": 1}, {"x": "1", "y": "1"}),
    "(xy), unequal rates": Case(["xy"], {"x": 1, "y": 2}, {"x": "3/2", "y": "1/5"}),
    "x y": Case(["x", "y"], {"x": 2, "y": 1}, {"x": "2", "y": "1/3"}),
    "x x y": Case(["x", "x", "y"], {"x": 1, "y": 2}, {"x": "1/2", "y": "3"}),
    "x y x": Case(["x", "y", "x"], {"x": 2, "y": 1}, {"x": "1/3", "y": "1"}),
    "x y y x, a lone loss of y": Case(["x", "y", "y", "x"], {"x": 1, "y": 1}, {"x": "1", "y": "2/3"}, {"x": "xy", "y": "y"}),
    "x y z in a cycle": Case(
        ["x", "y", "z"], {"x": 1, "y": 1, "z": 1}, {"x": "1", "y": "1/2", "z": "2"}, {"x": "xy", "y": "yz", "z": "zx"}
    ),
    "(xyz) in a cycle": Case(["xyz"], {"x": 1, "y": 1, "z": 1}, dict.fromkeys("xyz", "1"), {"x": "xy", "y": "yz", "z": "zx"}),
    "(xz) y": Case(["xz", "y"], {"x": 1, "y": 1, "z": 1}, {"x": "1/4", "y": "1", "z": "5/3"}),
}


def scheme(case: Case) -> str:
    lines = []
    for group in case.word:
        lines += [f"d{p} = grad({LOSSES[p]}, {p})" for p in group]
        lines += [f"{p} = {p} - {case.rates[p]}*gamma*d{p}" for p in group]
    declared = [f'{LOSSES[p]} = "loss({", ".join(case.players(p))})"' for p in case.sizes]
    unknowns = [f'{p} = "a player"' for p in case.sizes]
    return "\n".join(['name = "game"', 'update = """', *lines, '"""', "[unknowns]", *unknowns, "[functions]", *declared])


def exact(case: Case, seed: int) -> tuple[Game, list[str], str]:
    """The game, its variables, and its losses as a text."""
    random, names, blocks = Random(seed), [], {}
    for p, size in case.sizes.items():
        blocks[p] = range(len(names), len(names) + size)
        names += [f"{p}{i + 1}" for i in range(size)]
    losses = {}
    for p in case.sizes:
        places = [i for q in case.players(p) for i in blocks[q]]
        small = random_loss(random, len(places))
        losses[p] = {tuple(dict(zip(places, m, strict=True)).get(i, 0) for i in range(len(names))): c for m, c in small.items()}
    rates = {p: Fraction(r) for p, r in case.rates.items()}
    said = "; ".join(f"{LOSSES[p]} = {text(losses[p], names)}" for p in case.sizes)
    return Game(blocks, losses, rates, case.word), names, said


def printed(case: Case, names: Sequence[str], losses: str, point: Sequence[Fraction], folder: Path) -> dict[str, Any]:
    """The values in the JSON of the command."""
    path = folder / "game.toml"
    path.write_text(scheme(case), "utf-8")
    variables = "; ".join(f"{p} = {', '.join(n for n in names if n[0] == p)}" for p in case.sizes)
    at = ",".join(f"{n}={c}" for n, c in zip(names, point, strict=True))
    options = ["--order", str(ORDER), "--loss", losses, "--variables", variables, "--at", at, "--format", "json"]
    found = CliRunner().invoke(main, ["modified-eq", str(path), *options])
    assert found.exit_code == 0, found.stderr
    values: dict[str, Any] = json.loads(found.stdout)["values"]
    return values


def blocks(game: Game, drift: Sequence[Sequence[Fraction]]) -> dict[str, list[list[str]]]:
    return {p: [[str(f[i]) for i in places] for f in drift] for p, places in game.blocks.items()}


POINT = [Fraction(2, 3), Fraction(-3, 5), Fraction(1, 2)]


@pytest.mark.parametrize("name", CASES)
def test_values_at_a_point_are_the_drift_of_the_period_map(name: str, tmp_path: Path) -> None:
    """Through gamma^3 in the field, gamma^4 in the map."""
    case = CASES[name]
    game, names, losses = exact(case, 1)
    point = POINT[: len(names)]
    assert printed(case, names, losses, point, tmp_path) == blocks(game, game.drift(point, ORDER))


@pytest.mark.parametrize("name", CASES)
def test_another_game_has_another_drift(name: str, tmp_path: Path) -> None:
    """The order of moves, a rate, a coefficient of a loss: each changes the numbers, the limit flow's or those after it."""
    case = CASES[name]
    game, names, losses = exact(case, 1)
    point = POINT[: len(names)]
    values = printed(case, names, losses, point, tmp_path)
    first = next(iter(case.sizes))
    monomial = max(game.losses[first], key=lambda m: (bool(game.losses[first][m]), sum(m), m))
    changed = {**game.losses[first], monomial: game.losses[first][monomial] * Fraction(1001, 1000)}
    others = [
        Game(game.blocks, game.losses, {**game.rates, first: game.rates[first] * Fraction(1001, 1000)}, game.word),
        Game(game.blocks, {**game.losses, first: changed}, game.rates, game.word),
    ]
    for other in others:
        found = blocks(other, other.drift(point, ORDER))
        assert all(found[first][k] != values[first][k] for k in range(ORDER + 1))


@pytest.mark.parametrize(("one", "other"), [("(xy)", ["x", "y"]), ("x y", ["y", "x"]), ("x x y", ["x", "y", "x"])])
def test_the_order_of_moves_is_seen_after_the_limit_flow(one: str, other: Sequence[str], tmp_path: Path) -> None:
    case = CASES[one]
    game, names, losses = exact(case, 1)
    moved = Game(game.blocks, game.losses, game.rates, other)
    values = printed(case, names, losses, POINT, tmp_path)
    found = blocks(moved, moved.drift(POINT, ORDER))
    assert all(values[p][0] == found[p][0] for p in case.sizes)
    assert any(values[p][1] != found[p][1] for p in case.sizes)
