"""The value of a modified equation at a point of a concrete loss: exact rationals, else decimals with all digits right.

Numbers are rational as long as they can be; a root that is irrational turns into a ball (arb), and the working precision
is doubled until every printed digit is determined by the ball, whose radius bounds all rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import factorial, prod
from threading import RLock
from types import MappingProxyType
from typing import Any

from flint import arb, ctx, fmpq

from derive.algebra.calculus import is_loss
from derive.algebra.coefficients import Ratio
from derive.algebra.fold import within
from derive.algebra.sums import Algebra
from derive.algebra.terms import DERIVATIVES, Exponent, Factor, term_text
from derive.concrete.jets import Jet, Value, exact, known_value, real_power
from derive.concrete.map_lines import along
from derive.concrete.names import check_names
from derive.concrete.point import Index, Point, WithoutMaps, paired, raised
from derive.concrete.problem import Problem
from derive.errors import SingularPointError, UsageError
from derive.language import Expression, derivative_symbol
from derive.result import Combination, Described, Equation
from derive.scheme.map_programs import MapProgram
from derive.scheme.map_settings import MapFormula
from derive.scheme.schedule import Schedule

MAX_BITS = 40_000


@dataclass(frozen=True, repr=False)
class Values(Described):
    """What the coefficients of an equation are at a point: result[x][k][i] is component i of that of gamma^k for x.

    It is a `Fraction` where it is rational, a coefficient where the scheme's parameters stayed symbols, a sympy expression where
    the loss's did, else an mpmath `mpf` with all the digits asked for.

    `values[x][k][i]` is the same as text, as the commands print it.
    """

    variables: tuple[str, ...]
    point: Mapping[str, Fraction]
    values: Mapping[str, list[list[str]]]
    numbers: Mapping[str, tuple[tuple[Any, ...], ...]] = field(compare=False, default_factory=dict)

    def __getitem__(self, variable: str) -> tuple[tuple[Any, ...], ...]:
        if variable in self.numbers:
            return self.numbers[variable]
        raise UsageError(f"no variable '{variable}' among these values (known: {', '.join(self.numbers)})")

    def describe(self) -> str:
        where = ", ".join(f"{n}={x}" for n, x in self.point.items())
        return f"at {where}: " + ", ".join(f"{len(rows)} of {name}" for name, rows in self.values.items())


class Undecided(Exception):
    """A sign or a zero that the present precision does not decide."""


#: flint has one working precision for all threads
PRECISION = RLock()


def evaluate_at(equation: Equation, problem: Problem, point: Mapping[str, Fraction], digits: int = 50) -> Values:
    """Every coefficient at a point that gives all parameters of the loss; see ModifiedEquation.evaluate.

    Raises UsageError (names, digits, missing parameters), SingularPointError (a point where the field does not exist).
    """
    if not 1 <= digits <= 10_000:
        raise UsageError(f"digits must be between 1 and 10000, not {digits}")
    needed = list(problem.variables) + [n for n in component_names(equation, problem) if n not in problem.variables]
    if any("t" in c.symbols() for s in _sums(equation) for c in s.sum.values()) or _concrete(equation):
        needed.append("t")
    elif "t" in point and "t" not in needed:
        point = {n: x for n, x in point.items() if n != "t"}  # an autonomous field: the time does not matter
    check_names(point, needed, problem.parameters)
    bits = int(digits * 3.33) + 64
    while True:
        try:
            with PRECISION, ctx.workprec(bits):
                found = _EquationNumbers(equation, problem, point).run(digits)
        except Undecided:
            bits *= 2
            if bits > MAX_BITS:
                raise SingularPointError(
                    "the field cannot be evaluated at this point: a quantity under a root or a sign is not told from zero"
                ) from None
            continue
        texts = {x: [[t for t, _ in block] for block in powers] for x, powers in found.items()}
        numbers = {x: tuple(tuple(v for _, v in block) for block in powers) for x, powers in found.items()}
        return Values(problem.variables, point, texts, numbers)


def _sums(equation: Equation) -> list[Combination]:
    return [s for sums in equation.equations.values() for s in sums]


def _concrete(equation: Equation) -> bool:
    """Whether a time function is concrete but not rational in t, so that it is evaluated at t."""
    symbols = {s for total in _sums(equation) for c in total.sum.values() for s in c.symbols()}
    functions = equation.configuration.functions
    return any(f is not None and any(s in symbols for s in _derivative_names(n, equation)) for n, f in functions.items())


def _derivative_names(name: str, equation: Equation) -> list[str]:
    return [derivative_symbol(name, k) for k in range(equation.order + 2)]


def component_names(equation: Equation, problem: Problem) -> list[str]:
    """Names by which --at gives the slow variables other than theta: eta_x, eta_y, or S for a scalar."""
    names = []
    for variable in equation.equations:
        if problem.is_unknown(variable):
            continue
        components = problem.components(equation.space(variable))
        names += [variable] if equation.scheme_kind(variable) == "scalar" else [f"{variable}_{x}" for x in components]
    return names


class ExactNumbers(WithoutMaps):
    """Rationals, and balls where a root is irrational, at one point of one problem and at one precision.

    `named(x)` is the component x (theta's go by their variables), or the scalar x; `jets` the Taylor coefficients there, `given`
    the values of the loss's parameters.
    """

    problem: Problem
    jets: Sequence[Jet]
    given: Mapping[str, Value] = MappingProxyType({})

    def __init__(self, algebra: Algebra, problem: Problem) -> None:
        self.algebra, self.problem = algebra, problem
        self.size = 1 if problem.spans else len(problem.variables)

    def named(self, name: str) -> Value:
        raise NotImplementedError

    def rational(self, value: Fraction) -> Value:
        return exact(value)

    def state(self, f: Factor) -> list[Value]:
        if f.scalar:
            origin = (0,) * len(self.problem.variables)
            if is_loss(f, self.algebra):
                return [self.jets[self.problem.which(f.label, 0)].get(origin, fmpq(0))] * self.size
            return [self.named(f.label)] * self.size
        if self.problem.is_unknown(f.label):
            return [self.named(x) for x in self.problem.components(f.label)]
        return [self.named(f"{f.label}_{x}") for x in self.problem.components(f.space)]

    def derivative(self, label: str, i: int, index: Index) -> Value:
        """From the Taylor coefficient: d^index = index! times it."""
        return self._of_jet(self.jets[self.problem.which(label, i)], i, index)

    def elsewhere(self, label: str, point: list[Value], degree: int) -> Callable[[int, Index], Value]:
        found: dict[int, Jet] = {}

        def derivative(i: int, index: Index) -> Value:
            if (which := self.problem.which(label, i)) not in found:
                one = replace(self.problem, expressions=(self.problem.expressions[which],))
                (found[which],) = one.jets(point, degree + 1, self.given)
            return self._of_jet(found[which], i, index)

        return derivative

    def _of_jet(self, jet: Jet, i: int, index: Index) -> Value:
        index = raised(index, i) if self.problem.is_loss else index
        value = jet.get(index)
        return fmpq(0) if value is None else value * prod(factorial(k) for k in index)

    def absolute(self, x: Value) -> Value:
        return abs(x)

    def known(self, name: str, x: Value) -> Value:
        return known_value(name, x)

    def map_derivatives(self, formula: MapFormula, point: list[Value], degree: int) -> Callable[[int, Index], Value]:
        """As `derivative`, from the Taylor coefficients of the map's components."""
        jets = Problem(formula.text, formula.components, formula.variables, False).jets(point, degree)
        return lambda i, index: jets[i].get(index, fmpq(0)) * prod(factorial(k) for k in index)


def depth_of(sums: Iterable[Combination]) -> int:
    """The highest derivative of the gradient (or field) that occurs, plus one."""
    nodes = (f for s in sums for t in s.sum for f in within(t) if f.kind in DERIVATIVES)
    return max((len(f.children) for f in nodes), default=0) + 1


class _EquationNumbers(ExactNumbers):
    """Those of an equation's coefficients at a given point."""

    def __init__(self, equation: Equation, problem: Problem, point: Mapping[str, Fraction]) -> None:
        super().__init__(equation.algebra, problem)
        self.equation = equation
        self.point = {n: exact(v) for n, v in point.items()}
        self.symbols = self._symbol_values()
        self.given = {n: self.point[n] for n in problem.parameters}
        self.jets = problem.jets([self.point[x] for x in problem.variables], depth_of(_sums(equation)), self.given)

    def named(self, name: str) -> Value:
        return self.point[name]

    def maps(self) -> Mapping[str, MapFormula | MapProgram]:
        return self.equation.configuration.maps

    def map_along(self, program: MapProgram, point: list[Value], directions: Sequence[list[Value]]) -> list[Value]:
        return along(program, point, directions, self.symbols)

    def _symbol_values(self) -> dict[str, Value]:
        values = {n: self.point[n] for n in self.problem.parameters}  # a parameter of the scheme too, perhaps
        if "t" in self.point:
            values["t"] = self.point["t"]
            values |= time_values(self.equation.configuration.functions, self.point["t"], self.equation.order + 2)
        return values

    def power(self, x: Value, exponent: Exponent, f: Factor) -> Value:
        e = Fraction(exponent)
        if not isinstance(x, fmpq) and (e < 0 or e.denominator > 1) and x.contains(0):
            raise Undecided
        try:
            return real_power(x, e)
        except SingularPointError as error:
            what = f"abs({term_text(f.children[0])})" if f.kind == "abs" else f.kind
            raise SingularPointError(f"the field is singular at this point: {error} ({what} to the power {e})") from None

    def coefficient(self, c: Ratio) -> Value:
        """The number that a coefficient is; UsageError while symbols without a value are in it."""
        if not c.symbols() <= set(self.symbols):
            raise self.missing(c)
        try:
            return c.at(self.symbols, exact)
        except ZeroDivisionError:
            raise SingularPointError(f"division by zero in {c.reduced()}") from None

    def missing(self, c: Ratio) -> UsageError:
        names = sorted(c.symbols() - set(self.symbols))
        example = f"--set {names[0]}=9/10" if names else ""
        return UsageError(f"{', '.join(names)} has no value and the result is not rational in it; add {example}")

    # ------------------------------------------------------------------ the coefficients of the equation

    def run(self, digits: int) -> dict[str, list[list[tuple[str, Any]]]]:
        """Every component of every coefficient, as text and as a number."""
        point = Point(self, self.problem.spans, self.problem.partition)
        result: dict[str, list[list[tuple[str, Any]]]] = {}
        for name, sums in self.equation.equations.items():
            size = 1 if self.equation.scheme_kind(name) == "scalar" else len(self.problem.components(self.equation.space(name)))
            result[name] = [[settled(x, digits) for x in spread(self.total(point, s), size)] for s in sums]
        return result

    def total(self, point: Point, total: Combination) -> list[Value | Ratio]:
        """The sum; coefficients in which no symbol has a value stay as they are, where all else is rational."""
        symbolic = {t: c for c, t in total if (used := c.symbols()) and used.isdisjoint(self.symbols)}
        numbers = point.total((t, c) for c, t in total if t not in symbolic)
        if not symbolic:
            return numbers
        ring = total.algebra.ring
        result = [ring.zero] * self.size
        for t, c in symbolic.items():
            values = point.term(t)
            if not all(isinstance(x, fmpq) for x in (*values, *numbers)):
                raise self.missing(c)
            result = [a + c.scaled(x) for a, x in paired(result, values)]
        return [(a + ring.constant(x)).reduced() for a, x in paired(result, numbers)]


def spread(values: Sequence[Any], size: int) -> Sequence[Any]:
    """One value a component; a single number is the same at each."""
    return list(values) * size if len(values) == 1 else values[:size]


def time_values(functions: Mapping[str, object], t: Value, count: int) -> dict[str, Value]:
    """r, r', ... at the time t, `count` of them for every time function that is set; flint's precision is the caller's."""
    values: dict[str, Value] = {}
    for name, setting in functions.items():
        names = [derivative_symbol(name, k) for k in range(count)]
        at = Fraction(int(t.p), int(t.q))
        if isinstance(setting, Schedule) and not setting.straight:
            setting = setting.at(at)
        if isinstance(setting, Schedule):
            values |= {s: exact(setting.value(at, k)) for k, s in enumerate(names)}
        elif setting is not None:
            series = _time_series(setting, t, count - 1)  # type: ignore[arg-type]
            values |= {s: c * factorial(k) for k, (s, c) in enumerate(zip(names, series, strict=True))}
    return values


def _time_series(expression: Expression, t: Value, degree: int) -> Sequence[Value]:
    """Taylor coefficients of an expression in t."""
    problem = Problem("r(t)", (expression,), ("t",), True)
    jet = problem.jets([t], degree)[0]
    return [jet.get((k,), fmpq(0)) for k in range(degree + 1)]


def settled(x: Value | Ratio, digits: int) -> tuple[str, Any]:
    """The text and the number; Undecided where the ball does not determine the digits."""
    if isinstance(x, Ratio):
        return str(x), x.number() if x.is_number else x
    if isinstance(x, fmpq):
        return str(x), Fraction(int(x.p), int(x.q))
    if x.rel_accuracy_bits() < digits * 3.33 + 4:
        raise Undecided
    import mpmath  # most values are rational

    text = decimal(x, digits)
    with mpmath.workdps(digits):
        return text, mpmath.mpf(text)


def decimal(x: arb, digits: int) -> str:
    """The ball's value to a number of significant digits."""
    text = x.str(digits, radius=False)
    return str(text)


__all__ = ["MAX_BITS", "PRECISION", "Undecided", "Values", "component_names", "evaluate_at", "settled", "time_values"]
