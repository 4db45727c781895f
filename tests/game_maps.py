"""A second route to games: polynomials in Fractions, one period of a game as a map, and a field's flow over one period.

    period   every line of the update run on power series in gamma at a point                      z(gamma)
    drift    z_n is a polynomial in n at every power of gamma; f_k is its coefficient of n^1 at gamma^(k+1)
    flow     z(s) = z(0) + integral of gamma F(z), F = sum_k gamma^k f_k, from s = 0 to 1, power by power            z(1)

A polynomial is a dict from exponents to fractions.  Nothing of the package is used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise, product
from random import Random

Polynomial = dict[tuple[int, ...], Fraction]
Series = list[Fraction]  # coefficients of gamma^0, gamma^1, ...


def plus(a: Polynomial, b: Polynomial, factor: Fraction = Fraction(1)) -> Polynomial:
    result = dict(a)
    for m, c in b.items():
        result[m] = result.get(m, Fraction(0)) + factor * c
    return {m: c for m, c in result.items() if c}


def times(a: Polynomial, b: Polynomial) -> Polynomial:
    result: Polynomial = {}
    for (m, x), (n, y) in product(a.items(), b.items()):
        key = tuple(i + j for i, j in zip(m, n, strict=True))
        result[key] = result.get(key, Fraction(0)) + x * y
    return {m: c for m, c in result.items() if c}


def derivative(a: Polynomial, i: int) -> Polynomial:
    return {(*m[:i], m[i] - 1, *m[i + 1 :]): c * m[i] for m, c in a.items() if m[i]}


def on_series(a: Polynomial, point: Sequence[Series]) -> Series:
    """The polynomial at a point that is a power series in gamma."""
    size = len(point[0])
    total = [Fraction(0)] * size
    for m, c in a.items():
        power = [c] + [Fraction(0)] * (size - 1)
        for x, e in zip(point, m, strict=True):
            for _ in range(e):
                power = [sum((power[i] * x[k - i] for i in range(k + 1)), Fraction(0)) for k in range(size)]
        total = [s + p for s, p in zip(total, power, strict=True)]
    return total


def random_loss(random: Random, dimension: int, degree: int = 3) -> Polynomial:
    exponents = [m for m in product(range(degree + 1), repeat=dimension) if 0 < sum(m) <= degree]
    return {m: Fraction(random.randint(-6, 6), random.randint(1, 4)) for m in exponents}


class Game:
    """Players with their blocks of variables, losses and rates; a word of moves, those in one group at the same time."""

    def __init__(
        self, blocks: Mapping[str, range], losses: Mapping[str, Polynomial], rates: Mapping[str, Fraction], word: Sequence[str]
    ) -> None:
        self.blocks, self.losses, self.rates, self.word = blocks, losses, rates, word

    def period(self, point: Sequence[Fraction], order: int) -> list[Series]:
        """z after one period, through gamma^order."""
        return self.moved([[x] + [Fraction(0)] * order for x in point])

    def drift(self, point: Sequence[Fraction], order: int) -> list[list[Fraction]]:
        """f_0, ..., f_order at the point, one number a component: sum_j (-1)^(j+1)/j Delta^j z_0 at gamma^(k+1), j <= k + 1."""
        orbit = [[[x] + [Fraction(0)] * (order + 1) for x in point]]
        for _ in range(order + 1):
            orbit.append(self.moved(orbit[-1]))
        return [[linear_part([z[i][k] for z in orbit[: k + 1]]) for i in range(len(point))] for k in range(1, order + 2)]

    def moved(self, start: Sequence[Series]) -> list[Series]:
        """One period later."""
        z = [list(x) for x in start]
        for group in self.word:
            moves = {i: on_series(derivative(self.losses[p], i), z) for p in group for i in self.blocks[p]}
            for p in group:
                for i in self.blocks[p]:
                    shifted = [Fraction(0), *moves[i][:-1]]  # times gamma
                    z[i] = [a - self.rates[p] * b for a, b in zip(z[i], shifted, strict=True)]
        return z


def linear_part(values: Sequence[Fraction]) -> Fraction:
    """The coefficient of n^1 of the polynomial through v_0, v_1, ...: log(1 + Delta) v_0 in powers of Delta."""
    total, differences = Fraction(0), list(values)
    for j in range(1, len(values)):
        differences = [b - a for a, b in pairwise(differences)]
        total += Fraction((-1) ** (j + 1), j) * differences[0]
    return total


Orbit = dict[tuple[int, int], Fraction]  # (power of gamma, power of s) -> coefficient, on the flow at time s gamma


def _product(a: Orbit, b: Orbit, order: int) -> Orbit:
    result: Orbit = {}
    for (k, m), x in a.items():
        for (j, n), y in b.items():
            if k + j <= order:
                result[k + j, m + n] = result.get((k + j, m + n), Fraction(0)) + x * y
    return result


def _on_orbit(a: Polynomial, z: Sequence[Orbit], order: int) -> Orbit:
    powers = [[{(0, 0): Fraction(1)}] for _ in z]
    total: Orbit = {}
    for m, c in a.items():
        term: Orbit = {(0, 0): c}
        for x, known, e in zip(z, powers, m, strict=True):
            while len(known) <= e:
                known.append(_product(known[-1], x, order))
            term = _product(term, known[e], order)
        for key, y in term.items():
            total[key] = total.get(key, Fraction(0)) + y
    return total


def flow(field: Sequence[Sequence[Polynomial]], point: Sequence[Fraction], order: int) -> list[Series]:
    """The time-gamma flow of sum_k gamma^k field[k] at the point, through gamma^order.

    z(s) = z(0) + integral from 0 to s of gamma F(z): every round settles one more power of gamma.
    """
    start: list[Orbit] = [{(0, 0): x} for x in point]
    z = start
    for _ in range(order):
        following = [dict(x) for x in start]
        for k, components in enumerate(field):
            for total, component in zip(following, components, strict=True):
                for (power, m), c in _on_orbit(component, z, order - k - 1).items():
                    key = (power + k + 1, m + 1)
                    total[key] = total.get(key, Fraction(0)) + c / (m + 1)
        z = following
    return [[sum((c for (k, _), c in x.items() if k == n), Fraction(0)) for n in range(order + 1)] for x in z]


def text(a: Polynomial, names: Sequence[str]) -> str:
    """The polynomial in the language of losses."""
    terms = []
    for m, c in a.items():
        factors = [f"({c})", *(f"{x}**{e}" for x, e in zip(names, m, strict=True) if e)]
        terms.append("*".join(factors))
    return " + ".join(terms) or f"0*{names[0]}"
