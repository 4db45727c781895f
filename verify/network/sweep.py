"""Many settings of one optimizer, as a plan of `derive.sweeps`: settings of one task share every compiled function.

A setting is a learning rate "gamma", hyperparameters, the numbers that make the model (width, seed, images, ...), and "batch",
the images of a batch, with which means over batches are compared with the law.  Another model is compiled anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any, ClassVar

from derive.errors import UsageError
from derive.sweeps import Result

Point = Mapping[str, float]
MOST = 1797  # images of the data, and more than any model here is wide


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
    batch: int | None = None  # in law
    seeds: int | None = None
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
    """Settings of one model all at once, in a worker."""
    import jax

    jax.config.update("jax_enable_x64", True)
    results: dict[int, Result] = {}
    groups: dict[tuple[tuple[str, int], ...], list[int]] = {}
    for i, point in enumerate(points):
        try:
            groups.setdefault(tuple(_whole_numbers(plan, point).items()), []).append(i)
        except UsageError as error:
            results[i] = {"error": str(error)}
    for whole, places in groups.items():
        rest = [{n: v for n, v in points[i].items() if n not in dict(whole)} for i in places]
        results |= zip(places, _of_one_model(plan, dict(whole), rest), strict=True)
    return [results[i] for i in range(len(points))]


def _whole_numbers(plan: Plan, point: Point) -> dict[str, int]:
    """What makes the model and its batches.  Raises UsageError for what is no such number."""
    from verify.network.models import sizes_of

    found = {}
    for name in (*sizes_of(plan.model), "batch"):
        if name in point:
            value, low = point[name], 0 if name == "seed" else 1
            if not float(value).is_integer() or not low <= value <= MOST:
                raise UsageError(f"{name} = {value:g}: a whole number from {low} to {MOST}")
            found[name] = int(value)
    return found


def _of_one_model(plan: Plan, whole: dict[str, int], points: Sequence[Point]) -> list[Result]:
    from verify.network.experiment import compare_many
    from verify.network.law import compare_law
    from verify.network.models import built

    batch = whole.pop("batch", plan.batch)
    model = built(plan.model, **{**plan.options, **whole})
    if batch is None:
        found = compare_many(
            plan.optimizer, model, points, count=plan.count, halvings=plan.halvings, order=plan.order, regime=plan.regime
        )
        return [{"error": str(x)} if isinstance(x, UsageError) else x.to_json() for x in found]
    results: list[Result] = []
    for point in points:
        hyper = {n: v for n, v in point.items() if n != "gamma"}
        try:
            results.append(compare_law(
                plan.optimizer, model, batch=batch, gamma=point.get("gamma"), hyper=hyper, count=plan.count,
                halvings=plan.halvings, seeds=plan.seeds,
            ).to_json())  # fmt: skip
        except UsageError as error:
            results.append({"error": str(error)})
    return results
