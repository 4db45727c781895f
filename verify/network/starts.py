"""Where an optimizer and the flows start: on the slow manifold, from rest, or from a checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from derive import initial_layer
from derive.errors import UsageError
from verify.network.rows import Numbers, Optimizer, Tree


@dataclass(frozen=True, eq=False)
class Start:
    """`rest`: no memory, as everybody starts; the flows from the point that the initial layer shifts, or (`layer`) not.

    A checkpoint has the optimizer's `state`, with `read(state, numbers)` the scheme's memory in it, and the setting `hyper` whose
    state it is.  Else memory is on the slow manifold, and slow memory at what it is for the gradient at the start.
    """

    rest: bool = False
    layer: bool = True
    state: Any = None
    read: Callable[[Any, Numbers], Mapping[str, Tree]] = lambda state, p: {}
    hyper: Mapping[str, float] = field(default_factory=dict)

    def memory(self, p: Numbers) -> Mapping[str, Tree]:
        """By name of the scheme's variables, in the scheme's units."""
        return self.read(self.state, p)

    @property
    def name(self) -> str:
        return "rest" if self.rest else "manifold" if self.state is None else "checkpoint"


MANIFOLD, REST, BARE = Start(), Start(rest=True), Start(rest=True, layer=False)


def start_of(given: Start | str) -> Start:
    """A start by its name, or one that is there.  Raises UsageError for another name."""
    named = {"manifold": MANIFOLD, "rest": REST}
    if isinstance(given, Start):
        return given
    if given not in named:
        raise UsageError(f"start '{given}': write {' or '.join(named)}, or give a checkpoint")
    return named[given]


def layer_of(row: Optimizer, regime: str, order: int) -> Any:
    """The initial layer of the scheme in the regime.  Raises ReductionError where it is no sum of decaying powers (Adam)."""
    own = row.regimes.get(regime)
    return initial_layer(row.scheme, max(order, 1), regime=regime if regime and own is None else None, settings=own)


def singular_at_rest(name: str, regime: str) -> str:
    return (
        f"{name} in the regime {regime or 'of fixed hyperparameters'}: at rest an average that the step divides by is zero, and "
        "the field is singular there, so that no flow starts; start on the manifold, or from a checkpoint"
    )


def left_the_numbers(name: str, order: int, negative: int, count: int, gamma: float) -> str:
    """Why a run has no end."""
    if negative:
        return (
            f"{name} cannot start on the slow manifold through gamma^{order}: {negative} averages of squares are negative"
            " there, and have no root; take another regime, a smaller step or a lower order"
        )
    return f"{name} leaves the numbers within {count} steps of {gamma:g} and less; take a smaller step"
