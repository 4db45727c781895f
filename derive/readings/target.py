"""Target equations as text: "theta'' + lam*theta' + grad", "theta' + grad", "theta'' + 3/t*theta' + gamma*hess(theta') + grad".

The text is an expression that the target sets to zero, or an equation with one '='.  Beyond the scheme language it has
theta', theta'' and the derivatives of the loss at theta: grad, hess(x), d3(x, y), d4(x, y, z), ...
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction

from derive.engine.composition import Given, Workspace
from derive.engine.series import Contraction, Magnitude, Plus, Power, Series, Times
from derive.errors import ParseError, UsageError, nearest
from derive.language import Call, Expression, Name, Number, Operation, constant, names_of, parse_expression
from derive.scheme import substitute

FIRST, SECOND = "theta'", "theta''"  # no name of a text
_CALLS: Mapping[str, int] = {
    "grad": 1, "hess": 1, "sqrt": 1, "abs": 1, "sign": 1, "dot": 2, "norm": 1, **{f"d{k}": k - 1 for k in range(3, 10)},
}  # fmt: skip


def parse_target(text: str) -> Expression:
    """The expression that the target equation sets to zero.

    Raises ParseError outside the grammar, UsageError without a derivative of theta.

    >>> sorted(names_of(parse_target("theta'' + lam*theta' = -grad")))
    ['grad', 'lam', "theta'", "theta''"]
    """
    plain = text.replace("′", "'").replace('"', "''")
    if re.search(r"theta'{3}", plain):
        raise UsageError("target: derivatives of theta beyond theta'' are not supported")
    # for the parser, names as long as theta' and theta'', so that columns of errors are right
    words = {f"theta{_unused(plain, 'theta')}": FIRST, f"theta_{_unused(plain, 'theta_')}": SECOND}
    for word, derivative in reversed(words.items()):
        plain = plain.replace(derivative, word)
    sides = plain.split("=")
    if len(sides) > 2:
        raise ParseError("more than one '='", "target", 1, 1)
    names = {word: Name(derivative) for word, derivative in words.items()}
    expressions = [substitute(parse_expression(s, "target", _CALLS), names) for s in sides]
    result = expressions[0] if len(sides) == 1 else Operation("-", (expressions[0], expressions[1]))
    if not {FIRST, SECOND} & set(names_of(result)):
        raise UsageError("target: write an equation for theta, such as \"theta' + grad\" or \"theta'' + lam*theta' + grad\"")
    return result


def _unused(text: str, stem: str) -> int:
    return next(k for k in range(10) if f"{stem}{k}" not in text)


class TargetReader:
    """Turns the expression into a series; `values` gives theta' and theta'' as series."""

    def __init__(self, workspace: Workspace, values: Mapping[str, Series]) -> None:
        self.workspace, self.algebra, self.ring = workspace, workspace.algebra, workspace.algebra.ring
        self.values = values

    def read(self, e: Expression) -> Series:
        match e:
            case Number(value):
                return Given(self.workspace, [self.algebra.constant(self.ring.constant(value))])
            case Name(id, line, column):
                return self._name(id, line, column)
            case Operation("neg", (a,)):
                return Times(Given(self.workspace, [self.algebra.constant(-self.ring.one)]), self.read(a))
            case Operation("**", (a, b)):
                exponent = constant(b)
                if exponent is None:
                    raise ParseError("an exponent must be a rational number", "target", b.line, b.column)
                return self._power(self.read(a), exponent)
            case Operation("/", (a, b)):
                return Times(self.read(a), self._inverse(b))
            case Operation(op, (a, b)):
                x, y = self.read(a), self.read(b)
                return Times(x, y) if op == "*" else Plus(x, y, 1 if op == "+" else -1)
            case Call(function, args):
                return self._call(e, function, [self.read(a) for a in args])
        raise AssertionError(e)

    def _inverse(self, e: Expression) -> Series:
        """1/e; of a product factor by factor and of a power as one power, so that 1/x**2 is the square of 1/x."""
        match e:
            case Operation("*", (a, b)):
                return Times(self._inverse(a), self._inverse(b))
            case Operation("**", (a, b)) if (exponent := constant(b)) is not None and exponent:
                return Power(self.read(a), -exponent, None)
        return Power(self.read(e), Fraction(-1), None)

    def _power(self, x: Series, exponent: Fraction) -> Series:
        if exponent.denominator > 1 or exponent <= 0:
            return Power(x, exponent, None)
        result = x
        for _ in range(int(exponent) - 1):
            result = Times(result, x)
        return result

    def _name(self, name: str, line: int, column: int) -> Series:
        if name in self.values:
            return self.values[name]
        if name == "gamma":
            return Given(self.workspace, {1: self.algebra.constant(self.ring.one)})
        if name == "theta":
            return Given(self.workspace, [self.algebra.state("theta")])
        if name == "grad":
            return Given(self.workspace, [self.algebra.node_sum("L", [])])
        if name in self.ring.symbols:
            return Given(self.workspace, [self.algebra.constant(self.ring.symbol(name))])
        known = ["theta", "theta'", "theta''", "grad", "gamma", *self.ring.symbols]
        raise ParseError(f"unknown name '{name}'{nearest(name, known)} (known here: {', '.join(known)})", "target", line, column)

    def _call(self, e: Call, function: str, args: list[Series]) -> Series:
        from derive.engine.composition import Node

        theta = Given(self.workspace, [self.algebra.state("theta")])
        match function:
            case "grad":
                return Node(args[0], "L", [])
            case "sqrt":
                return Power(args[0], Fraction(1, 2), None)
            case "abs" | "sign":
                return Magnitude(args[0], function == "sign", None)
            case "dot":
                return Contraction(Times(*args))
            case "norm":
                return Power(Contraction(Times(args[0], args[0])), Fraction(1, 2), None)
        return Node(theta, "L", args)
