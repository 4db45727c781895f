"""The one recursion over expressions: what an expression means is what its numbers, names and operations mean.

    interpret(a + b, meaning) = meaning.add(interpret(a, meaning), interpret(b, meaning))

Operands are read from left to right.  An exponent is looked at before its base and the name of a function before its
arguments, so that what can never be read is refused at its own place.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from operator import add, mul, neg, sub, truediv
from typing import Any, Generic, TypeVar

from derive.language.syntax import Call, Expression, Name, Number, Operation

MAX_EXPONENT, MAX_BITS = 64, 13_000

V = TypeVar("V")


class Meaning(ABC, Generic[V]):
    """What each node of an expression means; `node` carries its place (line and column) for refusals."""

    @abstractmethod
    def number(self, value: Fraction) -> V: ...

    @abstractmethod
    def name(self, node: Name) -> V: ...

    @abstractmethod
    def negate(self, a: V) -> V: ...

    @abstractmethod
    def add(self, a: V, b: V, node: Operation) -> V: ...

    @abstractmethod
    def subtract(self, a: V, b: V, node: Operation) -> V: ...

    @abstractmethod
    def multiply(self, a: V, b: V, node: Operation) -> V: ...

    @abstractmethod
    def divide(self, a: V, b: V, node: Operation) -> V: ...

    def exponent(self, node: Expression) -> Any:
        """What stands in an exponent, for `power`; seen before the base is read.  A rational number, or None."""
        return constant(node)

    @abstractmethod
    def power(self, base: V, exponent: Any, node: Operation) -> V: ...

    def admit(self, node: Call) -> None:
        """Refuse a function by its name here, before its arguments are read."""

    @abstractmethod
    def call(self, node: Call, args: list[V]) -> V: ...


class Arithmetic(Meaning[Any]):
    """Values that Python adds, subtracts, multiplies, divides and negates."""

    def negate(self, a: Any) -> Any:
        return -a

    def add(self, a: Any, b: Any, node: Operation) -> Any:
        return a + b

    def subtract(self, a: Any, b: Any, node: Operation) -> Any:
        return a - b

    def multiply(self, a: Any, b: Any, node: Operation) -> Any:
        return a * b

    def divide(self, a: Any, b: Any, node: Operation) -> Any:
        return a / b


class Entrywise(Meaning[Any]):
    """Values that are numbers, or have many entries: what is done is done at each of them."""

    @abstractmethod
    def each(self, f: Callable[..., Any], *values: Any) -> Any:
        """f entry by entry; a number is the same at all."""

    def negate(self, a: Any) -> Any:
        return self.each(neg, a)

    def add(self, a: Any, b: Any, node: Operation) -> Any:
        return self.each(add, a, b)

    def subtract(self, a: Any, b: Any, node: Operation) -> Any:
        return self.each(sub, a, b)

    def multiply(self, a: Any, b: Any, node: Operation) -> Any:
        return self.each(mul, a, b)

    def divide(self, a: Any, b: Any, node: Operation) -> Any:
        return self.each(truediv, a, b)


def interpret(expression: Expression, meaning: Meaning[V]) -> V:
    """The value of an expression under a meaning."""
    match expression:
        case Number(value):
            return meaning.number(value)
        case Name():
            return meaning.name(expression)
        case Call(_, args):
            meaning.admit(expression)
            return meaning.call(expression, [interpret(a, meaning) for a in args])
        case Operation("neg", (a,)):
            return meaning.negate(interpret(a, meaning))
        case Operation("**", (a, b)):
            exponent = meaning.exponent(b)
            return meaning.power(interpret(a, meaning), exponent, expression)
        case Operation(op, (a, b)):
            x, y = interpret(a, meaning), interpret(b, meaning)
            match op:
                case "+":
                    return meaning.add(x, y, expression)
                case "-":
                    return meaning.subtract(x, y, expression)
                case "*":
                    return meaning.multiply(x, y, expression)
                case "/":
                    return meaning.divide(x, y, expression)
    raise AssertionError(expression)


@dataclass(frozen=True)
class Written:
    """The text of an expression, and how tightly it binds: 1 a sum, 2 a product, 3 a sign, 4 a power, 5 a name."""

    text: str
    level: int

    def within(self, level: int, parenthesised: Callable[[str], str] = "({})".format) -> str:
        """The text where something of this level is needed, in parentheses if it binds less.

        >>> Written("a + b", 1).within(2), Written("a*b", 2).within(2)
        ('(a + b)', 'a*b')
        """
        return parenthesised(self.text) if self.level < level else self.text


def bits(x: Fraction) -> int:
    """The larger of the binary logarithms of numerator and denominator, rounded down.

    >>> bits(Fraction(1)), bits(Fraction(3, 1024))
    (0, 10)
    """
    return max(abs(x.numerator), x.denominator).bit_length() - 1


class _NotRationalError(Exception):
    """The expression has no rational value."""


class _Rational(Arithmetic):
    """Rational arithmetic, through the exponent MAX_EXPONENT."""

    def number(self, value: Fraction) -> Fraction:
        return value

    def name(self, node: Name) -> Fraction:
        raise _NotRationalError

    def admit(self, node: Call) -> None:
        raise _NotRationalError

    def call(self, node: Call, args: list[Fraction]) -> Fraction:
        raise _NotRationalError

    def divide(self, a: Fraction, b: Fraction, node: Operation) -> Fraction:
        if not b:
            raise _NotRationalError
        return a / b

    def power(self, base: Fraction, exponent: Fraction | None, node: Operation) -> Fraction:
        if exponent is None or exponent.denominator != 1 or abs(exponent) > MAX_EXPONENT or (base == 0 and exponent < 0):
            raise _NotRationalError
        return base ** int(exponent)


def constant(expression: Expression) -> Fraction | None:
    """The rational value of an expression without names and calls, or None.

    >>> constant(Operation("neg", (Operation("/", (Number(Fraction(3)), Number(Fraction(4)))),)))
    Fraction(-3, 4)
    """
    try:
        value: Fraction = interpret(expression, _Rational())
    except _NotRationalError:
        return None
    return value
