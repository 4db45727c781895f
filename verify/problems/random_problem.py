"""Random polynomial losses and fields about random rational points."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from itertools import product
from math import factorial, prod

from flint import fmpq

from verify.problems.game import Game
from verify.problems.polynomials import Polynomial
from verify.problems.problem import Problem


def random_polynomial(source: random.Random, dimension: int, degree: int) -> Polynomial:
    """Every monomial of degree 1 to `degree`, with small rational coefficients none of which vanishes."""
    result: Polynomial = {}
    for e in product(range(degree + 1), repeat=dimension):
        if 1 <= sum(e) <= degree:
            numerator = source.choice((-1, 1)) * source.randint(1, 9)
            scale = prod(map(factorial, e))
            result[e] = fmpq(numerator, scale * source.choice((1, 1, 2, 3)))
    return result


def random_problem(source: random.Random, dimension: int, degree: int, label: str = "L", height: bool = False) -> Problem:
    """A random polynomial loss (or field) about a random rational point; the loss is zero there, unless its `height` matters.

    >>> random_problem(random.Random(1), 2, 3).dimension
    2
    """
    point = _random_point(source, dimension)
    zero = (0,) * dimension
    if label == "L":
        return Problem(point, _random_loss(source, dimension, degree, height))
    parts = tuple(
        {zero: fmpq(source.choice((-1, 1)) * source.randint(1, 9)), **random_polynomial(source, dimension, degree - 1)}
        for _ in range(dimension)
    )
    return Problem(point, None, parts)


def _random_loss(source: random.Random, dimension: int, degree: int, height: bool) -> Polynomial:
    constant = {(0,) * dimension: fmpq(source.randint(1, 9), source.choice((2, 3, 4, 5)))} if height else {}
    return {**constant, **random_polynomial(source, dimension, degree)}


def _random_point(source: random.Random, dimension: int) -> tuple[fmpq, ...]:
    return tuple(fmpq(source.choice((-1, 1)) * source.randint(1, 9), source.choice((2, 3, 4, 5))) for _ in range(dimension))


def random_game(
    source: random.Random, slots: Mapping[str, Sequence[str]], sizes: Mapping[str, int], degree: int, height: bool = False
) -> Game:
    """Random polynomial losses about a random rational point; each is zero there, unless its `height` matters.

    >>> random_game(random.Random(1), {"f": ["x", "y"]}, {"x": 2, "y": 1}, 2).dimension
    3
    """
    point = {x: _random_point(source, size) for x, size in sizes.items()}
    losses = {}
    for f, xs in slots.items():
        place = tuple(v for x in xs for v in point[x])
        losses[f] = Problem(place, _random_loss(source, len(place), degree, height))
    return Game(slots, sizes, losses)
