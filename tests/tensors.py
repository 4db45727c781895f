"""A second meaning of the algebra: terms as components of random symmetric tensors, by plain sums over indices.

`Jet` gives values to the derivatives of L (symmetric tensors) and of f, to state variables (of both signs) and to parameters
(in (0, 1)), and splits the components into layers; rational values stay rational, fractional powers are balls of 400 bits.
`Jet.value` reads an expression of the formula language, `Jet.of` a sum in normal form, and `read` builds the sum of an
expression: the three close a triangle.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from itertools import product
from random import Random
from typing import Any

import sympy as sp
from flint import arb, ctx, fmpq

from derive.algebra.coefficients import Ratio
from derive.algebra.sums import Algebra, Sum
from derive.algebra.terms import Factor, Term
from derive.language import Call, Expression, Name, Number, Operation, constant, parse_expression

CALLS = {"hess": 1, "dot": 2, "dot.layer": 2, "abs": 1, "sqrt": 1, "dfield": 1, **{f"d{k}": k - 1 for k in range(3, 9)},
         **{f"d{k}field": k for k in range(2, 8)}}  # fmt: skip
Values = list[Any]  # one number a component


class Undefined(Exception):
    """No real value here: a root of a negative number, a power of zero."""


def parse(text: str) -> Expression:
    return parse_expression(text, "term", CALLS)


def derivative_of(name: str) -> tuple[str, int] | None:
    """(label, number of arguments) of grad, hess, d3, field, dfield, d2field, ..."""
    if name in ("grad", "hess"):
        return "L", ("grad", "hess").index(name)
    if name.endswith("field"):
        order = name.removesuffix("field").removeprefix("d")
        return "f", int(order or len(name) > 5)
    return ("L", int(name[1:]) - 1) if name[0] == "d" and name[1:].isdigit() else None


class Dual:
    """a + b epsilon with epsilon^2 = 0: values with their derivative in a direction."""

    def __init__(self, a: Any, b: Any = 0) -> None:
        self.a, self.b = a, b

    def __add__(self, other: Any) -> Dual:
        other = other if isinstance(other, Dual) else Dual(other)
        return Dual(self.a + other.a, self.b + other.b)

    def __mul__(self, other: Any) -> Dual:
        other = other if isinstance(other, Dual) else Dual(other)
        return Dual(self.a * other.a, self.a * other.b + self.b * other.a)

    __radd__, __rmul__ = __add__, __mul__


def power(x: Any, e: Fraction) -> Any:
    """x^e over the reals, for fractional e only where x > 0."""
    if isinstance(x, Dual):
        return Dual(power(x.a, e), exact(e) * power(x.a, e - 1) * x.b)
    zero = x == 0 if isinstance(x, fmpq) else x.contains(0)
    if e.denominator == 1 and (e >= 0 or not zero):
        return x ** int(e)
    if zero or x < 0:
        raise Undefined
    return arb(x) ** exact(e)


def magnitude(x: Any) -> Any:
    if isinstance(x, Dual):
        return x if x.a > 0 else x * fmpq(-1)
    if not isinstance(x, fmpq) and x.contains(0):
        raise Undefined
    return abs(x)


def exact(x: Fraction | int) -> fmpq:
    x = Fraction(x)
    return fmpq(x.numerator, x.denominator)


def is_zero(x: Any) -> bool:
    """Exactly, or within a ball below 2^-200."""
    if isinstance(x, fmpq | int):
        return x == 0
    assert x.rad() < arb(2) ** -200, "not enough digits"
    return bool(x.contains(0))


def agree(a: Values, b: Values) -> bool:
    return all(is_zero(x - y) for x, y in zip(a, b, strict=True))


@contextmanager
def many_digits() -> Iterator[None]:
    with ctx.workprec(400):
        yield


class Jet:
    """Random values, the same for every question about the same thing."""

    def __init__(
        self, seed: int, size: int = 2, given: Mapping[str, Values] | None = None, layers: Sequence[Sequence[int]] = ()
    ) -> None:
        self.seed, self.size, self.layers = seed, size, layers
        self.given = dict(given or {})

    def number(self, *key: object, signed: bool = True) -> Any:
        """A rational number in (0, 1), or of either sign in (-1, 1), that depends on the key alone."""
        source = Random(f"{self.seed} {key}")
        return fmpq(source.randint(1, 11), 12) * (source.choice((1, -1)) if signed else 1)

    def parameter(self, name: str) -> Any:
        return self.number("parameter", name, signed=False)

    def state(self, name: str, scalar: bool = False) -> Values:
        if name not in self.given:
            self.given[name] = [self.number("state", name, 0 if scalar else i) for i in range(self.size)]
        return self.given[name]

    def entry(self, label: str, index: tuple[int, ...]) -> Any:
        """A component of the derivative: symmetric in all indices for L, in all but the first for f."""
        kept = tuple(sorted(index)) if label == "L" else (index[0], *sorted(index[1:]))
        return self.number("derivative", label, kept)

    def contracted(self, label: str, arguments: Sequence[Values]) -> Values:
        result = []
        for i in range(self.size):
            total: Any = fmpq(0)
            for index in product(range(self.size), repeat=len(arguments)):
                value = self.entry(label, (i, *index))
                for j, argument in zip(index, arguments, strict=True):
                    value = value * argument[j]
                total = total + value
            result.append(total)
        return result

    # ------------------------------------------------------------------ sums in normal form

    def of(self, total: Sum) -> Values:
        result: Values = [fmpq(0)] * self.size
        for term, c in total.items():
            scale = self.ratio(c)
            result = [a + scale * b for a, b in zip(result, self.term(term), strict=True)]
        return result

    def ratio(self, c: Ratio) -> Any:
        values = [self.parameter(s) for s in ("n", *c.ring.symbols)]

        def polynomial(p: Any) -> Any:
            total: Any = fmpq(0)
            for exponents, coefficient in p.to_dict().items():
                piece = fmpq(coefficient)
                for x, e in zip(values, exponents, strict=True):
                    piece = power(x, Fraction(int(e))) * piece
                total = total + piece
            return total

        result = polynomial(c.num)
        for index, e in c.den:
            result = result * power(polynomial(c.ring.factors[index]), Fraction(-e))
        return result

    def summed(self, values: Values, label: str = "") -> Values:
        """Over all components, or over the layer of each."""
        layers = self.layers if label else [range(self.size)]
        return [sum((values[j] for layer in layers if i in layer for j in layer), fmpq(0)) for i in range(self.size)]

    def term(self, term: Term) -> Values:
        result: Values = [fmpq(1)] * self.size
        for f, e in term.factors:
            result = [a * power(b, Fraction(e)) for a, b in zip(result, self.factor(f), strict=True)]
        return result

    def factor(self, f: Factor) -> Values:
        match f.kind:
            case "state":
                return self.state(f.label, f.scalar)
            case "node":
                return self.contracted(f.label, [self.term(c) for c in f.children])
            case "sum":
                return self.summed(self.term(f.children[0]), f.label)
            case "abs":
                return [magnitude(x) for x in self.term(f.children[0])]
        values = self.of(dict(f.body))
        return [magnitude(x) for x in values] if f.kind == "root" and f.label == "abs" else values

    # ------------------------------------------------------------------ expressions

    def value(self, e: Expression) -> Values:
        match e:
            case Number(v):
                return [exact(v)] * self.size
            case Name(id) if found := derivative_of(id):
                return self.contracted(found[0], [])
            case Name(id) if id in STATES:
                return self.state(id, id in SCALARS)
            case Name(id):
                return [self.parameter(id)] * self.size
            case Operation("neg", (a,)):
                return [x * fmpq(-1) for x in self.value(a)]
            case Operation("**", (a, b)):
                return [power(x, constant(b)) for x in self.value(a)]
            case Operation(op, (a, b)):
                x, y = self.value(a), self.value(b)
                if op == "/":
                    y = [power(v, Fraction(-1)) for v in y]
                if op == "-":
                    y = [v * fmpq(-1) for v in y]
                return [u + v if op in "+-" else u * v for u, v in zip(x, y, strict=True)]
            case Call(function, args):
                return self.call(function, [self.value(a) for a in args])
        raise AssertionError(e)

    def call(self, function: str, args: list[Values]) -> Values:
        match function:
            case "abs":
                return [magnitude(x) for x in args[0]]
            case "sqrt":
                return [power(x, Fraction(1, 2)) for x in args[0]]
            case "dot" | "dot.layer":
                return self.summed([x * y for x, y in zip(*args, strict=True)], function.removeprefix("dot"))
        found = derivative_of(function)
        assert found
        return self.contracted(found[0], args)


class Moving(Jet):
    """The jet with its derivative where the states move in given directions: theta moves every derivative of L and f too."""

    def __init__(self, jet: Jet, directions: Mapping[str, Values], rates: Mapping[str, Any] | None = None) -> None:
        super().__init__(jet.seed, jet.size, layers=jet.layers)
        self.jet, self.directions, self.rates = jet, directions, rates or {}

    def parameter(self, name: str) -> Any:
        return Dual(self.jet.parameter(name), self.rates.get(name, 0))

    def state(self, name: str, scalar: bool = False) -> Values:
        values = self.jet.state(name, scalar)
        if name == "L":
            slopes = self.jet.contracted("L", [])
            return [Dual(x, sum(a * b for a, b in zip(slopes, self.directions["theta"], strict=True))) for x in values]
        return [Dual(x, d) for x, d in zip(values, self.directions.get(name, [0] * self.size), strict=True)]

    def entry(self, label: str, index: tuple[int, ...]) -> Any:
        u = self.directions.get("theta", [0] * self.size)
        slope = sum((self.jet.entry(label, (*index, j)) * u[j] for j in range(self.size)), fmpq(0))
        return Dual(self.jet.entry(label, index), slope)


class OnLoss(Jet):
    """The derivatives of a polynomial loss at a point."""

    def __init__(self, loss: sp.Poly, point: Sequence[sp.Rational], seed: int) -> None:
        super().__init__(seed, len(point))
        self.loss, self.point = loss, point
        self.entries: dict[tuple[int, ...], fmpq] = {}

    def entry(self, label: str, index: tuple[int, ...]) -> fmpq:
        kept = tuple(sorted(index))
        if kept not in self.entries:
            derivative = self.loss
            for i in kept:
                derivative = derivative.diff(self.loss.gens[i])
            self.entries[kept] = exact(Fraction(str(derivative.eval(dict(zip(self.loss.gens, self.point, strict=True))))))
        return self.entries[kept]


STATES = ("theta", "eta", "u", "v", "w", "s", "q", "L")
SCALARS = ("s", "q", "L")


def read(algebra: Algebra, e: Expression) -> Sum:
    """The sum of an expression, by the operations of the algebra."""
    one = algebra.ring.one
    match e:
        case Number(value):
            return algebra.constant(algebra.ring.constant(value))
        case Name(id) if found := derivative_of(id):
            return algebra.node_sum(found[0], [])
        case Name(id) if id in STATES:
            return algebra.state(id, id in SCALARS)
        case Name(id):
            return algebra.constant(algebra.ring.symbol(id))
        case Operation("neg", (a,)):
            return algebra.scale(read(algebra, a), -one)
        case Operation("**", (a, b)):
            return algebra.power(read(algebra, a), constant(b))
        case Operation(op, (a, b)):
            x, y = read(algebra, a), read(algebra, b)
            if op in "+-":
                return algebra.add(x, y if op == "+" else algebra.scale(y, -one))
            return algebra.product(x, y if op == "*" else algebra.power(y, Fraction(-1)))
        case Call("dot" | "dot.layer" as function, (a, b)):
            return algebra.contract(algebra.product(read(algebra, a), read(algebra, b)), function[len("dot.") :])
        case Call("abs", (a,)):
            return algebra.absolute(read(algebra, a))
        case Call("sqrt", (a,)):
            return algebra.power(read(algebra, a), Fraction(1, 2))
        case Call(function, args):
            found = derivative_of(function)
            assert found
            return algebra.node_of_sums(found[0], [read(algebra, a) for a in args])
    raise AssertionError(e)
