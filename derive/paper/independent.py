"""What a program independent of the derivation proved, in the words of the article.

It reaches the article as data: the command runs the program, this package does not know it.
"""

from __future__ import annotations

from dataclasses import dataclass

from derive.paper.context import Article
from derive.writing.escape import escape


@dataclass(frozen=True)
class Verified:
    """A proof that the result is the modified equation, with an error probability below 2^-bits; or why there is none."""

    bits: int | None = None
    reason: str = ""


def independent_paragraph(article: Article, verified: Verified) -> str:
    """What is proved, for which problems, parameters and starts; or that no proof was completed."""
    if verified.bits is None:
        return f"A proof by a program independent of the derivation was not completed: {escape(verified.reason)}."
    problem = ("loss" if article.is_loss else "vector field") + " and every map of its kind" * bool(article.equation.scheme.maps)
    parameters = " and all parameters in their ranges" if article.equation.configuration.free else ""
    memory = ", with the memory as on the slow manifold" if article.equation.memory else ""
    return (
        "A program that shares nothing with the derivation proved the result through"
        f" $\\step^{{{article.order}}}${memory}: for every smooth {problem}, every dimension{parameters} for which the"
        " update and the field are defined. It compares both at random points over random prime fields; a false statement would"
        f" have passed with a probability below $2^{{-{verified.bits}}}$."
    )
