"""The preconditioned reading of componentwise schemes: field = -P * grad V with P = -f_0 / grad L, elementwise.

Two limits in which the Adam papers find a loss are read as well: eps -> 0 (the field at eps = 0) and eps -> infinity (the
leading power of eps of every coefficient).  Source: Cattaneo, Klusowski & Shigida, ICML 2024, arXiv:2309.00079.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction

from derive.algebra.sums import Algebra, Sum, accumulate
from derive.algebra.terms import Exponent, Factor, Term
from derive.equation import ModifiedEquation, TermSum, modified_equation
from derive.errors import DeriveError
from derive.readings.potential import ModifiedLoss, read_fields

EPS = "eps"


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
    """(P, the reading of f_k / P, the readings in the limits of eps)."""
    algebra = equation.algebra
    fields = [s.sum for s in equation.equations["theta"]]
    factor = elementwise_factor(algebra, fields[0])
    if factor is None:
        return None, None, ()
    inverse = algebra.power(factor, Fraction(-1))
    divided = [algebra.partial_fractions(algebra.product(f, inverse)) for f in fields]
    try:
        inner = read_fields(equation, divided)
    except DeriveError:
        return TermSum(algebra, factor), None, ()
    if inner.obstruction is None:
        return TermSum(algebra, factor), inner, ()
    return TermSum(algebra, factor), inner, tuple(_limits(equation, divided))


def _limits(equation: ModifiedEquation, divided: list[Sum]) -> Iterator[tuple[str, ModifiedLoss]]:
    if EPS not in equation.configuration.free:
        return
    with suppress(DeriveError):
        yield "eps -> 0", _at_zero(equation)
    with suppress(DeriveError):
        large = read_fields(equation, [_leading_in_eps(equation.algebra, f) for f in divided])
        if large.potential and str(large.potential[0]) == "L":  # with a decay beside it, P grad L is lost in the limit
            yield "eps -> infinity", large


def _at_zero(equation: ModifiedEquation) -> ModifiedLoss:
    settings = dict(equation.configuration.settings) | {EPS: "0"}
    regime = equation.configuration.regime or None
    limit = modified_equation(equation.scheme, equation.order, regime=regime, form=equation.form, settings=settings)
    fields = [s.sum for s in limit.equations["theta"]]
    factor = elementwise_factor(limit.algebra, fields[0])
    inverse = limit.algebra.power(factor or {}, Fraction(-1))
    return read_fields(limit, [limit.algebra.partial_fractions(limit.algebra.product(f, inverse)) for f in fields])


def _leading_in_eps(algebra: Algebra, field: Sum) -> Sum:
    """The part of highest degree in eps, with every base B = ... + c eps replaced by its last term c eps."""
    total: Sum = {}
    for t, c in field.items():
        accumulate(total, algebra.scale(_large(algebra, t), c))
    degrees = {t: _degree(t) + _coefficient_degree(c) for t, c in total.items()}
    top = max(degrees.values(), default=Fraction(0))
    return {t: c for t, c in total.items() if degrees[t] == top}


def _large(algebra: Algebra, term: Term) -> Sum:
    result: Sum = {algebra.unit: algebra.ring.one}
    for f, e in term.factors:
        result = algebra.product(result, _large_factor(algebra, f, e))
    return result


def _large_factor(algebra: Algebra, f: Factor, e: Exponent) -> Sum:
    one = algebra.ring.one
    constant = dict(f.body).get(algebra.unit) if f.kind == "base" else None
    if constant is not None and EPS in constant.symbols():
        return algebra.power(algebra.constant(constant), Fraction(e))
    if f.children and f.kind in ("node", "sum") and isinstance(e, int) and e > 0:
        inner = [_large(algebra, c) for c in f.children]
        image = algebra.contract(inner[0]) if f.kind == "sum" else algebra.node_of_sums(f.label, inner)
        return algebra.power(image, Fraction(e))
    return {algebra.interner.term({f: e}): one}


def _degree(term: Term) -> Fraction:
    """Degree in eps of the roots of a term."""
    return sum((e * _coefficient_degree(f.body[0][1]) for f, e in term.factors if f.kind == "root"), Fraction(0))


def _coefficient_degree(value: object) -> Fraction:
    from derive.algebra.coefficients import Ratio

    assert isinstance(value, Ratio)
    value = value.reduced()
    index = 1 + value.ring.symbols.index(EPS)
    bottom = sum(int(value.ring.factors[i].degrees()[index]) * e for i, e in value.den)
    return Fraction(int(value.num.degrees()[index]) - bottom)
