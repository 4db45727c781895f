"""A finite data set on which two generators differ: losses, a point and parameters in rational numbers, for a reader to check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from random import Random
from typing import Any

import numpy as np

from derive.errors import UndecidedError
from derive.scheme import Configuration
from verify.proof.errors import Rejected
from verify.sde.forests import Symbol
from verify.sde.functions import is_linear
from verify.sde.moments import parameter_values
from verify.sde.proof import Drawing, operator_of
from verify.sde.ring import Ring
from verify.sde.scalars import Array
from verify.sde.statement import FIELD, Claim
from verify.sde.structure import Structure
from verify.sde.world import Shape, World, labels, normals, reads_time

NAMES = "xy"
TRIES = 4


@dataclass(frozen=True)
class Rationals:
    """Fractions as scalars."""

    def array(self, values: Sequence[Any] | Array) -> Array:
        return np.array(values, dtype=object)

    def reduced(self, values: Any) -> Any:
        return values

    def lift(self, q: Fraction) -> Fraction:
        return q

    def inverse(self, x: Any) -> Fraction:
        return 1 / Fraction(x)

    def power(self, x: Any, r: Fraction) -> Fraction:
        if r.denominator != 1:
            raise UndecidedError("a root is no rational number")
        return Fraction(Fraction(x) ** int(r))

    def sign(self, x: Any) -> int:
        return 1 if x > 0 else -1


def witness(c: Configuration, claimed: Claim, true: Claim, structure: Structure, drawing: Drawing) -> str:
    """A sentence with the numbers, or '' where those tried show no difference."""
    if not is_linear(c) or len(c.scheme.unknowns) > 1 or len(structure.slow) > 1 or c.functions or reads_time(c):
        return ""
    for world, losses in _worlds(c, max(claimed.order, true.order), drawing):
        try:
            symbols = [operator_of(c, claim, world, structure, drawing).symbol for claim in (claimed, true)]
        except (ArithmeticError, UndecidedError, Rejected):
            continue
        if found := _difference(world, *symbols):
            return f"counterexample: {losses}{_values(world, drawing)}: {found}"
    return ""


def _worlds(c: Configuration, order: int, drawing: Drawing) -> Iterator[tuple[World, str]]:
    """Worlds with small numbers, of one dimension first."""
    half = 2 if normals(c) else 1
    for dimension in (1, 2):
        for seed in range(TRIES):
            source = Random(f"witness {seed}")
            shape = Shape(tuple(c.scheme.unknowns), dimension, drawing.batches or 2, half, half * (order + 1))
            yield _world(c, shape, source, bool(drawing.batches))


def _world(c: Configuration, shape: Shape, source: Random, equal: bool) -> tuple[World, str]:
    ring = Ring(Rationals(), shape.variables, shape.degree)
    weights = [Fraction(1, shape.samples)] * shape.samples if equal else [Fraction(1, 3), Fraction(2, 3)]
    if FIELD in (kinds := labels(c)):
        raise UndecidedError("a field has no losses")
    losses = [_polynomial(ring, source) for _ in weights]
    gradients = np.array([[ring.derivative(x, k) for k in shape.places(shape.slow[0])] for x in losses])
    shown = ", ".join(f"L{k} = {_text(ring, x)}" for k, x in enumerate(losses, 1))
    chances = "" if equal else f" with the probabilities {', '.join(map(str, weights))}"
    point = {shape.slow[0]: [Fraction(0)] * shape.dimension}
    world = World(shape, ring, parameter_values(c), point, np.array(weights, dtype=object), dict.fromkeys(kinds, gradients))
    return world, shown + chances


def _polynomial(ring: Ring, source: Random) -> Array:
    """With every monomial in the distances from the point, from the first degree to the fourth."""
    result = ring.zeros()
    for e, k in ring.monomials.index.items():
        if not e[0] and 1 <= sum(e) <= 4:
            result[k] = Fraction(source.choice((-2, -1, 1, 2, 3)))
    return result


def _text(ring: Ring, polynomial: Array) -> str:
    """A polynomial in x and y."""
    found = ""
    for e, k in ring.monomials.index.items():
        if c := polynomial[k]:
            powers = "*".join(f"{NAMES[i]}**{n}" if n > 1 else NAMES[i] for i, n in enumerate(e[1:]) if n)
            found += (" - " if c < 0 else " + ") + ("" if abs(c) == 1 else f"{abs(c)}*") + powers
    return found.removeprefix(" + ").removeprefix(" ")


def _values(world: World, drawing: Drawing) -> str:
    """The point and the parameters."""
    found = {NAMES[i]: Fraction(0) for i in range(world.shape.dimension)} | dict(world.parameters)
    batch = f", batches of {drawing.batch}" if drawing.batch > 1 else ""
    return " at " + ", ".join(f"{n} = {x}" for n, x in found.items()) + batch


def _difference(world: World, claimed: Symbol, true: Symbol) -> str:
    """The first power of gamma and derivative of phi at which they differ, at the point."""
    half, ring = world.shape.half, world.ring
    for power in range(ring.degree // half):
        place = ring.monomials.index[(half * (power + 1), *(0,) * (ring.variables - 1))]
        for key in sorted({*claimed, *true}, key=lambda k: (len(k), k)):
            mine, theirs = (Fraction(s[key][place]) if key in s else Fraction(0) for s in (claimed, true))
            if mine != theirs:
                derivative = "".join(NAMES[k - world.shape.places(world.shape.slow[0])[0]] for k in key)
                return f"the factor of phi_{derivative} at gamma**{power} is claimed {mine}, true {theirs}"
    return ""
