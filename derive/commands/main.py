"""The command `derive`: parse options, call, print."""

from __future__ import annotations

import json
from typing import Any

import click

from derive import __version__
from derive.commands.console import ascii_only, progress, run
from derive.commands.helping import SCHEME_FILE, TABLEAU_FILE, complete_schemes, completion_command, epilog
from derive.commands.limits import LimitedGroup, limited, supervise
from derive.commands.options import (
    chosen_assumptions,
    chosen_letters,
    chosen_settings,
    force_option,
    letters_option,
    output_option,
    scheme_options,
    whole_scheme,
)

EQUATIONS = (
    "derive modified-eq momentum --order 2",
    "derive modified-eq adam --order 1 --format latex",
    "derive modified-eq momentum --regime inertial --order 2",
    'derive modified-eq --update "theta = theta - gamma*grad(theta - gamma*grad(theta)/2)" --order 3',
    'derive modified-eq sgd --order 2 --loss "x**4/4 + x*y**2" --at x=1/2,y=1/3',
)
OTHERS = ("derive explain momentum", "derive trees --tableau rk4 --order 6")
SCHEMES = ("derive schemes", "derive schemes momentum", "derive schemes adam --format json")


class Commands(LimitedGroup):
    """The commands that live in packages of their own."""

    lazy: dict[str, tuple[str, str, str]] = {
        "trees": ("derive.commands.trees", "trees_command", "B-series coefficients on all rooted trees; order conditions."),
        "modified-sde": ("derive.commands.noise", "modified_sde", "Drift and diffusion of a stochastic optimizer, in law."),
        "modified-loss": ("derive.commands.readings", "modified_loss", "The loss that is really minimised, as far as it exists."),
        "second-order": ("derive.commands.readings", "second_order", "theta'' = ...: the velocity eliminated."),
        "accuracy": ("derive.commands.readings", "accuracy", "The order against a target equation, and the leading defect."),
        "stability": ("derive.commands.readings", "stability", "The interval of gamma*h that is stable on quadratics."),
        "energy": ("derive.commands.readings", "energy", "The modified energy, and its dissipation under friction."),
        "modifying": ("derive.commands.readings", "modifying", "The corrected field that makes a scheme follow its limit flow."),
        "code": ("derive.commands.code", "code", "The modified equation as a function to paste, in JAX, torch, Python, Julia."),
        "initial-layer": ("derive.commands.readings", "initial_layer", "Started from rest: the shifted start and the transient."),
        "finite-step": ("derive.commands.readings", "finite_step", "Started from rest: the step after n others; what decays."),
        "compare": ("derive.commands.readings", "compare", "Whether two schemes agree, and up to which change of variables."),
        "stationary-law": ("derive.commands.laws", "stationary_law", "Where a stochastic optimizer settles: variance, density."),
        "compare-laws": ("derive.commands.laws", "compare_laws", "Whether two optimizers agree in law; scaling rules."),
        "sweep": ("derive.commands.sweep", "sweep", "Many schemes, regimes and orders at once; their proofs."),
        "paper": ("derive.commands.paper", "paper", "An article with the derivation, ready to compile."),
        "explain": ("derive.commands.readings", "explain", "All readings of one scheme on one screen."),
    }


@click.group(
    cls=Commands,
    epilog=epilog((*EQUATIONS, *OTHERS), SCHEME_FILE, TABLEAU_FILE),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(__version__, package_name="shadowflow", prog_name="derive")
def main() -> None:
    """Derive the modified equation of an optimizer: the differential equation that its iterates follow, exactly and to any
    order in the step size gamma, for every smooth loss in any dimension.

    Results are exact; data goes to standard output and everything else to standard error. Exit status: 0 done, 2 the
    input cannot be used (one line says why and what to write instead).
    """


@main.command("modified-eq", epilog=epilog(EQUATIONS, SCHEME_FILE))
@scheme_options
@click.option("--order", type=int, default=1, show_default=True, help="Keep the terms through gamma^ORDER; 0 is the limit flow.")
@click.option(
    "--form",
    type=click.Choice(["flow", "map"]),
    default="flow",
    show_default=True,
    help="flow: theta' = ...; map: the memoryless step theta+ = theta + ... .",
)
@click.option("--format", "output", type=click.Choice(["text", "latex", "json"]), default="text", show_default=True)
@letters_option
@click.option("--loss", metavar="EXPR", help="A concrete loss in named variables; prints the field in these variables.")
@click.option("--field", metavar="EXPR;EXPR", help="A concrete vector field, for schemes written with field(x).")
@click.option("--variables", metavar="x = x1, x2; y = y1", help="The variables of each unknown of a game, or of each layer.")
@click.option("--at", metavar="x=1/2,y=1/3", help="Exact values at a point (slow variables as eta_x=..., time as t=...).")
@click.option("--digits", type=int, default=50, show_default=True, help="Digits of values that are not rational.")
@click.option("--show-memory", is_flag=True, help="Also print memory variables on the slow manifold.")
@click.option("--ascii", "plain", is_flag=True, help="ASCII only (the default where the terminal has no Unicode).")
@force_option("Derive even where more than 50,000 terms are to be expected.")
@output_option
def modified_eq(scheme: str | None, update: str | None, parameters: tuple[str, ...], regime: str | None,
                settings: tuple[str, ...], order: int, form: str, output: str, loss: str | None, field: str | None,
                variables: str | None, at: str | None, digits: int, show_memory: bool, plain: bool,
                force: bool) -> None:  # fmt: skip
    """Print the modified equation of a scheme."""
    from derive.equation import modified_equations, several_regions

    chosen = whole_scheme(scheme, update, parameters, settings)
    problem = _problem(chosen.label, loss, field)
    if variables is not None and problem is None:
        raise click.UsageError("--variables goes with --loss: the variables of each unknown, or of each layer")
    if at is not None and problem is None:
        raise click.UsageError("--at needs a --loss to evaluate, such as --loss 'x**4/4 + x*y**2'")
    values = chosen_settings(chosen, settings)
    with progress("deriving, power of gamma", order + 1) as advance:
        equations = modified_equations(
            chosen, order, regime=regime, form=form, settings=values, force=force, progress=advance, assume=chosen_assumptions()
        )
    equation = equations[0]
    if problem is not None:
        if len(equations) > 1:
            raise several_regions(chosen, [e.conditions for e in equations])
        _print_on_problem(equation, problem, variables, at, digits, output, plain or ascii_only())
    elif output == "json":
        from derive.writing.regions import regions_json

        click.echo(json.dumps(regions_json(equations) if chosen.pieces else equation.to_json(), indent=2))
    elif output == "latex":
        from derive.writing.latex import equations_latex
        from derive.writing.letters import for_reading

        click.echo(equations_latex(equations, show_memory, for_reading(chosen_letters(), equation, True)))
    else:
        from derive.writing.letters import for_reading
        from derive.writing.text import equations_text

        letters = for_reading(chosen_letters(), equation, False)
        click.echo(equations_text(equations, plain or ascii_only(), show_memory, letters))


def _problem(label: str, loss: str | None, field: str | None) -> str | None:
    if loss is not None and field is not None:
        raise click.UsageError("give --loss or --field, not both")
    if loss is not None and label == "f":
        raise click.UsageError("this scheme is written with field(x); give --field 'EXPR;EXPR', one expression a component")
    if field is not None and label != "f":
        raise click.UsageError("this scheme is written with grad(x); give --loss EXPR")
    return loss if loss is not None else field


def _print_on_problem(
    equation: Any, text: str, variables: str | None, at: str | None, digits: int, output: str, plain: bool
) -> None:
    from derive.concrete.names import problem_of
    from derive.language import components
    from derive.writing.series import notation
    from derive.writing.values import problem_letters

    problem = problem_of(equation, text, (), variables)
    letters = problem_letters(chosen_letters(), equation, problem, output == "latex")
    style = notation("latex" if output == "latex" else "ascii" if plain else "unicode", equation, letters=letters)
    said: dict[str, Any] = {"loss": text, "variables": list(problem.variables), "loss_parameters": list(problem.parameters)}
    if problem.blocks:
        said["players"] = {x: list(block) for x, block in problem.blocks.items()}
    if problem.layers:
        said["layers"] = {x: list(layer) for x, layer in problem.layers.items()}
    _print_problem(equation, problem, said, variables, at, digits, output, style)
    read = (f"{what} {', '.join(n)}" for what, n in (("coordinates", problem.variables), ("parameters", problem.parameters)) if n)
    several = not problem.is_loss and len(problem.variables) > 1
    parts = zip(problem.variables, components(text)[1], strict=True) if several else ()
    order = "".join(f"; {x}' = {e.strip()}" for x, e in parts)
    click.echo(f"derive: note: read in the {'loss' if problem.is_loss else 'field'}: {'; '.join(read)}{order}", err=True)


def _print_problem(
    equation: Any, problem: Any, said: dict[str, Any], variables: str | None, at: str | None, digits: int, output: str,
    style: Any,
) -> None:  # fmt: skip
    from derive.writing import values as writing

    if at is not None:
        values = equation.evaluate(said["loss"], at, digits, variables=variables)
        if output == "json":
            at_point = said | {"at": {n: str(x) for n, x in values.point.items()}}
            data = equation.to_json() | at_point | {"values": values.values}
            click.echo(json.dumps(data, indent=2))
        else:
            click.echo(writing.values_text(equation, problem, values, style))
        return
    explicit = equation.on_loss(said["loss"], variables=variables)
    if output == "json":
        from derive.concrete.explicit import expression_text

        formulas = {x: [[expression_text(e) for e in block] for block in powers] for x, powers in explicit.items()}
        click.echo(json.dumps(equation.to_json() | said | {"explicit": formulas}, indent=2))
    else:
        click.echo(writing.explicit_text(equation, problem, explicit, style))


@main.command("schemes", epilog=epilog(SCHEMES, SCHEME_FILE))
@click.argument("name", required=False, shell_complete=complete_schemes)
@click.option("--format", "output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@output_option
def schemes(name: str | None, output: str) -> None:
    """List the catalogue, or show one scheme: its update, parameters and their ranges, regimes, sources.

    NAME is a scheme of the catalogue, one of its other names in any spelling (sgd, heavy-ball, torch.optim.Adam), or a file.
    """
    from derive.scheme import catalogue, load_scheme
    from derive.writing.catalogue import catalogue_text, scheme_json, scheme_text

    if name is not None:
        chosen = load_scheme(name)
        click.echo(json.dumps(scheme_json(chosen), indent=2) if output == "json" else scheme_text(chosen))
        return
    every = [load_scheme(n) for n in catalogue()]
    click.echo(json.dumps([scheme_json(s) for s in every], indent=2) if output == "json" else catalogue_text(every))


main.add_command(completion_command("derive", main))
limited(main, environment=True)


def entry() -> None:
    """Console script."""
    supervise("derive")
    run(main, "derive")


if __name__ == "__main__":
    entry()
