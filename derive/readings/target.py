"""Target equations as text: "theta'' + lam*theta' + grad", "theta' + grad", "theta'' + 3/t*theta' + gamma*hess(theta') + grad".

The text is an expression that the target sets to zero, or an equation with one '='.  Beyond the scheme language it has
theta', theta'' and the derivatives of the loss at theta: grad, hess(x), d3(x, y), d4(x, y, z), ..., as they are printed too:
"θ'' = - λ θ' - ∇L + γ/2 ∇²L[θ']".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from derive.algebra.functions import LOSS
from derive.algebra.sums import Sum
from derive.engine.composition import Given, Node, Workspace
from derive.engine.series import CALL_SERIES, Plus, Polynomial, Power, Series, Times
from derive.errors import ParseError, UsageError, nearest
from derive.language import (
    Call,
    Expression,
    Meaning,
    Name,
    Operation,
    constant,
    derivative_calls,
    derivative_symbol,
    interpret,
    names_of,
    parse_expression,
    plain_arities,
)
from derive.language.calls import Kind
from derive.scheme.kinds import sized

FIRST, SECOND = "theta'", "theta''"
#: calls that are vectors whatever they are given
VECTORS = frozenset((*derivative_calls("L", 10), *derivative_calls("f", 10), "gradient"))


def _calls() -> dict[str, int | None]:
    """The calls of a target: those of schemes that evaluate no function, and the derivatives of the loss."""
    return {"grad": 1, "hess": 1, **plain_arities(), **derivative_calls("L", 10)}


def parse_target(text: str) -> Expression:
    """The expression that the target equation sets to zero.

    Raises ParseError outside the grammar, UsageError without a derivative of theta.

    >>> sorted(names_of(parse_target("theta'' + lam*theta' = -grad")))
    ['grad', 'lam', "theta'", "theta''"]
    """
    sides = text.split("=")
    if len(sides) > 2:
        raise ParseError("more than one '='", "target", 1, 1)
    before = " " * (len(sides[0]) + 1)  # columns of errors are those of the whole text
    expressions = [parse_primed(s, "target", _calls()) for s in (sides[0], *(before + s for s in sides[1:]))]
    result = expressions[0] if len(sides) == 1 else Operation("-", (expressions[0], expressions[1]))
    if not {FIRST, SECOND} & set(names_of(result)):
        raise UsageError("target: write an equation for theta, such as \"theta' + grad\" or \"theta'' + lam*theta' + grad\"")
    return result


def parse_primed(text: str, where: str, calls: Mapping[str, int | None]) -> Expression:
    """An expression in which theta' and theta'' may stand.

    >>> sorted(names_of(parse_primed("theta'' + lam*theta'", "example", {})))
    ['lam', "theta'", "theta''"]
    """
    expression = parse_expression(text, where, calls)
    if any(name.startswith(SECOND + "'") for name in names_of(expression)):
        raise UsageError(f"{where}: derivatives of theta beyond theta'' are not supported")
    return expression


@dataclass(frozen=True)
class _Value:
    """A series, and how 1/it is built: of a product factor by factor and of a power as one power, so that 1/x**2 is the
    square of 1/x."""

    series: Series
    inverted: Callable[[], Series] | None = None

    def inverse(self) -> Series:
        return self.inverted() if self.inverted else Power(self.series, Fraction(-1), None)


class TargetReader(Meaning[_Value]):
    """Turns the expression into a series; `values` gives theta' and theta'' as series."""

    def __init__(self, workspace: Workspace, values: Mapping[str, Series]) -> None:
        self.workspace, self.algebra, self.ring = workspace, workspace.algebra, workspace.algebra.ring
        self.values = values

    def read(self, e: Expression) -> Series:
        return interpret(sized(e, self.kinds(), VECTORS), self).series

    def kinds(self) -> dict[str, Kind]:
        """What is a vector among the names; every other is a number."""
        return dict.fromkeys(("theta", FIRST, SECOND, "grad", "field"), "vector")

    def given(self, coefficient: Sum) -> Series:
        return Given(self.workspace, [coefficient])

    def number(self, value: Fraction) -> _Value:
        return _Value(Polynomial(self.workspace, {0: self.ring.constant(value)}))

    def name(self, node: Name) -> _Value:
        return _Value(self._name(node.id, node.line, node.column))

    def negate(self, a: _Value) -> _Value:
        return _Value(Times(Polynomial(self.workspace, {0: -self.ring.one}), a.series))

    def add(self, a: _Value, b: _Value, node: Operation) -> _Value:
        return _Value(Plus(a.series, b.series))

    def subtract(self, a: _Value, b: _Value, node: Operation) -> _Value:
        return _Value(Plus(a.series, b.series, -1))

    def multiply(self, a: _Value, b: _Value, node: Operation) -> _Value:
        return _Value(Times(a.series, b.series), lambda: Times(a.inverse(), b.inverse()))

    def divide(self, a: _Value, b: _Value, node: Operation) -> _Value:
        return _Value(Times(a.series, b.inverse()))

    def exponent(self, node: Expression) -> Fraction:
        exponent = constant(node)
        if exponent is None:
            raise ParseError("an exponent must be a rational number", "target", node.line, node.column)
        return exponent

    def power(self, base: _Value, exponent: Fraction, node: Operation) -> _Value:
        inverted = (lambda: Power(base.series, -exponent, None)) if exponent else None
        if exponent.denominator > 1 or exponent <= 0:
            return _Value(Power(base.series, exponent, None), inverted)
        result = base.series
        for _ in range(int(exponent) - 1):
            result = Times(result, base.series)
        return _Value(result, inverted)

    def _name(self, name: str, line: int, column: int) -> Series:
        if name in self.values:
            return self.values[name]
        if name == "gamma":
            return Polynomial(self.workspace, {1: self.ring.one})
        if name == "theta":
            return self.given(self.algebra.state("theta"))
        if name == "grad":
            return self.given(self.algebra.node_sum("L", []))
        stem = name.rstrip("'")
        symbol = derivative_symbol(stem, len(name) - len(stem))  # r' of a time function is its coefficient dr
        if symbol in self.ring.symbols:
            return Polynomial(self.workspace, {0: self.ring.symbol(symbol)})
        if name == "d":  # the dimension, as it is printed: the sum of one over the components
            return self.given(self.algebra.contract(self.algebra.constant(self.ring.one)))
        known = ["theta", "theta'", "theta''", "grad", "gamma", *self.ring.symbols]
        raise ParseError(f"unknown name '{name}'{nearest(name, known)} (known here: {', '.join(known)})", "target", line, column)

    def call(self, node: Call, args: list[_Value]) -> _Value:
        return _Value(self._call(node, node.function, [a.series for a in args]))

    def _call(self, e: Call, function: str, args: list[Series]) -> Series:
        if function == "grad":
            return Node({LOSS.point: args[0]}, LOSS.label, [])
        if function in CALL_SERIES:
            return CALL_SERIES[function](args, None)
        return Node({LOSS.point: self.given(self.algebra.state(LOSS.point))}, LOSS.label, args)
