"""Random samples over a prime field: parameters in their ranges, a point, a loss, slow variables, time, the memory's leads.

What a range makes positive is drawn until it is a residue, and so is every base under an even root: without scalar products
these belong to one component each, which is drawn again by itself; with sums over layers alone the layer is, and so it is beside
others for what is a function of the layer; else the whole point.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from random import Random
from typing import Any

from derive.errors import UsageError
from derive.language import Expression, names_of
from verify.proof.claim import ClaimValues
from verify.proof.errors import Rejected, Undecided
from verify.proof.field import BITS, PrimeField, draw_prime
from verify.proof.game import random_game
from verify.proof.known import KnownValues
from verify.proof.layers import layers_of
from verify.proof.loss import random_jets
from verify.proof.maps import Maps
from verify.proof.matrices import random_matrices
from verify.proof.orbit import Jacobian, Orbit, newton
from verify.proof.paced import valuations
from verify.proof.program import Evaluator, Point, Stepper
from verify.proof.series import Algebra
from verify.proof.statement import Statement
from verify.proof.vanishing import MOST_PASSES, taken, vanishing

COMPONENT_DRAWS, WHOLE_DRAWS, ZERO_DRAWS = 40, 4000, 20
#: whole points where sums over rows and columns stand under roots, one for each of them: all are residues at one in 2^10 or so
CROSSED_DRAWS = 8 * WHOLE_DRAWS
SAME_PRIME = 32  # points that are drawn before another prime is


@dataclass(frozen=True)
class Plan:
    """How samples of a statement are drawn."""

    claim: Statement
    dimension: int
    degree: int  # derivatives of the gradient or field
    modulus: int
    slack: int = 0
    positive: frozenset[Hashable] = frozenset()
    ranges: bool = True  # whether parameters are kept in their ranges
    layers: tuple[int, ...] = ()  # their sizes, where the statement has sums over layers
    bits: int = BITS  # of the primes
    flow: bool = False  # whether roots read hess(f_0) (`verify.proof.vanishing`)
    passes: int = MOST_PASSES  # in which the memory at one power is found
    sides: tuple[int, int] | None = None  # rows and columns, where the statement is about matrices

    @property
    def weighted(self) -> bool:
        return self.claim.contracted or self.flow


@dataclass
class Sample:
    point: Point
    ring: PrimeField
    orbit: Orbit
    claims: ClaimValues
    local: dict[str, Any]  # the text's variables after one step at gamma^0
    first: Mapping[Any, tuple[int, Any]]  # what that step notes


class Sampler:
    """Draws samples of a plan from one source of randomness."""

    def __init__(self, plan: Plan, source: Random) -> None:
        self.plan, self.source = plan, source
        self.failed: set[tuple[Any, int | None]] = set()  # roots and components: the first base that was no residue at some point

    def draw(self) -> Sample:
        """A sample at which the step, the leads and the claims have all their roots."""
        zeros, joined, separate = 0, self.plan.claim.joined, self.plan.claim.separate
        for n in range(CROSSED_DRAWS if self.plan.claim.crossed else WHOLE_DRAWS):
            if zeros >= ZERO_DRAWS:
                raise Undecided("zero stands under a root, sign or denominator at every point")
            if n % SAME_PRIME == 0:
                ring = PrimeField(draw_prime(self.source, self.plan.modulus, self.plan.bits), self.plan.positive)
            point = self.fresh(ring)
            for _ in range(COMPONENT_DRAWS * (1 if joined and not separate else point.size)):
                try:
                    return self._opened(point, ring)
                except Rejected as error:
                    self.failed.add((error.key, error.component))
                    if error.component is None or (joined and error.key not in separate):
                        break
                    point = self.redrawn(point, ring, error.component)
                except ZeroDivisionError:
                    zeros += 1
                    break
        raise Undecided("no point with real roots was found: a root of something that is never positive")

    def _opened(self, point: Point, ring: PrimeField) -> Sample:
        claim, source = self.plan.claim, self.source
        ring.functions = KnownValues(ring, source)
        claims = ClaimValues(claim, point, ring)
        claims.roots()
        if all(m in claim.memory for m in claim.fast):
            leads = {m: claims.memory(m, 0) for m in claim.fast}
        else:
            leads = newton(claim, point, ring, lambda: source.randrange(ring.p), lambda: source.random() < 0.5, self.plan.slack)
        orbit = Orbit(claim, point, ring, leads, self.plan.slack, most=self.plan.passes)
        orbit.memory = {m: [v] for m, v in leads.items()}
        algebra = orbit.algebra(1, notes=True)
        local = Stepper(claim, point, algebra).after(orbit.start(algebra, 1), 0)
        return Sample(point, ring, orbit, claims, local, algebra.noted)

    def paces(self) -> dict[str, int]:
        """At which power of h a step changes every state, at a random point with random memory."""
        claim, ring = self.plan.claim, PrimeField(draw_prime(self.source, self.plan.modulus, self.plan.bits), self.plan.positive)
        ring.functions = KnownValues(ring, self.source)
        point = self.fresh(ring)
        draw = self._drawn(ring)
        memory = {m: [[draw() for _ in range(1 if m in claim.scalars else point.size_of(m))]] for m in claim.fast}
        orbit = Orbit(claim, point, ring, {}, self.plan.slack, memory=memory)
        algebra = orbit.algebra(claim.root)
        before = orbit.start(algebra, claim.root)
        return valuations(before, Stepper(claim, point, algebra).step(before, 0), claim.root)

    # ------------------------------------------------------------------------------------------ drawing

    def fresh(self, ring: PrimeField) -> Point:
        plan = self.plan
        draw = self._drawn(ring)
        matrices, raising = random_matrices(plan.claim.shapes, plan.sides, ring, draw) if plan.sides else (None, None)
        problem = random_problem(plan, plan.dimension, ring, draw, raising)
        size_of = matrices.size_of if matrices else lambda name: plan.dimension
        slow = {x: self._slow(x, ring, size_of(x)) for x in plan.claim.slow if x not in plan.claim.unknowns}
        jets = {f: [draw() for _ in range(plan.degree + 4)] for f in plan.claim.functions}
        maps = Maps(plan.claim.maps, plan.degree, ring, draw, plan.claim.inverses)
        return Point(problem, self.parameters(ring), slow, draw(), jets, maps, layers_of(plan.layers), matrices)

    def _drawn(self, ring: PrimeField) -> Callable[[], int]:
        return lambda: self.source.randrange(1, ring.p)

    def _slow(self, x: str, ring: PrimeField, size: int) -> Any:
        draw = self._drawn(ring)
        return draw() if x in self.plan.claim.scalars else [draw() for _ in range(size)]

    def parameters(self, ring: PrimeField) -> dict[str, int]:
        """Uniform among the values at which everything positive by a range is a residue: parameters that no range compares are
        independent, and drawn by themselves."""
        algebra = Algebra(ring, 1)
        values: dict[str, int] = {}
        for names, conditions in self._compared:
            for _ in range(WHOLE_DRAWS):
                drawn = {n: self.source.randrange(1, ring.p) for n in names}
                elements = {n: algebra.element(x) for n, x in drawn.items()}
                found = (_number(Evaluator(_NOWHERE, algebra, {}).value(c, elements)) for c in conditions)
                if all(ring.is_residue(x) for x in found):
                    break
            else:
                raise Undecided("the ranges of the parameters cannot be met")
            values |= drawn
        return values

    @cached_property
    def _compared(self) -> list[tuple[list[str], list[Expression]]]:
        """The parameters in groups that their ranges compare, with these."""
        groups: list[tuple[list[str], list[Expression]]] = [([n], []) for n in self.plan.claim.parameters]
        for c in self.plan.claim.conditions() if self.plan.ranges else []:
            joined = [g for g in groups if set(g[0]) & names_of(c).keys()]
            groups = [g for g in groups if g not in joined]
            groups.append(([n for g in joined for n in g[0]], [*(x for g in joined for x in g[1]), c]))
        return groups

    def redrawn(self, point: Point, ring: PrimeField, i: int) -> Point:
        """Component i of the point, of its gradient and of the slow variables drawn again, with all others of its layer."""
        draw = self._drawn(ring)
        again = next((layer for layer in point.layers if i in layer), range(i, i + 1))
        problem = point.problem.redrawn(again, draw)
        slow = {
            s: [draw() if j in again else x for j, x in enumerate(v)] if isinstance(v, list) else v for s, v in point.slow.items()
        }
        return replace(point, problem=problem, slow=slow)

    def other_along(self, sample: Sample) -> Sample:
        """The same with all derivatives of order two and more drawn again, but for hess(f_0)."""
        draw, orbit = lambda: self.source.randrange(sample.ring.p), sample.orbit
        point = replace(sample.point, problem=sample.point.problem.reshuffled_beside(orbit.fields["theta"][0], draw))
        other = Orbit(orbit.claim, point, orbit.ring, orbit.leads, orbit.slack).find()
        return replace(sample, point=point, orbit=other, claims=ClaimValues(orbit.claim, point, orbit.ring))

    def other_vertices(self, sample: Sample) -> Point:
        """The same point with all that has an index besides the free one drawn again."""
        other = sample.point.problem.reshuffled(lambda: self.source.randrange(sample.ring.p))
        return replace(sample.point, problem=other, maps=sample.point.maps.reshuffled())


def random_problem(
    plan: Plan, dimension: int, ring: Any, draw: Callable[[], Any], raising: Sequence[Any] | None = None
) -> Any:
    """A loss or field at a random point, or the losses that the text declares; `raising` where weights are given."""
    claim = plan.claim
    points = {x: [draw() for _ in range(dimension)] for x in claim.unknowns}
    if claim.losses:
        return random_game(claim.losses, plan.degree, points, ring, draw, plan.weighted)
    return random_jets(claim.label, plan.degree, points["theta"], ring, draw, raising or plan.weighted)


class _Nowhere:
    dimension = 1


_NOWHERE = Point(_Nowhere(), {}, {}, 0, {})


def _number(value: Any) -> int:
    if isinstance(value, list):
        raise UsageError("a range compares vectors")
    number: int = value.at(0)
    return number


def determinants(orbit: Orbit) -> list[int]:
    """det [(J - 1)^(k+1)]_mm for every order k that is solved for; the one determinant that `paced` solves with."""
    if orbit.claim.lag:
        return [orbit.ring.determinant(Jacobian(orbit).block(1))]
    jacobian = Jacobian(orbit, taken(orbit, 1, 2, 1) if vanishing(orbit) else {})
    return [orbit.ring.determinant(jacobian.block(k + 1)) for k in range(1, orbit.claim.top + 1)]


def vertices_matter(sampler: Sampler, sample: Sample) -> bool:
    """Whether the determinants of the memory's equations depend on second and higher derivatives, or on maps' derivatives."""
    first = sample.orbit
    other = Orbit(first.claim, sampler.other_vertices(sample), first.ring, first.leads, first.slack, memory=first.memory)
    return determinants(first) != determinants(other)
