"""One choice of parameter values: the terms that the scheme can produce, and samples until their rank is full.

    supports -> possible terms -> sample after sample: values, mismatches, rank
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from verify.exact.claimed import ClaimedField, with_numbers
from verify.exact.examined import Examined, examine, mismatches_at
from verify.exact.parameters import settings_of
from verify.exact.rank import Span, combination_of
from verify.exact.support import Supports
from verify.exact.terms import Term

#: points that may add nothing to the rank before a larger dimension is tried, and how large that may be
PATIENCE, LARGEST = 6, 4
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Effort:
    """How far the exact route goes: choices of the free parameters, losses at least, and whether a mismatch ends it."""

    seed: int = 0
    sets: int = 2
    losses: int = 1
    stop: bool = True
    progress: Progress | None = None


USUAL = Effort()


@dataclass
class Study:
    """Everything examined for one choice of parameter values."""

    supports: Supports
    spans: dict[tuple[str, int], Span]
    examined: list[Examined] = field(default_factory=list)

    @property
    def rank(self) -> int:
        return sum(s.rank for s in self.spans.values())

    @property
    def needed(self) -> int:
        return sum(s.needed for s in self.spans.values())

    @property
    def settings(self) -> str:
        return settings_of(self.supports.values)


def study(supports: Supports, claim: ClaimedField, seed: int, effort: Effort) -> Study:
    """Examine random losses and points until the rank is full, a mismatch appears, or nothing more is gained.

    If terms with products of denominators turn out dependent, once more with partial fractions.
    """
    first = _study(supports, claim, seed, effort)
    wrong = effort.stop and any(mismatches_at(e) for e in first.examined)
    if first.rank == first.needed or not _has_denominators(supports) or wrong:
        return first
    return _study(supports.separated(), claim, seed, effort)


def _has_denominators(supports: Supports) -> bool:
    return any(b.q == 1 and b.rest and not b.always for b in supports.algebra.bases.values())


def _study(supports: Supports, claim: ClaimedField, seed: int, effort: Effort) -> Study:
    claim = with_numbers(claim, supports.values)
    spans = {(x, k): Span(terms) for (x, k), terms in possible_terms(supports, claim).items()}
    result = Study(supports, spans)
    source = random.Random(f"samples {seed}")
    dimension, idle = 2, 0
    while True:
        examined = examine(supports, claim, source, dimension, claim.order)
        result.examined.append(examined)
        if effort.stop and mismatches_at(examined):
            return result
        before = result.rank
        residues = examined.point.residues()
        for (x, _), span in spans.items():
            span.examine(residues, len(result.examined) - 1, x in supports.algebra.scalars)
        if effort.progress:
            effort.progress(min(result.needed, sum(min(len(s.rows), s.needed) for s in spans.values())), result.needed)
        if result.rank == result.needed and len(result.examined) >= effort.losses:
            return result
        dependent = any(span.idle >= PATIENCE for span in spans.values())
        if dependent and not supports.algebra.separate and _has_denominators(supports):
            return result  # `study` goes on with partial fractions
        waiting = any(s.short and not s.full for s in spans.values())
        idle = 0 if result.rank > before or waiting else idle + 1
        if idle >= PATIENCE:
            dimension, idle = dimension + 1, 0
            if dimension > LARGEST:
                return result


def possible_terms(supports: Supports, claim: ClaimedField) -> dict[tuple[str, int], list[Term]]:
    """The terms of every variable and power: those the scheme can produce, and those of the claim."""
    algebra = supports.algebra
    claimed: dict[tuple[str, int], set[Term]] = {}
    for _ in range(2):  # a formula may name new roots, after which normal forms change
        for x, by_power in claim.terms.items():
            for k, items in enumerate(by_power):
                claimed[x, k] = {
                    t
                    for coefficient, term in items
                    for part in [combination_of(algebra, term, supports.values)]
                    for t in algebra.multiply(part, combination_of(algebra, coefficient, supports.values))
                }
    return {
        (x, k): sorted({u for t in supports.states[x].higher[k] for u in algebra.reduce(t)} | claimed[x, k])
        for x, by_power in claim.terms.items()
        for k in range(len(by_power))
    }
