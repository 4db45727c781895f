"""What `verify network` prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from verify.network.comparison import Comparison
    from verify.network.diagnosis import Diagnosis


def print_comparison(r: Comparison) -> None:
    from verify.network.comparison import TOLERANCE

    values = ", ".join(f"{n} = {x:g}" for n, x in r.hyper.items())
    library = "" if r.library == "optax" else f" of {r.library}"
    begin = "" if r.start == "manifold" else f", from {'rest' if r.start == 'rest' else 'a checkpoint'}"
    click.echo(f"{r.optimizer}{library} on {r.model}, {r.parameters} parameters{begin}: {values}")
    click.echo(f"{_regime(r)}\n")
    shown = "".join(f"{f'through gamma^{n}':>18}" for n in range(len(r.errors)))
    click.echo(f"{'step':>10}{'steps':>7}{shown}      error, root mean square over the parameters")
    for i, (step, count) in enumerate(zip(r.steps, r.counts, strict=True)):
        click.echo(f"{step:>10.3g}{count:>7}" + "".join(f"{e[i]:>18.2e}" for e in r.errors))
    click.echo(f"{'slope':>17}" + "".join(f"{s[-1]:>18.2f}" for s in r.slopes))
    if r.without_layer and r.without_layer != r.errors:
        click.echo(f"{'without layer':>17}" + "".join(f"{s[-1]:>18.2f}" for s in r.slopes_without_layer))
    click.echo(f"{'expected':>17}" + "".join(f"{n + 1:>18}" for n in range(len(r.errors))))
    click.echo(f"\nthe optimizer moves by {r.moved:.2e} a parameter; the flows are right within {r.flow_error:.0e}")
    if r.negative:
        click.echo(f"{r.negative} averages of squares are negative on the truncated slow manifold")
    if r.jumps:
        click.echo(
            f"{100 * r.jumps:.2g} percent of the change of the gradient along the way are jumps: the loss has kinks (relu, max "
            "pooling, |x|), and the series knows nothing of those that a step crosses; take tanh, softplus, mean pooling"
        )
    if r.rounded:
        _warn_of_rounding(r.floor)
    measured = f" (measured: the slopes at the two smallest steps are within {TOLERANCE} of N + 1)"
    click.echo(f"verdict: {r.verdict}{measured if r.verdict == 'verified' else ''}")


def _warn_of_rounding(floor: float) -> None:
    """In float64 a line of the table; in float32, where it takes everything, a warning."""
    from verify.network.comparison import ROUNDED

    if floor > ROUNDED:
        text = f"warning: float32 rounds by about {floor:.0e} here, above errors in the table: take float64, --dtype float64"
        click.echo(text, err=True)
    else:
        click.echo("errors below 1e-13 are rounding: take a larger step, or a lower order")


def _regime(r: Comparison) -> str:
    ratios = "; ".join(f"{name + ' ' if name else ''}{x:.2g}" for name, x in r.ratios.items())
    use = "" if r.useful else ", above 0.1" if r.verdict == "verified" else ", above 0.1: the series is of no use"
    return f"regime {r.regime or 'of fixed hyperparameters'}; |gamma f_1|/|f_0| in the first step: {ratios}{use}"


def print_sweep(points: Sequence[dict[str, float]], results: Sequence[dict[str, Any]]) -> None:
    names = list(dict.fromkeys(n for p in points for n in p))
    click.echo("".join(f"{n:>10}" for n in names) + f"{'regime':>12}{'ratio':>10}   slopes                 verdict")
    for p, r in zip(points, results, strict=True):
        values = "".join(f"{p[n]:>10.4g}" for n in names)
        if "error" in r:
            click.echo(f"{values}   {r['error']}")
            continue
        regime = r.get("regime", "in law")
        ratio = r["ratios"][regime] if "ratios" in r else None
        slopes = " ".join(_slope(o["slopes"][-1]) for o in r["orders"])
        click.echo(
            f"{values}{regime or '-':>12}{'-' if ratio is None else f'{ratio:.2g}':>10}   {slopes:<22} {r['verdict']}"
        )


def _slope(found: float | Sequence[float] | None) -> str:
    """A slope, or the interval in which it lies; inf and nan are None in JSON."""
    if found is None or (not isinstance(found, float) and None in found):
        return "   -  "
    if isinstance(found, float):
        return f"{found:6.2f}"
    low, high = found
    return f"{(low + high) / 2:6.2f} +- {(high - low) / 2:.2f}"


def run_table(d: Diagnosis) -> str:
    """At ten of the points, and where the series stops being of use."""
    values = ", ".join(f"{n} = {x:g}" for n, x in d.hyper.items())
    names = ("loss", "modified", "|g f1|/|f0|", "sharpness", "limit flow", f"to gamma^{d.order}")
    lines = [
        f"{d.optimizer}{'' if d.library == 'optax' else f' of {d.library}'} on {d.model}, {d.parameters} parameters: {values}",
        f"regime {d.regime or 'of fixed hyperparameters'}",
        "",
        f"{'step':>6}" + "".join(f"{n:>13}" for n in names) + "      sharpness: of the iterates, and of the two flows",
    ]
    for i in range(0, len(d.steps), max(1, len(d.steps) // 10)):
        modified = f"{d.modified[i]:>13.4f}" if d.modified else f"{'-':>13}"
        others = "".join(f"{c[i]:>13.3g}" for c in (d.ratio, d.sharpness, d.limit_sharpness, d.corrected_sharpness))
        lines.append(f"{d.steps[i]:>6}{d.loss[i]:>13.4f}{modified}{others}")
    edge = "" if d.edge is None else f"the edge of stability on a quadratic is the sharpness {d.edge:.4g}\n"
    return "\n".join([*lines, "", edge + d.verdict])
