"""The exact route: a claimed modified equation against the scheme, with proofs instead of tolerances.

Claim (trees)  +  Configuration   --samples-->  exact orbits  -->  value of every f_k at the point   = claimed value ?
                                  --support-->  all possible terms  --rank-->  proof for every loss
                                  --flow----->  one step against the Taylor flow: first non-zero power of gamma
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from derive.language import Expression, Number, names_of
from derive.scheme import Configuration
from verify.exact.one_step import combination, step_against_flow
from verify.exact.points import TermPoint, memory_values
from verify.exact.rank import Span, argument_text, combination_of
from verify.exact.samples import parameter_sets, rational_sample, settings_of
from verify.exact.support import Supports
from verify.exact.terms import Combination, NotEnumerable, Term
from verify.numbers.evaluation import elementary, evaluate
from verify.numbers.kinds import EXACT
from verify.numbers.power_series import SingularSeries, to_fraction
from verify.orbits.slow_series import Orbit, Sample, SlowOrbit
from verify.problems.formula import FormulaValues, parsed

#: points that may add nothing to the rank before a larger dimension is tried, and how large that may be
PATIENCE, LARGEST = 6, 4
#: random points tried when a denominator vanishes
RETRIES = 8
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Effort:
    """How far the exact route goes: choices of the free parameters, losses at least, and whether a mismatch ends it."""

    seed: int = 0
    sets: int = 2
    losses: int = 1
    stop: bool = True
    progress: Progress | None = None


@dataclass(frozen=True)
class Claim:
    """A claimed field: `terms[x][k]` are (coefficient, term) trees of f_k for the slow variable x.

    A claim about some of the slow variables only names all of them in `all_slow`.
    """

    terms: Mapping[str, Sequence[Sequence[tuple[Expression, Expression]]]]
    all_slow: tuple[str, ...] = ()

    @property
    def order(self) -> int:
        return len(next(iter(self.terms.values()))) - 1

    @property
    def slow(self) -> tuple[str, ...]:
        return self.all_slow or tuple(self.terms)


def claim_of(equations: Mapping[str, Sequence[Mapping[str, Any]]]) -> Claim:
    """The claim made by the `equations` of a result's JSON form."""
    return Claim(
        {
            x: [
                [(parsed(i["coefficient"], "coefficient"), parsed(i["term"], "term")) for i in block["terms"]] for block in blocks
            ]
            for x, blocks in equations.items()
        }
    )


@dataclass(frozen=True)
class Mismatch:
    """A value that is not the claimed one: of f_power of `variable`, at a component of a sample."""

    variable: str
    power: int
    component: int
    claimed: Any
    true: Any
    sample: Sample


@dataclass(frozen=True)
class Examined:
    """One sample: its exact orbit, the terms' values there, and what the claim says."""

    sample: Sample
    orbit: Orbit
    point: TermPoint
    claimed: Mapping[str, list[list[Any]]]


@dataclass
class Study:
    """Everything examined for one choice of parameter values."""

    supports: Supports
    spans: dict[tuple[str, int], Span]
    examined: list[Examined] = field(default_factory=list)
    first_difference: int | None = None

    @property
    def rank(self) -> int:
        return sum(s.rank for s in self.spans.values())

    @property
    def needed(self) -> int:
        return sum(s.needed for s in self.spans.values())

    @property
    def settings(self) -> str:
        return settings_of(self.supports.values)


@dataclass(frozen=True)
class ExactResult:
    """The verdict of the exact route.

    `mismatches` are sorted by power; `first_nonzero_power` is the first power of gamma at which one step and the Taylor flow
    of the claimed field differ (None: nowhere as far as was computed), `remark` says why it is not order + 2.
    """

    claim: Claim
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


def with_numbers(claim: Claim, values: Mapping[str, Any]) -> Claim:
    """The claim with every coefficient that depends on parameters only replaced by its value."""

    def number(coefficient: Expression) -> Expression:
        names = names_of(coefficient)
        if not all(n in values for n in names):
            return coefficient
        found = evaluate(coefficient, values, EXACT, lambda f, args: elementary(f, args, EXACT))
        return Number(to_fraction(found))

    terms = {x: [[(number(c), t) for c, t in items] for items in by_power] for x, by_power in claim.terms.items()}
    return Claim(terms, claim.all_slow)


def values_of_claim(claim: Claim, sample: Sample) -> dict[str, list[list[Any]]]:
    """The claimed f_k at a sample's point, one entry a component."""
    values = FormulaValues(sample.problem, sample.problem.point, sample.names(), EXACT)
    zero = sample.unit * 0
    found: dict[str, list[list[Any]]] = {}
    for x, by_power in claim.terms.items():
        scalar = x != "theta" and not isinstance(sample.slow[x], list)
        size = 1 if scalar else sample.problem.dimension
        found[x] = [combination(values, items, size) or [zero] * size for items in by_power]
    return found


def mismatches_at(examined: Examined, claimed: Mapping[str, list[list[Any]]] | None = None) -> list[Mismatch]:
    """Every component at which the claimed value is not the true one."""
    found = []
    for x, by_power in (claimed or examined.claimed).items():
        for k, vector in enumerate(by_power):
            for i, (said, true) in enumerate(zip(vector, examined.orbit.fields[x][k], strict=True)):
                if said != true:
                    found.append(Mismatch(x, k, i, said, true, examined.sample))
    return found


def study(configuration: Configuration, claim: Claim, values: Mapping[str, Fraction], seed: int, effort: Effort) -> Study:
    """Examine random losses and points until the rank is full, a mismatch appears, or nothing more is gained.

    If terms with products of denominators turn out dependent, once more with partial fractions.
    """
    first = _study(configuration, claim, values, seed, effort, separate=False)
    wrong = effort.stop and any(mismatches_at(e) for e in first.examined)
    if first.rank == first.needed or not _has_denominators(first.supports) or wrong:
        return first
    return _study(configuration, claim, values, seed, effort, separate=True)


def _has_denominators(supports: Supports) -> bool:
    return any(b.q == 1 and b.rest and not b.always for b in supports.algebra.bases.values())


def _study(
    configuration: Configuration,
    claim: Claim,
    values: Mapping[str, Fraction],
    seed: int,
    effort: Effort,
    separate: bool,
) -> Study:
    order = claim.order
    supports = Supports(configuration, claim.slow, values, order + 1, separate)
    claim = with_numbers(claim, supports.values)
    spans = {(x, k): Span(terms) for (x, k), terms in possible_terms(supports, claim).items()}
    result = Study(supports, spans)
    source = random.Random(f"samples {seed}")
    dimension, idle = 2, 0
    while True:
        examined = examine(supports, claim, source, dimension, order)
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
        if not separate and any(span.idle >= PATIENCE for span in spans.values()) and _has_denominators(supports):
            return result  # dependent as they are; `study` goes on with partial fractions
        waiting = any(s.short and not s.full for s in spans.values())
        idle = 0 if result.rank > before or waiting else idle + 1
        if idle >= PATIENCE:
            dimension, idle = dimension + 1, 0
            if dimension > LARGEST:
                return result


def possible_terms(supports: Supports, claim: Claim) -> dict[tuple[str, int], list[Term]]:
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
                    for t in algebra.multiply(part, _coefficient(supports, coefficient))
                }
    return {
        (x, k): sorted({u for t in supports.states[x].higher[k] for u in algebra.reduce(t)} | claimed[x, k])
        for x, by_power in claim.terms.items()
        for k in range(len(by_power))
    }


def _coefficient(supports: Supports, coefficient: Expression) -> Combination:
    return combination_of(supports.algebra, coefficient, supports.values)


def examine(
    supports: Supports, claim: Claim, source: random.Random, dimension: int, order: int, degree: int | None = None
) -> Examined:
    """One random sample with rational roots: the exact slow orbit and the claimed values.

    The losses have degree order + 3 unless another is asked for.
    """
    scalars = [m for m in supports.memory if m in supports.algebra.scalars]
    for _ in range(RETRIES):
        sample, point = rational_sample(supports, source, dimension, degree or order + 3)
        leads = memory_values(point, supports.leads, scalars)
        try:
            orbit = SlowOrbit(supports.configuration, sample, claim.slow, leads, order + 1).find()
            return Examined(sample, orbit, point, values_of_claim(claim, sample))
        except (SingularSeries, ZeroDivisionError):  # a denominator happens to vanish at this point
            continue
    raise SingularSeries("a root or denominator vanishes at every random point")


def verify_exactly(configuration: Configuration, claim: Claim, effort: Effort = Effort()) -> ExactResult:
    """Prove or refute a claim; every choice of the free parameters has its own losses, points and rank.

    Raises NotEnumerable when the terms of the scheme cannot be listed or no rational roots are to be had.
    """
    studies: list[Study] = []
    for n, values in enumerate(parameter_sets(configuration, claim.slow, effort.seed)):
        current = study(configuration, claim, values, effort.seed + 1000 * n, effort)
        studies.append(current)
        found = [m for e in current.examined for m in mismatches_at(e)]
        if found or len(studies) >= (effort.sets if configuration.free else 1):
            break
    mismatches = sorted((m for s in studies for e in s.examined for m in mismatches_at(e)), key=lambda m: m.power)
    power, remark = _first_difference(studies[0], claim) if set(claim.slow) == set(claim.terms) else (None, "")
    return ExactResult(claim, studies, mismatches, power, remark)


def _first_difference(current: Study, claim: Claim) -> tuple[int | None, str]:
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


def _beyond(current: Study, claim: Claim) -> tuple[int | None, str]:
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


__all__ = [
    "Claim",
    "Effort",
    "ExactResult",
    "Examined",
    "Mismatch",
    "NotEnumerable",
    "Study",
    "claim_of",
    "mismatches_at",
    "study",
    "values_of_claim",
    "verify_exactly",
]  # fmt: skip
