"""The run in the ring of degrees, and the error bound of one sample.

Per sample, for a false claim whose numerator has degree D on a cover of degree Q by roots, with k conditions that numbers are
residues, and coefficients below 2^H:

    D Q 2^k / 2^63   (the sample is a zero)   +   (Q H / 63) / #primes   (the prime divides a coefficient),

with 127 for 63 where primes of 128 bits are drawn.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from math import factorial, log2
from typing import Any

from derive.language import Call
from derive.language.maps import map_of
from derive.scheme.shapes import Side
from verify.proof.claim import ClaimValues
from verify.proof.degrees import VARIABLE, Bound, Weight, WeightProblem, WeightRing
from verify.proof.errors import Undecided
from verify.proof.field import BITS
from verify.proof.known import DEGREE
from verify.proof.map_degrees import WeightMaps
from verify.proof.matrices import WeightMatrices
from verify.proof.orbit import Orbit, components, difference
from verify.proof.program import Point, Stepper
from verify.proof.statement import Statement
from verify.proof.vanishing import Roots, taken

UNBOUNDED = 10**6  # index variables


@dataclass(frozen=True)
class Size:
    """What the claim and the truth need: index variables beyond the free one; degree, height and cover of their difference.

    `copies`: so many components more tell a map's matrix dP from its inverse, see docs/proof.md.
    """

    indices: int
    copies: int
    degree: float
    height: float
    cover: float  # log2 of Q
    contractions: frozenset[Hashable]  # scalar products of functions of the point
    coupled: bool  # second derivatives couple the memory at gamma^0


class WeightOrbit(Orbit):
    """The orbit in the ring of degrees; memory is bounded by Cramer's rule."""

    claims: ClaimValues
    coupled = False

    def prepare(self) -> None:
        self.vanishing = self.most > 0
        self.entry = self._entry(taken(self, 1, 2, 1) if self.vanishing else {})
        if not all(m in self.claim.memory for m in self.claim.fast):
            for _ in self.claim.fast:
                self._lead()

    def _count(self) -> int:
        d = self.ring.dimension
        return sum(1 if m in self.claim.scalars else d for m in self.claim.fast)

    def _entry(self, roots: Roots) -> Weight:
        """A bound for every entry of J - 1, from one step with everything moved by gamma."""
        length = 2 + self.claim.lag
        algebra = self.algebra(length)
        algebra.held = roots
        states = self.start(algebra, length)
        gamma = algebra.gamma
        moved = {x: [s + gamma for s in v] if isinstance(v, list) else v + gamma for x, v in states.items()}
        after = Stepper(self.claim, self.point, algebra).step(moved, 0)
        one = self.ring.constant(Fraction(1))
        total = self.ring.total([one, *(s.at(1 + self._pace(x)) for x, v in after.items() for s in components(v))])
        self.coupled = total.indices > 0
        bound: Weight = replace(total, indices=0, undone={})
        return bound

    def _solved(self, right: Mapping[str, Bound], power: int) -> dict[str, Bound]:
        """w = adj(M) right / det(M),  M = [(J - 1)^power]_mm."""
        ring, n = self.ring, self._count()
        size = n + sum(1 if x in self.claim.scalars else ring.dimension for x in self.claim.slow)
        m = ring.scale(ring.power(self.entry, Fraction(power), None), Fraction(size ** (power - 1)))
        minor = ring.scale(ring.power(m, Fraction(n - 1), None), Fraction(factorial(n - 1) * n))
        det = ring.scale(ring.power(m, Fraction(n), None), Fraction(factorial(n)))
        factor = ring.times(minor, ring.power(det, Fraction(-1), ("det", power)))
        every = ring.total(list(right.values()))
        if every is None:
            return dict.fromkeys(right)
        return {x: _counted(ring.times(every, factor), w) for x, w in right.items()}

    def _pace(self, x: str) -> int:
        return min(self.claim.paces.get(x, 0), self.claim.lag)

    def relaxed(self, right: list[Bound]) -> list[Bound]:
        """By Cramer's rule; memory has as many index variables as any of the right sides."""
        every = self.ring.total(right)
        found = self._solved(dict.fromkeys(self.claim.fast, every), 1)
        return [found[m] for m in self.claim.fast]

    def _lead(self) -> None:
        length = 1 + self.claim.lag
        algebra = self.algebra(length)
        after = Stepper(self.claim, self.point, algebra).step(self.start(algebra, length), 0)
        right = {
            m: self.ring.total([s.at(self._pace(m)) for s in components(after[m])] + self.memory[m][0]) for m in self.claim.fast
        }
        self.memory = {m: [[w]] for m, w in self._solved(right, 1).items()}

    def keep(self, k: int, solution: Mapping[str, Bound]) -> None:
        for m in self.claim.fast:
            self.memory[m][k:] = [[solution.get(m)]]

    def solution(self, k: int, roots: Roots) -> dict[str, Bound]:
        found: dict[str, Bound] = {}
        for stage in range(len(self.claim.fast) + 2):
            columns = self._columns(k, roots, found)
            if stage == 0:
                found = self._solved({m: difference(self.ring, c, k + 1) for m, c in columns.items()}, k + 1)
                continue
            last, found = found, {m: _counted(x or Weight(), self.ring.total([*columns[m], x])) for m, x in found.items()}
            if all(_counted(x, last[m]) == x for m, x in found.items()):
                return found
        return self._in_circle(k, roots, found)

    def _columns(self, k: int, roots: Roots, memory: Mapping[str, Bound]) -> dict[str, list[Bound]]:
        """The memory at gamma^k after every step, where it starts with this."""
        self.keep(k, memory)
        algebra = self.algebra(k + 1)
        algebra.held = roots
        orbit = self.run(algebra, self.start(algebra, k + 1), k + 1)
        return {m: [components(states[m])[0].at(k) for states in orbit] for m in self.claim.fast}

    def _in_circle(self, k: int, roots: Roots, found: Mapping[str, Bound]) -> dict[str, Bound]:
        """Scalar products couple the memory in a circle, s and d in  s = b s + d g, d = dot(s, g): every round counts one more.

        What is claimed solves the equations of gamma^k if and only if its residual vanishes, and no more index variables than
        there decide whether it does.  Where nothing is claimed, at the power after the last, nothing is known.
        """
        if not all(k < len(self.claim.memory.get(m, ())) for m in self.claim.fast):
            return {m: replace(x or Weight(), indices=UNBOUNDED) for m, x in found.items()}
        claimed = {m: self.claims.memory(m, k)[0] for m in found}
        columns = self._columns(k, roots, claimed)
        return {m: _counted(x or Weight(), self.ring.total([*columns[m], claimed[m]])) for m, x in found.items()}


def _counted(x: Bound, y: Bound) -> Bound:
    """x with as many index variables and slopes as y."""
    return None if x is None else replace(x, indices=y.indices if y else 0, slopes=y.slopes if y else 0, undone={}, image=None)


def size_of(
    claim: Statement, dimension: int, slack: int, leading: dict[Any, int], same: Mapping[Hashable, Hashable], depth: int,
    layers: int = 0, *, nested: int = 0, known_degree: float = 0.0, elsewhere: int = 0, flow: bool = False, passes: int = 0,
    side: Side = "m",
) -> Size:  # fmt: skip
    """Bounds for this statement in this dimension, with leading powers and equal bases as a sample showed them.

    One component, of one layer, stands for all; at most `layers` of a root are different where it is one number a layer.
    `elsewhere`: at so many points besides theta the loss is taken.
    Of the indices of matrices those of rows count, or those of columns (`side`).
    `nested`: known functions stand so deep in each other, and exp of logarithms among them; each run bounds one level more.
    With `flow` roots may read hess(f_0); the memory is found in so many passes, 0 where no root reads it.
    """
    ring = WeightRing(dimension, same, flow=flow, known_degree=known_degree or float(DEGREE * dimension))
    problem = WeightProblem(ring, claim.contracted or flow, claim.unknowns, raises=2.0 if claim.shapes else 1.0)
    slow = {x: VARIABLE if x in claim.scalars else [VARIABLE] for x in claim.slow if x not in claim.unknowns}
    jets = {f: [VARIABLE] * depth for f in claim.functions}
    calls = sum(map_of(n.function, claim.maps) is not None for n in claim.nodes if isinstance(n, Call))
    maps = WeightMaps(claim.maps, ring, claim.inverses, calls)
    point = Point(problem, dict.fromkeys(claim.parameters, VARIABLE), slow, VARIABLE, jets, maps, (range(1),))
    if claim.shapes:
        point.matrices = WeightMatrices(claim.shapes, ring=ring, side=side)
    claims = ClaimValues(claim, point, ring, leading)
    leads = {m: claims.memory(m, 0) if m in claim.memory else [VARIABLE] for m in claim.fast}
    orbit = WeightOrbit(claim, point, ring, leads, slack, leading, most=passes)
    orbit.claims = claims
    orbit.find()
    pairs = [(claims.field(x, k), orbit.fields[x][k]) for x in claim.slow for k in range(claim.order + 1)]
    pairs += [(claims.memory(m, k), orbit.memory[m][k]) for m in claim.memory for k in range(len(claim.memory[m]))]
    if nested:
        degree = ring.known_degree + ring.logarithm
        return size_of(
            claim, dimension, slack, leading, same, depth, nested=nested - 1, known_degree=degree, elsewhere=elsewhere,
            flow=flow, passes=passes, side=side,
        )
    found = [w for a, b in pairs if (w := ring.add(a[0], b[0])) is not None]
    if any(w.indices >= UNBOUNDED for w in found):
        raise Undecided("second derivatives couple the memory in a circle, and a power that is not claimed is read")
    cover = sum(log2(q) * copies(key, dimension, layers) for key, q in ring.roots.items())
    apart = maps.distances()
    away = problem.distances(elsewhere) if elsewhere else Weight()
    indices = max((w.indices for w in (*found, apart, away)), default=0)
    slopes = max((w.slopes for w in (*found, apart, away)), default=0)
    return Size(
        indices,
        2 * min(1 + indices, 2 * slopes),
        max((w.degree for w in found), default=1.0) + apart.degree + away.degree,
        max((w.height for w in found), default=1.0) + apart.height + away.height,
        cover,
        frozenset(ring.contractions),
        orbit.coupled,
    )


def copies(key: Hashable, dimension: int, layers: int) -> int:
    """How many roots one place stands for.

    >>> [copies((kind, 0), 8, 3) for kind in ("scalar", "layer", "vector")]
    [1, 3, 8]
    """
    if isinstance(key, tuple) and len(key) == 2 and key[0] == "layer":
        return layers
    return 1 if scalar_root(key, {}) else dimension


def scalar_root(key: Hashable, same: Mapping[Hashable, Hashable]) -> bool:
    """Canonical keys of scalars are marked by `deciding`."""
    return isinstance(key, tuple) and len(key) == 2 and key[0] == "scalar"


def sample_error(size: Size, conditions: int, modulus: int, bits: int = BITS) -> float:
    """log2 of the probability that one sample does not see a difference of this size."""
    low = bits - 1
    zero = log2(max(size.degree, 1.0)) + size.cover + conditions - low
    primes = low - log2(modulus) - log2(45 * bits / BITS) - 1
    unlucky = size.cover + log2(max(size.height, 1.0) / low + 1) - primes
    high = max(zero, unlucky)
    return high + log2(2.0 ** (zero - high) + 2.0 ** (unlucky - high))
