"""The command `verify report`: parse options, gather, write."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

import click

from derive.commands.console import progress
from derive.commands.helping import SCHEME_FILE, epilog
from derive.commands.options import chosen_scheme, chosen_settings, scheme_options

if TYPE_CHECKING:
    from derive.scheme import Scheme

EPILOG = epilog(
    (
        "verify report momentum --order 2 -o momentum.html",
        "verify report sgd --sde --order 2 -o law.html",
        "verify report adam --set beta1=9/10 -o adam.html",
        'verify report game-simultaneous --loss "x*y + x**4/8" -o game.html',
        'verify report gd --order 2 --loss "x**4/4 + x*y**2 + y**2" --at x=1,y=1/2 --gamma 1/10 -o gd.html',
    ),
    SCHEME_FILE,
)


@click.command("report", epilog=EPILOG)
@scheme_options
@click.option("--order", type=click.IntRange(0, 8), default=1, show_default=True, help="Keep the terms through gamma^ORDER.")
@click.option(
    "--loss",
    metavar="EXPR",
    help="A loss in two named variables for the pictures (a curved valley by default); 'EXPR;EXPR' of a game, or f (g = -f).",
)
@click.option("--field", metavar="EXPR;EXPR", help="A field in two variables, for schemes written with field(x).")
@click.option("--at", metavar="x=1/2,y=1/3", help="Where the pictures and the measured slopes start.")
@click.option("--gamma", metavar="NUMBER", help="Where the slider of the step size stands at first.")
@click.option("--steps", type=click.IntRange(1, 1000), default=40, show_default=True, help="How many steps are drawn at first.")
@click.option(
    "--certificate/--no-certificate", default=True, show_default=True, help="Prove the field and embed the certificate."
)
@click.option("--sde", is_flag=True, help="Read every gradient as that of a sample: a page on the law of the iterates.")
@click.option("-o", "--output", metavar="FILE.html", required=True, help="The file to write; it appears whole or not at all.")
def report_command(
    scheme: str | None, update: str | None, parameters: tuple[str, ...], regime: str | None, settings: tuple[str, ...],
    order: int, loss: str | None, field: str | None, at: str | None, gamma: str | None, steps: int, certificate: bool,
    sde: bool, output: str,
) -> None:  # fmt: skip
    """Write one self-contained page: the equation, what each term does in words, pictures with sliders, measured slopes,
    the certificate.  It opens offline in any browser.

    Of a text that draws at random, and with --sde of any: the generator of the law, paths with sliders for step and batch size
    beside the mean and covariance of the generator, on quadratic losses of the program's own.
    """
    from derive.files import check_writable, write_whole
    from verify.report.material import STAGES, Request, gather
    from verify.report.page import report_page

    if not output.lower().endswith((".html", ".htm")):
        raise click.UsageError(f"-o {output}: a report is a web page; write a name that ends in .html")
    check_writable(output, "-o")
    chosen = chosen_scheme(scheme, update, parameters, settings)
    values = chosen_settings(chosen, settings)
    if sde or chosen.stochastic:
        given = {"--loss": loss, "--field": field, "--at": at, "--gamma": gamma}
        write_whole(output, _law_page(chosen, order, regime, values, given))
        click.echo(f"wrote {output}", err=True)
        return
    request = Request(
        chosen, order, regime, values, _problem(chosen.label, loss, field), at, _step(gamma), steps, certificate
    )
    with progress("report", STAGES) as advance:
        page = report_page(gather(request, advance))
    write_whole(output, page)
    click.echo(f"wrote {output}", err=True)


def _law_page(scheme: Scheme, order: int, regime: str | None, values: dict[str, str], given: Mapping[str, str | None]) -> str:
    """The page on a law, whose losses, start and steps are its own."""
    from verify.report.law.ensemble import STAGES, gather_law
    from verify.report.law.page import law_page

    if name := next((n for n, value in given.items() if value is not None), None):
        raise click.UsageError(f"{name}: a page on a law has quadratic losses, a start and steps of its own; leave it out")
    with progress("report", STAGES) as advance:
        return law_page(gather_law(scheme, order, regime, values, advance))


def _problem(label: str, loss: str | None, field: str | None) -> str | None:
    if loss is not None and field is not None:
        raise click.UsageError("give --loss or --field, not both")
    if loss is not None and label == "f":
        raise click.UsageError("this scheme is written with field(x); give --field 'EXPR;EXPR'")
    if field is not None and label != "f":
        raise click.UsageError("this scheme is written with grad(x); give --loss EXPR")
    return loss if loss is not None else field


def _step(text: str | None) -> Fraction | None:
    """The value of --gamma: a positive number."""
    if text is None:
        return None
    from derive.language import constant, parse_expression

    value = constant(parse_expression(text, "--gamma"))
    if value is None or not 0 < value <= 1000:
        raise click.UsageError(f"--gamma {text}: write a number between 0 and 1000, such as 1/20 or 0.05")
    return value


__all__ = ["report_command"]
