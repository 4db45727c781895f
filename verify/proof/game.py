"""Declared losses of several unknowns at a point: for each loss nothing but its mixed derivatives there, random and symmetric.

    f()(a, b) = f at (a, b)
    f.x(a, b) = the block of x in the gradient of f at (a, b);   f.x.y(a, b, u) = sum_j (d_(y_j) d_x f)(a, b) u_j;   and so on

Every unknown has a space of its own; here all have as many components as the proof needs in each (docs/proof.md),
and component i of each the same weight in scalar products.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from derive.language.calls import Partial
from verify.proof.loss import Jets, lowering, monomials, weighted_dot
from verify.proof.series import Series

Numbers = Sequence[Any]


@dataclass
class Game:
    """`points[x]` is the unknown x; `jets[f]` the loss f as a function of its `slots[f]`, one after the other."""

    slots: Mapping[str, Sequence[str]]
    points: Mapping[str, Numbers]
    jets: Mapping[str, Jets]
    ring: Any
    raising: Numbers | None = None
    _placed: dict[tuple[int, str, str], list[Any]] = field(default_factory=dict)
    _kept: list[Any] = field(default_factory=list)

    @property
    def leaf(self) -> list[Any]:
        """There is no one gradient."""
        return []

    @property
    def dimension(self) -> int:
        return len(next(iter(self.points.values())))

    @cached_property
    def lowering(self) -> list[Any] | None:
        return lowering(self.ring, self.raising)

    @property
    def heights(self) -> dict[str, Any]:
        """Every loss at the point."""
        return {f: jets.height for f, jets in self.jets.items()}

    @property
    def elsewhere(self) -> int:
        """How many points besides that of the unknowns were met."""
        return sum(jets.elsewhere for jets in self.jets.values())

    def value(self, point: Sequence[Series], loss: str) -> Series:
        """A loss at a point."""
        return self.jets[loss].value(point)

    def block(self, loss: str, x: str) -> range:
        """The places of x among the variables of a loss."""
        start = self.slots[loss].index(x) * self.dimension
        return range(start, start + self.dimension)

    def derivative(
        self, partial: Partial, point: Sequence[Sequence[Series]], directions: Sequence[Sequence[Series]]
    ) -> list[Series]:
        """A derivative of a loss at a point, in directions that are series."""
        first, *others = (self.block(partial.loss, x) for x in partial.variables)
        jets, joined = self.jets[partial.loss], [s for x in point for s in x]
        return jets.directed(joined, first, others, directions) if others else jets.gradient(joined, first)

    def contracted(self, partial: Partial, point: Sequence[Numbers], directions: Sequence[Numbers]) -> list[Any]:
        """A derivative at a point, in directions that are numbers; a list that comes again is recognised."""
        placed = [self._place(u, partial.loss, x) for u, x in zip(directions, partial.variables[1:])]
        found = self.jets[partial.loss].at([v for x in point for v in x]).tensor(placed)
        return [found[i] for i in self.block(partial.loss, partial.variables[0])]

    def _place(self, vector: Numbers, loss: str, x: str) -> list[Any]:
        """The vector in the block of x, zeros elsewhere; kept, so that contractions are shared."""
        key = (id(vector), loss, x)
        if key not in self._placed:
            padded = [self.ring.zero] * (len(self.slots[loss]) * self.dimension)
            for i, value in zip(self.block(loss, x), vector):
                padded[i] = value
            self._placed[key] = padded
            self._kept.append(vector)
        return self._placed[key]

    def dot(self, xs: Sequence[Series], ys: Sequence[Series], key: Any) -> Series:
        return weighted_dot(self.ring, self.lowering, xs, ys, key)

    # ------------------------------------------------------------------------------------------ other samples

    def redrawn(self, again: Container[int], draw: Callable[[], Any]) -> Game:
        """These components of every unknown and of every gradient drawn again."""
        points = {x: [draw() if j in again else v for j, v in enumerate(vector)] for x, vector in self.points.items()}
        jets = {}
        for f, old in self.jets.items():
            places = [j for x in self.slots[f] for i, j in enumerate(self.block(f, x)) if i in again]
            jets[f] = old.replaced([v for x in self.slots[f] for v in points[x]], [old.table.up[j][0] for j in places], draw)
        return Game(self.slots, points, jets, self.ring, self.raising)

    def reshuffled(self, draw: Callable[[], Any]) -> Game:
        """All derivatives of order two and more drawn again."""
        jets = {f: old.reshuffled(draw) for f, old in self.jets.items()}
        return Game(self.slots, self.points, jets, self.ring, self.raising)


def random_game(
    slots: Mapping[str, Sequence[str]], degree: int, points: Mapping[str, Numbers], ring: Any, draw: Callable[[], Any],
    weighted: bool,
) -> Game:  # fmt: skip
    """Every derivative of every loss drawn at random; weights where the text has a scalar product."""
    d = len(next(iter(points.values())))
    raising = [draw() for _ in range(d)] if weighted else None
    jets = {}
    for f, names in slots.items():
        theta = [v for x in names for v in points[x]]
        numbers = [draw() for _ in monomials(len(theta), degree + 1).exponents]
        jets[f] = Jets("L", degree, theta, [numbers], ring, list(raising) * len(names) if raising else None, draw)
    return Game(slots, points, jets, ring, raising)
