"""Formulas as power series in gamma: names and calls of the formula language read as sums of terms.

    theta, theta', theta'', grad, hess(u), d3(u, v), ...  (or field, dfield(u), ...), other state variables, parameters, gamma,
    + - * / **, dot, norm, sqrt, abs, sign
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction

from derive.algebra.calculus import loss_term
from derive.algebra.functions import FIELD, LOSS, declared_losses, declared_maps
from derive.algebra.sums import Algebra, Sum
from derive.algebra.terms import Term, combination_text
from derive.engine.calls import CALL_SERIES, Mapped, Value
from derive.engine.composition import Given, Node, Workspace
from derive.engine.roots import Power
from derive.engine.series import Plus, Polynomial, Series, Times
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
from derive.language.calls import CHOICES, ELSEWHERE, WHERE, Kind, partial_of
from derive.language.maps import map_arities, map_of
from derive.scheme.kinds import sized
from derive.scheme.losses import Resolver, closed, loss_calls
from derive.scheme.spaces import Spaces

FIRST, SECOND = "theta'", "theta''"
#: calls that are vectors whatever they are given
VECTORS = frozenset((*derivative_calls("L", 10), *derivative_calls("f", 10), "gradient"))
#: the calls of terms
TERM_CALLS: dict[str, int | None] = {**plain_arities(), **ELSEWHERE, **derivative_calls("L", 10), **derivative_calls("f", 10)}


@dataclass(frozen=True)
class _Value:
    """A series, and how 1/it is built: of a product factor by factor and of a power as one power, so that 1/x**2 is the
    square of 1/x."""

    series: Series
    inverted: Callable[[], Series] | None = None

    def inverse(self) -> Series:
        return self.inverted() if self.inverted else Power(self.series, Fraction(-1), None)


class FormulaReader(Meaning[_Value]):
    """Turns the expression into a series in gamma**(1/`root`); `values` gives theta' and theta'' as series."""

    root = 1

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
            raise ParseError("an exponent must be a rational number", "formula", node.line, node.column)
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
            return Polynomial(self.workspace, {self.root: self.ring.one})
        if name == "theta":
            return self.given(self.algebra.state("theta"))
        if name in ("grad", "field"):
            return self.given(self.algebra.node_sum("L" if name == "grad" else "f", []))
        stem = name.rstrip("'")
        symbol = derivative_symbol(stem, len(name) - len(stem))  # r' of a time function is its coefficient dr
        if symbol in self.ring.symbols:
            return Polynomial(self.workspace, {0: self.ring.symbol(symbol)})
        if name == "d":  # the dimension, as it is printed: the sum of one over the components
            return self.given(self.algebra.contract(self.algebra.constant(self.ring.one)))
        known = [*dict.fromkeys(("theta", "theta'", "theta''", "grad", "gamma", *self.values, *self.ring.symbols))]
        raise ParseError(f"unknown name '{name}'{nearest(name, known)} (known here: {', '.join(known)})", "formula", line, column)

    def call(self, node: Call, args: list[_Value]) -> _Value:
        return _Value(self._call(node, node.function, [a.series for a in args]))

    def _call(self, e: Call, function: str, args: list[Series]) -> Series:
        if function in ("grad", "field"):
            kind = FIELD if function == "field" else LOSS
            return Node({kind.point: args[0]}, kind.label, [])
        if partial := partial_of(function):
            point, directions = partial.divided(args)
            if not partial.variables:
                return Value(dict(zip(self.algebra.losses[partial.loss], point, strict=True)), None, partial.loss)
            slots = dict(zip(self.algebra.functions[partial.label].slots, point, strict=True))
            return Node(slots, partial.label, directions)
        if map_of(function, self.algebra.functions):
            return Mapped(function, args[0], args[1:], None)
        if function in CALL_SERIES:
            return CALL_SERIES[function](args, None)
        kind = FIELD if function.endswith("field") else LOSS
        return Node({kind.point: self.given(self.algebra.state(kind.point))}, kind.label, args)


class _Values(FormulaReader):
    """Formulas with these values of variables; `vectors` are those that are no numbers."""

    def __init__(self, algebra: Algebra, values: Mapping[str, Sum], vectors: Collection[str]) -> None:
        workspace = Workspace(algebra)
        super().__init__(workspace, {x: Given(workspace, [value]) for x, value in values.items()})
        self.vectors = vectors

    def kinds(self) -> dict[str, Kind]:
        return super().kinds() | dict.fromkeys(self.vectors, "vector")


def read_value(algebra: Algebra, e: Expression, values: Mapping[str, Sum], vectors: Collection[str]) -> Sum:
    """The sum that a formula stands for at gamma = 0, its variables having these values.

    Raises ParseError for a name that has none, ReductionError for zero under a root or in a denominator.

    >>> from derive.algebra.coefficients import Ring
    >>> a = Algebra(Ring()); v = a.node_sum("L", [])
    >>> list(read_value(a, parse_expression("sqrt(v**2)", "example", plain_arities()), {"v": v}, ["v"]))
    [abs(grad)]
    """
    return _Values(algebra, values, vectors).read(e).at(0)


def _term_expression(algebra: Algebra, text: str, where: str = "term", more: dict[str, int] | None = None) -> Expression:
    losses, maps = declared_losses(algebra.functions), map_arities(declared_maps(algebra.functions)) | (more or {})
    if not losses:
        return parse_expression(text, where, TERM_CALLS | maps)
    unknowns = tuple(dict.fromkeys(x for slots in losses.values() for x in slots))
    spaces = Spaces(algebra.spaces or dict.fromkeys(unknowns, unknowns[0]))
    expression = parse_expression(text, where, {**plain_arities(), **loss_calls(losses), **maps})
    return closed(Resolver(losses, unknowns, where).opened(expression), spaces)


def read_term(algebra: Algebra, text: str) -> Term:
    """The one term that a text stands for, in normal form: "d3(hess(grad), grad)" is "d3(grad, hess(grad))".

    Raises ParseError outside the formula language, UsageError for what is no single term with the coefficient 1.

    >>> from derive.algebra.coefficients import Ring
    >>> a = Algebra(Ring(["beta"]))
    >>> read_term(a, "∇³L[∇²L[∇L], ∇L]"), read_term(a, " d3( grad,hess(grad) )")
    (d3(grad, hess(grad)), d3(grad, hess(grad)))
    """
    expression = _term_expression(algebra, text)
    if "gamma" in names_of(expression):
        raise UsageError(f"term '{text}': gamma is in no term; the index is its power, as in eq['theta'][1]")
    found = _value(algebra, expression)
    match list(found.items()):
        case [(term, coefficient)] if coefficient == 1:
            return term
    written = combination_text(algebra.sorted(found)) if found else "0"
    raise UsageError(f"term '{text}' is {written}; write one term without a coefficient, such as hess(grad)")


class _OfStates(FormulaReader):
    """Formulas in theta and the state variables."""

    def kinds(self) -> dict[str, Kind]:
        states = {n: "scalar" if scalar else "vector" for n, scalar in self.algebra.states().items()}
        return {**super().kinds(), **states}  # type: ignore[dict-item]


def _value(algebra: Algebra, expression: Expression, known: Mapping[str, Sum] | None = None) -> Sum:
    """A formula in the state variables as a sum of terms; `known` are those that have a value."""
    workspace = Workspace(algebra)
    states = {n: scalar for n, scalar in algebra.states().items() if n.isidentifier()}  # others are not solved yet
    values = {n: Given(workspace, [(known or {}).get(n, algebra.state(n, scalar))]) for n, scalar in states.items()}
    values["L"] = Given(workspace, [loss_term(algebra)])
    return _OfStates(workspace, values).read(expression).at(0)


def read_comparison(algebra: Algebra, text: str, known: Mapping[str, Sum] | None = None) -> Sum:
    """a - b of 'a > b', and b - a of 'a < b'; `known` gives state variables that have a value.

    Raises ParseError for what is no comparison of two formulas.

    >>> from derive.algebra.coefficients import Ring
    >>> a = Algebra(Ring(["c"]))
    >>> print(combination_text(a.sorted(read_comparison(a, "norm(grad) < c"))))
    c - dot(grad, grad)**(1/2)
    """
    try:
        choice = _term_expression(algebra, f"{WHERE}({text}, 1, 0)", "assumption", {WHERE: 3})
        assert isinstance(choice, Call)
        left, right = choice.args[:2]
        larger, smaller = (right, left) if CHOICES[choice.function][0] == "<" else (left, right)
        return _value(algebra, Operation("-", (larger, smaller)), known)
    except ParseError as error:
        place = max(1, error.column - len(WHERE) - 1)
        text = f"'{text}' is no comparison of formulas, such as 'norm(grad) > c': {error.reason}"
        raise ParseError(text, "assumption", error.line, place) from None
