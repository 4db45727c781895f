"""Regions of a text with branches: where each holds, as text and LaTeX, and all of them one after another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from derive.algebra.inequalities import Inequality
from derive.algebra.sums import Sum
from derive.result import EACH, EVERY, Combination, Equation, origin
from derive.writing.formulas import write_sum
from derive.writing.notation import Notation

_HOLDS = {EVERY: ", in every component", EACH: ", at the components where that holds", "": ""}


def condition_text(condition: Inequality, style: Notation) -> str:
    """|∇L| > c; a condition on a coefficient of gamma^k is one on the slow manifold of the branch."""

    def side(total: Sum) -> str:
        return write_sum(Combination(condition.algebra, total), style)

    left, op, right = condition.sides
    return f"{side(left)} {op} {side(right)}"


def where(equation: Equation, style: Notation, math: str = "{}") -> str:
    """'where |∇L| > c', and nothing for an equation that holds everywhere; `math` sets a formula."""
    found = [math.format(condition_text(c, style)) for c in equation.conditions]
    word = "for" if style.name == "latex" else "where"
    return f"{word} {' and '.join(found)}{_HOLDS[equation.holds]}" if found else ""


def regions_json(equations: Sequence[Equation]) -> dict[str, Any]:
    """JSON: what the regions share, and the list of them."""
    first = equations[0]
    return {**origin(first.configuration, first.order), "regions": [e.to_json() for e in equations]}


__all__ = ["condition_text", "regions_json", "where"]
