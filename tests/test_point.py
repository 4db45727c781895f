"""The value of a term at a point, against its definition, and where two kinds of number must agree."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from math import cos, isclose, prod
from random import Random
from typing import Any

import pytest

from derive import inline_scheme, modified_equation
from derive.algebra.coefficients import Ratio, Ring
from derive.algebra.sums import Algebra
from derive.algebra.terms import Exponent, Factor, Term
from derive.concrete.point import Index, Point
from derive.readings.energy import modified_energy
from derive.readings.witness import is_nonzero
from derive.result import Combination

SIZE = 3


class Tensors:
    """Random rational derivatives: symmetric in all indices for a loss, in the arguments alone for a field."""

    size = SIZE

    def number(self, *key: object) -> Fraction:
        return Fraction(Random(str(key)).randint(-9, 9) or 1, Random(f"below{key}").randint(1, 5))

    def rational(self, value: Fraction) -> Fraction:
        return value

    def state(self, f: Factor) -> Sequence[Fraction]:
        return [self.number(f.label) if f.scalar else self.number(f.label, i) for i in range(SIZE)]

    def tensor(self, label: str, i: int, slots: Sequence[int]) -> Fraction:
        key = ("L", tuple(sorted((i, *slots)))) if label == "L" else ("f", i, tuple(sorted(slots)))
        return self.number(*key)

    def derivative(self, label: str, i: int, index: Index) -> Fraction:
        return self.tensor(label, i, [j for j, e in enumerate(index) for _ in range(e)])

    def power(self, x: Fraction, exponent: Exponent, f: Factor) -> Fraction:
        assert isinstance(exponent, int)
        return x**exponent

    def absolute(self, x: Fraction) -> Fraction:
        return abs(x)

    def coefficient(self, c: Ratio) -> Fraction:
        return c.at({s: self.number("parameter", s) for s in c.symbols()}, Fraction)


def defined(term: Term, i: int, at: Tensors) -> Fraction:
    """The component i, by the definition: a sum over every index of every argument."""
    return prod((of_factor(f, i, at) ** e for f, e in term.factors), start=Fraction(1))


def of_factor(f: Factor, i: int, at: Tensors) -> Any:
    if f.kind == "state":
        return at.state(f)[i]
    if f.kind == "node":
        places = product(range(SIZE), repeat=len(f.children))
        return sum(
            at.tensor(f.label, i, p) * prod(defined(c, j, at) for c, j in zip(f.children, p, strict=True)) for p in places
        )
    if f.kind == "sum":
        return sum(defined(f.children[0], j, at) for j in range(SIZE))
    if f.kind == "abs":
        return abs(defined(f.children[0], i, at))
    return sum(at.coefficient(c) * defined(t, i, at) for t, c in f.body)


FIELD = inline_scheme("k = field(theta + gamma*field(theta)/3)\ntheta = theta + gamma*k")
DOT = inline_scheme("g = grad(theta)\ntheta = theta - gamma*dot(g, g)*g/(1 + dot(theta, g))")


@pytest.mark.parametrize(
    "scheme,order,regime",
    [("gd", 4, None), ("momentum", 2, "inertial"), (FIELD, 3, None), ("adam", 2, None), (DOT, 1, None)],
    ids=["loss", "velocity", "field", "absolute values", "contractions"],
)
def test_every_term_has_the_value_of_its_definition(scheme: Any, order: int, regime: str | None) -> None:
    equation = modified_equation(scheme, order, regime=regime)
    numbers = Tensors()
    point = Point(numbers)
    seen = 0
    for sums in equation.equations.values():
        for _, term in (pair for total in sums for pair in total):
            if all(isinstance(e, int) for f, e in term.factors):
                assert point.term(term) == [defined(term, i, numbers) for i in range(SIZE)], str(term)
                seen += 1
    assert seen > 1


def test_a_field_has_no_symmetry_between_component_and_argument() -> None:
    """<f, f'[u]> - <u, f'[f]> vanishes where f' is symmetric, for a gradient, and only there."""
    for label, differs in (("f", True), ("L", False)):
        a = Algebra(Ring())
        u, f = a.state("u"), a.node_sum(label, [])
        first = a.contract(a.product(f, a.node_of_sums(label, [u])))
        second = a.contract(a.product(u, a.node_of_sums(label, [f])))
        assert is_nonzero(Combination(a, a.add(first, {t: -c for t, c in second.items()}))) is differs


def test_the_loss_itself_is_a_number_like_any_other() -> None:
    """E = eta^2/2 + L + ... on L = cos(x): irrational, to all digits asked for."""
    energy = modified_energy("momentum", 1, settings={"lam": "0"})
    (value, _) = energy.evaluate("cos(x)", {"x": "1/2", "eta_x": "1"}, digits=12)
    assert len(value) == 13
    assert isclose(float(value), 0.5 + cos(0.5), rel_tol=1e-11)
