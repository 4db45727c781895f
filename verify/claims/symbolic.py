"""Our own syntax trees as sympy expressions, and back to text.  Nothing is looked up in sympy's names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from derive.concrete.explicit import to_sympy
from derive.errors import ParseError
from derive.language import LOSS_CALLS, Expression, names_of, parse_expression, unparse
from derive.readings.formula import limited


def symbol(name: str) -> Any:
    """Parameters are positive numbers."""
    import sympy as sp

    return sp.Symbol(name, positive=True)


def symbolic(text: str, where: str, names: Mapping[str, Any] | None = None) -> Any:
    """A formula in numbers and parameters.

    Raises ParseError for anything outside the grammar.

    >>> str(symbolic("(1 - beta)*2", "example"))
    '2 - 2*beta'
    """
    return symbolic_tree(parse_expression(text, where, LOSS_CALLS), names)


def symbolic_tree(expression: Expression, names: Mapping[str, Any] | None = None) -> Any:
    """The same for a tree; `names` gives the meaning of some names, the others are positive symbols."""
    import sympy as sp

    table = {n: symbol(n) for n in names_of(expression)} | dict(names or {})
    value = to_sympy(limited(expression), table)
    if value.has(sp.zoo, sp.nan, sp.I):
        raise ParseError(f"'{unparse(expression)}' is not a real number", "formula", expression.line, expression.column)
    return value


def text_of(value: Any) -> str:
    """A simplified text in the language of formulas.

    >>> text_of(symbolic("a/2 - a/3", "example"))
    'a/6'
    """
    import sympy as sp

    return str(sp.factor(sp.together(value)))


def equation_of(text: str, where: str) -> tuple[str, str]:
    """The two sides of 'left = right'.

    Raises ParseError unless there is exactly one '='.
    """
    sides = text.split("=")
    if len(sides) != 2 or not all(s.strip() for s in sides):
        raise ParseError("write an equation with one '=', 'left = right'", where, 1, 1)
    return sides[0].strip(), sides[1].strip()
