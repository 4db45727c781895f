"""Kind agreement: through which power two schemes have the same modified equation."""

from __future__ import annotations

from dataclasses import dataclass

from derive.errors import UndecidedError, UsageError
from derive.readings.compare import compare_equations
from derive.readings.formula import formulas_beside, power_of
from derive.readings.probes import counterexample
from verify.claims.judgment import Judgment, Kind, Stated, leading, proved, refuted, undecided
from verify.claims.scheme_data import SchemeData


@dataclass(frozen=True)
class AgreementClaim:
    """first, second: schemes.  `through`: they agree through this power and no further; left out: exactly."""

    first: SchemeData
    second: SchemeData
    through: int | None = None


def states_agreement(data: AgreementClaim) -> Stated:
    """What is stated."""
    how = "at every power of gamma" if data.through is None else f"through gamma**{data.through} and no further"
    sides = (f"{name}: {'; '.join(side.hypotheses)}" for name, side in (("first", data.first), ("second", data.second)))
    return Stated(f"the modified equations of theta agree {how}", tuple(sides))


def judge_agreement(data: AgreementClaim) -> Judgment:
    """agreement: through which power two schemes have the same modified equation (of second order where there is a velocity)."""
    order = 2 if data.through is None else data.through + 1
    try:
        c = compare_equations(*(side.equation(order) for side in (data.first, data.second)))
    except UsageError as error:
        raise UndecidedError(str(error)) from None
    left = "theta''" if c.second_order else "theta'"
    k = c.same_through + 1
    if c.same_through == c.order:
        text = f"the equations for {left} agree through gamma**{c.order}"
        if data.through is None:
            raise UndecidedError(f"{text}; no computation here reaches every power: say 'through'")
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


KIND = Kind("agreement", AgreementClaim, states_agreement, judge_agreement)
