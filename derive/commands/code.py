"""The command `derive code`: parse options, call, print."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from derive.commands.helping import SCHEME_FILE, epilog
from derive.commands.options import chosen_scheme, chosen_settings, output_option, scheme_options

if TYPE_CHECKING:
    from derive.result import Equation
    from derive.writing.code.source import Wanted

EPILOG = epilog(
    (
        "derive code adam --order 1 --target jax",
        "derive code gd --target torch --what loss",
        "derive code momentum --order 1 --target jax --what modifying",
    ),
    SCHEME_FILE,
)


@click.command("code", epilog=EPILOG)
@scheme_options
@click.option("--order", type=int, default=1, show_default=True, help="Through gamma^ORDER.")
@click.option(
    "--target", type=click.Choice(["jax", "torch", "python", "julia", "latex"]), default="jax", show_default=True,
    help="The language.",
)  # fmt: skip
@click.option(
    "--what", type=click.Choice(["field", "loss", "modifying"]), default="field", show_default=True,
    help="The right side of the modified equation; the modified loss; the gradient to hand to the optimizer in place of its own, "
    "so that it follows its limit flow.",
)  # fmt: skip
@output_option
def code(
    scheme: str | None, update: str | None, parameters: tuple[str, ...], regime: str | None, settings: tuple[str, ...],
    order: int, target: str, what: str,
) -> None:  # fmt: skip
    """A self-contained function to paste: the modified equation in JAX, torch, Python with numpy, or Julia.

    The function takes the loss and differentiates it itself; hyperparameters are its arguments.
    """
    from derive import __version__
    from derive.writing.code import source

    chosen = chosen_scheme(scheme, update, parameters, settings)
    equation, wanted = _wanted(what, chosen, order, regime, chosen_settings(chosen, settings))
    if target == "latex":
        click.echo(_latex(equation, wanted))
        return
    named = f"derive code {chosen.name} --order {order} --target {target}" + (f" --what {what}" if what != "field" else "")
    click.echo(source(equation, wanted, target, named + (f" --regime {regime}" if regime else ""), __version__), nl=False)


def _wanted(what: str, scheme: Any, order: int, regime: str | None, settings: dict[str, str]) -> tuple[Equation, Wanted]:
    from derive import modified_equation, modified_loss, modifying_field
    from derive.errors import ReductionError
    from derive.writing.code import Wanted

    if what == "field":
        equation = modified_equation(scheme, order, regime=regime, settings=settings)
        sides = ", ".join(f"{x}'" for x in equation.equations)
        about = f"{sides} in the modified equation of {equation.name}, through {equation.scheme.power(order)}."
        return equation, Wanted("modified_field", about, equation.equations)
    if what == "loss":
        found = modified_loss(scheme, order, regime=regime, settings=settings)
        through = min([found.exists_through, *(k - 1 for k in found.unwritten)])
        if through < order:  # no more is said here: `derive modified-loss` tells "none exists" from "none found"
            known = f"a modified loss is written through gamma^{through} alone" if through >= 0 else "no modified loss is written"
            lower = f"--order {through}, or " if through >= 0 else ""
            raise ReductionError(f"{scheme.where}: {known} (derive modified-loss says why); {lower}--what field")
        about = f"V with theta' = -grad V in the modified equation of {found.equation.name}, through gamma^{order}."
        return found.equation, Wanted("modified_loss", about, {"loss": found.potential}, scalar=True)
    corrected = modifying_field(scheme, order, regime=regime, settings=settings)
    about = f"Handed to {scheme.name} in the place of the gradient, it makes it follow its limit flow to gamma^{order}."
    negative = scheme.label == "L"
    return corrected.equation, Wanted("corrected_gradient", about, {"theta": corrected.field}, negative)


def _latex(equation: Equation, wanted: Wanted) -> str:
    from derive.writing.formulas import write_sum
    from derive.writing.notation import LATEX

    if wanted.name == "modified_field":
        return equation.latex()  # type: ignore[attr-defined,no-any-return]
    name = {"modified_loss": "V", "corrected_gradient": r"\tilde f"}[wanted.name]
    parts = next(iter(wanted.results.values()))
    lines = [rf"{name}_{{{k}}} ={{}}& {write_sum(part, LATEX)}" for k, part in enumerate(parts)]
    return "\\begin{align*}\n" + " \\\\\n".join(lines) + "\n\\end{align*}"
