"""Moments on quadratic losses, exactly: one step is then a matrix on the polynomials of a bounded degree.

    monomials in (x, v)  --T-->  E monomials after a step,      l T = E l on monomials in x,      E^n against exp(n gamma G_k)

T is exact at a number gamma, as balls; so is l, the limit of T^n l with the part on monomials in x made the identity, which is
the law of the memory that follows x.  With G cut off after gamma^k the moments at n gamma = 1 differ by gamma^(k+1).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import log2
from random import Random
from typing import Any

import numpy as np
from flint import arb, arb_mat

from derive.errors import UndecidedError
from derive.scheme import Configuration
from verify.numbers.precision import bits_of, precision
from verify.sde.forests import Operator, Spaces
from verify.sde.reading import is_linear, read
from verify.sde.ring import UNIT, Index, Ring
from verify.sde.scalars import Array, Balls
from verify.sde.statement import FIELD, Claim
from verify.sde.step import Step
from verify.sde.structure import Structure
from verify.sde.world import Shape, World, labels, reads_time

DIGITS, FINEST, COARSEST = 60, 20, 16
WEIGHTS = (Fraction(1, 2), Fraction(1, 3), Fraction(1, 6))
VALUES = tuple(Fraction(v) for v in ("2/5", "1/3", "3/7", "1/4", "5/9", "3/8", "2/9", "4/7"))
MAX_STATES = 130
MAX_BATCH, TYPICAL_BATCH = 8, 2
DOUBLINGS = 14
#: what a slope may be less than expected
TOLERANCE = 0.05


def parameter_values(c: Configuration) -> dict[str, Fraction]:
    """A number between 0 and 1 for every free parameter."""
    return {n: VALUES[k % len(VALUES)] + k // len(VALUES) for k, n in enumerate(c.free)}


def quadratic_world(
    c: Configuration, shape: Shape, parameters: Mapping[str, Fraction], seed: int, curvature: Fraction | None = None
) -> World:
    """Random quadratic losses, or linear fields, of three samples with unequal probabilities; with `curvature` their second
    derivatives are all the same multiple of the unit matrix, of a field the first ones the opposite."""
    source, scalars = Random(f"moments {seed}"), Balls()
    ring = Ring(scalars, shape.variables, shape.degree)

    def number() -> arb:
        return scalars.lift(Fraction(source.randint(-9, 9), 10))

    def polynomial(places: list[int], degree: int, own: int = 0) -> Array:
        """Of the component `own` of a field, or of a loss."""
        result = ring.zeros()
        for e, k in ring.monomials.index.items():
            if sum(e) > degree or any(x for j, x in enumerate(e) if j not in places):
                continue
            if curvature is None or sum(e) < degree:
                result[k] = number() + int(max(e) == degree == 2)
            elif max(e) == 2 or (degree == 1 and e[own]):
                result[k] = scalars.lift(curvature / 2 if degree == 2 else -curvature)
        return result

    functions: dict[str, list[Array]] = {}
    jets: dict[str, Array] = {}
    for label, (function, unknowns) in labels(c).items():
        places = [k for x in unknowns for k in shape.places(x)]
        if label == FIELD:
            jets[label] = np.array([[polynomial(places, 1, k) for k in places] for _ in WEIGHTS])
            continue
        losses = functions.setdefault(function, [polynomial(places, 2) for _ in WEIGHTS])
        space = label.partition(".")[2] or unknowns[0]
        jets[label] = np.array([[ring.derivative(x, k) for k in shape.places(space)] for x in losses])
    point = {x: [number() for _ in range(shape.dimension)] for x in shape.slow}
    values = {n: scalars.lift(q) for n, q in parameters.items()}
    return World(shape, ring, values, point, scalars.array([scalars.lift(w) for w in WEIGHTS]), jets)


@dataclass(frozen=True)
class Slopes:
    """slopes[k]: of the error against gamma with G through gamma^k, extrapolated; None where there is none."""

    slopes: tuple[float | None, ...]
    raw: tuple[tuple[float, ...], ...]
    gammas: tuple[Fraction, ...]
    parameters: Mapping[str, Fraction]
    degree: int

    @property
    def confirmed(self) -> bool:
        return all(s is None or s > k + 1 - TOLERANCE for k, s in enumerate(self.slopes))

    def to_json(self) -> dict[str, Any]:
        return {
            "slopes": [None if s is None else round(s, 6) for s in self.slopes],
            "raw": [[round(x, 6) for x in row] for row in self.raw],
            "gammas": [str(g) for g in self.gammas],
            "parameters": {n: str(q) for n, q in self.parameters.items()},
            "degree": self.degree,
        }


class Moments:
    """The matrices of one problem: monomials of the slow variables first, the constant first of all."""

    def __init__(
        self, c: Configuration, claim: Claim, structure: Structure, dimension: int, degree: int, seed: int = 0,
        curvature: Fraction | None = None,
    ) -> None:  # fmt: skip
        c = read(c)
        if not is_linear(c):
            raise UndecidedError("moments close for texts that are linear in what they draw")
        if claim.batches or (claim.batch.isdigit() and int(claim.batch) > MAX_BATCH):
            raise UndecidedError(f"moments are compared for independent samples, in batches of at most {MAX_BATCH}")
        if c.functions or reads_time(c):
            raise UndecidedError("moments are compared for steps that do not depend on time")
        self.c, self.structure = c, structure
        self.batch = int(claim.batch) if claim.batch.isdigit() else TYPICAL_BATCH
        self.parameters = parameter_values(c) | ({} if claim.batch.isdigit() else {claim.batch: Fraction(self.batch)})
        self.shape = Shape(structure.slow, dimension, len(WEIGHTS), 0, degree)
        self.world = quadratic_world(c, self.shape, self.parameters, seed, curvature)
        spaces = Spaces(self.world, tuple(c.scheme.unknowns), {c.symbol(s): x for s, x in c.scheme.spaces.items()})
        free = [k for e, k in self.world.ring.monomials.index.items() if not e[UNIT]]
        self.size = len(free)
        powers = [Operator(self.world, Claim((power,)), spaces).matrix() for power in claim.powers]
        self.generators = [_matrix(m[np.ix_(free, free)]) for m in powers]

    def place(self, degree: int) -> int:
        """The place of the power of the first component among the monomials of the slow variables."""
        own = [e for e in self.world.ring.monomials.index if not e[UNIT]]
        return own.index((0, degree, *(0,) * (self.world.ring.variables - 2)))

    def generator(self, gamma: Fraction, order: int) -> arb_mat:
        """G cut off after gamma^order."""
        total = arb_mat(self.size, self.size)
        for k in range(order + 1):
            total += self.generators[k] * Balls().lift(gamma**k)
        return total

    def step_matrix(self, gamma: Fraction) -> tuple[arb_mat, int]:
        """(T on the monomials of slow and fast variables, slow ones first; how many there are)."""
        step = Step(self.c, self.world, dict.fromkeys(self.structure.units, 1), size=Balls().lift(gamma), batch=self.batch)
        basis = sorted(step.basis, key=lambda e: any(e[step.memory :]))
        if len(basis) > MAX_STATES:
            raise UndecidedError(f"{len(basis)} moments are too many")
        places: dict[Index, int] = {e: k for k, e in enumerate(step.basis)}
        rows = step.matrix(step.images())
        columns = [step.ring.monomials.index[e] for e in basis]
        return _matrix(rows[np.ix_([places[e] for e in basis], columns)]), len(basis)

    def exact(self, gamma: Fraction) -> arb_mat:
        """E: one step on monomials of the slow variables, the memory in the law that follows them."""
        step, size = self.step_matrix(gamma)
        if size == self.size:
            return step
        power, law = step, _part(step, size, self.size)
        for _ in range(DOUBLINGS):
            new = _normalised(power, size, self.size)
            if _near(new, law):
                return _part(step * new, self.size, self.size)
            power, law = power * power, new
            power = power * (1 / _largest(power))
        raise UndecidedError("the memory does not relax at the parameter values tried")


def _matrix(values: Array) -> arb_mat:
    return arb_mat([[arb(x) for x in row] for row in values])


def _part(m: arb_mat, rows: int, columns: int) -> arb_mat:
    return arb_mat([[m[i, j] for j in range(columns)] for i in range(rows)])


def _normalised(power: arb_mat, size: int, slow: int) -> arb_mat:
    """T^n l_0 with the identity on the slow monomials, l_0 being zero on the others; balls made points."""
    law = _part(power, size, slow) * _part(power, slow, slow).inv()
    return arb_mat([[law[i, j].mid() for j in range(slow)] for i in range(size)])


def _near(a: arb_mat, b: arb_mat) -> bool:
    size = arb(10) ** -(DIGITS + 20)
    return all(abs(x - y) < size for x, y in zip(a.entries(), b.entries()))


def _largest(m: arb_mat) -> arb:
    return max((abs(x).mid() for x in m.entries()), default=arb(1))


def moment_slopes(c: Configuration, claim: Claim, structure: Structure, seed: int = 0) -> Slopes:
    """The slopes of all truncations.  Raises UndecidedError where they cannot be measured."""
    degree = max(2, claim.order + 1)
    dimension = 2 if len(structure.slow) + len(structure.units) <= 2 else 1
    gammas = tuple(Fraction(1, 2**k) for k in range(COARSEST, FINEST + 1))
    with precision(bits_of(10 * DIGITS)):
        moments = Moments(c, claim, structure, dimension, degree, seed)
        errors = [_differences(moments, g) for g in gammas]
    rows = [[row[k] for row in errors] for k in range(claim.order + 1)]
    raw = tuple(tuple(log2(a / b) for a, b in pairwise(row) if a and b) for row in rows)
    return Slopes(tuple(extrapolated(r) for r in raw), raw, gammas, moments.parameters, degree)


def _differences(moments: Moments, gamma: Fraction) -> list[float]:
    """The largest difference of a moment about the point at n gamma = 1, for every truncation; 0 below 10^-DIGITS."""
    steps = int(1 / gamma)
    true, found = moments.exact(gamma) ** steps, []
    for order in range(len(moments.generators)):
        claimed = moments.generator(gamma, order).exp()
        largest = max((abs(true[i, 0] - claimed[i, 0]).mid() for i in range(moments.size)), default=arb(0))
        found.append(float(largest) if largest > arb(10) ** -DIGITS else 0.0)
    return found


def extrapolated(raw: tuple[float, ...]) -> float | None:
    return None if len(raw) < 2 else 2 * raw[-1] - raw[-2]
