"""`derive paper` of a law: the options that say what is drawn, the article, and what `verify` found of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from derive.commands.console import progress
from derive.commands.options import chosen_letters
from derive.errors import ResidualError, UndecidedError

if TYPE_CHECKING:
    from derive.paper.law.context import Example
    from derive.paper.law.document import VerifiedLaw
    from derive.scheme import Scheme
    from derive.scheme.bibliography import Work
    from derive.weak_equation import WeakEquation

MAX_ORDER = 3  # beyond this the checks take minutes
_OPTIONS = (
    click.option("--sde", is_flag=True, help="Read every gradient as that of the step's sample, and derive the law."),
    click.option("--sampling", type=click.Choice(["iid", "reshuffled"]), help="As in derive modified-sde."),
    click.option("--batch", metavar="B", help="Every gradient is a mean over B samples, a number or a symbol."),
    click.option("--losses", metavar="E1; E2", help="The losses of the samples of the example."),
    click.option("--weights", metavar="1/2,1/3,1/6", help="The probability of every sample; equal by default."),
    click.option("--variables", metavar="x = x1, x2; y = y1", help="The variables of each unknown of a game."),
    click.option("--at", metavar="x=1/2,y=1/3", help="The point of the example."),
)


def law_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def asks_for_law(scheme: Scheme, law: Mapping[str, Any]) -> bool:
    """Whether the text draws at random, or --sde is there; without either the other options have no meaning."""
    if law["losses"] is None and (name := next((n for n in ("weights", "variables", "at") if law[n] is not None), None)):
        raise click.UsageError(f"--{name} goes with --losses, such as --losses 'x**2/2; x**2/2 + x*y'")
    if scheme.stochastic or scheme.sampling == "reshuffled" or law["sde"]:
        return True
    if name := next((n for n, value in law.items() if value), None):
        raise click.UsageError(f"--{name} is about samples, and this text has full gradients; add --sde, or write sgrad(x)")
    return False


def law_article(
    scheme: Scheme, order: int, regime: str | None, settings: Mapping[str, str], law: Mapping[str, Any]
) -> tuple[str, Sequence[Work]]:
    """The article, and what it cites."""
    from derive.paper.law.context import LawArticle
    from derive.paper.law.document import law_latex, law_works
    from derive.weak_equation import modified_sde

    with progress("deriving, orders of noise", 2 * (order + 1)) as advance:
        equation = modified_sde(
            scheme, order, regime=regime, settings=settings, sampling=law["sampling"], batch=law["batch"], progress=advance
        )
    article = LawArticle(equation, chosen_letters(), _example(law))
    _ = article.data  # losses that are none are refused before the checks
    return law_latex(article, _verified(equation)), law_works(article)


def _example(law: Mapping[str, Any]) -> Example | None:
    from derive.paper.law.context import Example

    return None if law["losses"] is None else Example(law["losses"], law["weights"], law["at"], law["variables"])


def _verified(equation: WeakEquation) -> VerifiedLaw:
    """What the package `verify`, which shares nothing with the derivation, finds.

    Raises ResidualError where it refutes the generator.
    """
    from derive.paper.law.document import VerifiedLaw
    from verify.sde.verification import verify_generator

    if equation.order > MAX_ORDER:
        return VerifiedLaw(reason=f"the checks are run through order {MAX_ORDER}; 'verify sde' runs them beyond")
    try:
        found = verify_generator(equation.configuration, equation.to_json())
    except (UndecidedError, ArithmeticError) as error:
        return VerifiedLaw(reason=str(error))
    if found.verdict == "refuted":
        raise ResidualError(f"{equation.scheme.where}: refuted by {', '.join(found.refuted_by)}: {found.proof}")
    proof, shape = found.proof, found.proof.shape
    proved = proof.verdict == "proved"
    return VerifiedLaw(
        proof.bits // 10 * 10 if proved else None,  # tens, so that the same input gives the same article
        "" if proved else str(proof),
        None if proof.everywhere or shape is None else (shape.dimension, shape.samples),
        proof.epochs,
        found.slopes.slopes if found.slopes else (),
        found.stationary.slope if found.stationary else None,
        tuple(found.skipped.values()),
    )


__all__ = ["asks_for_law", "law_article", "law_options"]
