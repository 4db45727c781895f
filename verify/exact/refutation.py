"""What is right instead: a small counterexample, and the true coefficients solved from exact values alone."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction

from flint import fmpq, fmpq_mat

from verify.exact.claimed import ClaimedField, with_numbers
from verify.exact.examined import Mismatch, examine, mismatches_at
from verify.exact.study import Study
from verify.exact.terms import Term, symbols_of
from verify.numbers.power_series import to_fraction
from verify.orbits.slow_series import NotSlow


def small_counterexample(current: Study, claim: ClaimedField, power: int, seed: int = 0) -> Mismatch | None:
    """A mismatch at this power on a loss of one or two variables and low degree, about the origin where theta is not used."""
    short = with_numbers(ClaimedField({x: v[: power + 1] for x, v in claim.terms.items()}, claim.slow), current.supports.values)
    for dimension in (1, 1, 2):
        source = random.Random(f"small {seed} {dimension}")
        try:
            found = examine(current.supports, short, source, dimension, power, power + 1)
        except (ArithmeticError, NotSlow):
            continue
        wrong = [m for m in mismatches_at(found) if m.power == power]
        if wrong:
            return _about_origin(current, wrong[0])
    return None


def _about_origin(current: Study, mismatch: Mismatch) -> Mismatch:
    """The same counterexample moved to the origin, where nothing depends on theta itself."""
    terms = [t for span in current.spans.values() for t in span.terms]
    if any(s == "theta" for t in terms for s in symbols_of(t)):
        return mismatch
    problem = replace(mismatch.sample.problem, point=tuple(fmpq(0) for _ in mismatch.sample.problem.point))
    return replace(mismatch, sample=replace(mismatch.sample, problem=problem))


def solved_coefficients(current: Study, variable: str, power: int) -> dict[Term, Fraction] | None:
    """The true coefficients of one f_k by linear algebra on the exact values; None while the rank is not full."""
    span = current.spans[variable, power]
    if not span.full:
        return None
    if not span.terms:
        return {}
    places = span.independent_places()
    rows = [[current.examined[s].point[t][i] for t in span.terms] for s, i in places]
    right = [[current.examined[s].orbit.fields[variable][power][i]] for s, i in places]
    solution = fmpq_mat(rows).solve(fmpq_mat(right))
    return {t: to_fraction(solution[j, 0]) for j, t in enumerate(span.terms) if solution[j, 0] != 0}
