"""Samples at which every root of the scheme and of the claim is a rational number.

The claim and one step are run on numbers that note what is under each square root.  Where that is no square it is made one: as a
function of one free number x (a component of the gradient or of a slow variable) it is a quadratic polynomial, and rational
points of y^2 = a x^2 + b x + c are had from one of them, or from a square among a and c:

    a = s^2:  y = s x + m,  x = (c - m^2)/(2 s m - b);      c = s^2:  y = s + m x,  x = (2 s m - b)/(a - m^2).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

from flint import fmpq

from verify.counterexample.claimed import ClaimedField, memory_values
from verify.counterexample.samples import NoRationalPoint
from verify.numbers.kinds import EXACT, Numbers, SeriesNumbers
from verify.numbers.power_series import IrrationalRoot, Series, SingularSeries, gamma_series, rational_power, to_fmpq
from verify.orbits.run import Runner
from verify.orbits.slow_series import Sample
from verify.problems.formula import FormulaValues

#: powers of gamma that one step is followed through, and repairs for each component, before a sample is given up
LENGTH, REPAIRS = 6, 12


class NoRationalRoot(IrrationalRoot):
    """The square root taken at this place of the run is irrational."""

    def __init__(self, place: int) -> None:
        super().__init__(f"square root number {place}")
        self.place = place


class _Reached(Exception):
    """What is under the square root that was asked for."""

    def __init__(self, value: fmpq) -> None:
        self.value = value


def _counting(stop: int | None) -> Numbers:
    """Exact numbers that count square roots; the run ends at number `stop`."""
    count = 0

    def power(x: Any, r: Fraction) -> Any:
        nonlocal count
        if r.denominator != 2:
            return EXACT.power(x, r)
        place, count = count, count + 1
        if place == stop:
            raise _Reached(x[0] if isinstance(x, Series) else to_fmpq(x))
        try:
            return EXACT.power(x, r)
        except IrrationalRoot:
            raise NoRationalRoot(place) from None

    return SeriesNumbers(to_fmpq, power)


def take_roots(claim: ClaimedField, sample: Sample, numbers: Numbers = EXACT) -> None:
    """Take every root of the memory at gamma = 0, of one step and of the claim.

    Raises IrrationalRoot, SingularSeries.
    """
    problem = sample.problem
    formulas = FormulaValues(problem, problem.point, sample.names(), numbers, maps=sample.maps)
    memory = memory_values(claim, formulas)
    functions = {f: sample.time_function(f) for f in sample.functions}
    runner = Runner(claim.configuration, problem.gradient, sample.values, numbers, functions, 1, problem)

    def series(value: Any) -> Any:
        return [series(v) for v in value] if isinstance(value, list) else Series.constant(value, LENGTH)

    state = {x: series(v) for x, v in {**sample.points, **sample.slow, **memory}.items()}
    runner.step(state, gamma_series(LENGTH), Series.constant(sample.t, LENGTH))
    for root in claim.roots:
        formulas.of(root)


def radicand(claim: ClaimedField, sample: Sample, place: int) -> fmpq:
    """What is under the square root at this place.  Raises NoRationalRoot for an earlier one."""
    try:
        take_roots(claim, sample, _counting(place))
    except _Reached as found:
        return found.value
    raise SingularSeries(f"no square root number {place}")


def with_rational_roots(claim: ClaimedField, sample: Sample, source: random.Random) -> Sample:
    """The sample with numbers changed until every root is rational.

    Raises IrrationalRoot where that cannot be done, NoRationalPoint where nothing in a sample moves what is under a root.
    """
    for _ in range(REPAIRS * sample.problem.dimension):
        try:
            take_roots(claim, sample, _counting(None))
            return sample
        except NoRationalRoot as error:
            sample = _repaired(claim, sample, error.place, source)
    raise IrrationalRoot("the roots cannot all be made rational")


# ------------------------------------------------------------------------------------------ changing one number

Knob = Callable[[fmpq], Sample]


def _knobs(sample: Sample) -> Iterator[Knob]:
    """Ways to change one number of the sample: for each component the gradient's, then each slow variable's."""
    for i in range(sample.problem.gradient_size):
        yield lambda x, i=i: replace(sample, problem=sample.problem.with_gradient(i, x))  # type: ignore[misc]
        for name, value in sample.slow.items():
            if isinstance(value, list):
                yield lambda x, i=i, n=name, v=value: replace(  # type: ignore[misc]
                    sample, slow={**sample.slow, n: [x if j == i else y for j, y in enumerate(v)]}
                )
            elif i == 0:
                yield lambda x, n=name: replace(sample, slow={**sample.slow, n: x})  # type: ignore[misc]


def _repaired(claim: ClaimedField, sample: Sample, place: int, source: random.Random) -> Sample:
    """The sample with one number changed so that what is under this root is a square."""
    fixed = True
    for knob in _knobs(sample):

        def under_root(x: fmpq, knob: Knob = knob) -> fmpq:
            return radicand(claim, knob(x), place)

        try:
            if under_root(fmpq(2)) == under_root(fmpq(3)) == under_root(fmpq(5)):
                continue
            fixed = False
            for _ in range(3):
                x = square_point(under_root, source)
                if x:
                    return knob(x)
        except (IrrationalRoot, SingularSeries, ZeroDivisionError):
            fixed = False  # an earlier root moves with this number: try another
    raise NoRationalPoint("a root of a number is irrational") if fixed else IrrationalRoot(f"square root number {place}")


def square_point(f: Callable[[fmpq], fmpq], source: random.Random) -> fmpq | None:
    """An x with f(x) a rational square, for f a polynomial of degree at most two in x; None if none is found.

    >>> x = square_point(lambda x: x * x + fmpq(1, 3), random.Random(1))
    >>> rational_power(x * x + fmpq(1, 3), Fraction(1, 2)) ** 2 == x * x + fmpq(1, 3)
    True
    """
    one, minus, two, three = (f(fmpq(k)) for k in (1, -1, 2, 3))  # not at zero, where |x| has no expansion
    b = (one - minus) / 2
    a = (two - one - b) / 3
    c = one - a - b
    if 9 * a + 3 * b + c != three or (a == 0 and b == 0):
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
    fractions = (fmpq(sign * p, q) for p in range(1, 60) for q in range(1, 60) for sign in (1, -1))
    return next((x for x in fractions if _root(a * x * x + b * x + c) is not None), None)


def _root(x: fmpq) -> fmpq | None:
    try:
        return rational_power(x, Fraction(1, 2))
    except IrrationalRoot:
        return None
