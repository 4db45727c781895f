"""The command of stochastic optimizers: parse options, call, print."""

from __future__ import annotations

import json
from typing import Any

import click

from derive.commands.console import ascii_only, progress
from derive.commands.helping import SCHEME_FILE, epilog
from derive.commands.options import chosen_letters, chosen_scheme, chosen_settings, scheme_options
from derive.commands.readings import format_option, order_option

EXAMPLES = (
    "derive modified-sde sgd --order 2 --batch B",
    'derive modified-sde --update "theta = theta - gamma*grad(theta) + sqrt(2*gamma)*normal()"',
    'derive modified-sde momentum --losses "x**2/2; x**2/2 + x*y; y**4" --weights 1/2,1/3,1/6 --at x=1/2,y=1/3 --set beta=9/10',
)


@click.command("modified-sde", epilog=epilog(EXAMPLES, SCHEME_FILE))
@scheme_options
@order_option(1, "Keep the terms through gamma^ORDER; 0 is the limit flow, 1 the first diffusion.")
@click.option("--sampling", type=click.Choice(["iid", "reshuffled"]),
              help="How samples follow each other; else as the file says.")  # fmt: skip
@click.option("--batch", metavar="B", help="Every gradient is a mean over B samples, a number or a symbol.")
@click.option("--batch-order", type=click.IntRange(0, 3), metavar="M",
              help="Through B^-M: large batches, about whose mean memory and gradients in functions fluctuate.")  # fmt: skip
@click.option("--losses", metavar="E1; E2", help="The loss of every sample of a data set; in games 'f = E1; f = E2; g = E3'.")
@click.option("--weights", metavar="1/2,1/3,1/6", help="The probability of every sample; equal by default.")
@click.option("--variables", metavar="x = x1, x2; y = y1", help="The variables of each unknown of a game.")
@click.option("--at", metavar="x=1/2,y=1/3", help="Exact values at a point (slow variables as eta_x=...).")
@click.option("--digits", type=int, default=50, show_default=True, help="Digits of values that are not rational.")
@format_option
def modified_sde(scheme: str | None, update: str | None, parameters: tuple[str, ...], regime: str | None,
                 settings: tuple[str, ...], order: int, sampling: str | None, batch: str | None, batch_order: int | None,
                 losses: str | None, weights: str | None, variables: str | None, at: str | None, digits: int, output: str,
                 plain: bool) -> None:  # fmt: skip
    """Print the weak modified equation of a stochastic optimizer: the generator of its law, read as drift and diffusion.

    sgrad(x) in the text is the gradient of the step's sample, sgrad(x, 2) of a second one, normal() standard normal noise.
    A text with neither is read with every gradient that of the step's sample.
    """
    from derive.weak_equation import modified_sde as derive_it

    for name, given in (("--weights", weights), ("--variables", variables), ("--at", at)):
        if given is not None and losses is None:
            raise click.UsageError(f"{name} goes with --losses, such as --losses 'x**2/2; x**2/2 + x*y'")
    chosen = chosen_scheme(scheme, update, parameters, settings)
    values = chosen_settings(chosen, settings)
    with progress("deriving, orders of noise", 2 * (order + 1)) as advance:
        equation = derive_it(
            chosen, order, regime=regime, settings=values, sampling=sampling, batch=batch, batch_order=batch_order,
            progress=advance,
        )  # fmt: skip
    if losses is not None:
        _print_values(equation, equation.on_losses(losses, weights, (), variables), at or "", digits, output, plain)
    elif output == "json":
        click.echo(json.dumps(equation.to_json(), indent=2))
    else:
        from derive.writing.weak import weak_latex, weak_text

        latex = output == "latex"
        letters = chosen_letters()
        click.echo(weak_latex(equation, letters) if latex else weak_text(equation, plain or ascii_only(), letters))
    if equation.scheme.stochastic and not chosen.stochastic:
        _note("grad(x) is read as sgrad(x), the gradient of the step's sample; a text with sgrad(x) or normal() is read as it is")


def _note(text: str) -> None:
    click.echo(f"derive: note: {text}", err=True)


def _print_values(equation: Any, data: Any, at: str, digits: int, output: str, plain: bool) -> None:
    from derive.writing.weak_values import values_latex, values_text

    found = data.evaluate(at, digits)
    if output == "json":
        said = {"samples": data.samples.to_json(), "weights": [str(w) for w in data.samples.weights], "names": list(found.names)}
        at_point = {"at": {n: str(x) for n, x in found.point.items()}, "values": [dict(power) for power in found.values]}
        click.echo(json.dumps(equation.to_json() | said | at_point, indent=2))
    elif output == "latex":
        click.echo(values_latex(equation, found, chosen_letters()))
    else:
        click.echo(values_text(equation, found, plain or ascii_only(), chosen_letters()))
