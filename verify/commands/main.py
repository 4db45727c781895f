"""The command `verify`: parse options, call, print.  Exit status 0 verified, 1 refuted, 2 cannot run or not proved."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import click

from derive import __version__
from derive.commands.console import progress, run
from derive.commands.console import settings as parse_settings
from derive.commands.helping import (
    CERTIFICATE_FILE,
    CLAIM_FILE,
    FORMULA_FILE,
    SCHEME_FILE,
    complete_regimes,
    complete_schemes,
    completion_command,
    epilog,
)  # fmt: skip
from derive.commands.limits import LimitedGroup, limited, supervise
from derive.commands.options import (
    assume_option,
    chosen_assumptions,
    chosen_functions,
    chosen_settings,
    functions_option,
    note_ranges,
    output_option,
    refuse_functions,
    scheme_options,
    whole_scheme,
)
from derive.files import check_writable

REFUTED, UNDECIDED = 1, 2
SCHEMES = (
    "verify scheme momentum --order 3",
    "verify scheme adam --order 1 --format json",
    'verify scheme --update "theta = theta - gamma*grad(theta_next)" --order 2',
)
CERTIFICATES = ("verify scheme momentum --order 2 -o momentum.json", "verify certificate momentum.json")
FORMULAS = (
    'verify formula --scheme momentum --order 1 --says "theta: -grad/(1-beta) - gamma*(1+beta)/(2*(1-beta)**3)*hess(grad)"',
    'verify formula --scheme gd --order 1 --says "loss: L + gamma/4*dot(grad, grad)"',
    'verify formula --scheme gd --order 1 --says "loss: L + gamma/2*dot(grad, grad)"   # refuted, exit status 1',
)
CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 110}


class Commands(LimitedGroup):
    """The commands that live in packages of their own."""

    lazy: dict[str, tuple[str, str, str]] = {
        "claims": ("verify.commands.claims", "claims_command", "Judge claims: proved, refuted, to leading order."),
        "network": ("verify.commands.network", "network_command", "Optimizers on small networks against the flows."),
        "sde": ("verify.commands.sde", "sde_command", "Verify the weak modified equation of a stochastic optimizer."),
        "report": ("verify.commands.report", "report_command", "A self-contained page to look at."),
    }


@click.group(
    cls=Commands,
    epilog=epilog(
        (*SCHEMES, *CERTIFICATES, *FORMULAS, "verify sde momentum", "verify report momentum -o report.html"),
        SCHEME_FILE, FORMULA_FILE, CLAIM_FILE, CERTIFICATE_FILE,
    ),
    context_settings=CONTEXT,
)  # fmt: skip
@click.version_option(__version__, package_name="shadowflow", prog_name="verify")
def main() -> None:
    """Verify modified equations by routes that share nothing with their derivation: a proof for every smooth loss over prime
    fields, numerical slopes, coefficients recovered from runs, closed forms on quadratics.

    Exit status: 0 verified, 1 refuted, 2 cannot run (or neither proved nor refuted). Data goes to standard output,
    everything else to standard error.
    """


def _format(*formats: str) -> Callable[[Any], Any]:
    return click.option("--format", "form", type=click.Choice(formats), default="text", show_default=True, help="Output format.")


@main.command("scheme", epilog=epilog((*SCHEMES, *CERTIFICATES), SCHEME_FILE, CERTIFICATE_FILE))
@scheme_options
@click.option("--order", type=click.IntRange(0, 12), default=2, show_default=True, help="Verify f_0, ..., f_ORDER.")
@click.option("--loss", metavar="EXPR", help="The loss of the numerical routes, in named variables (nonlinear ones please).")
@click.option(
    "--random", "count", type=click.IntRange(1, 1000), default=1, metavar="K", help="At least K random losses (without a proof)."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of all random losses, points and parameter values.")
@click.option(
    "--digits", type=click.IntRange(15, 1000), default=60, show_default=True, help="An error below 10^-DIGITS counts as zero."
)
@click.option("--from-rest", is_flag=True, help="Also start the memory as users do, and say what the transient does.")
@click.option("--plot", metavar="FILE.png|svg", help="Draw error against gamma, and orbits for two-dimensional losses.")
@click.option("-o", "--output", metavar="FILE.json", help="Write a certificate (see 'verify certificate').")
@_format("text", "json")
def scheme_command(
    scheme: str | None, update: str | None, parameters: tuple[str, ...], regime: str | None, settings: tuple[str, ...],
    order: int, loss: str | None, count: int, seed: int, digits: int, from_rest: bool, plot: str | None, output: str | None,
    form: str,
) -> int:  # fmt: skip
    """Derive a scheme's modified equation and verify it by every route."""
    from derive import modified_equations
    from verify.verification import Options, overall, verify_scheme

    if output is not None:
        check_writable(output, "-o")
    options = Options(loss, count, seed, digits, from_rest, plot)
    chosen = whole_scheme(scheme, update, parameters, settings)
    values = chosen_settings(chosen, settings)
    equations = modified_equations(chosen, order, regime=regime, settings=values, assume=chosen_assumptions())
    equation = equations[0]
    if output:
        from verify.certificate.writing import certificate, decided, write_certificate

        stated = equation.to_json()
        proved = decided(certificate(equation.configuration, stated["equations"], stated["memory"]))
    with progress("verifying", 100 * len(equations)) as advance:
        reports = [
            verify_scheme(e, options, progress=lambda done, needed, k=k: advance(100 * k + 100 * done // max(1, needed)))  # type: ignore[misc]
            for k, e in enumerate(equations)
        ]
    report = reports[0]
    if form == "json":
        found = [r.to_json() for r in reports]
        click.echo(json.dumps({"verdict": overall(reports), "regions": found} if chosen.pieces else found[0], indent=2))
    else:
        from verify.commands.text import print_verification

        for r in reports:
            print_verification(r)
        if len(reports) > 1:
            click.echo(f"\nverdict on all {len(reports)} regions: {overall(reports)}")
    if output and report.verdict == "verified":
        write_certificate(output, proved)
        click.echo(f"wrote {output}", err=True)
    elif output:
        click.echo(f"verify: no certificate written: the verdict is '{report.verdict}'", err=True)
    return {"verified": 0, "refuted": REFUTED}.get(overall(reports), UNDECIDED)


@main.command("formula", epilog=epilog(FORMULAS, FORMULA_FILE, SCHEME_FILE))
@click.argument("file", required=False, metavar="[FILE.toml]")
@click.option("--scheme", metavar="NAME|FILE.toml", shell_complete=complete_schemes, help="The scheme the formula is about.")
@click.option("--update", metavar="TEXT", help="The update itself; separate lines with ';'.")
@click.option("--parameter", "parameters", multiple=True, metavar="NAME", help="Declare a symbolic hyperparameter of --update.")
@functions_option
@assume_option
@click.option("--order", type=click.IntRange(0, 12), help="Through which power of gamma the formula claims to be right.")
@click.option("--regime", metavar="NAME", shell_complete=complete_regimes, help="How parameters scale with gamma.")
@click.option(
    "--set", "pairs", multiple=True, metavar="NAME=VALUE", help="Set a parameter or a time function exactly. Repeatable."
)
@click.option(
    "--says", multiple=True, metavar="'theta: FORMULA'", help="The claim; 'loss: FORMULA' for a modified loss. Repeatable."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of all random losses, points and parameter values.")
@_format("text", "latex", "json")
@output_option
def formula_command(
    file: str | None, scheme: str | None, update: str | None, parameters: tuple[str, ...], order: int | None,
    regime: str | None, pairs: tuple[str, ...], says: tuple[str, ...], seed: int, form: str,
) -> int:  # fmt: skip
    """Confirm or refute a formula, from a draft or from FILE.toml.

    Options win over what FILE.toml says.
    """
    from verify.formula_verdict import check_formula, formula_latex, print_formula, read_formula

    if scheme is not None:
        refuse_functions(scheme, chosen_functions())
    values = parse_settings(pairs)
    claim = read_formula(
        file, scheme, update, order, regime, values, says, parameters, chosen_functions(), chosen_assumptions()
    )
    result = check_formula(claim, seed)
    note_ranges(claim.configuration.settings, claim.configuration.scheme)
    if form == "json":
        click.echo(json.dumps(result.to_json(), indent=2))
    elif form == "latex":
        click.echo(formula_latex(result))
    else:
        print_formula(result)
    return {"confirmed": 0, "refuted": REFUTED}.get(result.verdict, UNDECIDED)


@main.command("certificate", epilog=epilog(CERTIFICATES, CERTIFICATE_FILE))
@click.argument("file", metavar="FILE.json")
@output_option
def certificate_command(file: str) -> int:
    """Prove the statement of a certificate again, from the file alone."""
    from verify.certificate.writing import CertificateRefused, check_certificate

    try:
        click.echo(check_certificate(file))
    except CertificateRefused as error:
        click.echo(f"refused: {error}")
        return REFUTED
    return 0


main.add_command(completion_command("verify", main))
limited(main, environment=True)


def entry() -> None:
    """The console script."""
    supervise("verify")
    run(main, "verify")


if __name__ == "__main__":
    entry()
