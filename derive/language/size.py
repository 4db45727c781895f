"""How large what a text writes can become, before anything of it is computed.

                a + b      a b         a / b       a^e
    monomials   m + m'     m m'        max(m, m')  binomial(m + e - 1, e);   and no more than there are of that degree
    degree      max        sum         sum         e times
    bits        max + 1    sum         sum         e (bits + log2 m)

bound a polynomial, or a quotient of two, in the names and calls of a text: its monomials, its degree, the bits of its
coefficients.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, comb

from derive.errors import LimitError
from derive.language.interpret import MAX_BITS, Meaning, bits, interpret
from derive.language.repeats import counted, length, repeats, unrolled
from derive.language.syntax import Call, Expression, Name, Operation, Statement

MAX_MONOMIALS, MAX_DEGREE, MAX_REPEATED = 20_000, 1_024, 256


@dataclass(frozen=True)
class Size:
    """At most so many monomials in these symbols, of at most this degree, with coefficients of at most about so many bits."""

    monomials: int = 1
    degree: int = 0
    bits: int = 0
    symbols: frozenset[str] = frozenset()


Sizes = Mapping[str, Size]


class _Sizes(Meaning[Size]):
    """Sizes, each checked where it arises; `names` gives those of names that stand for more than themselves."""

    def __init__(self, where: str, names: Sizes) -> None:
        self.where, self.names = where, names

    def number(self, value: Fraction) -> Size:
        return Size(bits=bits(value))

    def name(self, node: Name) -> Size:
        return self.names.get(node.id) or Size(degree=1, symbols=frozenset((node.id,)))

    def negate(self, a: Size) -> Size:
        return a

    def add(self, a: Size, b: Size, node: Operation) -> Size:
        size = Size(a.monomials + b.monomials, max(a.degree, b.degree), max(a.bits, b.bits) + 1, a.symbols | b.symbols)
        return self.checked(size, node)

    def subtract(self, a: Size, b: Size, node: Operation) -> Size:
        return self.add(a, b, node)

    def multiply(self, a: Size, b: Size, node: Operation) -> Size:
        return self.checked(Size(a.monomials * b.monomials, a.degree + b.degree, a.bits + b.bits, a.symbols | b.symbols), node)

    def divide(self, a: Size, b: Size, node: Operation) -> Size:
        size = Size(max(a.monomials, b.monomials), a.degree + b.degree, a.bits + b.bits, a.symbols | b.symbols)
        return self.checked(size, node)

    def power(self, base: Size, exponent: Fraction | None, node: Operation) -> Size:
        if exponent is None:
            return base
        e = ceil(abs(exponent))
        size = Size(1, e * base.degree, e * (base.bits + base.monomials.bit_length() - 1), base.symbols)
        self.check(size, node)  # so that the binomial is of numbers within bounds
        return self.checked(replace(size, monomials=comb(base.monomials + e - 1, e) if size.degree else 1), node)

    def call(self, node: Call, args: list[Size]) -> Size:
        symbol = f"{node.function} {node.line} {node.column}"
        return Size(degree=max((1, *(a.degree for a in args))), symbols=frozenset((symbol,)))

    def checked(self, size: Size, node: Operation) -> Size:
        self.check(size, node)
        monomials = min(size.monomials, comb(size.degree + len(size.symbols), size.degree))
        if monomials > MAX_MONOMIALS:
            raise self.too_large(f"about 10^{len(str(monomials)) - 1} terms; the limit is {MAX_MONOMIALS:,}", node)
        return replace(size, monomials=monomials)

    def check(self, size: Size, node: Operation) -> None:
        if size.degree > MAX_DEGREE:
            raise self.too_large(f"degree {size.degree}; the limit is {MAX_DEGREE:,}", node)
        if size.bits > MAX_BITS:
            raise self.too_large(f"numbers of about {size.bits * 3 // 10} digits; the limit is {MAX_BITS * 3 // 10:,}", node)

    def too_large(self, what: str, node: Operation) -> LimitError:
        place = f"{self.where}, line {node.line}, column {node.column}"
        return LimitError(f"{place}: multiplied out, {what}: write a parameter")


def check_size(expression: Expression, where: str, names: Sizes | None = None) -> Size:
    """The size of an expression.  Raises LimitError where a part of it is too large, with the place of that part.

    >>> from derive.language import parse_expression
    >>> size = check_size(parse_expression("(x + y + 4)**3", "loss"), "loss")
    >>> size.monomials, size.degree, size.bits
    (10, 3, 12)
    """
    return interpret(expression, _Sizes(where, names or {}))


def check_repeats(statements: Iterable[Statement], where: str) -> None:
    """Raise LimitError where what is repeated comes to too many assignments, before any of it is written out."""
    for r in repeats(statements):
        if (count := length([r])) > MAX_REPEATED:
            many = f"{count:,}" if count < 10**12 else f"about 10^{len(str(count)) - 1}"
            limit = f"{many} assignments; the limit is {MAX_REPEATED}: make the number of repetitions a parameter, repeat k"
            raise LimitError(f"{where}, line {r.line}, column {r.column}: written out, {limit}")


def check_sizes(program: Sequence[Statement], where: str, names: Sizes | None = None) -> None:
    """The assignments one after another, as often as they are carried out: a name has the size of what was assigned to it.

    >>> from derive.language import parse_update
    >>> check_sizes(parse_update("a = x**64; b = (a*a)**64; theta = b"), "update")
    Traceback (most recent call last):
    derive.errors.LimitError: update, line 1, column 16: multiplied out, degree 8192; the limit is 1,024: write a parameter
    """
    known = dict(names or {})
    check_repeats(program, where)
    for a in unrolled(counted(program, lambda r: r.times or 1)):
        found = check_size(a.value, where, known)
        known[a.target] = found
