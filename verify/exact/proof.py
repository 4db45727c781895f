"""The exact route: a claimed field against the scheme, with proofs instead of tolerances.

    possible_supports   choices of the parameters, each with all terms that the scheme can produce
    study               exact orbits on random losses: values of every f_k = claimed values?  Rank full?
    first_difference    one step against the Taylor flow: the first power of gamma at which they differ
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from derive.scheme import Configuration
from verify.exact.claimed import ClaimedField, with_numbers
from verify.exact.examined import Mismatch, mismatches_at
from verify.exact.one_step import step_against_flow
from verify.exact.parameters import possible_supports
from verify.exact.rank import argument_text
from verify.exact.study import USUAL, Effort, Study, study
from verify.orbits.slow_series import SlowOrbit


@dataclass(frozen=True)
class ExactResult:
    """The verdict of the exact route.

    `mismatches` are sorted by power; `first_nonzero_power` is the first power of gamma at which one step and the Taylor flow
    of the claimed field differ (None: nowhere as far as was computed), `remark` says why it is not order + 2.
    """

    claim: ClaimedField
    studies: Sequence[Study]
    mismatches: Sequence[Mismatch]
    first_nonzero_power: int | None
    remark: str

    @property
    def rank(self) -> int:
        return min((s.rank for s in self.studies), default=0)

    @property
    def rank_needed(self) -> int:
        return max((s.needed for s in self.studies), default=0)

    @property
    def refuted(self) -> bool:
        return bool(self.mismatches)

    @property
    def proved(self) -> bool:
        return not self.refuted and bool(self.studies) and all(s.rank == s.needed for s in self.studies)

    @property
    def argument(self) -> str:
        settings = "; ".join(s.settings for s in self.studies)
        return argument_text(self.rank, self.rank_needed, sum(len(s.examined) for s in self.studies), settings)


def verify_exactly(configuration: Configuration, claim: ClaimedField, effort: Effort = USUAL) -> ExactResult:
    """Prove or refute a claim; every choice of the free parameters has its own losses, points and rank.

    Raises NotEnumerable when the terms of the scheme cannot be listed or no rational roots are to be had.
    """
    studies: list[Study] = []
    for n, supports in enumerate(possible_supports(configuration, claim.slow, claim.order + 1, effort.seed)):
        current = study(supports, claim, effort.seed + 1000 * n, effort)
        studies.append(current)
        found = [m for e in current.examined for m in mismatches_at(e)]
        if found or len(studies) >= (effort.sets if configuration.free else 1):
            break
    mismatches = sorted((m for s in studies for e in s.examined for m in mismatches_at(e)), key=lambda m: m.power)
    power, remark = first_difference(studies[0], claim) if set(claim.slow) == set(claim.terms) else (None, "")
    return ExactResult(claim, studies, mismatches, power, remark)


def first_difference(current: Study, claim: ClaimedField) -> tuple[int | None, str]:
    """The literal comparison: one step against the Taylor flow of the claimed field, on the first samples."""
    order = claim.order
    powers = []
    claim = with_numbers(claim, current.supports.values)
    for e in current.examined[:2]:
        power, _ = step_against_flow(e.orbit, e.sample, claim.terms, order)
        powers.append(power)
    found = [p for p in powers if p is not None]
    if found:
        first = min(found)
        return first, "" if first == order + 2 else f"one step and the flow differ already at gamma^{first}"
    return _beyond(current, claim)


def _beyond(current: Study, claim: ClaimedField) -> tuple[int | None, str]:
    """f_(N+1) vanishes: look at the next orders of the scheme itself."""
    e = current.examined[0]
    reach = claim.order + 5
    leads = {m: [c[0] for c in v] for m, v in e.orbit.start.items()}
    scalars = current.supports.algebra.scalars
    starts = {m: v[0] if m in scalars else v for m, v in leads.items()}
    orbit = SlowOrbit(current.supports.configuration, e.sample, claim.slow, starts, reach).find()
    for k in range(claim.order + 1, reach + 1):
        if any(v != 0 for x in claim.slow for v in orbit.fields[x][k]):
            return k + 1, f"f_{k - 1} vanishes too: the next non-zero part of the field is f_{k}"
    return None, f"f_{claim.order + 1} to f_{reach} vanish too: the truncated field is as good as exact here"
