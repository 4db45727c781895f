"""A claimed generator proved over random prime fields."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from random import Random, SystemRandom

from derive.errors import UndecidedError
from derive.scheme import Configuration
from verify.proof.errors import Rejected
from verify.proof.field import is_prime
from verify.sde.family import Family, Residual
from verify.sde.forests import Operator, Spaces
from verify.sde.ring import Ring
from verify.sde.statement import Claim
from verify.sde.step import Step
from verify.sde.structure import Structure, find_structure
from verify.sde.world import Shape, draw_world, normals, reads_time

BITS = 31


def draw_prime(source: Random) -> int:
    """A random prime that is 3 modulo 4, of 31 bits."""
    while True:
        p = 4 * source.randrange(2 ** (BITS - 3), 2 ** (BITS - 2)) - 1
        if is_prime(p):
            return p


def one_world(source: Random, c: Configuration, claim: Claim, slack: int = 0) -> tuple[Residual, Structure, Shape]:
    """The residual of the claim in one random world."""
    p, half = draw_prime(source), 2 if normals(c) else 1
    parameters = {n: source.randrange(1, p) for n in c.free}
    structure = find_structure(source, c, half, p, parameters)
    size = max(claim.order + 1, claim.size)
    degree = half * (claim.order + 1)
    shape = Shape(structure.slow, size, size, half, degree + slack, reads_time(c))
    world = draw_world(source, c, shape, Ring(p, shape.variables, shape.degree), parameters)
    step = Step(c, world, structure.units, structure.follows)
    spaces = {c.symbol(s): x for s, x in c.scheme.spaces.items()}
    family = Family(step, Operator(world, claim, Spaces(world, tuple(c.scheme.unknowns), spaces)), degree)
    if family.matrix is None:
        return one_world(source, c, claim, slack + degree - family.known)
    return family.residual(), structure, shape
