"""Random losses, points and parameter values at which every root of the scheme is a rational number.

Roots are taken of quantities b that are known from the update text at gamma = 0 (`exact.support`).  Where b is not a square it
is made one: as a function of one free number x (a component of the gradient or of a slow variable) it is a quadratic
polynomial, and rational points of y^2 = a x^2 + b x + c are had from one of them, or from a square among a and c:

    a = s^2:  y = s x + m,  x = (c - m^2)/(2 s m - b);      c = s^2:  y = s + m x,  x = (2 s m - b)/(a - m^2).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

from flint import fmpq

from verify.exact.points import NoRationalRoot, TermPoint, term_point
from verify.exact.support import Supports
from verify.numbers.power_series import IrrationalRoot, rational_power
from verify.orbits.slow_series import Sample
from verify.problems.problem import Problem
from verify.problems.random_problem import random_problem


def rational_sample(supports: Supports, source: random.Random, dimension: int, degree: int) -> tuple[Sample, TermPoint]:
    """A random sample, and its point, with every root rational.

    Raises IrrationalRoot when the free numbers do not allow it.
    """
    configuration = supports.configuration
    for _ in range(20):
        problem = random_problem(source, dimension, degree, configuration.scheme.label)
        sample = Sample(
            problem,
            supports.values,
            _slow_values(supports, source, dimension),
            _number(source),
            _functions(supports, source, degree),
        )
        try:
            return _with_roots(supports, sample, source)
        except (IrrationalRoot, ZeroDivisionError, ArithmeticError):
            continue
    raise IrrationalRoot("no point with rational roots was found")


def _number(source: random.Random) -> fmpq:
    value = fmpq(source.randint(1, 9), source.choice((2, 3, 4, 5)))
    return value if value != 1 else fmpq(8, 7)


def _slow_values(supports: Supports, source: random.Random, dimension: int) -> dict[str, Any]:
    """Positive and different: averages of squares are among them."""
    scalars = supports.algebra.scalars
    return {
        s: _number(source) if s in scalars else [_number(source) for _ in range(dimension)] for s in supports.slow if s != "theta"
    }


def _functions(supports: Supports, source: random.Random, degree: int) -> dict[str, list[fmpq]]:
    return {f: [_number(source) for _ in range(degree + 2)] for f in supports.configuration.scheme.functions}


def _with_roots(supports: Supports, sample: Sample, source: random.Random) -> tuple[Sample, TermPoint]:
    for _ in range(12 * sample.problem.dimension):
        try:
            return sample, term_point(supports.algebra, sample)
        except NoRationalRoot as error:
            sample = _repaired(supports, sample, error, source)
    raise IrrationalRoot("the roots cannot all be made rational")


Knob = Callable[[fmpq], Sample]


def _knobs(sample: Sample, component: int) -> Iterator[Knob]:
    """Ways to change one number of the sample: the gradient's component, then each slow variable's."""
    yield lambda x: replace(sample, problem=with_gradient(sample.problem, component, x))
    for name, value in sample.slow.items():
        if isinstance(value, list):
            yield lambda x, n=name, v=value: replace(  # type: ignore[misc]
                sample, slow={**sample.slow, n: [x if i == component else y for i, y in enumerate(v)]}
            )
        else:
            yield lambda x, n=name: replace(sample, slow={**sample.slow, n: x})  # type: ignore[misc]


def with_gradient(problem: Problem, component: int, x: Any) -> Problem:
    """The same loss (or field) with this component of the gradient at the point."""
    zero = (0,) * problem.dimension
    if problem.potential is not None:
        unit = tuple(int(i == component) for i in range(problem.dimension))
        return Problem(problem.point, {**problem.potential, unit: x})
    parts = [{**p, zero: x} if i == component else p for i, p in enumerate(problem.components)]
    return Problem(problem.point, None, tuple(parts))


def _repaired(supports: Supports, sample: Sample, error: NoRationalRoot, source: random.Random) -> Sample:
    """The sample with one number changed so that the base under this root is a square."""
    base = supports.algebra.bases[error.base]
    if base.q != 2:
        raise error
    for knob in _knobs(sample, error.component):

        def radicand(x: fmpq, knob: Knob = knob) -> fmpq:
            return _content(supports, knob(x), error.base, error.component)

        for _ in range(3):
            try:
                x = square_point(radicand, source)
            except (NoRationalRoot, ZeroDivisionError):
                x = None  # an earlier root moves with this number: try another
            if x is not None and x != 0:
                return knob(x)
    raise error


def _content(supports: Supports, sample: Sample, name: str, component: int) -> fmpq:
    problem = sample.problem
    leaf = "grad" if problem.potential is not None else "field"
    values = {**sample.names(), "theta": list(problem.point), leaf: problem.tensor(problem.point, (), None)}
    point = TermPoint(supports.algebra, problem, values)
    for base in supports.algebra.bases.values():
        content = point.combination(dict(base.content))
        if base.name == name:
            found: fmpq = content[component]
            return found
        roots = [
            rational_power(c, Fraction(1, base.q)) if base.scalar or i <= component else fmpq(1) for i, c in enumerate(content)
        ]
        point.values[base.name] = roots[0] if base.scalar else roots
    raise KeyError(name)


def square_point(f: Callable[[fmpq], fmpq], source: random.Random) -> fmpq | None:
    """An x with f(x) a rational square, for f a polynomial of degree at most two in x; None if none is found.

    >>> x = square_point(lambda x: x * x + fmpq(1, 3), random.Random(1))
    >>> rational_power(x * x + fmpq(1, 3), Fraction(1, 2)) ** 2 == x * x + fmpq(1, 3)
    True
    """
    zero, plus, minus, two = (f(fmpq(k)) for k in (0, 1, -1, 2))
    a, b, c = (plus + minus) / 2 - zero, (plus - minus) / 2, zero
    if 4 * a + 2 * b + c != two or (a == 0 and b == 0):
        return None
    m = fmpq(source.choice((-1, 1)) * source.randint(1, 7), source.choice((1, 2, 3, 5)))
    if a == 0:
        return (m * m - c) / b
    s = _root(a)
    if s is not None and 2 * s * m != b:
        return (c - m * m) / (2 * s * m - b)
    s = _root(c)
    if s is not None and a != m * m:
        return (2 * s * m - b) / (a - m * m)
    for p in range(1, 60):
        for q in range(1, 60):
            for x in (fmpq(p, q), fmpq(-p, q)):
                if _root(a * x * x + b * x + c) is not None:
                    return x
    return None


def _root(x: fmpq) -> fmpq | None:
    try:
        return rational_power(x, Fraction(1, 2))
    except IrrationalRoot:
        return None
