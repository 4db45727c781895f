"""What a step does to its memory as gamma -> 0: which variables are slow, what the others follow, and their size.

    m(next) = sum A m + sum P x    without gradients, at gamma = 0

A variable whose row of A is that of the unit matrix, and which follows nothing, is slow.  The others follow
R = (1 - A)^(-1) P, and the rest of them is of the order of a power of u, found by running the step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

import numpy as np

from derive.errors import UndecidedError
from derive.scheme import Configuration
from verify.sde.elements import Element
from verify.sde.ring import UNIT, Ring, inverse_matrix, matrix_product
from verify.sde.scalars import Array, Modular
from verify.sde.step import Step
from verify.sde.world import Shape, draw_world, reads_time

_ROUNDS = 8
Follows = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class Structure:
    slow: tuple[str, ...]
    units: Mapping[str, int]
    follows: Follows


def find_structure(source: Random, c: Configuration, half: int, p: int, parameters: Mapping[str, int]) -> Structure:
    """The structure at these parameters, from steps in one dimension."""
    scheme = c.scheme
    memory = tuple(c.symbol(s) for s in scheme.states if s not in scheme.unknowns)
    unknowns = tuple(scheme.unknowns)
    for s in scheme.states:
        if scheme.kinds[s] != "vector":
            raise UndecidedError(f"the memory {s} is a number")
    small = _Small(source, c, half, p, parameters)
    if not memory:
        return Structure(unknowns, {}, {})
    relaxation, followed = small.linear(unknowns, memory)
    slow = [m for k, m in enumerate(memory) if _is_unit(relaxation[k], k) and not followed[k].any()]
    fast = [m for m in memory if m not in slow]
    own = [memory.index(m) for m in fast]
    sources = np.concatenate([followed[own], relaxation[np.ix_(own, [memory.index(m) for m in slow])]], axis=1)
    try:
        inverse = inverse_matrix((np.eye(len(fast), dtype=np.int64) - relaxation[np.ix_(own, own)]) % p, p)
    except ZeroDivisionError:
        raise UndecidedError(f"the memory {', '.join(fast)} does not relax as gamma -> 0") from None
    rows = matrix_product(inverse, sources, p)
    follows = {m: {x: int(r) for x, r in zip((*unknowns, *slow), row) if r} for m, row in zip(fast, rows)}
    return Structure((*unknowns, *slow), small.units((*unknowns, *slow), fast, follows), follows)


def _is_unit(row: Array, k: int) -> bool:
    return bool(row[k] == 1 and not np.delete(row, k).any())


class _Small:
    """Steps in one dimension at given parameters."""

    def __init__(self, source: Random, c: Configuration, half: int, p: int, parameters: Mapping[str, int]) -> None:
        self.source, self.c, self.half, self.p, self.parameters = source, c, half, p, parameters
        self.degree = 3 * half

    def step(
        self, slow: tuple[str, ...], units: Mapping[str, int], follows: Follows, still: Mapping[str, int] | None = None
    ) -> Step:
        shape = Shape(slow, 1, 2, self.half, self.degree, reads_time(self.c))
        ring = Ring(Modular(self.p), shape.variables, self.degree)
        return Step(self.c, draw_world(self.source, self.c, shape, ring, self.parameters), units, follows, still)

    def linear(self, unknowns: tuple[str, ...], memory: tuple[str, ...]) -> tuple[Array, Array]:
        """(A, P): memory after the step by memory and by unknowns."""
        step = self.step(unknowns, dict.fromkeys(memory, 0), {}, {m: self.source.randrange(1, self.p) for m in memory})
        after = step.after(step.start())
        rows = [after[m][0].plain() for m in memory]
        monomials = step.ring.monomials

        def coefficient(x: Element, place: int) -> int:
            e = tuple(int(k == place) for k in range(step.ring.variables))
            return int(x.values[..., monomials.index[e]].reshape(-1)[0])

        relaxation = [[coefficient(x, step.fast_places(m)[0]) for m in memory] for x in rows]
        followed = [[coefficient(x, step.world.shape.places(y)[0]) for y in unknowns] for x in rows]
        return np.array(relaxation, dtype=np.int64), np.array(followed, dtype=np.int64)

    def units(self, slow: tuple[str, ...], fast: list[str], follows: Follows) -> dict[str, int]:
        """The powers of u that memory is of, if it starts at what it follows."""
        units = dict.fromkeys(fast, self.degree - self.half)
        for _ in range(_ROUNDS):
            step = self.step(slow, units, follows)
            images = step.images(plain=False)
            found = {m: min(unit, unit - 1 + self._size(step, images[step.fast_places(m)[0]])) for m, unit in units.items()}
            if any(unit < 0 for unit in found.values()):
                raise UndecidedError("memory grows without bound as gamma -> 0")
            if found == units:
                return units
            units = found
        raise UndecidedError("the size of the memory as gamma -> 0 was not found")

    def _size(self, step: Step, image: Element) -> int:
        """The least power of u in an image, U and Z being of the order of u."""
        there = np.flatnonzero(image.values.reshape(-1, len(step.ring)).any(axis=0))
        e = step.ring.monomials.exponents[there]
        small = e[:, UNIT] + e[:, step.memory :].sum(axis=1)
        return int(small.min(initial=self.degree)) + image.offset


