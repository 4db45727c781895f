"""Games of two players of one number each, and what the plane can show: such a game, a loss or a field in two variables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from verify.problems.game import Game
from verify.problems.landscape import Loss


@dataclass(frozen=True)
class PlaneGame(Game):
    """Losses of two unknowns with one component each, by the unknown's name; `zero_sum` where the second is minus the first."""

    zero_sum: bool = False

    @property
    def names(self) -> dict[str, tuple[str, ...]]:
        return {x: (x,) for x in self.sizes}

    @property
    def text(self) -> str:
        """The losses by their names, g = -f for the second of a zero-sum game."""
        texts = {f: loss.text for f, loss in self.losses.items()}
        if self.zero_sum:
            texts[list(texts)[1]] = f"-{self.first}"
        return "; ".join(f"{f} = {text}" for f, text in texts.items())

    @property
    def first(self) -> str:
        """The loss whose contours are drawn."""
        return next(iter(self.losses))

    def value(self, point: Sequence[Any]) -> Any:
        """That loss at a point."""
        named = dict(zip(self.sizes, point, strict=True))
        return self.losses[self.first].value([named[x] for x in self.slots[self.first]])


Planar = Loss | PlaneGame
