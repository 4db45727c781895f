"""Losses, terms and update texts run on a tape's nodes.

A vector is a list of nodes, one a component; a scalar is a single node (or an exact number) and joins every component.
Everything is read with the language's own parser, and nothing is shared with the derivation: derivatives are taken of
the loss as written, a term is contracted index by index.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import cached_property
from typing import Any

from derive.errors import UsageError, nearest
from derive.language import LOSS_CALLS, Call, Expression, Name, Number, Operation, constant, names_of, parse_expression
from verify.run import componentwise, mapped

Value = Any  # Node or exact number
Vector = list[Value]
Names = Mapping[str, Any]  # name -> scalar or vector
Polynomial = dict[tuple[int, ...], Fraction]

TERM_CALLS: dict[str, int | None] = {"hess": 1, "dfield": 1, "abs": 1, "sign": 1, "sqrt": 1, "dot": 2, "norm": 1}
TERM_CALLS |= {f"d{k}": k - 1 for k in range(3, 40)} | {f"d{k}field": k for k in range(2, 40)}
_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "sqrt": lambda x: x.sqrt(), "abs": abs, "sign": lambda x: x.sign(), **{f: (lambda x, f=f: getattr(x, f)()) for f in LOSS_CALLS}
}  # fmt: skip


class Loss:
    """A loss L, or a vector field given by its components separated by ';', in variables sorted by name.

    >>> Loss("x**2*y").variables
    ('x', 'y')
    """

    def __init__(self, text: str, is_field: bool = False) -> None:
        self.text, self.is_field = text, is_field
        parts = [p for p in text.split(";") if p.strip()] if is_field else [text]
        self.expressions = [parse_expression(p, "field" if is_field else "loss", LOSS_CALLS) for p in parts]
        self.variables = tuple(sorted({n for e in self.expressions for n in names_of(e)}))
        if not self.variables or (is_field and len(parts) != len(self.variables)):
            raise UsageError(f"the {'field' if is_field else 'loss'} '{text}' needs variables, and a field one component for each")

    @property
    def dimension(self) -> int:
        return len(self.variables)

    @cached_property
    def _derivatives(self) -> dict[tuple[int, tuple[int, ...]], Any]:
        zero = (0,) * self.dimension
        polynomials = [_polynomial(e, self.variables) for e in self.expressions]
        return {(i, zero): e if p is None else p for i, (e, p) in enumerate(zip(self.expressions, polynomials, strict=True))}

    def derivative(self, component: int, index: tuple[int, ...]) -> Any:
        """The mixed derivative of L (component 0) or of a component of the field, as a polynomial or an expression."""
        found = self._derivatives.get((component, index))
        if found is None:
            axis = next(i for i, k in enumerate(index) if k)
            lower = self.derivative(component, (*index[:axis], index[axis] - 1, *index[axis + 1 :]))
            found = _slope(lower, axis) if isinstance(lower, dict) else differentiate(lower, self.variables[axis])
            self._derivatives[component, index] = found
        return found

    def value(self, point: Sequence[Value]) -> Value:
        """L at a point."""
        return self._at(0, (0,) * self.dimension, point)

    def _at(self, component: int, index: tuple[int, ...], point: Sequence[Value]) -> Value:
        found = self.derivative(component, index)
        if isinstance(found, dict):
            return _polynomial_value(found, point)
        return scalar_value(found, dict(zip(self.variables, point, strict=True)))

    def tensor(self, point: Sequence[Value], arguments: Sequence[Sequence[Value]]) -> Vector:
        """d^(k+1)L contracted with k vectors, or d^k field: the vector with the free index first."""
        return [self._contract(i, (0,) * self.dimension, point, arguments) for i in range(self.dimension)]

    def _contract(self, free: int, index: tuple[int, ...], point: Sequence[Value], arguments: Sequence[Sequence[Value]]) -> Value:
        if not arguments:
            if not self.is_field:
                index, free = _raised(index, free), 0
            return self._at(free, index, point)
        total: Value = 0
        for j, u in enumerate(arguments[0]):
            total = total + u * self._contract(free, _raised(index, j), point, arguments[1:])
        return total

    def gradient(self, point: Sequence[Value]) -> Vector:
        """grad L, or the field itself."""
        return self.tensor(point, ())


def _raised(index: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return (*index[:axis], index[axis] + 1, *index[axis + 1 :])


def _polynomial(expression: Expression, variables: Sequence[str]) -> Polynomial | None:
    """Exponents -> coefficient, or None for what is no polynomial."""
    zero = (0,) * len(variables)
    match expression:
        case Number(value):
            return {zero: value}
        case Name(id):
            return {tuple(int(v == id) for v in variables): Fraction(1)}
        case Operation("neg", (a,)):
            inner = _polynomial(a, variables)
            return None if inner is None else {e: -c for e, c in inner.items()}
        case Operation("**", (a, b)):
            power, base = constant(b), _polynomial(a, variables)
            if base is None or power is None or power.denominator != 1 or power < 0:
                return None
            result: Polynomial = {zero: Fraction(1)}
            for _ in range(int(power)):
                result = _multiplied(result, base)
            return result
        case Operation(op, (a, b)):
            x, y = _polynomial(a, variables), _polynomial(b, variables)
            if x is None or y is None:
                return None
            if op == "*":
                return _multiplied(x, y)
            if op == "/":
                return {e: c / y[zero] for e, c in x.items()} if set(y) == {zero} and y[zero] else None
            return {e: c for e in {**x, **y} if (c := x.get(e, Fraction(0)) + (1 if op == "+" else -1) * y.get(e, Fraction(0)))}
    return None


def _multiplied(x: Polynomial, y: Polynomial) -> Polynomial:
    result: Polynomial = {}
    for e, a in x.items():
        for f, b in y.items():
            key = tuple(i + j for i, j in zip(e, f, strict=True))
            result[key] = result.get(key, Fraction(0)) + a * b
    return {e: c for e, c in result.items() if c}


def _slope(polynomial: Polynomial, axis: int) -> Polynomial:
    return {(*e[:axis], e[axis] - 1, *e[axis + 1 :]): c * e[axis] for e, c in polynomial.items() if e[axis]}


def _polynomial_value(polynomial: Polynomial, point: Sequence[Value]) -> Value:
    total: Value = Fraction(0)
    for exponents, c in sorted(polynomial.items()):
        product: Value = None
        for x, e in zip(point, exponents, strict=True):
            if e:
                product = x**e if product is None else product * x**e
        total = total + (c if product is None else product * c)
    return total


# ------------------------------------------------------------------------------------------ derivatives of expressions


def _sum(a: Expression, b: Expression, op: str = "+") -> Expression:
    if isinstance(b, Number) and b.value == 0:
        return a
    if isinstance(a, Number) and a.value == 0:
        return b if op == "+" else Operation("neg", (b,))
    return Operation(op, (a, b))


def _times(a: Expression, b: Expression) -> Expression:
    for x, y in ((a, b), (b, a)):
        if isinstance(x, Number) and x.value in (0, 1):
            return x if x.value == 0 else y
    return Operation("*", (a, b))


def _inner_derivative(function: str, x: Expression) -> Expression:
    one: Expression = Number(Fraction(1))
    square: Expression = Operation("**", (x, Number(Fraction(2))))
    match function:
        case "exp":
            return Call("exp", (x,))
        case "log":
            return Operation("/", (one, x))
        case "sin" | "sinh":
            return Call("cos" if function == "sin" else "cosh", (x,))
        case "cos":
            return Operation("neg", (Call("sin", (x,)),))
        case "cosh":
            return Call("sinh", (x,))
        case "tan" | "tanh":
            return Operation("+" if function == "tan" else "-", (one, Operation("**", (Call(function, (x,)), Number(Fraction(2))))))
        case "atan":
            return Operation("/", (one, Operation("+", (one, square))))
    return Operation("/", (Number(Fraction(1, 2)), Call("sqrt", (x,))))


def differentiate(expression: Expression, name: str) -> Expression:
    """The derivative of an elementary expression.

    >>> from derive.language import unparse
    >>> unparse(differentiate(parse_expression("x*sin(x)", "loss", LOSS_CALLS), "x"))
    'sin(x) + x*cos(x)'
    """
    match expression:
        case Number() | Name():
            return Number(Fraction(isinstance(expression, Name) and expression.id == name))
        case Call(function, (a,)):
            return _times(_inner_derivative(function, a), differentiate(a, name))
        case Operation("neg", (a,)):
            return _times(Number(Fraction(-1)), differentiate(a, name))
        case Operation("+" | "-", (a, b)):
            return _sum(differentiate(a, name), differentiate(b, name), expression.op)
        case Operation("*", (a, b)):
            return _sum(_times(differentiate(a, name), b), _times(a, differentiate(b, name)))
        case Operation("/", (a, b)):
            rest = _times(a, _times(differentiate(b, name), Operation("**", (b, Number(Fraction(-2))))))
            return _sum(Operation("/", (differentiate(a, name), b)), rest, "-")
        case Operation("**", (a, b)):
            power = constant(b)
            if power is None:
                raise UsageError("loss: an exponent must be a rational number, such as 2 or 1/2")
            return _times(_times(Number(power), Operation("**", (a, Number(power - 1)))), differentiate(a, name))
    raise UsageError("loss: this expression cannot be differentiated")


# ------------------------------------------------------------------------------------------ evaluation


def _dot(a: Vector, b: Vector) -> Value:
    total: Value = Fraction(0)
    for x, y in zip(a, b, strict=True):
        total = total + x * y
    return total


_COMBINE: dict[str, Callable[[Value, Value], Value]] = {
    "+": lambda x, y: x + y, "-": lambda x, y: x - y, "*": lambda x, y: x * y, "/": lambda x, y: x / y
}  # fmt: skip


def evaluate(expression: Expression, names: Names, call: Callable[[str, list[Any]], Any]) -> Any:
    """The value of an expression; `call` does the functions that are not + - * / **."""
    match expression:
        case Number(value):
            return value
        case Name(id):
            if id not in names:
                raise UsageError(f"'{id}' has no value{nearest(id, names)}; give it with --set {id}=...")
            return names[id]
        case Operation("neg", (a,)):
            return mapped(lambda x: -x, evaluate(a, names, call))
        case Operation("**", (a, b)):
            power = constant(b)
            if power is None:
                power = evaluate(b, names, call)
            return mapped(lambda x: x**power, evaluate(a, names, call))
        case Operation(op, (a, b)):
            return componentwise(evaluate(a, names, call), evaluate(b, names, call), _COMBINE[op])
        case Call(function, args):
            return call(function, [evaluate(a, names, call) for a in args])
    raise AssertionError(expression)


def elementary(function: str, args: list[Any]) -> Any:
    """The functions both languages share."""
    if function in ("dot", "norm"):
        square = _dot(args[0], args[-1])
        return square if function == "dot" else square.sqrt()
    return mapped(_FUNCTIONS[function], args[0])


def scalar_value(expression: Expression, names: Names) -> Value:
    """An expression without vectors, such as a loss or a coefficient."""
    return evaluate(expression, names, elementary)


class TermValues:
    """The terms of the formula language at one point of a loss; equal parts are evaluated once.

    >>> loss = Loss("x**2*y")
    >>> from verify.tape import Tape
    >>> values = TermValues(loss, list(Tape(2).inputs), {})
    >>> len(values["hess(grad)"])
    2
    """

    def __init__(self, loss: Loss, point: Vector, names: Names) -> None:
        self.loss, self.point = loss, point
        first = {"field" if loss.is_field else "grad": loss.gradient(point), "theta": point}
        self.names = {**first, **names}
        self._known: dict[Expression, Any] = {}

    def __getitem__(self, term: str) -> Vector:
        return self.of(parse_expression(term, "term", TERM_CALLS))

    def of(self, expression: Expression) -> Any:
        if isinstance(expression, Call) and expression not in self._known:
            self._known[expression] = self._call(expression.function, [self.of(a) for a in expression.args])
        if isinstance(expression, Call):
            return self._known[expression]
        if isinstance(expression, Operation) and expression.args and constant(expression) is None:
            parts = {f"_{i}": self.of(a) if constant(a) is None else None for i, a in enumerate(expression.args)}
            outer = Operation(expression.op, tuple(a if constant(a) is not None else Name(f"_{i}") for i, a in enumerate(expression.args)))
            return evaluate(outer, parts, elementary)
        return evaluate(expression, self.names, elementary)

    def _call(self, function: str, args: list[Any]) -> Any:
        if function in ("hess", "dfield") or (function[0] == "d" and function[1:2].isdigit()):
            vectors = [a if isinstance(a, list) else [a] * self.loss.dimension for a in args]
            return self.loss.tensor(self.point, vectors)
        if function == "dot":
            args = [a if isinstance(a, list) else [a] * self.loss.dimension for a in args]
        return elementary(function, args)

