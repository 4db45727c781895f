r"""Expressions of the languages as displayed formulas: v <- \beta v - \gamma \nabla L(\theta)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction

from derive.errors import DeriveError
from derive.language import (
    LOSS_CALLS,
    ONE,
    Call,
    Expression,
    Meaning,
    Name,
    Number,
    Operation,
    Written,
    derivative_calls,
    interpret,
    parse_expression,
)
from derive.language.calls import Kind, partial_of, write_call
from derive.scheme.kinds import kind_of
from derive.writing.escape import escape
from derive.writing.linebreak import Summand
from derive.writing.matrices import write_matrices
from derive.writing.notation import Notation

_DECIMAL = re.compile(r"-?\d+\.\d+(?:\.\.\.)?")
_KNOWN = ("exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh")


def _wrapped(text: str) -> str:
    """In parentheses that grow only where something tall stands inside."""
    return rf"\left({text}\right)" if r"frac" in text or r"\sqrt" in text else f"({text})"


class ExpressionWriter(Meaning[Written]):
    """Text in LaTeX; where the kinds of names are given, products of vectors are componentwise and written with a sign."""

    def __init__(self, style: Notation, kinds: Mapping[str, Kind] | None = None) -> None:
        self.style, self.kinds = style, kinds

    def __call__(self, e: Expression, parent: int = 0) -> str:
        return interpret(e, self).within(parent, _wrapped)

    def summands(self, e: Expression) -> list[Summand]:
        """Top-level sums taken apart, for line breaking."""
        match e:
            case Operation("+" | "-" as op, (a, b)):
                negative, text = self._signed(b)
                return [*self.summands(a), Summand("-" if (op == "-") != negative else "+", (text,))]
        negative, text = self._signed(e)
        return [Summand("-" if negative else "+", (text,))]

    def _signed(self, e: Expression) -> tuple[bool, str]:
        match e:
            case Operation("neg", (a,)):
                return True, self(a, 2)
            case Number(value) if value < 0:
                return True, self(Number(-value), 2)
        return False, self(e, 2)

    def number(self, value: Fraction) -> Written:
        if value.denominator == 1:
            return Written(str(value), 5 if value >= 0 else 1)
        sign = "-" if value < 0 else ""
        return Written(rf"{sign}\tfrac{{{abs(value.numerator)}}}{{{value.denominator}}}", 1 if sign else 3)

    def name(self, node: Name) -> Written:
        if node.id == "theta_next":
            return Written(self.style.symbol("theta") + self.style.following, 3)
        return Written(self.style.symbol(node.id), 3 if node.id == "theta_prev" else 5)

    def negate(self, a: Written) -> Written:
        return Written("-" + a.within(2, _wrapped), 1)

    def add(self, a: Written, b: Written, node: Operation) -> Written:
        return Written(f"{a.within(1, _wrapped)} {node.op} {b.within(2, _wrapped)}", 1)

    subtract = add

    def multiply(self, a: Written, b: Written, node: Operation) -> Written:
        if node.args[1] == ONE:
            return a
        return Written(a.within(2, _wrapped) + self._times(*node.args) + b.within(3, _wrapped), 2)

    def divide(self, a: Written, b: Written, node: Operation) -> Written:
        return Written(rf"\frac{{{a.text}}}{{{b.text}}}", 3)

    def exponent(self, node: Expression) -> Expression:
        return node

    def power(self, base: Written, exponent: Expression, node: Operation) -> Written:
        return Written(f"{base.within(5, _wrapped)}^{{{self(exponent)}}}", 4)

    def call(self, node: Call, args: list[Written]) -> Written:
        name = node.function
        if partial := partial_of(name):
            return Written(self.style.partial(partial, [a.text for a in args]), 5)
        if found := write_matrices(name, args, "latex", _wrapped):
            return found
        head = rf"\operatorname{{{escape(name)}}}" if len(name) > 1 else self.style.symbol(name)
        return Written(write_call(name, [a.text for a in args], "latex", head, _wrapped), 5)

    def _times(self, a: Expression, b: Expression) -> str:
        if self._is_vector(a) and self._is_vector(b):
            return self.style.times
        return r" \cdot " if isinstance(b, Number) and b.value.denominator == 1 else r"\, "

    def _is_vector(self, e: Expression) -> bool:
        return self.kinds is not None and kind_of(e, self.kinds) == "vector"


class TypedWriter(ExpressionWriter):
    """Losses, values, ranges and target equations as they are typed, with the calls that these have."""

    def name(self, node: Name) -> Written:
        if node.id in ("theta'", "theta''"):
            return Written(self.style.dot("theta", node.id.count("'")), 5)
        stem, _, component = node.id.rpartition("_")
        if stem and component.isalpha():
            symbol = self.style.symbol(stem)
            return Written(rf"{{{symbol}}}_{{{component}}}" if "_" in symbol else rf"{symbol}_{{{component}}}", 5)
        named = {"grad": self.style.derived("L", 0), "oo": r"\infty", "pi": r"\pi"}.get(node.id)
        return Written(named, 5) if named else super().name(node)

    def call(self, node: Call, args: list[Written]) -> Written:
        name, style, texts = node.function, self.style, [a.text for a in args]
        derivative = derivative_calls("L", 10).get(name)
        if derivative is not None:
            return Written(style.derived("L", derivative) + style.open + style.argument(texts) + style.close, 5)
        if name == "atan":
            return Written(rf"\arctan{_wrapped(texts[0])}", 5)
        if name in _KNOWN:
            return Written(rf"\{name}{_wrapped(texts[0])}", 5)
        written = {"abs": style.absolute, "norm": style.norm, "sqrt": style.sqrt}.get(name)
        if written is not None:
            return Written(written(texts[0]), 5)
        return Written(style.inner(*texts), 5) if name == "dot" else super().call(node, args)


def typed(text: str, style: Notation) -> str:
    r"""A typed formula as LaTeX mathematics; as it stands where it is none that a loss could be.

    >>> from derive.writing.notation import LATEX
    >>> typed("x**4/4 + eta_x*beta1", LATEX), typed("2.5...", LATEX)
    ('\\frac{x^{4}}{4} + \\eta_{x}\\, \\beta_{1}', '2.5\\ldots')
    """
    if _DECIMAL.fullmatch(text):
        return text.replace("...", r"\ldots")
    try:
        e = parse_expression(text, "formula", {**LOSS_CALLS, "abs": 1})
    except DeriveError:
        return rf"\text{{{escape(text)}}}"
    negative, size = _sign(e)
    return ("-" if negative else "") + TypedWriter(style)(size, 2 if negative else 0)


def _sign(e: Expression) -> tuple[bool, Expression]:
    """The sign of a product or quotient, which its first factor carries."""
    match e:
        case Operation("neg", (a,)):
            negative, size = _sign(a)
            return not negative, size
        case Number(value) if value < 0:
            return True, Number(-value)
        case Operation("*" | "/" as op, (a, b)):
            negative, size = _sign(a)
            return negative, b if size == ONE and op == "*" else Operation(op, (size, b))
    return False, e


__all__ = ["ExpressionWriter", "TypedWriter", "typed"]
