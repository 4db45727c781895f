"""Concrete learning-rate schedules: an expression in t, or a schedule of the catalogue, which is given in pieces.

--set "r(t)=1/(1+t)"                  an expression
--set "r(t)=warmup-decay(5, 20, 1/10)"   a schedule, its parameters in the order of its file
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from pathlib import Path

from derive.errors import SchemeError, UsageError, nearest
from derive.language import (
    LOSS_CALLS,
    ONE,
    Arithmetic,
    Call,
    Expression,
    Name,
    Number,
    Operation,
    constant,
    interpret,
    names_of,
    parse_expression,
    substitute,
    unparse,
    walk,
)

PI = Name("pi")
_FOLDER = Path(__file__).parents[1] / "schedules"


@dataclass(frozen=True)
class Piece:
    """value on the set where every comparison (left, '<' or '<=', right) holds; in the clock s if periodic."""

    comparisons: tuple[tuple[Expression, str, Expression], ...]
    value: Expression
    periodic: bool


@dataclass(frozen=True)
class Schedule:
    """A function of time in pieces with its parameters bound.

    Periodic pieces are functions of s = (t - offset) mod period.  Pieces are tried in order; at a breakpoint the piece that
    holds there counts.
    """

    name: str
    title: str
    reference: str
    bindings: Mapping[str, Fraction]
    pieces: tuple[Piece, ...]
    period: Expression | None = None
    offset: Expression | None = None

    @property
    def straight(self) -> bool:
        """Whether every piece is a straight line: r'' is zero."""
        nodes = [n for p in self.pieces for n in walk(p.value)]
        return not any(isinstance(n, Call) or (isinstance(n, Operation) and n.op == "**") or n == PI for n in nodes)

    def value(self, t: Fraction, derivative: int = 0) -> Fraction:
        """r(t), its slope (derivative=1), or zero, of straight pieces.  Raises UsageError where no piece holds.

        >>> decay = load_schedule("decay", [Fraction(10), Fraction(1, 10)])
        >>> decay.value(Fraction(5)), decay.value(Fraction(5), 1), decay.value(Fraction(20))
        (Fraction(11, 20), Fraction(-9, 100), Fraction(1, 10))
        """
        piece, names = self._piece(t)
        clock = "s" if piece.periodic else "t"
        here = evaluate(piece.value, names)
        if derivative == 0:
            return here
        return evaluate(piece.value, {**names, clock: names[clock] + 1}) - here if derivative == 1 else Fraction(0)

    def at(self, t: Fraction) -> Expression:
        """The piece that stands at this time, as an expression in t.  Raises UsageError where none does.

        >>> unparse(load_schedule("cosine", [Fraction(10), Fraction(0)]).at(Fraction(3)))
        '0 + (1 - 0)/2*(1 + cos(pi*t/10))'
        """
        piece, names = self._piece(t)
        bound: dict[str, Expression] = {n: Number(v) for n, v in self.bindings.items()}
        if piece.periodic:
            bound["s"] = Operation("-", (Name("t"), Number(t - names["s"])))
        return substitute(piece.value, bound)

    def _piece(self, t: Fraction) -> tuple[Piece, dict[str, Fraction]]:
        """The first piece that holds, and what the names are worth there."""
        names = {**self.bindings, "t": t}
        if self.period is not None:
            period = evaluate(self.period, names)
            if period <= 0:
                raise UsageError(f"schedule {self}: its period is {period}; it must be positive")
            shifted = t - (evaluate(self.offset, names) if self.offset is not None else 0)
            names["s"] = shifted - floor(shifted / period) * period
        for piece in self.pieces:
            if all(_holds(evaluate(a, names), op, evaluate(b, names)) for a, op, b in piece.comparisons):
                return piece, names
        raise UsageError(f"schedule {self.name} is not defined at t = {t}")

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{n}={v}' for n, v in self.bindings.items())})"


def _holds(a: Fraction, op: str, b: Fraction) -> bool:
    return a < b if op == "<" else a <= b


class _Values(Arithmetic):
    """Fractions, with the values of names."""

    def __init__(self, names: Mapping[str, Fraction]) -> None:
        self.names = names

    def number(self, value: Fraction) -> Fraction:
        return value

    def name(self, node: Name) -> Fraction:
        if node.id not in self.names:
            raise UsageError(f"'{node.id}' has no value{nearest(node.id, self.names)}")
        return self.names[node.id]

    def divide(self, a: Fraction, b: Fraction, node: Operation) -> Fraction:
        if not b:
            raise UsageError(f"division by zero in {unparse(node)}")
        return a / b

    def exponent(self, node: Expression) -> Expression:
        return node  # names may stand in it

    def power(self, base: Fraction, exponent: Expression, node: Operation) -> Fraction:
        value: Fraction = interpret(exponent, self)
        if value.denominator != 1 or (base == 0 and value < 0):
            raise UsageError(f"{unparse(node)} is not a rational number")
        return base ** int(value)

    def admit(self, node: Call) -> None:
        raise UsageError(f"{unparse(node)} is not a rational number")

    def call(self, node: Call, args: list[Fraction]) -> Fraction:
        raise AssertionError(node)


def evaluate(expression: Expression, names: Mapping[str, Fraction]) -> Fraction:
    """The exact value of a rational expression; UsageError for an unknown name or a division by zero.

    >>> evaluate(parse_expression("2**k - 1/k", "example"), {"k": Fraction(3)})
    Fraction(23, 3)
    """
    value: Fraction = interpret(expression, _Values(names))
    return value


def without_pi(expression: Expression) -> Expression:
    """The expression with pi by a known function, 4*atan(1), for those who know no constants.

    >>> unparse(without_pi(parse_expression("cos(pi*t)", "example", LOSS_CALLS)))
    'cos(4*atan(1)*t)'
    """
    return substitute(expression, {PI.id: Operation("*", (Number(Fraction(4)), Call("atan", (ONE,))))})


def is_rational(expression: Expression) -> bool:
    """Whether it is a rational function of t."""
    return not any(isinstance(n, Call) or n == PI for n in walk(expression))


def schedules() -> tuple[str, ...]:
    """Names of the schedules that come with the package."""
    return tuple(sorted(p.name[: -len(".toml")] for p in _FOLDER.iterdir() if p.name.endswith(".toml")))


def schedule_parameters(name: str) -> tuple[str, ...]:
    """Names of the parameters of a schedule, in the order in which they are given."""
    return tuple(_data(name)["parameters"])


def _data(name: str) -> dict[str, dict[str, str]]:
    if name not in schedules():
        raise UsageError(f"unknown schedule '{name}'{nearest(name, schedules())} (known: {', '.join(schedules())})")
    return tomllib.loads((_FOLDER / f"{name}.toml").read_text("utf-8"))


def load_schedule(name: str, values: list[Fraction]) -> Schedule:
    """A schedule of the catalogue with its parameters set."""
    data: dict = _data(name)  # type: ignore[type-arg]
    parameters = list(data["parameters"])
    if len(values) != len(parameters):
        raise UsageError(f"schedule {name} takes {len(parameters)} values, {name}({', '.join(parameters)}), not {len(values)}")
    pieces = []
    for piece in data["pieces"]:
        parts = re.split(r"(<=|<|>=|>)", piece["when"])
        sides = [parse_expression(p, f"schedule {name}") for p in parts[::2]]
        comparisons = []
        for i, op in enumerate(parts[1::2]):
            a, b = (sides[i], sides[i + 1]) if op[0] == "<" else (sides[i + 1], sides[i])
            comparisons.append((a, op.replace(">", "<"), b))
        value = parse_expression(piece["value"], f"schedule {name}", LOSS_CALLS)
        pieces.append(Piece(tuple(comparisons), value, bool(piece.get("periodic", False))))
    clock = {k: parse_expression(data[k], f"schedule {name}") for k in ("period", "offset") if k in data}
    bound = dict(zip(parameters, values, strict=True))
    return Schedule(name, data["title"], data["reference"], bound, tuple(pieces), clock.get("period"), clock.get("offset"))


def parse_function_setting(text: str, where: str) -> Expression | Schedule:
    """What stands right of --set "r(t)=": a schedule with its values, or an expression in t and constants.

    >>> str(parse_function_setting("warmup-decay(5, 20, 1/10)", "r"))
    'warmup-decay(t1=5, t2=20, rmin=1/10)'
    """
    name, bracket, rest = text.strip().partition("(")
    if bracket and name.strip() in schedules():
        if not rest.rstrip().endswith(")"):
            raise UsageError(f"{where}: a closing parenthesis is missing in '{text}'")
        values = []
        for part in rest.rstrip()[:-1].split(","):
            value = constant(parse_expression(part, where))
            if value is None:
                raise UsageError(f"{where}: '{part.strip()}' is not a rational number")
            values.append(value)
        try:
            return load_schedule(name.strip(), values)
        except SchemeError as error:
            raise UsageError(f"{where}: {error}") from None
    expression = parse_expression(text, where, LOSS_CALLS)
    for name in names_of(expression):
        if name not in ("t", PI.id):
            raise UsageError(
                f"{where}: '{name}' is unknown; a schedule is an expression in t and pi, or one of {', '.join(schedules())}"
            )
    return expression
