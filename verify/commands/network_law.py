"""`verify network` with batches: run, print."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from derive.commands.console import progress

if TYPE_CHECKING:
    from verify.network.law_comparison import LawComparison
    from verify.network.sweep import Plan

UNDECIDED = 2
BATCH = 8
WHY = {
    "verified": " (measured: slopes that are known to 0.3 are within 0.3 of N + 1)",
    "undecided": ": the slope through gamma^{0} is another; take smaller steps",
    "not resolved": ": through gamma^{0} no slope is known to 0.3 by {1} seeds; take more, or larger steps",
}


def law_plan(
    optimizer: str, model: str, images: int, count: int | None, halvings: int, batch: int | None, seeds: int | None
) -> Plan:  # fmt: skip
    """Runs with batches, `sgd` being gradient descent with some."""
    from verify.network.sweep import Plan

    name, options = "gd" if optimizer == "sgd" else optimizer, options_of(model, images)
    return Plan(name, model, options, count, halvings, batch=batch or BATCH, seeds=seeds)


def options_of(model: str, images: int) -> dict[str, int]:
    """Of a network that the command runs: a perceptron is a narrow one."""
    return {"images": images, **({"width": 16} if model == "mlp" else {})}


def run_law(plan: Plan, point: dict[str, float], form: str) -> int:
    """Exit status 0 where every order has a slope that is known, and none that is known is another."""
    from verify.network.law import compare_law
    from verify.network.models import built

    network = built(plan.model, **plan.options)
    stages = iter(range(1, 100))
    with progress(f"{plan.optimizer} in law on {plan.model}", plan.halvings + 3) as advance:
        result = compare_law(
            plan.optimizer, network, batch=plan.batch or BATCH, gamma=point.pop("gamma", None), hyper=point, count=plan.count,
            halvings=plan.halvings, seeds=plan.seeds, progress=lambda what: advance(next(stages)),
        )  # fmt: skip
    click.echo(json.dumps(result.to_json(), indent=2)) if form == "json" else _print(result)
    return 0 if result.verdict == "verified" else UNDECIDED


def _print(r: LawComparison) -> None:
    values = ", ".join(f"{n} = {x:g}" for n, x in r.hyper.items())
    runs = f"{r.seeds} seeds a step" if r.seeds else "all sequences of batches"
    click.echo(f"{r.optimizer} on {r.model}, {r.parameters} parameters: {values}")
    click.echo(f"batches of {r.batch} of {r.images} images, {runs}; errors of means, bars of two standard deviations\n")
    for f in r.functions:
        click.echo(f"{f.name}, changed by {f.change:.1e}")
        _print_errors(r, [list(zip(e, f.bars, strict=True)) for e in f.errors])
    click.echo("\nall together, each in units of its first error through gamma^0")
    _print_errors(r, r.relative)
    click.echo(f"{'slope':>17}" + "".join(f"{_slope(r, n):>18}" for n in range(len(r.relative))))
    click.echo(f"{'expected':>17}" + "".join(f"{n + 1:>18}" for n in range(len(r.relative))))
    found = [r.verdict_of(n) for n in range(len(r.relative))]
    click.echo(f"\nverdict: {r.verdict}{WHY[r.verdict].format(found.index(r.verdict), r.seeds)}")


def _print_errors(r: LawComparison, pairs: Sequence[Sequence[tuple[float, float]]]) -> None:
    click.echo(f"{'step':>10}{'steps':>7}{'through gamma^0':>18}{'through gamma^1':>18}{'bar':>12}")
    for i, (step, count) in enumerate(zip(r.steps, r.counts, strict=True)):
        click.echo(f"{step:>10.3g}{count:>7}" + "".join(f"{e[i][0]:>18.2e}" for e in pairs) + f"{pairs[0][i][1]:>12.1e}")


def _slope(r: LawComparison, order: int) -> str:
    found = r.resolved(order)
    if found is None:
        return "not resolved"
    low, high = found
    return f"{(low + high) / 2:.2f} +- {(high - low) / 2:.2f}"
