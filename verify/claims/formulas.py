"""Formulas of claims in derive's own terms, and numbers that tell two of them apart.

    L, grad, hess(u), d3(u, v), ..., p = theta' (free), state variables, parameters, gamma, dot, norm, sqrt, abs, sign,
    gradient(s) = grad of a scalar,  rate(x) = the derivative of x along the flow

Equality is equality of normal forms, hence for every smooth loss in any dimension.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from derive.algebra.calculus import Derivative, Transfer, gradient, loss_term
from derive.algebra.coefficients import Ring
from derive.algebra.sums import Algebra, Sum
from derive.engine.composition import Given, Workspace
from derive.engine.series import Series
from derive.equation import ModifiedEquation, TermSum, modified_equation
from derive.errors import DeriveError, UsageError
from derive.language import Expression, names_of, parse_expression
from derive.readings.target import TargetReader
from derive.readings.witness import is_nonzero
from derive.scheme import substitute
from derive.writing.series import evaluated
from verify.claims.symbolic import limited

CALLS: dict[str, int | None] = {
    "hess": 1, "sqrt": 1, "abs": 1, "sign": 1, "dot": 2, "norm": 1, "gradient": 1, "rate": 1,
    **{f"d{k}": k - 1 for k in range(3, 10)},
}  # fmt: skip
PROBES = (
    ("x**2/2", {"x": "1"}), ("x**3/3", {"x": "1"}), ("x**2/2 + y**2", {"x": "1", "y": "1"}),
    ("x**4/4 + x*y**2", {"x": "1/2", "y": "1/3"}),
)  # fmt: skip
WORDS = {"L", "grad", "theta", "gamma"}


class _Mapped(Series):
    """A linear map applied to every coefficient."""

    def __init__(self, x: Series, image: Callable[[Sum], Sum]) -> None:
        super().__init__(x.context)
        self.x, self.image, self.low = x, image, x.low

    def compute(self, k: int) -> Sum:
        return self.image(self.x.at(k))


class _Reader(TargetReader):
    def __init__(self, workspace: Workspace, states: Mapping[str, bool], flow: Mapping[str, Sum] | None) -> None:
        given = {n: Given(workspace, [workspace.algebra.state(n, scalar)]) for n, scalar in states.items()}
        given["L"] = Given(workspace, [loss_term(workspace.algebra)])
        super().__init__(workspace, given)
        self.flow = flow

    def _call(self, e: object, function: str, args: list[Series]) -> Series:
        if function == "gradient":
            return _Mapped(args[0], lambda s: gradient(self.algebra, s))
        if function == "rate":
            directions = self.flow if self.flow is not None else {"theta": self.algebra.state("p")}
            return _Mapped(args[0], Derivative(self.algebra, directions))
        return super()._call(e, function, args)  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False)
class Formulas:
    """A place where formulas are read: an algebra, the state variables in it (name -> scalar?), and parameters' values."""

    algebra: Algebra
    states: Mapping[str, bool]
    values: Mapping[str, Expression]

    def series(self, text: str, order: int, where: str, flow: Mapping[str, Sum] | None = None) -> list[Sum]:
        """The coefficients of gamma^0, ..., gamma^order.  Raises ParseError, UsageError, ReductionError."""
        expression = substitute(limited(parse_expression(text, where, CALLS)), self.values)
        series = _Reader(Workspace(self.algebra), self.states, flow).read(expression)
        if any(series.at(k) for k in range(series.low, 0)):
            raise UsageError(f"{where}: a negative power of gamma does not cancel")
        return [series.at(k) for k in range(order + 1)]

    def minus(self, a: Sum, b: Sum) -> Sum:
        """a - b in normal form; empty exactly where they are equal as functions.  Raises UsageError where that is not decided."""
        difference = self.algebra.add(a, {t: -c for t, c in b.items()})
        if self.algebra.is_zero(difference):
            return {}
        if not is_nonzero(difference):
            raise UsageError("not decided: two formulas are not seen to be equal, and no point tells them apart")
        return {t: c.reduced() for t, c in difference.items() if c}

    def text(self, total: Sum) -> str:
        return str(TermSum(self.algebra, total))


def formulas_of(equation: ModifiedEquation) -> Formulas:
    """Formulas beside a derived equation: its slow variables and its parameters, in its regime."""
    c = equation.configuration
    values = {n: parse_expression(v, f"where, {n}") for n, v in c.settings.items() if n.isidentifier()}
    bound = {n: substitute(e, values) for n, e in c.bindings.items() if n not in c.free}
    scalars = {x: equation.scheme_kind(x) == "scalar" for x in equation.equations if x != "theta"}
    return Formulas(equation.algebra, scalars, {**bound, **values})


def free_formulas(texts: Iterable[str], where: str) -> Formulas:
    """Formulas without a scheme: p is a free vector, every other unknown name a parameter."""
    names: dict[str, None] = {}
    for text in texts:
        names |= dict.fromkeys(names_of(parse_expression(text, where, CALLS)))
    return Formulas(Algebra(Ring([n for n in names if n not in WORDS and n != "p"])), {"p": False}, {})


def series_text(formulas: Formulas, sums: Sequence[Sum]) -> str:
    """Sum of gamma^k (...) in one line.

    >>> f = free_formulas(["-grad - gamma/2*hess(grad)"], "example")
    >>> series_text(f, f.series("-grad - gamma/2*hess(grad)", 1, "example"))
    '-grad + gamma*(-1/2*hess(grad))'
    """
    parts = []
    for k, total in enumerate(sums):
        if not total:
            continue
        text = formulas.text(total)
        parts.append(text if k == 0 else f"{power_of('gamma', k)}*({text})")
    return " + ".join(parts) or "0"


def power_of(name: str, k: int) -> str:
    return name if k == 1 else f"{name}**{k}"


def counterexample(
    formulas: Formulas, claimed: Sum, correct: Sum, equation: ModifiedEquation | None = None, scalar: bool = False
) -> str:
    """A loss and a point where two formulas differ, with both values; empty if no probe tells them apart."""
    host = equation or modified_equation("gd", 0)
    used = [n for n in formulas.states if any(_has_state(formulas.text(s), n) for s in (claimed, correct))]
    for loss, point in PROBES:
        at = dict(point)
        for n in used:
            at |= {n: "2"} if formulas.states[n] else {f"{n}_{x}": str(i + 1) for i, x in enumerate(point)}
        sums, values = _at_numbers(formulas, (claimed, correct))
        try:
            found = evaluated(host, sums, loss, at, 12, states=used, scalar=scalar)
        except DeriveError:
            continue
        if found[0] != found[1]:
            where = ", ".join(f"{n} = {v}" for n, v in {**at, **values}.items())
            first, second = ("(" + ", ".join(v) + ")" if len(v) > 1 else v[0] for v in found)
            return f"counterexample: L = {loss} at {where}: claimed {first}, true {second}"
    return ""


def _at_numbers(formulas: Formulas, sums: Sequence[Sum]) -> tuple[list[TermSum], dict[str, str]]:
    """The sums with numbers for their parameters: 1/2, 1/3, ... in the order in which the ring names them; eps = 1."""
    texts = " ".join(formulas.text(s) for s in sums)
    numbers = {n: Fraction(1, 2 + i) for i, n in enumerate(s for s in formulas.algebra.ring.symbols if _has_state(texts, s))}
    numbers |= {n: Fraction(1) for n in numbers if n.startswith("eps")}
    plain = Algebra(Ring())
    every = {s: plain.ring.constant(numbers.get(s, Fraction(1))) for s in formulas.algebra.ring.symbols}
    move = Transfer(formulas.algebra, plain, every)
    return [TermSum(plain, move(s)) for s in sums], {n: str(v) for n, v in numbers.items()}


def _has_state(text: str, name: str) -> bool:
    return re.search(rf"\b{re.escape(name)}\b", text) is not None
