"""Declared losses of several unknowns, each a function of the components of those that it depends on.

    f()(a, b) = f at (a, b)
    f.x(a, b) = the block of x in the gradient of f at (a, b);   f.x.y(a, b, u) = sum_j (d_(y_j) d_x f)(a, b) u_j;   and so on

A lone loss or field is a problem of one unknown: every kind of problem has `sizes`, the components of each unknown, and a
flat point, the components of one unknown after those of another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

from derive.language.calls import Partial
from verify.problems.landscape import Loss
from verify.problems.layers import Layers
from verify.problems.problem import Problem


def divided(flat: Sequence[Any], sizes: Mapping[str, int]) -> dict[str, list[Any]]:
    """unknown -> its components.

    >>> divided([1, 2, 3], {"x": 2, "y": 1})
    {'x': [1, 2], 'y': [3]}
    """
    found, start = {}, 0
    for x, size in sizes.items():
        found[x], start = list(flat[start : start + size]), start + size
    return found


def component_names(sizes: Mapping[str, int]) -> dict[str, tuple[str, ...]]:
    """Names of the components of each unknown: x1, x2, ..."""
    return {x: tuple(f"{x}{i + 1}" for i in range(size)) for x, size in sizes.items()}


@dataclass(frozen=True)
class Game:
    """`losses[f]` is a loss, about a point or everywhere, in the components of the unknowns `slots[f]`, one after the other."""

    slots: Mapping[str, Sequence[str]]
    sizes: Mapping[str, int]
    losses: Mapping[str, Any]

    is_field = False
    layers: ClassVar[Layers] = ()

    @property
    def dimension(self) -> int:
        return sum(self.sizes.values())

    def place(self, loss: str, x: str) -> range:
        """The places of an unknown among the variables of a loss."""
        before = self.slots[loss][: list(self.slots[loss]).index(x)]
        start = sum(self.sizes[y] for y in before)
        return range(start, start + self.sizes[x])

    def gradient(self, partial: Partial, point: Sequence[Sequence[Any]], directions: Sequence[Sequence[Any]]) -> Any:
        """A derivative of a loss at a point, given by unknowns, in some directions: a list; or the loss there, a number."""
        loss, flat = self.losses[partial.loss], [v for x in point for v in x]
        if not partial.variables:
            return loss.value(flat)
        first, *others = (self.place(partial.loss, x) for x in partial.variables)
        arguments = [list(zip(place, u, strict=True)) for place, u in zip(others, directions, strict=True)]
        return loss.partial(flat, first, arguments, loss.monomials(flat))

    # ------------------------------------------------------------------------------------------ about a point

    @cached_property
    def point(self) -> tuple[Any, ...]:
        found = {x: v for f, slots in self.slots.items() for x, v in self._named(self.losses[f].point, slots).items()}
        return tuple(c for x in self.sizes for c in found[x])

    def _named(self, flat: Sequence[Any], slots: Sequence[str]) -> dict[str, list[Any]]:
        return divided(flat, {x: self.sizes[x] for x in slots})

    @property
    def parts(self) -> list[Any]:
        return [p for loss in self.losses.values() for p in loss.parts]

    @property
    def gradient_size(self) -> int:
        """How many components all gradients have."""
        return sum(loss.gradient_size for loss in self.losses.values())

    def each(self, change: Callable[[Problem], Problem]) -> Game:
        """Every loss changed."""
        return replace(self, losses={f: change(p) for f, p in self.losses.items()})

    def with_gradient(self, component: int, x: Any) -> Game:
        """The same losses with another component of one of the gradients at the point."""
        losses = dict(self.losses)
        for f, p in losses.items():
            if component < p.gradient_size:
                return replace(self, losses={**losses, f: p.with_gradient(component, x)})
            component -= p.gradient_size
        raise IndexError(component)

    def moved(self, point: Sequence[Any]) -> Game:
        """The same polynomials in theta - point about another point."""
        named = divided(point, self.sizes)
        losses = {f: self.losses[f].moved([v for x in slots for v in named[x]]) for f, slots in self.slots.items()}
        return replace(self, losses=losses)

    # ------------------------------------------------------------------------------------------ in words

    @property
    def names(self) -> dict[str, tuple[str, ...]]:
        return component_names(self.sizes)

    def written(self, deltas: Sequence[str]) -> str:
        """Every loss, in texts for the components of theta - point."""
        named = divided(deltas, self.sizes)
        texts = {f: self.losses[f].written([v for x in slots for v in named[x]]) for f, slots in self.slots.items()}
        return "; ".join(f"{f} = {text}" for f, text in texts.items())

    @property
    def variables(self) -> tuple[str, ...]:
        return tuple(v for names in self.names.values() for v in names)

    @property
    def text(self) -> str:
        """The losses by their names."""
        return "; ".join(f"{f} = {loss.text}" for f, loss in self.losses.items())


def game_of_texts(slots: Mapping[str, Sequence[str]], sizes: Mapping[str, int], texts: Mapping[str, str]) -> Game:
    """Losses given by texts in the components' names, at every point.

    >>> game_of_texts({"f": ["x", "y"]}, {"x": 2, "y": 1}, {"f": "x1*y1"}).losses["f"].variables
    ('x1', 'x2', 'y1')
    """
    names = component_names(sizes)
    losses = {f: Loss(texts[f], variables=[v for x in xs for v in names[x]]) for f, xs in slots.items()}
    return Game(slots, sizes, losses)
