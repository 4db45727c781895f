"""Concrete losses and vector fields: parsed from text, their derivatives of every order at a point.

`jet` runs the expression on truncated Taylor series in d variables, so that one pass gives every derivative through a
total degree, exactly where the values are rational.

    pi, e                       the numbers;  e**x is exp(x)
    parameters                  names that are declared to be no coordinates
    every other name            a coordinate, but gamma, which is the step
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import factorial
from typing import Any

from flint import arb, fmpq, fmpz

from derive.errors import SingularPointError, UsageError
from derive.language import (
    LOSS_CALLS,
    Call,
    Expression,
    Meaning,
    Name,
    Operation,
    constant,
    interpret,
    names_of,
    parse_expression,
)
from derive.scheme.names import UNKNOWNS

Value = Any  # fmpq where exact, arb otherwise
Jet = dict[tuple[int, ...], Value]  # multi-index -> Taylor coefficient
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
        axes |= {name: _axis(i, d, x) for i, (name, x) in enumerate(zip(self.variables, point, strict=True))}
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
    """A vector field, one expression a component: 'y; -sin(x)'.  There are as many components as variables."""
    parts = [p for p in text.split(";") if p.strip()]
    return gathered(text, [parse_expression(p, "field", LOSS_CALLS, parameters) for p in parts], False, parameters)


def gathered(
    text: str, given: Sequence[Expression], is_loss: bool, parameters: Collection[str], samples: int = 1
) -> Problem:
    """Losses, or fields, of the same variables: all names in them that are no parameters."""
    expressions = tuple(map(exponentials, given))
    used = sorted({n for e in expressions for n in names_of(e)} - CONSTANTS)
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


def exact(value: Fraction | int) -> fmpq:
    value = Fraction(value)
    return fmpq(value.numerator, value.denominator)


# ---------------------------------------------------------------------------------------------- numbers


def is_zero(x: Value) -> bool:
    """Exactly zero (a ball is never exactly zero unless it has no radius)."""
    return bool(x == 0)


def real_power(x: Value, e: Fraction) -> Value:
    """x^e, rational where it is rational.  Raises SingularPointError at 0^negative and for even roots of negatives."""
    if e.denominator == 1:
        if is_zero(x) and e < 0:
            raise SingularPointError("division by zero")
        return x ** int(e)
    if isinstance(x, fmpq):
        if x == 0:
            if e < 0:
                raise SingularPointError("division by zero")
            return x
        if x < 0 and e.denominator % 2 == 0:
            raise SingularPointError(f"an even root of the negative number {x}")
        sign = -1 if x < 0 and e.numerator % 2 else 1
        size = abs(x)
        top, bottom = (_whole_root(fmpz(part), e.denominator) for part in (size.p, size.q))
        if top is not None and bottom is not None:
            return fmpq(top, bottom) ** int(e.numerator) * sign
        return arb(size) ** arb(fmpq(e.numerator, e.denominator)) * sign
    if not x > 0:
        raise SingularPointError("a root of a number that is not positive")
    return x ** arb(fmpq(e.numerator, e.denominator))


def _whole_root(x: fmpz, degree: int) -> fmpz | None:
    root = x.root(degree)
    return root if root**degree == x else None


# ---------------------------------------------------------------------------------------------- jets


def _axis(i: int, d: int, x: Value) -> Jet:
    unit = tuple(1 if j == i else 0 for j in range(d))
    return {(0,) * d: x, unit: fmpq(1)}


def _plus(a: Jet, b: Jet, sign: int = 1) -> Jet:
    result = dict(a)
    for k, v in b.items():
        result[k] = result[k] + sign * v if k in result else sign * v
    return result


def _times(a: Jet, b: Jet, degree: int) -> Jet:
    result: Jet = {}
    for k, v in a.items():
        left = degree - sum(k)
        for m, w in b.items():
            if sum(m) <= left:
                key = tuple(i + j for i, j in zip(k, m, strict=True))
                result[key] = result[key] + v * w if key in result else v * w
    return result


def _compose(coefficients: Sequence[Value], x: Jet, degree: int) -> Jet:
    """sum_k c_k (x - x_0)^k by Horner's rule."""
    zero = next(iter(x))
    zero = (0,) * len(zero)
    delta = {k: v for k, v in x.items() if k != zero}
    result: Jet = {zero: coefficients[-1]}
    for c in reversed(coefficients[:-1]):
        result = _plus(_times(result, delta, degree), {zero: c})
    return result


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
        return _plus(a, b)

    def subtract(self, a: Jet, b: Jet, node: Operation) -> Jet:
        return _plus(a, b, -1)

    def multiply(self, a: Jet, b: Jet, node: Operation) -> Jet:
        return _times(a, b, self.degree)

    def divide(self, a: Jet, b: Jet, node: Operation) -> Jet:
        return _times(a, _power(b, Fraction(-1), self.degree, self.zero), self.degree)

    def exponent(self, node: Expression) -> Fraction:
        return rational_exponent(node)

    def power(self, base: Jet, exponent: Fraction, node: Operation) -> Jet:
        return _power(base, exponent, self.degree, self.zero)

    def call(self, node: Call, args: list[Jet]) -> Jet:
        (x,) = args
        if node.function == "sqrt":
            return _power(x, Fraction(1, 2), self.degree, self.zero)
        return _compose(taylor(node.function, x.get(self.zero, fmpq(0)), self.degree), x, self.degree)


def _power(x: Jet, e: Fraction, degree: int, zero: tuple[int, ...]) -> Jet:
    if e.denominator == 1 and e >= 0:
        half = _power(x, Fraction(int(e) // 2), degree, zero) if e else {zero: fmpq(1)}  # x^e = (x^(e//2))^2 x^(e mod 2)
        square = _times(half, half, degree) if e else half
        return _times(square, x, degree) if int(e) % 2 else square
    centre = x.get(zero, fmpq(0))
    if not isinstance(centre, fmpq) and centre.contains(0):
        raise SingularPointError("the loss is singular at this point")
    if is_zero(centre):
        raise SingularPointError("the loss is singular at this point: zero under a root or in a denominator")
    first, coefficients = real_power(centre, e), []
    factor = fmpq(1)
    for k in range(degree + 1):  # binomial(e, k) c^(e-k)
        coefficients.append(first * factor / centre**k)
        factor = factor * fmpq((e - k).numerator, (e - k).denominator * (k + 1))
    return _compose(coefficients, x, degree)


def _inexact(x: Value) -> Value:
    return arb(x) if isinstance(x, fmpq) else x


def taylor(function: str, a: Value, degree: int) -> list[Value]:
    """Taylor coefficients of an elementary function at a, through a degree; rational ones stay exact."""
    if function in ("exp", "sin", "cos", "sinh", "cosh"):
        return [_cyclic(function, a, k) / factorial(k) for k in range(degree + 1)]
    if function == "log":
        if not a > 0:
            raise SingularPointError("the loss is singular at this point: the logarithm of a number that is not positive")
        head = fmpq(0) if a == 1 else _inexact(a).log()
        return [head, *(fmpq((-1) ** (k + 1), k) / a**k for k in range(1, degree + 1))]
    if function == "atan":
        head = fmpq(0) if is_zero(a) else _inexact(a).atan()
        denominator: Jet = {(0,): 1 + a * a, (1,): 2 * a, (2,): fmpq(1)}
        slope = _power(denominator, Fraction(-1), degree, (0,))
        return [head, *(slope.get((k - 1,), fmpq(0)) / k for k in range(1, degree + 1))]
    # tan' = 1 + tan^2, tanh' = 1 - tanh^2
    sign = 1 if function == "tan" else -1
    head = fmpq(0) if is_zero(a) else _inexact(a).tan() if function == "tan" else _inexact(a).tanh()
    y = [head]
    for k in range(degree):
        square = sum((y[i] * y[k - i] for i in range(k + 1)), fmpq(0))
        y.append(((1 if k == 0 else 0) + sign * square) / (k + 1))
    return y


def known_value(name: str, x: Value) -> Value:
    """A known function of the scheme language at x; rational where it is seen to be.

    >>> known_value("sigmoid", fmpq(0)), known_value("erf", fmpq(0)), known_value("softplus", fmpq(0)).str(3)
    (1/2, 0, '[0.693 +/- 1.48e-4]')
    """
    match name:
        case "sigmoid":
            return fmpq(1, 2) if is_zero(x) else 1 / (1 + (-_inexact(x)).exp())
        case "softplus":
            return (1 + _inexact(x).exp()).log()
        case "erf":
            return fmpq(0) if is_zero(x) else _inexact(x).erf()
        case "derf":
            return 2 * (-_inexact(x) ** 2).exp() / arb.pi().sqrt()
    return taylor(name, x, 0)[0]


def _cyclic(function: str, a: Value, k: int) -> Value:
    """The k-th derivative of exp, sin, cos, sinh or cosh at a."""
    derivatives: dict[str, tuple[tuple[int, str], ...]] = {
        "exp": ((1, "exp"),),
        "sin": ((1, "sin"), (1, "cos"), (-1, "sin"), (-1, "cos")),
        "cos": ((1, "cos"), (-1, "sin"), (-1, "cos"), (1, "sin")),
        "sinh": ((1, "sinh"), (1, "cosh")),
        "cosh": ((1, "cosh"), (1, "sinh")),
    }
    cycle = derivatives[function]
    sign, name = cycle[k % len(cycle)]
    if is_zero(a):
        return fmpq(sign if name in ("exp", "cos", "cosh") else 0)
    method: Callable[[], Value] = getattr(_inexact(a), name)
    return sign * method()
