"""Scheme, loss and formula texts -> syntax trees with places.  Nothing in a text is ever executed.

    statement  :=  name = expression  |  name += expression   (also -=, *=, /=)        lines end at a line's end or at ';'
                |  repeat count: statement  |  repeat count: {statement; ...}          count is a whole number or a parameter
    expression :=  number | name | - e | e + e | e - e | e * e | e / e | e ** e | e @ e | e.T | f(e, ...) | (e)

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
from fractions import Fraction
from typing import NoReturn

from derive.errors import ParseError
from derive.language.calls import arities
from derive.language.repeats import assignments
from derive.language.size import check_size, check_sizes
from derive.language.syntax import Assignment, Expression, Name, Number, Operation, Repeat, Statement
from derive.language.tokens import Token
from derive.language.written import Reader

_AUGMENTED = {"+=": "+", "-=": "-", "*=": "*", "/=": "/", "**=": "**"}
_ASSIGNMENT = "a line must be an assignment, 'name = expression'"
_LEFT_SIDE = "the left side must be one name, 'name = expression'"


class _Statements(Reader):
    """The statements of a text; `blocks` are the braces around the present place."""

    blocks: tuple[Token, ...] = ()

    def statements(self) -> list[Statement]:
        found: list[Statement] = []
        while self.token.kind != "stop" and not (self.blocks and self.at("}")):
            if self.token.kind == "end":
                self.advance()
            else:
                found.append(self.statement())
        return found

    def statement(self) -> Statement:
        if self.token.source == "repeat" and self.following().text not in ("=", *_AUGMENTED):
            return self.repeat()
        return self.assignment()

    def repeat(self) -> Repeat:
        """repeat 5: y = ..., repeat k: {y = ...; z = ...}."""
        start = self.advance()
        count = self.count(start)
        if self.token.kind == "end" or self.at("("):
            raise self.fail("after the colon stands one assignment, or several in braces: 'repeat 5: {y = ...; z = ...}'", start)
        self.descend(start)
        body = tuple(self.block()) if self.at("{") else (self.statement(),)
        self.depth -= 1
        if not body:
            raise self.fail("nothing is repeated; write 'repeat 5: {y = y - gamma*grad(y)}'", start)
        times = int(count.value) if isinstance(count, Number) else None
        return Repeat(count, body, times, start.line, start.column)

    def count(self, start: Token) -> Number | Name:
        """The number of repetitions, up to its colon."""
        found = []
        while self.token.kind not in ("end", "stop") and self.token.text not in (":", "=", "{"):
            found.append(self.advance())
        if not self.at(":"):
            raise self.fail("':' is missing after the number of repetitions, as in 'repeat 5: y = y - gamma*grad(y)'", start)
        self.advance()
        count = found[0] if len(found) == 1 else None
        if count is not None and count.kind == "name" and not keyword.iskeyword(count.source):
            return Name(count.text, count.line, count.column)
        if count is None or count.kind != "number" or not count.text.isdigit() or not count.text.strip("0"):
            given = "".join(t.source for t in found) or "nothing"
            raise self.fail(f"repeat takes a positive whole number or a parameter, not {given}; write 'repeat 5: ...'", start)
        return Number(Fraction(count.text), count.line, count.column)

    def block(self) -> list[Statement]:
        """{statement; statement}."""
        opening = self.advance()
        self.blocks = (*self.blocks, opening)
        found = self.statements()
        self.blocks = self.blocks[:-1]
        if not self.at("}"):
            raise self.fail("'{' is never closed", opening)
        self.advance()
        self.require_end()
        return found

    def require_end(self) -> None:
        """A statement ends with its line, or with the braces around it."""
        if self.token.kind not in ("end", "stop") and not (self.blocks and self.at("}")):
            self.refuse()

    def name(self) -> Expression:
        if self.token.source == "repeat" and self.following(2).text == ":":
            raise self.fail("repeat begins a statement and cannot stand in an expression", self.token)
        return super().name()

    def assignment(self) -> Assignment:
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
        self.require_end()
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
) -> tuple[Statement, ...]:
    """The statements of an update text.

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
    for assignment in assignments(statements):
        reader.require_shallow(assignment.value)
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
