"""A second route to weak modified equations on finite data: one step run on polynomials, and the logarithm of its operator.

    (T p)(z) = sum over samples of weight * p(step(z, sample)),   T = exp(gamma G):   gamma G = sum (-1)^(k-1)/k (T - 1)^k

T is applied to the monomials of (z - z_0) with gamma as one more variable, truncated in gamma; (T - 1) gains a power of gamma, so
the sum ends.  A derivative of the test function has the coefficient that the monomial's image has at z_0, over its factorials.
Polynomials are those of `game_maps`; nothing of the package is used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import product
from math import factorial, prod

from game_maps import Polynomial, plus, times

#: the new point of a step: one polynomial a coordinate, in the coordinates and, last, gamma
Step = Sequence[Polynomial]


def variable(i: int, count: int) -> Polynomial:
    return {tuple(int(j == i) for j in range(count)): Fraction(1)}


def derivative(p: Polynomial, i: int) -> Polynomial:
    return {(*m[:i], m[i] - 1, *m[i + 1 :]): c * m[i] for m, c in p.items() if m[i]}


def cut(p: Polynomial, order: int) -> Polynomial:
    """Without powers of gamma above the order."""
    return {m: c for m, c in p.items() if m[-1] <= order}


def composed(p: Polynomial, step: Step, order: int) -> Polynomial:
    """p(step), gamma kept."""
    count = len(step) + 1
    one: Polynomial = {(0,) * count: Fraction(1)}
    total: Polynomial = {}
    for m, c in p.items():
        term = {(*(0,) * len(step), m[-1]): c}
        for coordinate, exponent in zip(step, m[:-1], strict=True):
            for _ in range(exponent):
                term = cut(times(term, coordinate), order)
        total = plus(total, times(one, term))
    return total


def gradient_step(loss: Polynomial, count: int) -> Step:
    """z - gamma grad loss, of a loss in `count` coordinates and gamma."""
    gamma = variable(count, count + 1)
    return [plus(variable(i, count + 1), times(gamma, derivative(loss, i)), Fraction(-1)) for i in range(count)]


def generator(
    steps: Sequence[Step], weights: Sequence[Fraction], point: Sequence[Fraction], order: int
) -> list[dict[tuple[int, ...], Fraction]]:
    """[gamma^k] of G at the point, k = 0, ..., order: exponents of derivatives -> coefficient."""
    count = len(point)

    def less_one(p: Polynomial) -> Polynomial:
        images = (composed(p, step, order + 1) for step in steps)
        total: Polynomial = {}
        for image, w in zip(images, weights, strict=True):
            total = plus(total, image, w)
        return plus(total, p, Fraction(-1))

    found: list[dict[tuple[int, ...], Fraction]] = [{} for _ in range(order + 1)]
    for index in product(range(order + 2), repeat=count):
        if 0 < sum(index) <= order + 1:
            for k, value in enumerate(logarithm(monomial(index, point), less_one, point, order)):
                if value:
                    found[k][index] = value / prod(map(factorial, index))
    return found


def monomial(index: tuple[int, ...], point: Sequence[Fraction]) -> Polynomial:
    """prod (z_i - point_i)^index_i."""
    count = len(point)
    p: Polynomial = {(0,) * (count + 1): Fraction(1)}
    for i, exponent in enumerate(index):
        difference = plus(variable(i, count + 1), {(0,) * (count + 1): Fraction(-1) * point[i]})
        for _ in range(exponent):
            p = times(p, difference)
    return p


def logarithm(
    p: Polynomial, less_one: Callable[[Polynomial], Polynomial], point: Sequence[Fraction], order: int
) -> list[Fraction]:
    """[gamma^(k+1)] of (log T p)(point)."""
    total: Polynomial = {}
    for k in range(1, order + 2):
        p = less_one(p)
        total = plus(total, p, Fraction((-1) ** (k - 1), k))
    values = [Fraction(0)] * (order + 2)
    for m, c in total.items():
        values[m[-1]] += c * prod(x**e for x, e in zip(point, m[:-1], strict=True))
    assert not values[0]
    return values[1:]
