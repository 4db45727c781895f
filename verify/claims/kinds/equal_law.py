"""Kind equal-law: two stochastic schemes have the same generator through a power of gamma."""

from __future__ import annotations

from dataclasses import dataclass

from derive.errors import UndecidedError, UsageError
from derive.readings.formula import power_of
from verify.claims.judgment import Judgment, Kind, Stated, proved, refuted
from verify.claims.noise_data import NoiseData


@dataclass(frozen=True)
class EqualLawClaim:
    """first, second: stochastic schemes, their steps counted alike.  `through`: the power through which their laws are equal."""

    first: NoiseData
    second: NoiseData
    through: int


def states_equal_law(data: EqualLawClaim) -> Stated:
    """What is stated."""
    named = (("first", data.first), ("second", data.second))
    sides = (f"{name}: {'; '.join(side.law_hypotheses(data.through))}" for name, side in named)
    return Stated(f"E phi(theta_n) has the same generator for both through {power_of('gamma', data.through)}", tuple(sides))


def judge_equal_law(data: EqualLawClaim) -> Judgment:
    """equal-law: the generator that is proved of the first, proved from the text of the second too, or refuted."""
    first, second = (side.law(data.through) for side in (data.first, data.second))
    if first.data["opaque"] != second.data["opaque"]:
        raise UndecidedError("the two laws are written in different functions of a sample's gradient")
    try:
        verdict, numbers = second.against(first.powers)
    except UsageError as error:
        raise UndecidedError(f"the law of the first, read as one of the second: {error}") from None
    if verdict.verdict == "undecided":
        raise UndecidedError(verdict.reason)
    if verdict.verdict == "proved":
        return proved(f"the generator of the first is that of the second: {verdict}", f"both: {second}")
    told = numbers.replace("is claimed", "is, of the first,").replace(", true", ", of the second")
    return refuted(f"they differ at gamma**{verdict.power}; first: {first}; second: {second}", str(verdict), told)


KIND = Kind("equal-law", EqualLawClaim, states_equal_law, judge_equal_law)
