"""Kind agreement: through which power two schemes have the same modified equation."""

from __future__ import annotations

from dataclasses import dataclass

from derive import modified_equation
from derive.errors import UsageError
from derive.readings.compare import compare_equations
from derive.readings.formula import counterexample, formulas_beside, power_of
from verify.claims.judgment import Judgment, Kind, leading, proved, refuted, undecided
from verify.claims.scheme_data import SchemeData


@dataclass(frozen=True)
class AgreementClaim:
    """first, second: schemes.  `through`: they agree through this power and no further; left out: exactly."""

    first: SchemeData
    second: SchemeData
    through: int | None = None


def judge_agreement(data: AgreementClaim) -> Judgment:
    """agreement: through which power two schemes have the same modified equation (of second order where there is a velocity)."""
    order = 2 if data.through is None else data.through + 1
    c = compare_equations(*(side.read(modified_equation, order) for side in (data.first, data.second)))
    left = "theta''" if c.second_order else "theta'"
    k = c.same_through + 1
    if c.same_through == c.order:
        text = f"the equations for {left} agree through gamma**{c.order}"
        if data.through is None:
            raise UsageError(f"{text}; say with 'through' how far they claim to agree")
        return refuted(f"{text} at least", "no difference found")
    if c.conclusion.verdict == "undecided":
        return undecided(c.conclusion.because)
    difference = f"second minus first, {left}: {power_of('gamma', k) if k else '1'}*({c.difference})"
    formulas = formulas_beside(c.difference, {c.derivative: False})
    numbers = counterexample(formulas, formulas.zero, c.difference)
    agreement = f"they agree through gamma**{c.same_through} and differ at gamma**{k}" if k else "their limits differ"
    if data.through is not None:
        if data.through == c.same_through:
            return proved(agreement, difference)
        return refuted(f"{agreement}: {difference}", numbers.replace("claimed", "claimed difference"))
    found = (f"{agreement}: {difference}", agreement, numbers.replace("claimed", "claimed difference"))
    return leading(*found) if k else refuted(*found)


KIND = Kind("agreement", AgreementClaim, judge_agreement)
