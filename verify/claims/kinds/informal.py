"""Kind informal: statements that no computation can decide."""

from __future__ import annotations

from dataclasses import dataclass

from verify.claims.judgment import INFORMAL, Judgment, Kind, Stated


@dataclass(frozen=True)
class InformalClaim:
    """why: what is missing for the statement to be true or false."""

    why: str


def states_informal(data: InformalClaim) -> Stated:
    """Nothing is."""
    return Stated("nothing: see why")


def judge_informal(data: InformalClaim) -> Judgment:
    """informal: no computation can decide it."""
    return Judgment(INFORMAL, (" ".join(data.why.split()),))


KIND = Kind("informal", InformalClaim, states_informal, judge_informal)
