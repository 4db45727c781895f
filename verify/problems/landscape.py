"""A loss or a vector field at every point, for runs of finite length (`verify.problems.problem` expands about one point).

Polynomials stay exact; anything else is differentiated as an expression.  Both are evaluated on nodes of a tape, so that
equal parts of derivatives are computed once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from derive.errors import UsageError
from derive.language import Call, Expression, Name, Number, Operation, constant
from verify.numbers.power_series import to_fraction
from verify.numbers.tape import Node, Tape
from verify.orbits.run import Numbers, evaluate, mapped
from verify.problems.problem import derivative, parse_loss, polynomial_of

Value = Any
Index = tuple[int, ...]


class NodeNumbers(Numbers):
    """Nodes of a tape as numbers of the interpreter."""

    def __init__(self, tape: Tape) -> None:
        super().__init__(tape.lift, lambda x, r: tape.lift(x) ** r)

    def absolute(self, x: Any) -> Any:
        return abs(x)

    def sign(self, x: Any) -> Any:
        return x.sign()


def scalar_value(expression: Expression, names: Mapping[str, Any], tape: Tape) -> Node:
    """The value of an expression with elementary functions, such as a loss or a schedule, on a tape.

    >>> from derive.language import parse_expression
    >>> tape = Tape(0)
    >>> tape.exact(scalar_value(parse_expression("1/(1 + t)", "schedule"), {"t": tape.lift(2)}, tape))
    Fraction(1, 3)
    """
    return tape.lift(evaluate(expression, names, NodeNumbers(tape), lambda f, args: mapped(lambda x: getattr(x, f)(), args[0])))


class Loss:
    """A loss L, or a vector field given by its components separated by ';', in variables sorted by name.

    >>> Loss("x**2*y").variables
    ('x', 'y')
    """

    def __init__(self, text: str, is_field: bool = False) -> None:
        self.text, self.is_field = text, is_field
        self.variables, expressions = parse_loss(text, "f" if is_field else "L")
        self._derivatives: dict[tuple[int, Index], Any] = {}
        zero = (0,) * self.dimension
        for i, e in enumerate(expressions):
            p = polynomial_of(e, self.variables)
            self._derivatives[i, zero] = e if p is None else {index: to_fraction(c) for index, c in p.items() if c != 0}

    @property
    def dimension(self) -> int:
        return len(self.variables)

    @property
    def potential(self) -> str | None:
        """The text of a loss; None for a field, which has none."""
        return None if self.is_field else self.text

    def derivative(self, component: int, index: Index) -> Any:
        """The mixed derivative of L (component 0) or of a component of the field, as a polynomial or an expression."""
        found = self._derivatives.get((component, index))
        if found is None:
            axis = next(i for i, k in enumerate(index) if k)
            lower = self.derivative(component, _raised(index, axis, -1))
            found = derivative(lower, axis) if isinstance(lower, dict) else differentiate(lower, self.variables[axis])
            self._derivatives[component, index] = found
        return found

    def value(self, point: Sequence[Value], component: int = 0, index: Index = ()) -> Value:
        """L at a point, or one of its derivatives."""
        found = self.derivative(component, index or (0,) * self.dimension)
        if isinstance(found, dict):
            return _polynomial_value(found, point)
        return scalar_value(found, dict(zip(self.variables, point, strict=True)), point[0].tape)

    def monomials(self, point: Sequence[Value]) -> None:
        """Part of the interface of `verify.problems.problem.Problem`; a tape needs no table."""

    def tensor(self, point: Sequence[Value], arguments: Sequence[Sequence[Value]] = (), table: None = None) -> list[Value]:
        """sum over j..k of d_j..d_k (grad L)_i u_j .. v_k, or the same of a field, for every i."""
        return [self._contract(i, (0,) * self.dimension, point, arguments) for i in range(self.dimension)]

    def _contract(self, free: int, index: Index, point: Sequence[Value], arguments: Sequence[Sequence[Value]]) -> Value:
        if not arguments:
            return self.value(point, free, index) if self.is_field else self.value(point, 0, _raised(index, free))
        total: Value = Fraction(0)
        for j, u in enumerate(arguments[0]):
            total = total + u * self._contract(free, _raised(index, j), point, arguments[1:])
        return total

    def gradient(self, point: Sequence[Value]) -> list[Value]:
        """grad L, or the field itself."""
        return self.tensor(point)


def _raised(index: Index, axis: int, by: int = 1) -> Index:
    return (*index[:axis], index[axis] + by, *index[axis + 1 :])


def _polynomial_value(polynomial: Mapping[Index, Fraction], point: Sequence[Value]) -> Value:
    total: Value = Fraction(0)
    for exponents, c in sorted(polynomial.items()):
        product: Value = None
        for x, e in zip(point, exponents, strict=True):
            if e:
                product = x**e if product is None else product * x**e
        total = total + (c if product is None else product * c)
    return total


# ------------------------------------------------------------------------------------------ derivatives of expressions


def _is(e: Expression, value: int) -> bool:
    return isinstance(e, Number) and e.value == value


def _sum(a: Expression, b: Expression, op: str = "+") -> Expression:
    if _is(b, 0):
        return a
    if _is(a, 0):
        return b if op == "+" else Operation("neg", (b,))
    return Operation(op, (a, b))


def _times(a: Expression, b: Expression) -> Expression:
    if _is(a, 0) or _is(b, 0):
        return Number(Fraction(0))
    return b if _is(a, 1) else a if _is(b, 1) else Operation("*", (a, b))


def _power(a: Expression, e: int) -> Expression:
    return Operation("**", (a, Number(Fraction(e))))


def _outer(function: str, x: Expression) -> Expression:
    """The derivative of an elementary function at x."""
    one: Expression = Number(Fraction(1))
    match function:
        case "exp":
            return Call("exp", (x,))
        case "log":
            return _power(x, -1)
        case "sin" | "sinh":
            return Call("cos" if function == "sin" else "cosh", (x,))
        case "cos":
            return Operation("neg", (Call("sin", (x,)),))
        case "cosh":
            return Call("sinh", (x,))
        case "tan" | "tanh":
            return Operation("+" if function == "tan" else "-", (one, _power(Call(function, (x,)), 2)))
        case "atan":
            return _power(Operation("+", (one, _power(x, 2))), -1)
    return Operation("/", (Number(Fraction(1, 2)), Call("sqrt", (x,))))


def differentiate(expression: Expression, name: str) -> Expression:
    """The derivative of an elementary expression.

    Raises UsageError for an exponent that is no rational number.

    >>> from derive.language import LOSS_CALLS, parse_expression, unparse
    >>> unparse(differentiate(parse_expression("x*sin(x)", "loss", LOSS_CALLS), "x"))
    'sin(x) + x*cos(x)'
    """
    match expression:
        case Name(id):
            return Number(Fraction(int(id == name)))
        case Call(function, (a,)):
            return _times(_outer(function, a), differentiate(a, name))
        case Operation("neg", (a,)):
            return _times(Number(Fraction(-1)), differentiate(a, name))
        case Operation("+" | "-", (a, b)):
            return _sum(differentiate(a, name), differentiate(b, name), expression.op)
        case Operation("*", (a, b)):
            return _sum(_times(differentiate(a, name), b), _times(a, differentiate(b, name)))
        case Operation("/", (a, b)):
            return _sum(
                _times(differentiate(a, name), _power(b, -1)), _times(a, _times(differentiate(b, name), _power(b, -2))), "-"
            )
        case Operation("**", (a, b)):
            power = constant(b)
            if power is None:
                raise UsageError("loss: an exponent must be a rational number, such as 2 or 1/2")
            return _times(_times(Number(power), Operation("**", (a, Number(power - 1)))), differentiate(a, name))
    return Number(Fraction(0))
