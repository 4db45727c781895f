"""A second meaning of the algebra of matrices: terms and texts as arrays of rational numbers, by plain sums over indices.

theta is m x n; derivatives of L are random tensors, symmetric under exchange of index pairs.  `Matrices.of` gives values to sums
in normal form, `Matrices.value` to texts; neither knows a law.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import product
from random import Random
from typing import Any

from derive.algebra.sums import Sum
from derive.algebra.terms import Factor, Term
from derive.engine.composition import Given, Workspace
from derive.engine.formula import TERM_CALLS, FormulaReader
from derive.language import Call, Expression, Name, Number, Operation, constant, parse_expression

Matrix = list[list[Fraction]]


def parse(text: str) -> Expression:
    return parse_expression(text, "term", TERM_CALLS)


def read(algebra: Any, text: str, states: tuple[str, ...] = ("u", "v", "S")) -> Sum:
    """The sum of a text in normal form."""
    workspace = Workspace(algebra)
    values = {n: Given(workspace, [algebra.state(n)]) for n in states}
    return dict(FormulaReader(workspace, values).read(parse(text)).at(0))


class Matrices:
    """Random values, the same for every question about the same thing; S is square, all other variables have theta's shape."""

    def __init__(self, seed: int, m: int, n: int, given: Mapping[str, Matrix] | None = None) -> None:
        self.seed, self.m, self.n, self.given = seed, m, n, given or {}

    def number(self, *key: object) -> Fraction:
        source = Random(f"{self.seed} {key}")
        return Fraction(source.choice((1, -1)) * source.randint(1, 7), source.randint(1, 5))

    def state(self, name: str) -> Matrix:
        columns = self.m if name == "S" else self.n
        return self.given.get(name) or [[self.number(name, i, j) for j in range(columns)] for i in range(self.m)]

    def derivative(self, directions: list[Matrix]) -> Matrix:
        pairs = list(product(range(self.m), range(self.n)))
        directions = [u if isinstance(u, list) else [[u] * self.n for _ in range(self.m)] for u in directions]
        result = [[Fraction(0)] * self.n for _ in range(self.m)]
        for i, j in pairs:
            for places in product(pairs, repeat=len(directions)):
                value = self.number("L", sorted([(i, j), *places]))
                for (a, b), u in zip(places, directions, strict=True):
                    value *= u[a][b]
                result[i][j] += value
        return result

    # ------------------------------------------------------------------ sums in normal form

    def of(self, total: Sum) -> Any:
        """A matrix, or a number where all terms are scalars."""
        result: Any = Fraction(0)
        for term, c in total.items():
            result = plus(result, times(c.number(), self.term(term)))
        return result

    def term(self, term: Term) -> Any:
        result: Any = Fraction(1)
        for f, e in term.factors:
            result = times(result, mapped(lambda x, e=e: x ** Fraction(e), self.factor(f)))
        return result

    def factor(self, f: Factor) -> Any:
        match f.kind:
            case "state":
                return self.state(f.label)
            case "node":
                return self.derivative([self.term(c) for c in f.children])
            case "sum":
                return self.summed(self.term(f.children[0]), f.label)
            case "abs":
                return mapped(abs, self.term(f.children[0]))
            case "word" if f.label == "T":
                return transposed(self.term(f.children[0]))
            case "word":
                first, *rest = map(self.term, f.children)
                for other in rest:
                    first = multiplied(first, other)
                return first
            case "base":
                return self.of(dict(f.body))
        raise AssertionError(f.kind)

    def summed(self, value: Any, part: str = "") -> Any:
        """Over all components, or over the row or column of each."""
        table = value if isinstance(value, list) else [[value] * self.n for _ in range(self.m)]
        if part == "row":
            return [[sum(row, Fraction(0))] * self.n for row in table]
        if part == "column":
            totals = [sum(column, Fraction(0)) for column in zip(*table, strict=True)]
            return [list(totals) for _ in range(self.m)]
        return sum((x for row in table for x in row), Fraction(0))

    # ------------------------------------------------------------------ texts

    def value(self, e: Expression) -> Any:
        match e:
            case Number(value):
                return value
            case Name("grad"):
                return self.derivative([])
            case Name(id):
                return self.state(id)
            case Operation("neg", (a,)):
                return times(Fraction(-1), self.value(a))
            case Operation("**", (a, b)):
                exponent = constant(b)
                assert exponent is not None
                return mapped(lambda x: x**exponent, self.value(a))
            case Operation(op, (a, b)):
                x, y = self.value(a), self.value(b)
                if op == "/":
                    return times(x, mapped(lambda z: 1 / z, y))
                return times(x, y) if op == "*" else plus(x, y if op == "+" else times(Fraction(-1), y))
            case Call(name, args):
                return self.call(name, [self.value(a) for a in args])
        raise AssertionError(e)

    def call(self, name: str, args: list[Any]) -> Any:
        match name:
            case "@":
                return multiplied(*args)
            case "@T":
                return transposed(args[0])
            case "trace":
                return sum((row[i] for i, row in enumerate(args[0])), Fraction(0))
            case "dot" | "dot.row" | "dot.column":
                return self.summed(times(*args), name.partition(".")[2])
            case "abs":
                return mapped(abs, args[0])
        return self.derivative(args)


def multiplied(a: Matrix, b: Matrix) -> Matrix:
    assert len(a[0]) == len(b), "shapes do not fit"
    return [[sum((x * y for x, y in zip(row, column, strict=True)), Fraction(0)) for column in zip(*b, strict=True)] for row in a]


def transposed(a: Matrix) -> Matrix:
    return [list(column) for column in zip(*a, strict=True)]


def mapped(f: Any, a: Any) -> Any:
    return [[f(x) for x in row] for row in a] if isinstance(a, list) else f(a)


def plus(a: Any, b: Any) -> Any:
    return _both(a, b, lambda x, y: x + y)


def times(a: Any, b: Any) -> Any:
    return _both(a, b, lambda x, y: x * y)


def _both(a: Any, b: Any, f: Any) -> Any:
    if not isinstance(a, list):
        return mapped(lambda y: f(a, y), b)
    if not isinstance(b, list):
        return mapped(lambda x: f(x, b), a)
    return [[f(x, y) for x, y in zip(r, s, strict=True)] for r, s in zip(a, b, strict=True)]
