"""A finite data set on which two generators differ: losses, a point and parameters in rational numbers, for a reader to check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from random import Random
from typing import Any

import numpy as np

from derive.errors import UndecidedError
from derive.scheme import Configuration
from verify.proof.errors import Rejected
from verify.sde.forests import Symbol
from verify.sde.moments import parameter_values
from verify.sde.proof import Drawing, operator_of
from verify.sde.reading import is_linear, read
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

    def exp(self, x: Any) -> Fraction:
        if x:
            raise UndecidedError("an exponential is no rational number")
        return Fraction(1)


def witness(c: Configuration, claimed: Claim, true: Claim, structure: Structure, drawing: Drawing) -> str:
    """A sentence with the numbers, or '' where those tried show no difference.

    >>> from random import Random
    >>> from derive import configure, inline_scheme
    >>> from verify.sde.statement import read_claim
    >>> from verify.sde.structure import find_structure
    >>> c = configure(inline_scheme("theta = theta - gamma*sgrad(theta)"), noise=True)
    >>> one, two = (read_claim({"generator": [{"power": 0, "terms": [{"forest": "g", "coefficient": x}]}]}) for x in ("-2", "-1"))
    >>> witness(c, one, two, find_structure(Random(0), c, 1, 10007, {}), Drawing()).partition("at ")[2]
    'x = 0: the factor of phi_x at gamma**0 is claimed 4/3, true 2/3'
    """
    c = read(c)
    if not is_linear(c) or len(c.scheme.unknowns) > 1 or FIELD in labels(c) or c.functions or reads_time(c):
        return ""
    for dimension, seed in product((1, 2), range(TRIES)):
        world, losses = _world(c, structure, max(claimed.order, true.order), drawing, dimension, Random(f"witness {seed}"))
        try:
            symbols = [operator_of(c, claim, world, structure, drawing).symbol for claim in (claimed, true)]
        except (ArithmeticError, UndecidedError, Rejected):
            continue
        if found := _difference(world, *symbols):
            return f"counterexample: {losses}{_values(world, drawing)}: {found}"
    return ""


def _world(
    c: Configuration, structure: Structure, order: int, drawing: Drawing, dimension: int, source: Random
) -> tuple[World, str]:
    """A world with small numbers, and its losses in words."""
    half = 2 if normals(c) else 1
    shape = Shape(structure.slow, dimension, drawing.batches or 2, half, half * (order + 1))
    ring, places = Ring(Rationals(), shape.variables, shape.degree), shape.places(structure.slow[0])
    weights = [Fraction(1, shape.samples)] * shape.samples if drawing.batches else [Fraction(1, 3), Fraction(2, 3)]
    losses = [_polynomial(ring, places, source) for _ in weights]
    gradients = np.array([[ring.derivative(x, k) for k in places] for x in losses])
    shown = ", ".join(f"L{k} = {_text(ring, x)}" for k, x in enumerate(losses, 1))
    chances = "" if drawing.batches else f" with the probabilities {', '.join(map(str, weights))}"
    point = {x: [Fraction(int(k > 0))] * dimension for k, x in enumerate(structure.slow)}
    jets = dict.fromkeys(labels(c), gradients)
    return World(shape, ring, parameter_values(c), point, np.array(weights, dtype=object), jets), shown + chances


def _polynomial(ring: Ring, places: Sequence[int], source: Random) -> Array:
    """With every monomial in the distances of the first variable from its point, from the first degree to the fourth."""
    result = ring.zeros()
    for e, k in ring.monomials.index.items():
        if 1 <= sum(e) <= 4 and sum(e) == sum(e[i] for i in places):
            result[k] = Fraction(source.choice((-2, -1, 1, 2, 3)))
    return result


def _text(ring: Ring, polynomial: Array) -> str:
    """A polynomial in x and y."""
    found = ""
    for e, k in ring.monomials.index.items():
        if c := polynomial[k]:
            powers = "*".join(f"{NAMES[i]}**{n}" if n > 1 else NAMES[i] for i, n in enumerate(e[1:]) if n)
            found += (" - " if c < 0 else " + ") + ("" if abs(c) == 1 else f"{abs(c)}*") + powers
    return found.removeprefix(" + ").replace(" - ", "-", int(found.startswith(" - ")))


def _name(world: World, variable: str, component: int) -> str:
    """The name of a component: x and y of the first variable, of others their own."""
    shape = world.shape
    if variable == shape.slow[0]:
        return NAMES[component]
    return variable if shape.dimension == 1 else f"{variable}{component + 1}"


def _values(world: World, drawing: Drawing) -> str:
    """The point and the parameters."""
    found = {_name(world, x, i): value for x, values in world.point.items() for i, value in enumerate(values)}
    batch = f", batches of {drawing.batch}" if drawing.batch > 1 else ""
    return " at " + ", ".join(f"{n} = {x}" for n, x in {**found, **world.parameters}.items()) + batch


def _difference(world: World, claimed: Symbol, true: Symbol) -> str:
    """The first power of gamma and derivative of phi at which they differ, at the point."""
    half, ring = world.shape.half, world.ring
    names = {k: _name(world, x, i) for x in world.shape.slow for i, k in enumerate(world.shape.places(x))}
    for power in range(ring.degree // half):
        place = ring.monomials.index[(half * (power + 1), *(0,) * (ring.variables - 1))]
        for key in sorted({*claimed, *true}, key=lambda k: (len(k), k)):
            mine, theirs = (Fraction(s[key][place]) if key in s else Fraction(0) for s in (claimed, true))
            if mine != theirs:
                derivative = ("" if all(len(names[k]) == 1 for k in key) else ",").join(names[k] for k in key)
                return f"the factor of phi_{derivative} at gamma**{power} is claimed {mine}, true {theirs}"
    return ""
