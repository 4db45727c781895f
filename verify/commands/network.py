"""The command `verify network`: parse options, run, print."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import click

from derive.commands.console import progress
from derive.commands.console import settings as parse_settings
from derive.commands.helping import epilog
from derive.commands.options import output_option, sweep_options
from derive.errors import UsageError
from verify.commands.network_words import print_comparison, print_sweep, run_table

if TYPE_CHECKING:
    from verify.network.comparison import Comparison

EPILOG = epilog(
    (
        "verify network                              # Adam on a multilayer perceptron",
        "verify network momentum --model transformer --gamma 1e-3 --set beta=0.95",
        "verify network gd --plot gd.png",
        "verify network sgd --batch 8                # in law: means over many seeds",
        "verify network adam --batch 10 --seeds 40000",
        "verify network gd --along --gamma 0.3 --plot along.png",
        "verify network momentum --start rest --set beta=1/2 --regime memory --gamma 0.02",
        "verify network adam --backend torch --plot adam.png",
        'verify network adam --sweep "gamma=1e-3,2e-3;beta1=0.9,0.95" --output-dir results',
    ),
    "Optimizers are optax's: gd, momentum, nesterov, rmsprop, adam, adamw, lion, muon, sam; in law sgd, momentum, nesterov, "
    "rmsprop, adam, adamw. They need pip install 'shadowflow[network]'.",
)
UNDECIDED = 2


@click.command("network", epilog=EPILOG)
@click.argument("optimizer", default="adam")
@click.option(
    "--model", type=click.Choice(["mlp", "convolutional", "transformer"]), default="mlp", show_default=True, help="The network."
)
@click.option("--images", type=click.IntRange(1, 1797), default=100, show_default=True, help="How many digits it learns.")
@click.option(
    "--backend",
    type=click.Choice(["jax", "torch"]),
    default="jax",
    show_default=True,
    help="jax: optimizers of optax; torch: those of torch.optim, on a multilayer perceptron.",
)
@click.option(
    "--start",
    default="manifold",
    show_default=True,
    metavar="manifold|rest|FILE",
    help="Memory on the slow manifold; none, with the initial layer; or of a checkpoint.",
)
@click.option(
    "--dtype", type=click.Choice(["float64", "float32"]), default="float64", show_default=True, help="Numbers of torch's run."
)
@click.option(
    "--along", is_flag=True, help="One run instead: the first correction, the modified loss and the sharpness along it."
)
@click.option("--gamma", metavar="NUMBER", help="The learning rate of the first run (by default one that suits the optimizer).")
@click.option("--steps", type=click.IntRange(1, 10**6), help="Steps of the first run (200 with --along).")
@click.option("--order", type=click.IntRange(0, 4), help="Truncations through gamma^ORDER (2; 1 with --along).")
@click.option(
    "--regime", default="auto", show_default=True, help="How hyperparameters scale with gamma; auto: by |gamma f_1|/|f_0|."
)
@click.option("--halvings", type=click.IntRange(1, 8), default=2, show_default=True, help="How often the step is halved.")
@click.option("--set", "pairs", multiple=True, metavar="NAME=VALUE", help="A hyperparameter, beta1=0.95 say. Repeatable.")
@click.option("--batch", type=click.IntRange(1, 1797), help="Images in a batch: means over seeds, in law. sgd has 8.")
@click.option("--seeds", type=click.IntRange(2, 10**7), help="Runs for every step, where not all sequences of batches are run.")
@click.option("--plot", metavar="FILE.png|svg", help="Draw paths, and error against time; of a sweep, errors and slopes.")
@click.option(
    "--sweep", "text", metavar="'NAME=A,B;NAME=C,D'",
    help="Every combination of these values of gamma, hyperparameters, width, seed, images or batch.",
)  # fmt: skip
@sweep_options
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Output format.")
@output_option
def network_command(
    optimizer: str, model: str, images: int, backend: str, start: str, dtype: str, along: bool, gamma: str | None,
    steps: int | None, order: int | None, regime: str, halvings: int,
    pairs: tuple[str, ...], batch: int | None, seeds: int | None, plot: str | None, text: str | None, scheduler: str, jobs: int,
    folder: str | None, form: str,
) -> int:  # fmt: skip
    """Run an optimizer on a small network, and compare its iterates with the flows of its modified equation.

    The error of the flow of f_0 + ... + gamma^N f_N falls as gamma^(N+1). Exit status: 0 where every slope at the smallest
    steps is within 0.3 of that, 2 where it is not, the series is of no use, or the command cannot run.

    With batches the means of the loss of unseen images, of the squared norm and of logits are compared with the weak modified
    equation; slopes are said as far as the seeds determine them.
    """
    _require(backend)
    from verify.network.sweep import Plan, grid

    point = {n: _number(f"--set {n}", v) for n, v in parse_settings(pairs, example="beta1=0.95").items()}
    if gamma is not None:
        point["gamma"] = _number("--gamma", gamma)
    points = [point] if text is None else [{**point, **p} for p in grid(text, lambda n, v: _number(f"--sweep {n}", v))]
    if batch is not None or optimizer == "sgd" or any("batch" in p for p in points):
        given = {
            "--order": order is not None, "--regime": regime != "auto", "--plot": plot, "--output-dir": folder and text is None,
            "--backend": backend != "jax", "--start": start != "manifold", "--along": along,
        }  # fmt: skip
        if unread := next((name for name, there in given.items() if there), None):
            raise UsageError(f"{unread} is not read with batches; leave it out")
        from verify.commands.network_law import law_plan, run_law

        law = law_plan(optimizer, model, images, steps, halvings, batch, seeds)
        return run_law(law, point, form) if text is None else _sweep(law, points, scheduler, jobs, folder, plot, form)
    if seeds is not None:
        raise UsageError("--seeds is for runs with batches; add --batch")
    _check(backend, start, dtype, model, text)
    if along and text is not None:
        raise UsageError("--along follows one run; leave --sweep out")
    chosen = {"images": images} if backend == "torch" else _options(optimizer, model, images)
    order = (1 if along else 2) if order is None else order
    plan = Plan(optimizer, model, chosen, steps, halvings, order, regime)
    if text is None:
        if folder is not None:
            raise UsageError("--output-dir holds the results of a sweep; add --sweep")
        return (_along if along else _one)(backend, plan, dtype, point, start, plot, form)
    return _sweep(plan, points, scheduler, jobs, folder, plot, form)


def _require(backend: str) -> None:
    try:
        import sklearn.datasets  # noqa: F401

        if backend == "torch":
            import torch  # noqa: F401

            return
        import jax
        import optax  # noqa: F401
    except ModuleNotFoundError as error:
        extra = "network,torch" if backend == "torch" else "network"
        raise UsageError(f"verify network needs {error.name}: pip install 'shadowflow[{extra}]'") from None
    jax.config.update("jax_enable_x64", True)


def _check(backend: str, start: str, dtype: str, model: str, text: str | None) -> None:
    """What goes together."""
    if dtype != "float64" and backend != "torch":
        raise UsageError(f"--dtype {dtype} is one of torch's runs; those of optax are in float64")
    if text is not None and (backend, start) != ("jax", "manifold"):
        raise UsageError("--sweep runs optax from the slow manifold; leave --backend and --start out")
    if backend == "torch" and model != "mlp":
        raise UsageError(
            f"--model {model} is one of jax; leave it out with --backend torch (a module of your own: verify.network.pytorch, "
            "in Python)"
        )


def _number(what: str, text: str) -> float:
    try:
        return float(Fraction(text.strip()))
    except (ValueError, ZeroDivisionError, OverflowError):
        raise UsageError(f"{what}: '{text.strip()}' is no number; write 0.95, 1e-3 or 19/20") from None


def _options(optimizer: str, model: str, images: int) -> dict[str, int]:
    from verify.commands.network_law import options_of
    from verify.network.experiment import optimizer_of

    bias = {"bias": False} if optimizer_of(optimizer).matrices and model == "mlp" else {}
    return {**options_of(model, images), **bias}


def _along(backend: str, plan: Any, dtype: str, point: dict[str, float], start: str, plot: str | None, form: str) -> int:
    from verify.network.along_picture import save_diagnosis

    runs, _ = _library(backend)
    _check_figure(plot)
    model, begin = _started(backend, plan, dtype, point, start)
    stages = iter(range(1, 100))
    with progress(f"{plan.optimizer} on {plan.model}", 8) as advance:
        found = runs.diagnose(
            plan.optimizer, model, gamma=point.pop("gamma", None), hyper=point, steps=plan.count or 200, order=plan.order,
            regime=plan.regime, start=begin, progress=lambda what: advance(next(stages)),
        )  # fmt: skip
        if plot is not None:
            save_diagnosis(plot, found)
    click.echo(json.dumps(found.to_json(), indent=2) if form == "json" else run_table(found))
    return 0


def _one(backend: str, plan: Any, dtype: str, point: dict[str, float], start: str, plot: str | None, form: str) -> int:
    from verify.network.pictures import save_picture

    _, experiment = _library(backend)
    _check_figure(plot)
    model, begin = _started(backend, plan, dtype, point, start)
    stages = iter(range(1, 100))
    with progress(f"{plan.optimizer} on {plan.model}", plan.halvings + 4) as advance:
        result = experiment.compare(
            plan.optimizer, model, gamma=point.pop("gamma", None), hyper=point, count=plan.count, halvings=plan.halvings,
            order=plan.order, regime=plan.regime, start=begin, progress=lambda what: advance(next(stages)),
        )  # fmt: skip
        if plot is not None:
            save_picture(plot, result, experiment.paths(result, model, start=begin))
    return _told(result, form)


def _library(backend: str) -> tuple[Any, Any]:
    """The modules (along, experiment) of a library: they import that library alone."""
    if backend == "torch":
        from verify.network.pytorch import along as torch_along
        from verify.network.pytorch import experiment as torch_experiment

        return torch_along, torch_experiment
    from verify.network import along, experiment

    return along, experiment


def _check_figure(plot: str | None) -> None:
    from verify.numeric.plot import check_figure_name

    if plot is not None:
        check_figure_name(plot)


def _started(backend: str, plan: Any, dtype: str, point: dict[str, float], start: str) -> tuple[Any, Any]:
    """The model and where it starts."""
    named = start in ("manifold", "rest")
    if backend == "torch":
        import torch

        from verify.network.pytorch.module import loaded, mlp

        module = mlp(images=plan.options["images"], dtype=getattr(torch, dtype))
        return module, start if named else loaded(module, start)
    from verify.network.checkpoint import load
    from verify.network.models import built
    from verify.network.starts import start_of

    model = built(plan.model, **plan.options)
    return (model, start_of(start)) if named else load(start, plan.optimizer, model, point)


def _told(result: Comparison, form: str) -> int:
    click.echo(json.dumps(result.to_json(), indent=2)) if form == "json" else print_comparison(result)
    return 0 if result.verdict == "verified" else UNDECIDED


def _sweep(
    plan: Any, points: Sequence[dict[str, float]], scheduler: str, jobs: int, folder: str | None, plot: str | None, form: str
) -> int:
    from derive.sweeps import sweep

    _check_figure(plot)
    with progress(f"{plan.optimizer}, {len(points)} settings", len(points)) as advance:
        results = sweep(plan, points, folder, scheduler, jobs, advance)
    if form == "json":
        click.echo(json.dumps([{"point": p, "result": r} for p, r in zip(points, results, strict=True)], indent=2))
    else:
        print_sweep(points, results)
    if plot is not None:
        from verify.network.comparison import Comparison
        from verify.network.sweep_picture import save_sweep_picture

        save_sweep_picture(plot, [Comparison.from_json(r) for r in results if "error" not in r])
        click.echo(f"wrote {plot}", err=True)
    return 0 if all(r.get("verdict") == "verified" for r in results) else UNDECIDED


__all__ = ["network_command"]
