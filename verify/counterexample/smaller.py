"""A mismatch on a loss that is easy to check by hand."""

from __future__ import annotations

import random
from dataclasses import replace

from flint import arb, fmpq

from verify.counterexample.claimed import ClaimedField
from verify.counterexample.comparison import BITS, Mismatch, examine, examine_random
from verify.counterexample.samples import NoRationalPoint
from verify.numbers.precision import precision
from verify.orbits.slow_series import NotSlow

#: variables of the losses that are tried; two of them come in one layer or in two
DIMENSIONS, LAYERED = (1, 1, 2), (1, 2, 2, 2)


def smaller(claim: ClaimedField, mismatch: Mismatch, seed: int = 0) -> Mismatch:
    """A mismatch at the same power or below on a loss of one or two variables and low degree, about the origin where that does.

    The parameters keep their values.  Where no such loss shows it, the mismatch itself.
    """
    power, balls = mismatch.power, isinstance(mismatch.true, arb)
    short, values = claim.through(power), mismatch.sample.values
    with precision(BITS):
        for n, dimension in enumerate(LAYERED if claim.layered else DIMENSIONS):
            source = random.Random(f"small {seed + n} {dimension}")
            try:
                found = examine_random(short, values, source, dimension, power + 1, power, balls).mismatches
            except (ArithmeticError, NotSlow, NoRationalPoint):
                continue
            if found:
                return _about_origin(short, found[0], balls)
    return mismatch


def _about_origin(claim: ClaimedField, mismatch: Mismatch, balls: bool) -> Mismatch:
    """The same loss moved to the origin, if the claim fails there too."""
    problem = mismatch.sample.problem
    origin = problem.moved([fmpq(0) for _ in problem.point])
    try:
        found = examine(claim, replace(mismatch.sample, problem=origin), mismatch.power, balls).mismatches
    except ArithmeticError:
        return mismatch
    return found[0] if found else mismatch
