"""Ends of intervals, which are texts, as numbers and expressions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sympy as sp

from derive.concrete.explicit import Symbolic
from derive.language import Call, constant, interpret, parse_expression


class _Ends(Symbolic):
    """Ends of intervals: also roots of polynomials, CRootOf(polynomial, index)."""

    def call(self, node: Call, args: list[Any]) -> Any:
        if node.function == "CRootOf":
            return sp.CRootOf(args[0], int(constant(node.args[1]) or 0))
        return super().call(node, args)


def end_expression(end: str, names: Iterable[str] = ()) -> Any:
    """The sympy expression of an end of an interval, read by our own grammar.

    >>> end_expression("2*(1 + beta)", ["beta"])
    2*beta + 2
    """
    symbols = {n: sp.Symbol(n) for n in (*names, "x")} | {"oo": sp.oo}
    return interpret(parse_expression(end, "interval", {"CRootOf": 2, "sqrt": 1}), _Ends(symbols))


def closed_or_decimal(end: str) -> str:
    """A root of a polynomial of high degree as a decimal."""
    return f"{sp.N(end_expression(end), 12)}..." if "CRootOf" in end else end
