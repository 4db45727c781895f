"""What was measured of a law, as data: errors of means, each with what sampling may have made of it.

    error = |mean over seeds - prediction|,   bar = DEVIATIONS standard deviations of the mean,   true error in error +- bar,
    slope = log2(a/b) +- sqrt((bar_a/a)^2 + (bar_b/b)^2)/log 2   of neighbouring errors a and b

Something is said of a slope where it is known to 0.3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import hypot, inf, log, log2, sqrt
from typing import Any

from verify.network.comparison import TOLERANCE

DEVIATIONS = 2.0
Interval = tuple[float, float]


@dataclass(frozen=True)
class Measured:
    """A test function: `errors[N][i]` and the standard deviations of its mean at step i, root mean square over its components;
    by how much its mean changes in all, and how wrong the prediction may be."""

    name: str
    errors: tuple[tuple[float, ...], ...]
    deviations: tuple[float, ...]
    change: float
    prediction_error: float

    @property
    def bars(self) -> tuple[float, ...]:
        return tuple(DEVIATIONS * d + self.prediction_error for d in self.deviations)


@dataclass(frozen=True)
class LawComparison:
    """`seeds` is 0 where all sequences of batches were run."""

    optimizer: str
    model: str
    parameters: int
    images: int
    batch: int
    seeds: int
    hyper: Mapping[str, float]
    steps: tuple[float, ...]
    counts: tuple[int, ...]
    functions: tuple[Measured, ...]

    @property
    def relative(self) -> tuple[tuple[tuple[float, float], ...], ...]:
        """By order and step (error, bar) of all test functions together: root mean square of each in units of its error through
        gamma^0 at the first step.  One mean alone may have an error that vanishes by chance at some step."""

        def together(values: Sequence[float]) -> float:
            units = [f.errors[0][0] or 1.0 for f in self.functions]
            return sqrt(sum((x / u) ** 2 for x, u in zip(values, units, strict=True)) / len(units))

        return tuple(
            tuple((together([f.errors[n][i] for f in self.functions]), together([f.bars[i] for f in self.functions]))
                  for i in range(len(self.steps)))
            for n in range(len(self.functions[0].errors))
        )  # fmt: skip

    def slopes(self, order: int) -> tuple[Interval, ...]:
        """Between which numbers the slope is, for neighbouring steps; the seeds of two steps are independent.  Where an error is
        not above its bar nothing is known."""
        return tuple(_slope(a, b) for a, b in pairwise(self.relative[order]))

    def resolved(self, order: int) -> Interval | None:
        """The slope at the smallest steps at which it is known to 0.3."""
        return next(((low, high) for low, high in reversed(self.slopes(order)) if high - low <= 2 * TOLERANCE), None)

    def verdict_of(self, order: int) -> str:
        """'verified' where that slope is within 0.3 of order + 1, 'not resolved' where none is known, else 'undecided'."""
        slope = self.resolved(order)
        if slope is None:
            return "not resolved"
        return "verified" if abs(sum(slope) / 2 - (order + 1)) <= TOLERANCE else "undecided"

    @property
    def verdict(self) -> str:
        found = [self.verdict_of(n) for n in range(len(self.functions[0].errors))]
        return next((v for v in ("undecided", "not resolved") if v in found), "verified")

    def to_json(self) -> dict[str, Any]:
        """The table as data, documented in docs/reference/json.md."""
        return {
            "optimizer": self.optimizer, "model": self.model, "parameters": self.parameters, "images": self.images,
            "batch": self.batch, "seeds": self.seeds, "hyper": dict(self.hyper), "steps": list(self.steps),
            "counts": list(self.counts), "verdict": self.verdict,
            "functions": [
                {
                    "name": f.name, "change": f.change, "prediction_error": f.prediction_error, "bars": list(f.bars),
                    "errors": [list(e) for e in f.errors],
                }
                for f in self.functions
            ],
            "orders": [
                {
                    "order": n, "verdict": self.verdict_of(n), "errors": [e for e, _ in pairs], "bars": [b for _, b in pairs],
                    "slopes": [[_finite(x) for x in s] for s in self.slopes(n)],
                }
                for n, pairs in enumerate(self.relative)
            ],
        }  # fmt: skip


def _slope(a: tuple[float, float], b: tuple[float, float]) -> Interval:
    """
    >>> [round(x, 3) for x in _slope((4.0, 0.0), (1.0, 0.1))]
    [1.856, 2.144]
    """
    if any(error <= bar for error, bar in (a, b)):
        return -inf, inf
    about = hypot(a[1] / a[0], b[1] / b[0]) / log(2)
    return log2(a[0] / b[0]) - about, log2(a[0] / b[0]) + about


def _finite(x: float) -> float | None:
    return x if abs(x) < inf else None
