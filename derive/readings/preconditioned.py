"""The preconditioned reading of componentwise schemes: field = -P * grad V with P = -f_0 / grad L, elementwise.

Two limits in which the Adam papers find a loss are read as well, for every stabiliser eps: eps -> 0 (the field at eps = 0) and
eps -> infinity (the leading power of eps of every coefficient).  A stabiliser is found by where it stands: a constant under a
root or in a denominator of the limit field vanishes with it, and its range, where one is stated, is 0 < eps < infinity.
Source: Cattaneo, Klusowski & Shigida, ICML 2024, arXiv:2309.00079.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction

from derive.algebra.calculus import loss_term, same
from derive.algebra.coefficients import Ratio
from derive.algebra.sums import Algebra, Sum, accumulate
from derive.algebra.terms import Exponent, Factor, Term
from derive.equation import ModifiedEquation, TermSum, modified_equation
from derive.errors import DeriveError
from derive.readings.potential import ModifiedLoss, read_fields
from derive.scheme import Parameter
from derive.scheme.ranges import comparisons


def elementwise_factor(algebra: Algebra, field: Sum) -> Sum | None:
    """P with field = -P * grad L, from the terms that have grad L as a factor at the index; None if there is none."""
    grad = next(iter(next(iter(algebra.node_sum("L", []))).factors))[0]
    result: Sum = {}
    for t, c in field.items():
        exponents = dict(t.factors)
        if isinstance(e := exponents.get(grad), int) and e >= 1:
            exponents[grad] = e - 1
            accumulate(result, algebra.scale(algebra.normal(exponents), -c))
    return result or None


def preconditioned_reading(
    equation: ModifiedEquation,
) -> tuple[TermSum | None, ModifiedLoss | None, tuple[tuple[str, ModifiedLoss], ...]]:
    """(P, the reading of f_k / P, the readings in the limits of every stabiliser)."""
    algebra = equation.algebra
    fields = [s.sum for s in equation.equations["theta"]]
    factor = elementwise_factor(algebra, fields[0])
    if factor is None:
        return None, None, ()
    inverse = algebra.power(factor, Fraction(-1))
    divided = [algebra.partial_fractions(algebra.product(f, inverse)) for f in fields]
    try:
        inner = replace(read_fields(equation, divided), divided=True)
    except DeriveError:
        return TermSum(algebra, factor), None, ()
    if inner.obstruction is None:
        return TermSum(algebra, factor), inner, ()
    return TermSum(algebra, factor), inner, tuple(_limits(equation, factor, divided))


def _limits(equation: ModifiedEquation, factor: Sum, divided: list[Sum]) -> Iterator[tuple[str, ModifiedLoss]]:
    algebra = equation.algebra
    for eps in stabilisers(equation):
        with suppress(DeriveError):
            yield f"{eps} -> 0", _at_zero(equation, eps)
        with suppress(DeriveError):
            limit = _Large(algebra, eps).leading
            large = read_fields(equation, [limit(f) for f in divided])
            large = replace(large, divided=True, preconditioner=TermSum(algebra, limit(factor)))
            if large.potential and same(algebra, large.potential[0].sum, loss_term(algebra)):  # a decay loses P grad L
                yield f"{eps} -> infinity", large


def stabilisers(equation: ModifiedEquation) -> tuple[str, ...]:
    """The parameters eps > 0 with which a constant under a root or in a denominator of the limit field vanishes.

    >>> stabilisers(modified_equation("adam", 0)), stabilisers(modified_equation("momentum", 0))
    (('eps',), ())
    """
    c = equation.configuration
    constants = [x for s in equation.equations.values() for x in _constants(s[0].sum)]
    return tuple(n for n in c.free if _from_zero(c.scheme.parameters.get(n)) and any(x.vanishes_with(n) for x in constants))


def _constants(total: Iterable[Term]) -> Iterator[Ratio]:
    """Constant terms of what stands under a root or in a denominator."""
    for term in total:
        for f, _ in term.factors:
            if f.kind in ("base", "root"):
                yield from (c for t, c in f.body if not t.factors)
            yield from _constants((*f.children, *(t for t, _ in f.body)))


def _from_zero(parameter: Parameter | None) -> bool:
    """Whether the range, as far as one is stated, is 0 < eps < infinity."""
    if parameter is None or not parameter.range:
        return True
    return comparisons(parameter) in ([(parameter.name, ">", "0")], [("0", "<", parameter.name)])


def _at_zero(equation: ModifiedEquation, eps: str) -> ModifiedLoss:
    settings = dict(equation.configuration.settings) | {eps: "0"}
    regime = equation.configuration.regime or None
    limit = modified_equation(equation.scheme, equation.order, regime=regime, form=equation.form, settings=settings)
    fields = [s.sum for s in limit.equations["theta"]]
    factor = elementwise_factor(limit.algebra, fields[0])
    inverse = limit.algebra.power(factor or {}, Fraction(-1))
    divided = [limit.algebra.partial_fractions(limit.algebra.product(f, inverse)) for f in fields]
    return replace(read_fields(limit, divided), divided=True, preconditioner=TermSum(limit.algebra, factor or {}))


class _Large:
    """Fields for eps -> infinity."""

    def __init__(self, algebra: Algebra, eps: str) -> None:
        self.algebra, self.eps = algebra, eps

    def leading(self, field: Sum) -> Sum:
        """The part of highest degree in eps, with every base B = ... + c eps replaced by its last term c eps."""
        total: Sum = {}
        for t, c in field.items():
            accumulate(total, self.algebra.scale(self.term(t), c))
        degrees = {t: self.degree(t) + self.degree_of(c) for t, c in total.items()}
        top = max(degrees.values(), default=Fraction(0))
        return {t: c for t, c in total.items() if degrees[t] == top}

    def term(self, term: Term) -> Sum:
        result: Sum = {self.algebra.unit: self.algebra.ring.one}
        for f, e in term.factors:
            result = self.algebra.product(result, self.factor(f, e))
        return result

    def factor(self, f: Factor, e: Exponent) -> Sum:
        algebra = self.algebra
        constant = dict(f.body).get(algebra.unit) if f.kind == "base" else None
        if constant is not None and self.eps in constant.symbols():
            return algebra.power(algebra.constant(constant), Fraction(e))
        if f.children and f.kind in ("node", "sum") and isinstance(e, int) and e > 0:
            inner = [self.term(c) for c in f.children]
            image = algebra.contract(inner[0], f.label) if f.kind == "sum" else algebra.node_of_sums(f.label, inner)
            return algebra.power(image, Fraction(e))
        return {algebra.interner.term({f: e}): algebra.ring.one}

    def degree(self, term: Term) -> Fraction:
        """Degree in eps of the roots of a term."""
        return sum((e * self.degree_of(f.body[0][1]) for f, e in term.factors if f.kind == "root"), Fraction(0))

    def degree_of(self, value: Ratio) -> Fraction:
        value = value.reduced()
        index = value.ring.names.index(self.eps)
        bottom = sum(int(value.ring.factors[i].degrees()[index]) * e for i, e in value.den)
        return Fraction(int(value.num.degrees()[index]) - bottom)
