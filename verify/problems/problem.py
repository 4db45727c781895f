"""Concrete losses and fields: polynomials with exact coefficients, their derivatives of every order, at a point.

    L(theta_0 + delta) = sum_e c_e delta^e,        d^a L(theta_0) = a! c_a

A `Problem` is the gradient of a loss, or a vector field, as polynomials in delta = theta - theta_0 with the coefficients
of any number type.  A loss that is no polynomial is replaced by its Taylor polynomial, with ball coefficients: orbits that
start at theta_0 and move by O(gamma) do not see the rest below the power where it is cut.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from math import factorial
from typing import Any

from flint import arb, fmpq

from derive.errors import UsageError
from derive.language import LOSS_CALLS, Expression, Name, Number, Operation, constant, names_of, parse_expression
from verify.numbers.power_series import Series, to_fmpq
from verify.orbits.run import BALLS, evaluate

Index = tuple[int, ...]
Polynomial = dict[Index, Any]  # exponents -> coefficient

VARIABLES = ("x", "y", "z", "w")


def derivative(p: Mapping[Index, Any], axis: int) -> Polynomial:
    """The partial derivative of a polynomial.

    >>> derivative({(2, 1): fmpq(3)}, 0)
    {(1, 1): 6}
    """
    return {(*e[:axis], e[axis] - 1, *e[axis + 1 :]): c * e[axis] for e, c in p.items() if e[axis]}


def multiply(p: Mapping[Index, Any], q: Mapping[Index, Any]) -> Polynomial:
    """Product of two polynomials."""
    result: Polynomial = {}
    for e, a in p.items():
        for f, b in q.items():
            key = tuple(i + j for i, j in zip(e, f, strict=True))
            result[key] = result[key] + a * b if key in result else a * b
    return result


def add(p: Mapping[Index, Any], q: Mapping[Index, Any], factor: int = 1) -> Polynomial:
    """p + factor*q."""
    result = dict(p)
    for e, c in q.items():
        result[e] = result[e] + c * factor if e in result else c * factor
    return result


def polynomial_of(expression: Expression, variables: Sequence[str]) -> Polynomial | None:
    """The polynomial an expression stands for, or None if it is none.

    >>> polynomial_of(parse_expression("(x + y)**2/2", "loss"), ("x", "y"))
    {(2, 0): 1/2, (1, 1): 1, (0, 2): 1/2}
    """
    zero = (0,) * len(variables)
    match expression:
        case Number(value):
            return {zero: to_fmpq(value)}
        case Name(id):
            return {tuple(int(v == id) for v in variables): fmpq(1)}
        case Operation("neg", (a,)):
            p = polynomial_of(a, variables)
            return None if p is None else {e: -c for e, c in p.items()}
        case Operation("**", (a, b)):
            p, exponent = polynomial_of(a, variables), constant(b)
            if p is None or exponent is None or exponent.denominator != 1 or exponent < 0:
                return None
            result: Polynomial = {zero: fmpq(1)}
            for _ in range(int(exponent)):
                result = multiply(result, p)
            return result
        case Operation(op, (a, b)):
            p, q = polynomial_of(a, variables), polynomial_of(b, variables)
            return None if p is None or q is None else _combined(op, p, q, zero)
    return None


def _combined(op: str, p: Polynomial, q: Polynomial, zero: Index) -> Polynomial | None:
    if op == "*":
        return multiply(p, q)
    if op == "/":
        c = q.get(zero, fmpq(0))
        return None if c == 0 or any(e != zero and x != 0 for e, x in q.items()) else {e: x / c for e, x in p.items()}
    return add(p, q, 1 if op == "+" else -1)


def shifted(p: Mapping[Index, Any], point: Sequence[Any]) -> Polynomial:
    """The polynomial in delta = theta - point."""
    zero = (0,) * len(point)
    result: Polynomial = {}
    powers: dict[tuple[int, int], Polynomial] = {}
    for e, c in p.items():
        term: Polynomial = {zero: c}
        for axis, exponent in enumerate(e):
            if exponent:
                if (axis, exponent) not in powers:
                    unit = tuple(int(i == axis) for i in range(len(point)))
                    powers[axis, exponent] = _binomial(unit, zero, point[axis], exponent)
                term = multiply(term, powers[axis, exponent])
        result = add(result, term)
    return {e: c for e, c in result.items() if not (isinstance(c, fmpq) and c == 0)}


def _binomial(unit: Index, zero: Index, x: Any, exponent: int) -> Polynomial:
    result: Polynomial = {zero: x * 0 + 1}
    for _ in range(exponent):
        result = multiply(result, {unit: x * 0 + 1, zero: x})
    return result


def parse_loss(text: str, label: str = "L") -> tuple[tuple[str, ...], list[Expression]]:
    """Variables (sorted) and expression of a loss, or the components, separated by ';', of a field.

    >>> parse_loss("x**2*y")[0]
    ('x', 'y')
    """
    where = "loss" if label == "L" else "field"
    parts = [text] if label == "L" else [p for p in text.split(";") if p.strip()]
    expressions = [parse_expression(p, where, LOSS_CALLS) for p in parts]
    variables = tuple(sorted({n for e in expressions for n in names_of(e)}))
    if not variables:
        raise UsageError(f"the {where} '{text}' has no variables")
    if label == "f" and len(expressions) != len(variables):
        raise UsageError(f"the field '{text}' needs {len(variables)} components, separated by ';'")
    return variables, expressions


@dataclass(frozen=True)
class Problem:
    """A loss (`potential`) or a field (`parts`) about a point, as polynomials in delta.

    `gradient` is grad L, or the field; `tensor` its derivatives contracted with vectors.
    """

    point: tuple[Any, ...]
    potential: Polynomial | None
    components: tuple[Polynomial, ...] = ()
    _derivatives: dict[tuple[int, Index], Polynomial] = field(default_factory=dict, compare=False)

    @property
    def dimension(self) -> int:
        return len(self.point)

    @cached_property
    def parts(self) -> list[Polynomial]:
        """The components of grad L, or of the field."""
        if self.potential is None:
            return list(self.components)
        return [derivative(self.potential, i) for i in range(self.dimension)]

    def _derived(self, component: int, index: Index) -> Polynomial:
        found = self._derivatives.get((component, index))
        if found is None:
            axis = next((i for i, k in enumerate(index) if k), None)
            if axis is None:
                found = self.parts[component]
            else:
                found = derivative(self._derived(component, _raised(index, axis, -1)), axis)
            self._derivatives[component, index] = found
        return found

    def monomials(self, theta: Sequence[Any]) -> dict[Index, Any] | None:
        """delta^e for every exponent that can occur, for power series theta; None at the point itself."""
        if not isinstance(theta[0], Series):
            return None
        deltas = [x - p for x, p in zip(theta, self.point, strict=True)]
        degree = max((sum(e) for p in self.parts for e in p), default=0)
        zero = (0,) * self.dimension
        table: dict[Index, Any] = {zero: None}
        layer: list[Index] = [zero]
        for _ in range(min(degree, deltas[0].length - 1)):
            new: dict[Index, Any] = {}
            for e in layer:
                last = max((i for i, k in enumerate(e) if k), default=0)
                for axis in range(last, self.dimension):
                    new[_raised(e, axis)] = deltas[axis] if table[e] is None else table[e] * deltas[axis]
            table |= new
            layer = list(new)
        return table

    def _value(self, p: Polynomial, table: dict[Index, Any] | None, like: Any) -> Any:
        zero = (0,) * self.dimension
        if table is None:
            return p.get(zero, fmpq(0))
        total = like * 0 + p.get(zero, fmpq(0))
        for e, c in p.items():
            if e in table and e != zero:
                total = total + table[e] * c
        return total

    def gradient(self, theta: Sequence[Any]) -> list[Any]:
        """grad L (or the field) at the point, or at a power series that starts there."""
        table = self.monomials(theta)
        return [self._value(p, table, theta[0]) for p in self.parts]

    def tensor(self, theta: Sequence[Any], arguments: Sequence[Sequence[Any]], table: dict[Index, Any] | None) -> list[Any]:
        """sum over j..k of d_j..d_k (grad L)_i u_j .. v_k, at theta with its table of monomials."""
        zero = (0,) * self.dimension
        return [self._contracted(i, zero, theta, arguments, table) for i in range(self.dimension)]

    def _contracted(self, i: int, index: Index, theta: Sequence[Any], arguments: Sequence[Sequence[Any]], table: Any) -> Any:
        if not arguments:
            return self._value(self._derived(i, index), table, theta[0])
        pieces = [u * self._contracted(i, _raised(index, j), theta, arguments[1:], table) for j, u in enumerate(arguments[0])]
        total = pieces[0]
        for piece in pieces[1:]:
            total = total + piece
        return total


def _raised(index: Index, axis: int, by: int = 1) -> Index:
    return (*index[:axis], index[axis] + by, *index[axis + 1 :])


def random_polynomial(source: random.Random, dimension: int, degree: int) -> Polynomial:
    """Every monomial of degree 1 to `degree`, with small rational coefficients none of which vanishes."""
    result: Polynomial = {}
    for e in product(range(degree + 1), repeat=dimension):
        if 1 <= sum(e) <= degree:
            numerator = source.choice((-1, 1)) * source.randint(1, 9)
            scale = 1
            for k in e:
                scale *= factorial(k)
            result[e] = fmpq(numerator, scale * source.choice((1, 1, 2, 3)))
    return result


def random_problem(source: random.Random, dimension: int, degree: int, label: str = "L") -> Problem:
    """A random polynomial loss (or field) about a random rational point.

    >>> random_problem(random.Random(1), 2, 3).dimension
    2
    """
    point = tuple(fmpq(source.choice((-1, 1)) * source.randint(1, 9), source.choice((2, 3, 4, 5))) for _ in range(dimension))
    if label == "L":
        return Problem(point, random_polynomial(source, dimension, degree))
    zero = (0,) * dimension
    parts = tuple(
        {zero: fmpq(source.choice((-1, 1)) * source.randint(1, 9)), **random_polynomial(source, dimension, degree - 1)}
        for _ in range(dimension)
    )
    return Problem(point, None, parts)


def problem_of(text: str, point: Sequence[Any], degree: int, label: str = "L") -> Problem:
    """The given loss or field about a point: exact for a polynomial, else its Taylor polynomial with ball coefficients."""
    variables, expressions = parse_loss(text, label)
    polynomials = [polynomial_of(e, variables) for e in expressions]
    if any(p is None for p in polynomials):
        polynomials = [_taylor(e, variables, point, degree) for e in expressions]
        local = [p or {} for p in polynomials]
    else:
        local = [shifted(p or {}, point) for p in polynomials]
    return Problem(tuple(point), local[0]) if label == "L" else Problem(tuple(point), None, tuple(local))


def _taylor(expression: Expression, variables: Sequence[str], point: Sequence[Any], degree: int) -> Polynomial:
    """Taylor coefficients d^e L / e! as balls, by differentiating the expression."""
    from verify.problems.landscape import differentiate

    known: dict[Index, Expression] = {(0,) * len(variables): expression}
    names = {v: arb(1) * x for v, x in zip(variables, point, strict=True)}
    result: Polynomial = {}
    for e in sorted(product(range(degree + 1), repeat=len(variables)), key=sum):
        if sum(e) > degree:
            continue
        if e not in known:
            axis = next(i for i, k in enumerate(e) if k)
            known[e] = differentiate(known[_raised(e, axis, -1)], variables[axis])
        scale = 1
        for k in e:
            scale *= factorial(k)
        result[e] = evaluate(known[e], names, BALLS, _elementary_ball) / scale
    return result


def _elementary_ball(function: str, args: list[Any]) -> Any:
    return getattr(arb(1) * args[0], function)()


def polynomial_text(p: Mapping[Index, Any], variables: Sequence[str] = VARIABLES) -> str:
    """The polynomial in the language of losses.

    >>> polynomial_text({(2, 0): fmpq(1, 2), (0, 1): fmpq(-3)})
    '1/2*x**2 - 3*y'
    """
    pieces = []
    for e, c in p.items():
        powers = [v if k == 1 else f"{v}**{k}" for v, k in zip(variables, e, strict=False) if k]
        size = abs(c)
        factors = [str(size)] if size != 1 or not powers else []
        pieces.append((" - " if c < 0 else " + ") + "*".join([*factors, *powers]))
    text = "".join(pieces)
    return "0" if not text else text[3:] if text.startswith(" + ") else "-" + text[3:]
