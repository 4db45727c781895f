"""Many settings of one optimizer, as a plan of `derive.sweeps`: settings of one task share every compiled function."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any, ClassVar

from derive.errors import UsageError
from derive.sweeps import Result

Point = Mapping[str, float]


@dataclass(frozen=True)
class Plan:
    """What all settings have in common; plain data, so that it travels."""

    optimizer: str
    model: str
    options: Mapping[str, int]
    count: int | None = None
    halvings: int = 2
    order: int = 2
    regime: str = "auto"
    task: ClassVar[int] = 16

    def request(self, point: Point) -> dict[str, Any]:
        return {**asdict(self), "point": dict(sorted(point.items()))}

    def label(self, point: Point) -> str:
        return f"{self.optimizer}-{self.model}"

    def settles(self, result: Result) -> bool:
        return True

    def run(self, points: Sequence[Point]) -> list[Result]:
        """Results of Comparison.to_json, or {"error": text}."""
        return run_task(self, points)


def grid(text: str, number: Callable[[str, str], float]) -> list[dict[str, float]]:
    """Every combination of the values.

    >>> grid("gamma=1e-3,2e-3; beta1=0.9", lambda name, text: float(text))
    [{'gamma': 0.001, 'beta1': 0.9}, {'gamma': 0.002, 'beta1': 0.9}]
    """
    axes: dict[str, list[float]] = {}
    for part in filter(str.strip, text.split(";")):
        name, equals, values = part.partition("=")
        if not equals or not values.strip() or name.strip() in axes:
            raise UsageError(f"--sweep '{part.strip()}': each name once, as in gamma=1e-3,2e-3;beta1=0.9,0.95")
        axes[name.strip()] = [number(name.strip(), v) for v in values.split(",")]
    if not axes:
        raise UsageError("--sweep has no values; write gamma=1e-3,2e-3;beta1=0.9,0.95")
    return [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]


def run_task(plan: Plan, points: Sequence[Point]) -> list[Result]:
    """All settings at once, in a worker."""
    import jax

    jax.config.update("jax_enable_x64", True)
    from verify.network.experiment import compare_many
    from verify.network.models import built

    model = built(plan.model, **plan.options)
    found = compare_many(
        plan.optimizer, model, points, count=plan.count, halvings=plan.halvings, order=plan.order, regime=plan.regime
    )
    return [{"error": str(x)} if isinstance(x, UsageError) else x.to_json() for x in found]
