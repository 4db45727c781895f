"""Scheme, loss and formula texts -> syntax trees with places.  Nothing in a text is ever executed.

    statement  :=  name = expression  |  name += expression   (also -=, *=, /=)        lines end at a line's end or at ';'
    expression :=  number | name | - e | e + e | e - e | e * e | e / e | e ** e | f(e, ...) | (e)

and what people write, and this program prints, instead (`derive.language.written`):

    γ, β₁, λ, ε, θ⁻, θ⁺        gamma, beta1, lam, eps, theta_prev, theta_next
    e^2, e², e⁻¹              powers;    · × ⊙ are *, − is -
    2 γ (1 + β) ∇L             factors side by side are multiplied, as * does: a/2 b is (a/2)*b
    ∇L, ∇L(x), grad L(x)       grad, grad(x);    ∇²L[u], hess L[u] is hess(u),  ∇³L[u, v], d3L[u, v] is d3(u, v)
    f(x), f'[u], f''[u, v]     field(x), dfield(u), d2field(u, v)
    ⟨a, b⟩, <a, b>            dot(a, b);   |a|, ||a||, ‖a‖ is norm(a), the absolute value where a is one number;  √a, √(a)
    r', θ', θ''                derivatives of time functions and of theta, as names

A number stands before what it multiplies, with a blank before a name of Latin letters: 2 x, but 2γ, 2(1 + x).  A name directly
before '(' is a call where the function is known, a product where the name is one (a Greek letter, a name assigned in the
text or standing in it elsewhere, or one in `names`), and refused otherwise.

Whatever is not in this grammar is refused with its line and column.  Numbers are exact: 0.9 is nine tenths, 1e-8 is
1/100000000.
"""

from __future__ import annotations

import keyword
from collections.abc import Collection, Mapping
from typing import NoReturn

from derive.errors import ParseError
from derive.language.calls import arities
from derive.language.size import check_size, check_sizes
from derive.language.syntax import Assignment, Expression, Name, Operation
from derive.language.tokens import Token
from derive.language.written import Reader

_AUGMENTED = {"+=": "+", "-=": "-", "*=": "*", "/=": "/", "**=": "**"}
_ASSIGNMENT = "a line must be an assignment, 'name = expression'"
_LEFT_SIDE = "the left side must be one name, 'name = expression'"


class _Statements(Reader):
    """The assignments of a text."""

    def statements(self) -> list[Assignment]:
        found = []
        while self.token.kind != "stop":
            if self.token.kind == "end":
                self.advance()
            else:
                found.append(self.statement())
        return found

    def statement(self) -> Assignment:
        start, sign = self.token, self.following()
        if start.kind != "name" or keyword.iskeyword(start.source) or sign.text not in ("=", *_AUGMENTED):
            self.refuse_statement()
        self.advance(2)
        value = self.expression()
        if sign.text != "=":
            place = start.line, start.column
            value = Operation(_AUGMENTED[sign.text], (Name(start.text, *place), value), *place)
        if self.token.text == "=":
            raise self.fail(_LEFT_SIDE, start)
        if self.token.kind not in ("end", "stop"):
            self.refuse()
        return Assignment(start.text, value, start.line, start.column)

    def refuse_statement(self) -> NoReturn:
        start = self.token
        if start.source in ("import", "from"):
            raise self.fail("imports are not part of the language", start)
        if keyword.iskeyword(start.source):
            raise self.fail(f"'{start.source}' is not part of the language; {_ASSIGNMENT}", start)
        if self.following().text == "(":
            raise self.fail(f"{_ASSIGNMENT}; nothing is ever executed", start)
        line = []
        for token in self.words[self.position :]:
            if token.kind in ("end", "stop"):
                break
            line.append(token.text)
        raise self.fail(_LEFT_SIDE if {"=", *_AUGMENTED} & set(line) else _ASSIGNMENT, start)


def parse_update(
    text: str, where: str = "update", functions: Mapping[str, int | None] | None = None, names: Collection[str] = ()
) -> tuple[Assignment, ...]:
    """The assignments of an update text.

    `functions` adds declared time functions (name -> number of arguments) to the calls of the language, `names` says which
    names are parameters, so that q(1 - q) is a product.

    >>> parse_update("theta = theta - 0.5*grad(theta)")[0].value.args[1].args[0].value
    Fraction(1, 2)
    >>> parse_update("v = β v − γ ∇L(θ)") == parse_update("v = beta*v - gamma*grad(theta)")
    True
    """
    reader = _Statements(text, where, {**arities(), **(functions or {})}, names)
    statements = tuple(reader.statements())
    if not statements:
        raise ParseError("no assignment; write for example 'theta = theta - gamma*grad(theta)'", where, 1, 1)
    for statement in statements:
        reader.require_shallow(statement.value)
    check_sizes(statements, where)
    return statements


def parse_expression(
    text: str, where: str, calls: Mapping[str, int | None] | None = None, names: Collection[str] = ()
) -> Expression:
    """One expression, with the given functions (none by default).

    >>> parse_expression("1 - lam*gamma", "beta").op
    '-'
    >>> from derive.language.syntax import unparse
    >>> unparse(parse_expression("(1+β)/(2 (1-β)^3) γ λ/2 η", "example"))
    '(1 + beta)/(2*(1 - beta)**3)*gamma*lam/2*eta'
    """
    reader = Reader(text, where, calls or {}, names)
    reader.skip_ends()
    if reader.token.kind == "stop":
        raise ParseError("an expression is missing", where, 1, 1)
    value = reader.expression()
    after = reader.token
    reader.skip_ends()
    if reader.token.kind != "stop":
        refuse_after(reader, after)
    reader.require_shallow(value)
    check_size(value, where)
    return value


def refuse_after(reader: Reader, after: Token) -> NoReturn:
    """The expression has ended and the text has not."""
    if after.kind == "end":
        raise reader.fail("an expression is one line; a line that goes on begins with an operator", reader.token)
    reader.refuse()
