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
from derive.commands.options import output_option
from derive.errors import UsageError

if TYPE_CHECKING:
    from verify.network.comparison import Comparison

EPILOG = epilog(
    (
        "verify network                              # Adam on a multilayer perceptron",
        "verify network momentum --model transformer --gamma 1e-3 --set beta=0.95",
        "verify network gd --plot gd.png",
        "verify network sgd --batch 8                # in law: means over many seeds",
        'verify network adam --sweep "gamma=1e-3,2e-3;beta1=0.9,0.95" --output-dir results',
    ),
    "Optimizers are optax's: gd, momentum, nesterov, rmsprop, adam, adamw, lion, muon, sam; in law sgd, momentum, nesterov. "
    "They need pip install 'shadowflow[network]'.",
)
UNDECIDED = 2


@click.command("network", epilog=EPILOG)
@click.argument("optimizer", default="adam")
@click.option(
    "--model", type=click.Choice(["mlp", "convolutional", "transformer"]), default="mlp", show_default=True, help="The network."
)
@click.option("--images", type=click.IntRange(1, 1797), default=100, show_default=True, help="How many digits it learns.")
@click.option("--gamma", metavar="NUMBER", help="The learning rate of the first run (by default one that suits the optimizer).")
@click.option("--steps", type=click.IntRange(1, 10**6), help="Steps of the first run.")
@click.option("--order", type=click.IntRange(0, 4), default=2, show_default=True, help="Truncations through gamma^ORDER.")
@click.option(
    "--regime", default="auto", show_default=True, help="How hyperparameters scale with gamma; auto: by |gamma f_1|/|f_0|."
)
@click.option("--halvings", type=click.IntRange(1, 8), default=2, show_default=True, help="How often the step is halved.")
@click.option("--set", "pairs", multiple=True, metavar="NAME=VALUE", help="A hyperparameter, beta1=0.95 say. Repeatable.")
@click.option("--batch", type=click.IntRange(1, 1797), help="Images in a batch: means over seeds, in law. sgd has 8.")
@click.option(
    "--seeds", type=click.IntRange(2, 10**7), help="Runs for every step, where not all sequences of batches are run."
)
@click.option("--plot", metavar="FILE.png|svg", help="Draw paths in a plane, and error against time.")
@click.option("--sweep", "text", metavar="'NAME=A,B;NAME=C,D'", help="Every combination of these values.")
@click.option("--scheduler", default="joblib", show_default=True, help="Of a sweep: joblib, dask, or tcp://HOST:PORT.")
@click.option(
    "--jobs", type=click.IntRange(1, 1024), default=1, show_default=True, help="Processes of a sweep; each compiles anew."
)
@click.option("--output-dir", metavar="FOLDER", help="One result file a setting; what is there already is not run again.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Output format.")
@output_option
def network_command(
    optimizer: str, model: str, images: int, gamma: str | None, steps: int | None, order: int, regime: str, halvings: int,
    pairs: tuple[str, ...], batch: int | None, seeds: int | None, plot: str | None, text: str | None, scheduler: str, jobs: int,
    output_dir: str | None, form: str,
) -> int:  # fmt: skip
    """Run an optimizer on a small network, and compare its iterates with the flows of its modified equation.

    The error of the flow of f_0 + ... + gamma^N f_N falls as gamma^(N+1). Exit status: 0 where every slope at the smallest
    steps is within 0.3 of that, 2 where it is not, the series is of no use, or the command cannot run.

    With batches the means of the loss of unseen images, of the squared norm and of logits are compared with the weak modified
    equation; slopes are said as far as the seeds determine them.
    """
    _require()
    from verify.network.sweep import Plan, grid

    point = {n: _number(f"--set {n}", v) for n, v in parse_settings(pairs, example="beta1=0.95").items()}
    if gamma is not None:
        point["gamma"] = _number("--gamma", gamma)
    points = [point] if text is None else [{**point, **p} for p in grid(text, lambda n, v: _number(f"--sweep {n}", v))]
    if batch is not None or optimizer == "sgd":
        given = {"--order": order != 2, "--regime": regime != "auto", "--plot": plot, "--sweep": text, "--output-dir": output_dir}
        if unread := next((name for name, there in given.items() if there), None):
            raise UsageError(f"{unread} is not read with batches; leave it out")
        from verify.commands.network_law import run_law

        return run_law(optimizer, model, images, batch, seeds, steps, halvings, point, form)
    if seeds is not None:
        raise UsageError("--seeds is for runs with batches; add --batch")
    plan = Plan(optimizer, model, _options(optimizer, model, images), steps, halvings, order, regime)
    if text is None:
        if output_dir is not None:
            raise UsageError("--output-dir holds the results of a sweep; add --sweep")
        return _one(plan, point, plot, form)
    if plot is not None:
        raise UsageError("--plot draws one run; leave --sweep out")
    return _sweep(plan, points, scheduler, jobs, output_dir, form)


def _require() -> None:
    try:
        import jax
        import optax  # noqa: F401
        import sklearn.datasets  # noqa: F401
    except ModuleNotFoundError as error:
        raise UsageError(f"verify network needs {error.name}: pip install 'shadowflow[network]'") from None
    jax.config.update("jax_enable_x64", True)


def _number(what: str, text: str) -> float:
    try:
        return float(Fraction(text.strip()))
    except (ValueError, ZeroDivisionError, OverflowError):
        raise UsageError(f"{what}: '{text.strip()}' is no number; write 0.95, 1e-3 or 19/20") from None


def _options(optimizer: str, model: str, images: int) -> dict[str, int]:
    from verify.network.experiment import optimizer_of

    bias = {"bias": False} if optimizer_of(optimizer).matrices and model == "mlp" else {}
    return {"images": images, **({"width": 16} if model == "mlp" else {}), **bias}


def _one(plan: Any, point: dict[str, float], plot: str | None, form: str) -> int:
    from verify.network.experiment import compare
    from verify.network.models import built
    from verify.network.pictures import paths, save_picture
    from verify.numeric.plot import check_figure_name

    if plot is not None:
        check_figure_name(plot)
    model = built(plan.model, **plan.options)
    stages = iter(range(1, 100))
    with progress(f"{plan.optimizer} on {plan.model}", plan.halvings + 4) as advance:
        result = compare(
            plan.optimizer, model, gamma=point.pop("gamma", None), hyper=point, count=plan.count, halvings=plan.halvings,
            order=plan.order, regime=plan.regime, progress=lambda what: advance(next(stages)),
        )  # fmt: skip
        if plot is not None:
            save_picture(plot, result, paths(result, model))
    click.echo(json.dumps(result.to_json(), indent=2)) if form == "json" else _print(result)
    return 0 if result.verdict == "verified" else UNDECIDED


def _sweep(plan: Any, points: Sequence[dict[str, float]], scheduler: str, jobs: int, folder: str | None, form: str) -> int:
    from verify.network.sweep import sweep

    with progress(f"{plan.optimizer}, {len(points)} settings", len(points)) as advance:
        results = sweep(plan, points, folder, scheduler, jobs, advance)
    if form == "json":
        click.echo(json.dumps([{"point": p, "result": r} for p, r in zip(points, results, strict=True)], indent=2))
    else:
        _print_sweep(points, results)
    return 0 if all(r.get("verdict") == "verified" for r in results) else UNDECIDED


# ---------------------------------------------------------------------- words


def _print(r: Comparison) -> None:
    from verify.network.comparison import TOLERANCE

    values = ", ".join(f"{n} = {x:g}" for n, x in r.hyper.items())
    click.echo(f"{r.optimizer} on {r.model}, {r.parameters} parameters: {values}")
    click.echo(f"{_regime(r)}\n")
    shown = "".join(f"{f'through gamma^{n}':>18}" for n in range(len(r.errors)))
    click.echo(f"{'step':>10}{'steps':>7}{shown}      error, root mean square over the parameters")
    for i, (step, count) in enumerate(zip(r.steps, r.counts, strict=True)):
        click.echo(f"{step:>10.3g}{count:>7}" + "".join(f"{e[i]:>18.2e}" for e in r.errors))
    click.echo(f"{'slope':>17}" + "".join(f"{s[-1]:>18.2f}" for s in r.slopes))
    click.echo(f"{'expected':>17}" + "".join(f"{n + 1:>18}" for n in range(len(r.errors))))
    click.echo(f"\nthe optimizer moves by {r.moved:.2e} a parameter; the flows are right within {r.flow_error:.0e}")
    if r.negative:
        click.echo(f"{r.negative} averages of squares are negative on the truncated slow manifold")
    if r.rounded:
        click.echo("errors below 1e-13 are rounding: take a larger step, or a lower order")
    measured = f" (measured: the slopes at the two smallest steps are within {TOLERANCE} of N + 1)"
    click.echo(f"verdict: {r.verdict}{measured if r.verdict == 'verified' else ''}")


def _regime(r: Comparison) -> str:
    ratios = "; ".join(f"{name + ' ' if name else ''}{x:.2g}" for name, x in r.ratios.items())
    use = "" if r.useful else ", above 0.1" if r.verdict == "verified" else ", above 0.1: the series is of no use"
    return f"regime {r.regime or 'of fixed hyperparameters'}; |gamma f_1|/|f_0| in the first step: {ratios}{use}"


def _print_sweep(points: Sequence[dict[str, float]], results: Sequence[dict[str, Any]]) -> None:
    names = list(dict.fromkeys(n for p in points for n in p))
    click.echo("".join(f"{n:>10}" for n in names) + f"{'regime':>12}{'ratio':>10}   slopes                 verdict")
    for p, r in zip(points, results, strict=True):
        values = "".join(f"{p[n]:>10.4g}" for n in names)
        if "error" in r:
            click.echo(f"{values}   {r['error']}")
            continue
        ratio = r["ratios"][r["regime"]]
        slopes = " ".join("   -  " if (s := o["slopes"][-1]) is None else f"{s:6.2f}" for o in r["orders"])
        click.echo(
            f"{values}{r['regime'] or '-':>12}{'-' if ratio is None else f'{ratio:.2g}':>10}   {slopes:<22} {r['verdict']}"
        )


__all__ = ["network_command"]
