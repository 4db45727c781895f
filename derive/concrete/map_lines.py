"""The lines of a declared map carried out at a point, and their derivatives, by truncated Taylor series.

    d^kP(u)[v_1, ..., v_k] = the coefficient of s_1 ... s_k in P(u + s_1 v_1 + ... + s_k v_k)

A matrix is the list of its components, row by row; of so many components it has the shape that `derive.scheme.map_programs` says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import reduce
from math import isqrt
from typing import Any

from flint import arb, fmpq

from derive.concrete.eigenvectors import eigenvectors
from derive.concrete.jets import Jet, Value, compose, exact, known_value, plus, power, taylor, times
from derive.errors import SingularPointError, UsageError
from derive.language import Arithmetic, Call, Name, Operation, interpret
from derive.language.calls import CHOICES, PIECES
from derive.language.interpret import MAX_BITS
from derive.language.layers import ROW, extreme_call, summed_call
from derive.language.matrices import EIGENVECTORS, TRACE, TRANSPOSE, UNIT, operator_of
from derive.scheme.map_programs import MapProgram
from derive.scheme.shapes import THETA, lines_of, shape_in, width_of

Vector = list[Jet]


def along(
    program: MapProgram, point: Sequence[Value], directions: Sequence[Sequence[Value]], names: Mapping[str, Value]
) -> list[Value]:
    """d^kP(u)[v_1, ..., v_k], `names` the values of parameters.

    >>> from derive.scheme.map_programs import parse_map_program
    >>> cube = parse_map_program("P(X)", "P = X @ X.T @ X", "example")
    >>> along(cube, [fmpq(2)], [[fmpq(1)], [fmpq(3)]], {})
    [36]
    """
    count = len(directions)
    zero, last = (0,) * count, (1,) * count
    axes = [tuple(int(i == k) for i in range(count)) for k in range(count)]
    jets = [{zero: x, **{axis: v[i] for axis, v in zip(axes, directions, strict=True)}} for i, x in enumerate(point)]
    value = _carried_out(program, jets, {n: {zero: x} for n, x in names.items()}, count)
    return [x.get(last, fmpq(0)) for x in value]


def _carried_out(program: MapProgram, point: Vector, names: Mapping[str, Jet], degree: int) -> Vector:
    square = isqrt(len(point)) ** 2 == len(point)
    known: dict[str, Jet | Vector] = {**names, program.argument: point}
    for target, expression in program.lines(("m", "m") if square else THETA):
        value = interpret(expression, _Lines(known, program, degree, len(point)))
        known[target] = _shortened(value)
    value = known[program.label]
    return value if isinstance(value, list) else [value] * len(point)


def _shortened(value: Jet | Vector) -> Jet | Vector:
    """With balls in the place of rational numbers that have become long."""
    if isinstance(value, list):
        return [{k: _short(x) for k, x in jet.items()} for jet in value]
    return {k: _short(x) for k, x in value.items()}


def _short(x: Value) -> Value:
    return arb(x) if isinstance(x, fmpq) and x.height_bits() > MAX_BITS else x


class _Lines(Arithmetic):
    """Series, and lists of them for matrices and vectors; operations are taken component by component."""

    def __init__(self, names: Mapping[str, Jet | Vector], program: MapProgram, degree: int, size: int) -> None:
        self.names, self.program, self.degree, self.size = names, program, degree, size
        self.zero = (0,) * degree

    def number(self, value: Fraction) -> Jet:
        return {self.zero: exact(value)}

    def name(self, node: Name) -> Jet | Vector:
        if node.id not in self.names:
            raise UsageError(f"{node.id} has no value, and {self.program.label} is made of it; add --set {node.id}=1/10")
        return self.names[node.id]

    def negate(self, a: Any) -> Any:
        return _each(lambda x: {k: -v for k, v in x.items()}, a)

    def add(self, a: Any, b: Any, node: Operation | None = None) -> Any:
        return _each(plus, a, b)

    def subtract(self, a: Any, b: Any, node: Operation | None = None) -> Any:
        return _each(lambda x, y: plus(x, y, -1), a, b)

    def multiply(self, a: Any, b: Any, node: Operation | None = None) -> Any:
        return _each(lambda x, y: times(x, y, self.degree), a, b)

    def divide(self, a: Any, b: Any, node: Operation | None = None) -> Any:
        return self.multiply(a, self.raised(b, Fraction(-1)))

    def power(self, base: Any, exponent: Fraction | None, node: Operation) -> Any:
        if exponent is None:
            raise UsageError(f"{self.program.label}: an exponent must be a rational number, such as 2 or 1/2")
        return self.raised(base, exponent)

    def raised(self, base: Any, exponent: Fraction) -> Any:
        return _each(lambda x: power(x, exponent, self.degree, self.zero), base)

    def call(self, node: Call, args: list[Any]) -> Any:
        name = node.function
        if name in PIECES:
            return self._piece(name, args)
        if summed := summed_call(name):
            return self._summed(*summed, args)
        if extreme := extreme_call(name):
            return self._extreme(*extreme, args[0])
        if operator_of(name):
            return self._product(name, args)
        if name == TRACE:
            return self._total(args[0][:: isqrt(len(args[0])) + 1])
        if name == UNIT:
            n = isqrt(len(args[0]))
            return [self.number(Fraction(int(i == j))) for i in range(n) for j in range(n)]
        if name == EIGENVECTORS:
            return eigenvectors(args[0], self.degree, f"{self.program.label} is not smooth at this point")
        return _each(lambda x: self._elementary(name, x), args[0])

    def _elementary(self, name: str, x: Jet) -> Jet:
        match name:
            case "sqrt":
                return power(x, Fraction(1, 2), self.degree, self.zero)
            case "sign":
                return {self.zero: self._sign(x)}
            case "abs":
                return times({self.zero: self._sign(x)}, x, self.degree)
            case "sigmoid":
                below = plus(self.number(Fraction(1)), self._elementary("exp", {k: -v for k, v in x.items()}))
                return power(below, Fraction(-1), self.degree, self.zero)
            case "softplus":
                return self._elementary("log", plus(self.number(Fraction(1)), self._elementary("exp", x)))
        centre = x.get(self.zero, fmpq(0))
        if name in ("erf", "derf"):
            if self.degree:
                raise UsageError(f"{self.program.label}: {name} in the lines of a map has a value here and no derivatives")
            return {self.zero: known_value(name, centre)}
        return compose(taylor(name, centre, self.degree), x, self.degree)

    def _sign(self, x: Jet) -> Value:
        centre = x.get(self.zero, fmpq(0))
        if not (centre > 0 or centre < 0):
            raise SingularPointError(f"{self.program.label} is not smooth at this point: zero in a comparison, a sign or |.|")
        return fmpq(1 if centre > 0 else -1)

    def _piece(self, name: str, args: list[Any]) -> Any:
        """As `max`, `min`, `clip` and `where` choose, at each component."""
        if name == "clip":
            x, low, high = args
            return self._piece("min", [self._piece("max", [x, low]), high])
        a, b, *ways = args
        first, second = ways or (a, b)
        wanted = 1 if name == "max" or CHOICES.get(name, "<")[0] == ">" else -1

        def chosen(x: Jet, y: Jet, p: Jet, q: Jet) -> Jet:
            return p if self._sign(plus(x, y, -1)) == wanted else q

        return _each(chosen, a, b, first, second)

    def _total(self, values: Sequence[Jet]) -> Jet:
        return reduce(plus, values)

    def _summed(self, name: str, part: str, args: list[Any]) -> Any:
        size = max((len(x) for x in args if isinstance(x, list)), default=self.size)
        vectors = [x if isinstance(x, list) else [x] * size for x in args]
        terms = vectors[0] if name == "mean" else self.multiply(vectors[0], vectors[-1])
        return _over(part, terms, lambda line: self._finished(name, line))

    def _extreme(self, name: str, part: str, x: Vector) -> Any:
        """The series of the one component that is above all others, or below them; of two that are equal only to leading order
        neither is."""

        def is_beyond(a: Jet, b: Jet) -> bool:
            distance = plus(a, b, -1).get(self.zero, fmpq(0))
            return bool(distance > 0 if name == "largest" else distance < 0)

        def only(line: Sequence[Jet]) -> Jet:
            for i, a in enumerate(line):
                if all(is_beyond(a, b) for j, b in enumerate(line) if j != i):
                    return a
            what = f"the {name} of these components is taken at two of them"
            raise SingularPointError(f"{self.program.label} is not smooth at this point: {what}")

        return _over(part, x, only)

    def _finished(self, name: str, terms: Sequence[Jet]) -> Jet:
        total = self._total(terms)
        if name == "mean":
            return times(total, self.number(Fraction(1, len(terms))), self.degree)
        return self._elementary("sqrt", total) if name == "norm" else total

    def _product(self, function: str, args: list[Vector]) -> Vector:
        """A @ B or A.T."""
        tables = [_rows(a, shape) for a, shape in zip(args, shape_in(function), strict=True)]
        columns = list(zip(*tables[-1], strict=True))
        if operator_of(function) == TRANSPOSE:
            return [x for column in columns for x in column]
        return [self._total(self.multiply(list(row), list(column))) for row in tables[0] for column in columns]


def _each(f: Callable[..., Jet], *args: Jet | Vector) -> Any:
    """f of series, component by component where one of them is a list."""
    size = next((len(a) for a in args if isinstance(a, list)), None)
    if size is None:
        return f(*args)
    return [f(*(a[i] if isinstance(a, list) else a for a in args)) for i in range(size)]


def _over(part: str, terms: Vector, f: Callable[[Sequence[Jet]], Jet]) -> Any:
    """f of all components, or of those of the row or column of each."""
    if not part:
        return f(terms)
    found: dict[int, Jet] = {}
    for line in lines_of(len(terms), part == ROW):
        found |= dict.fromkeys(line, f([terms[i] for i in line]))
    return [found[i] for i in range(len(terms))]


def _rows(a: Vector, shape: str) -> list[Vector]:
    n = width_of(len(a)) if tuple(shape) == THETA or shape[0] == shape[1] else len(a) // width_of(len(a))
    return [a[i : i + n] for i in range(0, len(a), n)]


__all__ = ["along"]
