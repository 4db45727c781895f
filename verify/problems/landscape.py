"""A loss or a vector field at every point, for runs of finite length (`verify.problems.problem` expands about one point).

Polynomials stay exact; anything else is differentiated as an expression.  Both are evaluated on nodes of a tape, so that
equal parts of derivatives are computed once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from derive.language import Expression
from verify.numbers.evaluation import evaluate, mapped
from verify.numbers.power_series import to_fraction
from verify.numbers.tape import Node, Tape
from verify.problems.differentiation import differentiate
from verify.problems.layers import Layers
from verify.problems.polynomials import Index, derivative, polynomial_of, raised
from verify.problems.problem import Placed, parse_loss

Value = Any


def scalar_value(expression: Expression, names: Mapping[str, Any], tape: Tape) -> Node:
    """The value of an expression with elementary functions, such as a loss or a schedule, on a tape.

    >>> from derive.language import parse_expression
    >>> tape = Tape(0)
    >>> tape.exact(scalar_value(parse_expression("1/(1 + t)", "schedule"), {"t": tape.lift(2)}, tape))
    Fraction(1, 3)
    """
    return tape.lift(evaluate(expression, names, tape.numbers, lambda f, args: mapped(lambda x: getattr(x, f)(), args[0])))


class Loss:
    """A loss L, or a vector field given by its components separated by ';', in variables sorted by name or as they are given,
    which come in layers where their places are given.

    >>> Loss("x**2*y").variables
    ('x', 'y')
    """

    def __init__(self, text: str, is_field: bool = False, variables: Sequence[str] = (), layers: Layers = ()) -> None:
        self.text, self.is_field, self.layers = text, is_field, layers
        found, expressions = parse_loss(text, "f" if is_field else "L")
        self.variables = tuple(variables) or found
        self._derivatives: dict[tuple[int, Index], Any] = {}
        zero = (0,) * self.dimension
        for i, e in enumerate(expressions):
            p = polynomial_of(e, self.variables)
            self._derivatives[i, zero] = e if p is None else {index: to_fraction(c) for index, c in p.items() if c != 0}

    @property
    def dimension(self) -> int:
        return len(self.variables)

    @property
    def sizes(self) -> dict[str, int]:
        """How many components each unknown has."""
        return {"theta": self.dimension}

    @property
    def names(self) -> dict[str, tuple[str, ...]]:
        """Names of the components of each unknown."""
        return {"theta": self.variables}

    @property
    def potential(self) -> str | None:
        """The text of a loss; None for a field, which has none."""
        return None if self.is_field else self.text

    def derivative(self, component: int, index: Index) -> Any:
        """The mixed derivative of L (component 0) or of a component of the field, as a polynomial or an expression."""
        found = self._derivatives.get((component, index))
        if found is None:
            axis = next(i for i, k in enumerate(index) if k)
            lower = self.derivative(component, raised(index, axis, -1))
            found = derivative(lower, axis) if isinstance(lower, dict) else differentiate(lower, self.variables[axis])
            self._derivatives[component, index] = found
        return found

    def value(self, point: Sequence[Value], component: int = 0, index: Index = ()) -> Value:
        """L at a point, or one of its derivatives."""
        if not isinstance(point[0], Node):
            return self._value(point, component, index)
        known, key = point[0].tape.losses, (self, component, index, tuple(x.index for x in point))
        if key not in known:
            known[key] = self._value(point, component, index)
        return known[key]

    def _value(self, point: Sequence[Value], component: int, index: Index) -> Value:
        found = self.derivative(component, index or (0,) * self.dimension)
        if isinstance(found, dict):
            return _polynomial_value(found, point)
        return scalar_value(found, dict(zip(self.variables, point, strict=True)), point[0].tape)

    def monomials(self, point: Sequence[Value]) -> None:
        """Part of the interface of `verify.problems.problem.Problem`; a tape needs no table."""

    def tensor(self, point: Sequence[Value], arguments: Sequence[Sequence[Value]] = (), table: None = None) -> list[Value]:
        """sum over j..k of d_j..d_k (grad L)_i u_j .. v_k, or the same of a field, for every i."""
        return self.partial(point, range(self.dimension), [list(enumerate(u)) for u in arguments])

    def partial(
        self, point: Sequence[Value], wanted: Sequence[int], arguments: Sequence[Placed], table: None = None
    ) -> list[Value]:
        """Some components of the same, the arguments' components given with their places."""
        return [self._contract(i, (0,) * self.dimension, point, arguments) for i in wanted]

    def _contract(self, free: int, index: Index, point: Sequence[Value], arguments: Sequence[Placed]) -> Value:
        if not arguments:
            return self.value(point, free, index) if self.is_field else self.value(point, 0, raised(index, free))
        total: Value = Fraction(0)
        for j, u in arguments[0]:
            total = total + u * self._contract(free, raised(index, j), point, arguments[1:])
        return total

    def gradient(self, point: Sequence[Value]) -> list[Value]:
        """grad L, or the field itself."""
        return self.tensor(point)


def _polynomial_value(polynomial: Mapping[Index, Fraction], point: Sequence[Value]) -> Value:
    total: Value = Fraction(0)
    for exponents, c in sorted(polynomial.items()):
        product: Value = None
        for x, e in zip(point, exponents, strict=True):
            if e:
                product = x**e if product is None else product * x**e
        total = total + (c if product is None else product * c)
    return total
