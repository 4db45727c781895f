"""State variables in other units, v = gamma*eta, and the names that every scheme shares."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction

from derive.errors import SchemeError
from derive.language import Expression, Name, Number, Operation, names_of, substitute

#: the step and the time of the step
CLOCK = ("gamma", "t")
#: the variables whose equation is sought
UNKNOWNS = ("theta",)


def previous(unknown: str) -> str:
    """The name of an unknown one step ago."""
    return f"{unknown}_prev"


def ahead(unknown: str) -> str:
    """The name of an unknown after this step, in implicit schemes."""
    return f"{unknown}_next"


RESERVED = (*CLOCK, *(name for x in UNKNOWNS for name in (x, previous(x), ahead(x))))


@dataclass(frozen=True)
class Rescaling:
    """A state variable written as factor * symbol, e.g. v = gamma*eta: symbol 'eta', factor gamma."""

    symbol: str
    factor: Expression


def read_rescaling(expression: Expression, where: str, parameters: Collection[str], assigned: Collection[str]) -> Rescaling:
    """factor * symbol; the one name that is no parameter, gamma or t is the symbol.

    >>> from derive.language import parse_expression, unparse
    >>> r = read_rescaling(parse_expression("-gamma*eta/(1 - beta)", "v"), "v", ["beta"], ["v"])
    >>> r.symbol, unparse(r.factor)
    ('eta', '-gamma*1/(1 - beta)')
    """
    symbols = [n for n in names_of(expression) if n not in parameters and n not in RESERVED]
    if len(symbols) != 1:
        raise SchemeError(f"{where}: write the variable as a factor times one new name, such as 'gamma*eta'")
    symbol = symbols[0]
    if symbol in assigned:
        raise SchemeError(f"{where}: '{symbol}' is already a variable of the update; choose a new name")
    if not _is_factor_times(expression, symbol):
        raise SchemeError(f"{where}: write the variable as a factor times the new name, such as 'gamma*{symbol}'")
    return Rescaling(symbol, substitute(expression, {symbol: Number(Fraction(1))}))


def _is_factor_times(expression: Expression, symbol: str) -> bool:
    match expression:
        case Name(id):
            return id == symbol
        case Operation("*", (a, b)):
            one, other = (a, b) if symbol in names_of(a) else (b, a)
            return _is_factor_times(one, symbol) and symbol not in names_of(other)
        case Operation("/", (a, b)):
            return _is_factor_times(a, symbol) and symbol not in names_of(b)
        case Operation("neg", (a,)):
            return _is_factor_times(a, symbol)
    return False
