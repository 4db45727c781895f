"""Our own syntax trees as sympy expressions, and back to text.  Nothing is looked up in sympy's names."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from derive.concrete.explicit import to_sympy
from derive.errors import ParseError, UndecidedError
from derive.language import LOSS_CALLS, Expression, names_of, parse_expression, unparse
from derive.readings.formula import limited
from verify.claims.expansion import expansion_at_zero

DIGITS = 40
FLOOR = Fraction(1, 10**30)  # a sum that cancels to less may be zero
SEEN = Fraction(1, 10**20)  # a difference that is no rounding, relative to the values


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


def equal(a: Any, b: Any) -> bool:
    """Whether two formulas are equal for all positive values of their symbols: yes by algebra, no by numbers.

    Raises UndecidedError where neither says so.

    >>> x = symbol("x")
    >>> equal(x**2 - 1, (x - 1)*(x + 1)), equal(x, x + 1)
    (True, False)
    """
    import sympy as sp

    if sp.cancel(sp.together(a - b)) == 0:
        return True
    if _apart(a, b):
        return False
    if is_zero(a - b):
        return True
    raise UndecidedError(f"{text_of(a)} and {text_of(b)} are not seen to be equal, and no numbers tell them apart")


def is_zero(value: Any) -> bool:
    """Whether algebra shows that a formula vanishes."""
    import sympy as sp

    return bool(sp.cancel(sp.together(value)) == 0 or sp.simplify(value) == 0)


def _apart(a: Any, b: Any) -> bool:
    """Whether at some positive numbers for the symbols two formulas differ by far more than rounding."""
    import sympy as sp

    symbols = sorted(a.free_symbols | b.free_symbols, key=str)
    for start in range(1, 7):
        values = {s: sp.Rational(1 + (start + 2 * i) % 5, 2 + (start * (i + 1)) % 7) for i, s in enumerate(symbols)}
        x, y = (sp.N(e.subs(values), DIGITS) for e in (a, b))
        if x.is_real and y.is_real and x.is_finite and y.is_finite and abs(x - y) > max(FLOOR, SEEN * (abs(x) + abs(y))):
            return True
    return False


def by_powers(value: Any, x: Any, depth: int) -> dict[Any, Any]:
    """The expansion in powers of x, below x**depth: power (negative or a fraction too) -> coefficient, none zero.

    >>> g = symbol("g")
    >>> by_powers((1 + g)/g + g**9, g, 2)
    {-1: 1, 0: 1}
    """
    import sympy as sp

    found = {sp.Rational(k.numerator, k.denominator): c for k, c in expansion_at_zero(value, x, depth).items()}
    return {k: c for k, t in found.items() if (c := sp.factor(t)) != 0}


def text_of(value: Any) -> str:
    """A simplified text in the language of formulas.

    >>> text_of(symbolic("a/2 - a/3", "example"))
    'a/6'
    """
    import sympy as sp

    return str(sp.factor(sp.together(value)))


def relation_of(text: str, where: str) -> tuple[str, str, str]:
    """The relation and the two sides of 'left = right', 'left < right', ...

    >>> relation_of("beta <= 1", "example")
    ('<=', 'beta', '1')
    """
    op = next((o for o in ("<=", ">=", "<", ">") if o in text), "=")
    left, right = equation_of(text.replace(op, "="), where)
    return op, left, right


def equation_of(text: str, where: str) -> tuple[str, str]:
    """The two sides of 'left = right'.

    Raises ParseError unless there is exactly one '='.
    """
    sides = text.split("=")
    if len(sides) != 2 or not all(s.strip() for s in sides):
        raise ParseError("write an equation with one '=', 'left = right'", where, 1, 1)
    return sides[0].strip(), sides[1].strip()
