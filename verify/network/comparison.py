"""What was measured, as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import isfinite, log2
from typing import Any

USEFUL = 0.1  # |gamma f_1|/|f_0| beyond which a series is of no use
ROUNDED = 1e-13  # below this, errors are those of float64
TOLERANCE = 0.3  # between a slope at the two smallest steps and the order of the error


@dataclass(frozen=True)
class Comparison:
    """`errors[N][i]`: the distance at the end, root mean square over the parameters, with order N and step `steps[i]`.

    `ratios` are |gamma f_1|/|f_0| of theta by regime, the larger one of the start and of a first step; `negative` how many
    averages of squares are negative on the slow manifold truncated at the order; `moved` the root mean square of the way that
    the optimizer went; `flow_error` by how much the flows may be off.  An error is inf where the flow leaves the numbers.

    `without_layer` are the errors from rest without the initial layer, `floor` those of rounding in the numbers of the run;
    `jumps` is the share of the change of the gradient along the way that is made by kinks, looked for where it is not verified.
    """

    optimizer: str
    model: str
    parameters: int
    regime: str
    ratios: Mapping[str, float]
    steps: tuple[float, ...]
    counts: tuple[int, ...]
    errors: tuple[tuple[float, ...], ...]
    moved: float
    negative: int = 0
    flow_error: float = 0.0
    hyper: Mapping[str, float] = field(default_factory=dict)
    library: str = "optax"
    start: str = "manifold"
    without_layer: tuple[tuple[float, ...], ...] = ()
    floor: float = ROUNDED
    jumps: float = 0.0

    @property
    def slopes(self) -> tuple[tuple[float, ...], ...]:
        """log(error ratio)/log(step ratio) between neighbouring steps; nan where an error is zero or infinite."""
        return _slopes(self.steps, self.errors)

    @property
    def slopes_without_layer(self) -> tuple[tuple[float, ...], ...]:
        return _slopes(self.steps, self.without_layer)

    @property
    def rounded(self) -> bool:
        """Whether a slope is one of rounding errors."""
        return any(0 < x < max(ROUNDED, self.floor) for e in self.errors for x in e)

    @property
    def useful(self) -> bool:
        return self.ratios[self.regime] < USEFUL

    @property
    def verdict(self) -> str:
        """'verified' where every slope at the smallest steps is that of its order; else 'of no use' or 'undecided'."""
        if all(s and abs(s[-1] - (n + 1)) <= TOLERANCE for n, s in enumerate(self.slopes)):
            return "verified"
        return "undecided" if self.useful else "of no use"

    def to_json(self) -> dict[str, Any]:
        """The table as data, documented in docs/reference/json.md."""
        found = {
            "optimizer": self.optimizer, "model": self.model, "parameters": self.parameters,
            "hyper": dict(self.hyper), "regime": self.regime, "ratios": {r: _number(x) for r, x in self.ratios.items()},
            "steps": list(self.steps), "counts": list(self.counts), "moved": self.moved, "negative": self.negative,
            "flow_error": self.flow_error, "verdict": self.verdict, "library": self.library, "start": self.start,
            "floor": self.floor, "jumps": self.jumps,
            "orders": _orders(self.errors, self.slopes),
        }  # fmt: skip
        return found | ({"without_layer": _orders(self.without_layer, self.slopes_without_layer)} if self.without_layer else {})

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Comparison:
        """What `to_json` wrote."""
        ratios = {r: float("inf") if x is None else x for r, x in data["ratios"].items()}
        return cls(
            data["optimizer"], data["model"], data["parameters"], data["regime"], ratios, tuple(data["steps"]),
            tuple(data["counts"]), _errors(data["orders"]), data["moved"], data["negative"], data["flow_error"], data["hyper"],
            data["library"], data["start"], _errors(data.get("without_layer", ())), data["floor"],
            data["jumps"],
        )  # fmt: skip


Table = tuple[tuple[float, ...], ...]


def _orders(errors: Table, slopes: Table) -> list[dict[str, Any]]:
    return [
        {"order": n, "errors": [_number(x) for x in e], "slopes": [_number(x) for x in s]}
        for n, (e, s) in enumerate(zip(errors, slopes, strict=True))
    ]


def _errors(orders: Sequence[Mapping[str, Any]]) -> Table:
    return tuple(tuple(float("inf") if x is None else x for x in o["errors"]) for o in orders)


def _slopes(steps: Sequence[float], errors: Sequence[Sequence[float]]) -> tuple[tuple[float, ...], ...]:
    pairs = list(pairwise(steps))
    return tuple(
        tuple(
            log2(a / b) / log2(g / h) if 0 < a < float("inf") and 0 < b < float("inf") else float("nan")
            for (g, h), (a, b) in zip(pairs, pairwise(e), strict=True)
        )
        for e in errors
    )


def _number(x: float) -> float | None:
    """JSON has neither inf nor nan."""
    return x if isfinite(x) else None
