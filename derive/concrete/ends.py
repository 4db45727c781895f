"""Ends of intervals, which are texts, as numbers and expressions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sympy as sp

from derive.concrete.explicit import to_sympy
from derive.language import Call, Expression, Operation, constant, parse_expression


def end_expression(end: str, names: Iterable[str] = ()) -> Any:
    """The sympy expression of an end of an interval, read by our own grammar.

    >>> end_expression("2*(1 + beta)", ["beta"])
    2*beta + 2
    """
    symbols = {n: sp.Symbol(n) for n in (*names, "x")} | {"oo": sp.oo}

    def read(e: Expression) -> Any:
        match e:
            case Call("CRootOf", (polynomial, index)):
                return sp.CRootOf(to_sympy(polynomial, symbols), int(constant(index) or 0))
            case Call("sqrt", (a,)):
                return sp.sqrt(read(a))
            case Operation("neg", (a,)):
                return -read(a)
            case Operation("*", (a, b)):
                return read(a) * read(b)
            case Operation("/", (a, b)):
                return read(a) / read(b)
            case Operation("+", (a, b)):
                return read(a) + read(b)
            case Operation("-", (a, b)):
                return read(a) - read(b)
        return to_sympy(e, symbols)

    return read(parse_expression(end, "interval", {"CRootOf": 2, "sqrt": 1}))


def closed_or_decimal(end: str) -> str:
    """A root of a polynomial of high degree as a decimal."""
    return f"{sp.N(end_expression(end), 12)}..." if "CRootOf" in end else end
