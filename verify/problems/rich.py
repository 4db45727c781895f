"""Losses, fields and games with every monomial up to a degree and small random coefficients: coupled, nonlinear, reproducible."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import product

from verify.problems.game import Game, component_names, game_of_texts
from verify.problems.landscape import Loss
from verify.problems.layers import Layers


def rich_loss(dimension: int, degree: int, seed: int = 0, is_field: bool = False, layers: Layers = ()) -> Loss:
    """A loss or field; with layers, one whose every derivative couples them.

    >>> rich_loss(2, 2).variables
    ('x', 'y')
    """
    source = random.Random(f"{dimension} {degree} {seed}")
    names = ("x", "y", "z", "w")[:dimension]
    count = dimension if is_field else 1
    return Loss("; ".join(_polynomial(source, names, degree) for _ in range(count)), is_field, layers=layers)


def rich_game(slots: Mapping[str, Sequence[str]], sizes: Mapping[str, int], degree: int, seed: int = 0, lowest: int = 1) -> Game:
    """The losses of a game, in the components of the unknowns that each depends on; from degree `lowest` on.

    >>> rich_game({"f": ["x", "y"]}, {"x": 2, "y": 1}, 2).variables
    ('x1', 'x2', 'y1')
    """
    names, texts = component_names(sizes), {}
    for f, xs in slots.items():
        source = random.Random(f"{f} {degree} {seed}")
        texts[f] = _polynomial(source, [v for x in xs for v in names[x]], degree, lowest)
    return game_of_texts(slots, sizes, texts)


def _polynomial(source: random.Random, names: Sequence[str], degree: int, lowest: int = 1) -> str:
    terms = []
    for exponents in product(range(degree + 1), repeat=len(names)):
        total = sum(exponents)
        if lowest <= total <= degree:
            c = Fraction(source.choice((-1, 1)) * source.randint(1, 5), source.randint(3, 7) * (1 + total))
            terms.append(f"({c})*" + "*".join(f"{n}**{e}" for n, e in zip(names, exponents, strict=True) if e))
    return " + ".join(terms)
