"""State variables in other units: v = gamma*eta."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from derive.errors import SchemeError
from derive.language import ONE, Expression, Name, Operation, names_of, substitute
from derive.scheme.names import CLOCK, RESERVED


@dataclass(frozen=True)
class Rescaling:
    """A state variable written as factor * symbol, e.g. v = gamma*eta: symbol 'eta', factor gamma."""

    symbol: str
    factor: Expression


def read_rescaling(expression: Expression, where: str, known: Collection[str], assigned: Collection[str]) -> Rescaling:
    """factor * symbol; the one name that is not `known` is the symbol, and not one of the `assigned`.

    >>> from derive.language import parse_expression, unparse
    >>> r = read_rescaling(parse_expression("-gamma*eta/(1 - beta)", "v"), "v", ["beta", "gamma"], ["v"])
    >>> r.symbol, unparse(r.factor)
    ('eta', '-gamma*1/(1 - beta)')
    """
    symbols = [n for n in names_of(expression) if n not in known]
    if len(symbols) != 1:
        raise SchemeError(f"{where}: write the variable as a factor times one new name, such as 'gamma*eta'")
    symbol = symbols[0]
    if symbol in assigned:
        raise SchemeError(f"{where}: '{symbol}' is already a variable of the update; choose a new name")
    if not _is_factor_times(expression, symbol):
        raise SchemeError(f"{where}: write the variable as a factor times the new name, such as 'gamma*{symbol}'")
    check_constant(expression, where)
    return Rescaling(symbol, substitute(expression, {symbol: ONE}))


def check_constant(factor: Expression, where: str) -> None:
    """A factor changes with gamma and the parameters alone: it is the same before and after the step."""
    for name in names_of(factor):
        if name != CLOCK[0] and name in RESERVED:
            raise SchemeError(f"{where}: the factor must not depend on {name}; write it with gamma and parameters")


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
