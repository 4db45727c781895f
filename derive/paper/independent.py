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
    """Exact orbits of the update text agreed with the equation at `points` points of polynomial problems, at these settings.

    `rank` is the number of values that determine every term which the scheme can produce, where they were enough of them.
    `first_difference` is the first power of gamma at which one step of the scheme leaves the truncated flow, where it does.
    """

    points: int
    settings: tuple[str, ...]
    rank: int | None = None
    first_difference: int | None = None


def independent_rows(article: Article, verified: Verified) -> list[Row]:
    """What was verified, in the words of the article."""
    where = f" at {prose('; '.join(verified.settings))}" if article.equation.configuration.free else ""
    problems = "losses" if article.is_loss else "fields"
    points = f"{verified.points} point{'s' if verified.points != 1 else ''}"
    how = f"{points} of polynomial {problems}{where}, by an independent program"
    determined = f"; the {verified.rank} values determine every term that the scheme can produce"
    proof = "" if verified.rank is None else determined
    rows = [(f"exact orbits of the update text on {how}{proof}", article.order)]
    if verified.first_difference is not None:
        what = r"there, one step of the scheme and the Taylor flow of the truncated field differ first at "
        rows.append((what + rf"$\step^{{{verified.first_difference}}}$", verified.first_difference - 1))
    return rows
