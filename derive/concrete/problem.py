"""Concrete losses and vector fields: parsed from text, their derivatives of every order at a point.

`jet` runs the expression on truncated Taylor series in d variables, so that one pass gives every derivative through a
total degree, exactly where the values are rational.

    pi, e                       the numbers;  e**x is exp(x)
    parameters                  names that are declared to be no coordinates
    every other name            a coordinate, but gamma, which is the step
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from flint import arb, fmpq

from derive.concrete.jets import Jet, Value, axis, compose, exact, plus, power, taylor, times
from derive.errors import UsageError
from derive.language import (
    LOSS_CALLS,
    Call,
    Expression,
    Meaning,
    Name,
    Operation,
    components,
    constant,
    interpret,
    names_of,
    parse_expression,
)
from derive.scheme.names import UNKNOWNS

MAX_VARIABLES = 12
#: names of numbers in losses and fields
CONSTANTS = frozenset(("pi", "e"))


@dataclass(frozen=True)
class Problem:
    """A loss L (one expression) or a vector field (one expression a component) in named variables, sorted by name.

    `parameters` are the other names in it, without pi and e.
    Of declared losses: one expression for each of the `losses`, `blocks` the variables of every unknown one after the other.
    `layers` are the variables of every layer, by its name, where a scheme sums over layers.
    """

    text: str
    expressions: tuple[Expression, ...]
    variables: tuple[str, ...]
    is_loss: bool
    parameters: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()
    blocks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    layers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def partition(self) -> tuple[tuple[int, ...], ...]:
        """The places of every layer's variables."""
        return tuple(tuple(map(self.variables.index, layer)) for layer in self.layers.values())

    def components(self, space: str) -> tuple[str, ...]:
        """Names of the components of a vector in an unknown's space."""
        return self.blocks.get(space, self.variables)

    @property
    def spans(self) -> dict[str, range]:
        """The places of every unknown's variables, where there are several unknowns."""
        found, start = {}, 0
        for x, block in self.blocks.items():
            found[x] = range(start, start + len(block))
            start += len(block)
        return found if len(found) > 1 else {}

    def is_unknown(self, label: str) -> bool:
        """Whether a state variable is the point itself, whose components go by the names of the variables."""
        return label in (self.blocks or UNKNOWNS)

    def which(self, label: str, component: int) -> int:
        """Which expression a derivative is of: the loss that its label names, or the component of a field."""
        if self.losses:
            return self.losses.index(label.partition(".")[0])
        return 0 if self.is_loss else component

    def jets(self, point: Sequence[Value], degree: int, values: Mapping[str, Value] | None = None) -> list[Jet]:
        """Taylor coefficients at the point through a total degree: of L, or of each component of the field.

        `values` are those of the parameters.
        """
        d = len(self.variables)
        given = {n: (values or {})[n] for n in self.parameters}
        axes: dict[str, Jet] = {n: {(0,) * d: x} for n, x in ({"pi": arb.pi(), "e": arb(1).exp()} | given).items()}
        axes |= {name: axis(i, d, x) for i, (name, x) in enumerate(zip(self.variables, point, strict=True))}
        return [interpret(e, _Jets(axes, d, degree)) for e in self.expressions]


def parse_loss(text: str, parameters: Collection[str] = ()) -> Problem:
    """A loss such as 'x**4/4 + x*y**2 + cos(z)'; its components are its variables in alphabetical order.

    Raises ParseError for anything outside the grammar, UsageError for a loss without variables or a field's comma.

    >>> p = parse_loss("h y²/2 + π x", ["h", "k"])
    >>> p.variables, p.parameters
    (('x', 'y'), ('h',))
    """
    text = str(text)  # a sympy expression, say
    return gathered(text, [parse_expression(text, "loss", LOSS_CALLS, parameters)], True, parameters)


def parse_field(text: str, parameters: Collection[str] = ()) -> Problem:
    """A vector field, one expression a component: 'y; -sin(x)', or "x' = y; y' = -sin(x)".  There are as many components as
    variables."""
    named, parts = components(text)
    return gathered(text, [parse_expression(p, "field", LOSS_CALLS, parameters) for p in parts], False, parameters, named=named)


def gathered(
    text: str, given: Sequence[Expression], is_loss: bool, parameters: Collection[str], samples: int = 1,
    named: Collection[str] = (),
) -> Problem:  # fmt: skip
    """Losses, or fields, of the same variables: all names in them that are no parameters; `named` are variables that stand on
    the left of components."""
    expressions = tuple(map(exponentials, given))
    used = sorted({*named, *(n for e in expressions for n in names_of(e))} - CONSTANTS)
    what = "loss" if is_loss else "field"
    if "gamma" in used:
        raise UsageError(f"the {what}: gamma is the step size and no variable; choose another name for a coordinate")
    names = [n for n in used if n not in parameters]
    if not names:
        raise UsageError(f"the {what} '{text}' has no variables; write for example x**2/2 + x*y")
    if len(names) > MAX_VARIABLES:
        raise UsageError(f"the {what} has {len(names)} variables; the limit is {MAX_VARIABLES}")
    width = len(expressions) // samples
    if not is_loss and len(names) != width:
        count = f"{width} component{'s' * (width != 1)}"
        listed = f"{len(names)} variable{'s' * (len(names) != 1)} {', '.join(names)}"
        raise UsageError(f"the field has {count} and the {listed}; give one a variable, and declare a constant by --parameter")
    return Problem(text, expressions, tuple(names), is_loss, tuple(n for n in used if n in parameters))


def exponentials(expression: Expression) -> Expression:
    """e**x as exp(x)."""
    match expression:
        case Operation("**", (Name("e"), exponent), line, column):
            return Call("exp", (exponentials(exponent),), line, column)
        case Operation(op, args, line, column):
            return Operation(op, tuple(map(exponentials, args)), line, column)
        case Call(function, args, line, column):
            return Call(function, tuple(map(exponentials, args)), line, column)
    return expression


def rational_exponent(node: Expression) -> Fraction:
    """The exponent of a loss; UsageError unless it is a number."""
    exponent = constant(node)
    if exponent is None:
        raise UsageError("loss: an exponent must be a rational number, such as 2 or 1/2")
    return exponent


class _Jets(Meaning[Jet]):
    """Truncated Taylor series; `axes` gives those of the variables."""

    def __init__(self, axes: Mapping[str, Jet], d: int, degree: int) -> None:
        self.axes, self.zero, self.degree = axes, (0,) * d, degree

    def number(self, value: Fraction) -> Jet:
        return {self.zero: exact(value)}

    def name(self, node: Name) -> Jet:
        return self.axes[node.id]

    def negate(self, a: Jet) -> Jet:
        return {k: -v for k, v in a.items()}

    def add(self, a: Jet, b: Jet, node: Operation) -> Jet:
        return plus(a, b)

    def subtract(self, a: Jet, b: Jet, node: Operation) -> Jet:
        return plus(a, b, -1)

    def multiply(self, a: Jet, b: Jet, node: Operation) -> Jet:
        return times(a, b, self.degree)

    def divide(self, a: Jet, b: Jet, node: Operation) -> Jet:
        return times(a, power(b, Fraction(-1), self.degree, self.zero), self.degree)

    def exponent(self, node: Expression) -> Fraction:
        return rational_exponent(node)

    def power(self, base: Jet, exponent: Fraction, node: Operation) -> Jet:
        return power(base, exponent, self.degree, self.zero)

    def call(self, node: Call, args: list[Jet]) -> Jet:
        (x,) = args
        if node.function == "sqrt":
            return power(x, Fraction(1, 2), self.degree, self.zero)
        return compose(taylor(node.function, x.get(self.zero, fmpq(0)), self.degree), x, self.degree)
