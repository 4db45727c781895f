"""Rows of the verification table that a program independent of the derivation answers for.

What it found reaches the article as data: the command runs the program, this package does not know it.
"""

from __future__ import annotations

from dataclasses import dataclass

from derive.paper.context import Article
from derive.paper.prose import prose

Row = tuple[str, int]


@dataclass(frozen=True)
class Verified:
    """What the program found about the equation.

    `proved` over random prime fields, for every smooth problem.  Exact orbits of the update text agreed with it at `points`
    points of polynomial problems, at these settings.  `first_difference` is the first power of gamma at which one step of the
    scheme leaves the truncated flow, where it does.
    """

    proved: bool
    points: int
    settings: str
    first_difference: int | None = None


def independent_rows(article: Article, verified: Verified) -> list[Row]:
    """What was verified, in the words of the article."""
    rows: list[Row] = []
    problems = "losses" if article.is_loss else "fields"
    if verified.proved:
        values = ", all parameter values in their ranges" if article.equation.configuration.free else ""
        what = f"proof over random prime fields, for all smooth {problems}, every dimension{values}; error probability "
        rows.append((what + "below $2^{-100}$, by an independent program", article.order))
    if verified.points:
        where = f" at {prose(verified.settings)}" if article.equation.configuration.free else ""
        points = f"{verified.points} point{'s' if verified.points != 1 else ''}"
        what = f"exact orbits of the update text on {points} of polynomial {problems}{where}, by an independent program"
        rows.append((what, article.order))
    if verified.first_difference is not None:
        what = r"there, one step of the scheme and the Taylor flow of the truncated field differ first at "
        rows.append((what + rf"$\step^{{{verified.first_difference}}}$", verified.first_difference - 1))
    return rows
