"""The value of a modified equation at a point of a concrete loss: exact rationals, else decimals with all digits right.

Numbers are rational as long as they can be; a root that is irrational turns into a ball (arb), and the working precision
is doubled until every printed digit is determined by the ball, whose radius bounds all rounding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import factorial

from flint import arb, ctx, fmpq

from derive.algebra.coefficients import Ratio
from derive.algebra.terms import Factor, Term, split_scalars
from derive.concrete.problem import (
    Jet,
    Problem,
    Value,
    check_names,
    exact,
    is_zero,
    parse_field,
    parse_loss,
    parse_point,
    real_power,
)
from derive.equation import ModifiedEquation, TermSum
from derive.errors import SingularPointError, UsageError
from derive.language import Expression, derivative_symbol
from derive.scheme.schedule import Schedule

MAX_BITS = 40_000


@dataclass(frozen=True)
class Values:
    """values[x][k][i]: component i of the coefficient of gamma^k for x; an exact rational, or decimals."""

    variables: tuple[str, ...]
    point: Mapping[str, Fraction]
    values: Mapping[str, list[list[str]]]


class _Undecided(Exception):
    """A sign or a zero that the present precision does not decide."""


def evaluate_equation(equation: ModifiedEquation, loss: str, at: str | Mapping[str, object], digits: int = 50) -> Values:
    """Evaluate every coefficient; see ModifiedEquation.evaluate.

    Raises ParseError (loss), UsageError (names, digits, missing parameters), SingularPointError (a point where the field
    does not exist).
    """
    if not 1 <= digits <= 10_000:
        raise UsageError(f"digits must be between 1 and 10000, not {digits}")
    problem = parse_loss(loss) if equation.scheme.label == "L" else parse_field(loss)
    point = parse_point(at)
    needed = list(problem.variables) + [n for n in component_names(equation, problem) if n not in problem.variables]
    if any("t" in c.symbols() for s in _sums(equation) for c in s.sum.values()) or _concrete(equation):
        needed.append("t")
    elif "t" in point and "t" not in needed:
        point = {n: x for n, x in point.items() if n != "t"}  # an autonomous field: the time does not matter
    check_names(point, needed)
    bits = int(digits * 3.33) + 64
    while True:
        try:
            with ctx.workprec(bits):
                point_evaluator = _Evaluator(equation, problem, point)
                return Values(problem.variables, point, point_evaluator.run(digits))
        except _Undecided:
            bits *= 2
            if bits > MAX_BITS:
                raise SingularPointError(
                    "the field cannot be evaluated at this point: a quantity under a root or a sign is not told from zero"
                ) from None


def _sums(equation: ModifiedEquation) -> list[TermSum]:
    return [s for sums in equation.equations.values() for s in sums]


def _concrete(equation: ModifiedEquation) -> bool:
    """Whether a time function is concrete but not rational in t, so that it is evaluated at t."""
    symbols = {s for total in _sums(equation) for c in total.sum.values() for s in c.symbols()}
    functions = equation.configuration.functions
    return any(f is not None and any(s in symbols for s in _derivative_names(n, equation)) for n, f in functions.items())


def _derivative_names(name: str, equation: ModifiedEquation) -> list[str]:
    return [derivative_symbol(name, k) for k in range(equation.order + 2)]


def component_names(equation: ModifiedEquation, problem: Problem) -> list[str]:
    """Names by which --at gives the slow variables other than theta: eta_x, eta_y, or S for a scalar."""
    names = []
    for variable in equation.equations:
        if variable == "theta":
            continue
        names += [variable] if equation.scheme_kind(variable) == "scalar" else [f"{variable}_{x}" for x in problem.variables]
    return names


class _Evaluator:
    """One evaluation at one precision."""

    def __init__(self, equation: ModifiedEquation, problem: Problem, point: Mapping[str, Fraction]) -> None:
        self.equation, self.problem = equation, problem
        self.size = len(problem.variables)
        self.point = {n: exact(v) for n, v in point.items()}
        self.symbols = self._symbol_values()
        depth = max((_rank(t) for s in _sums(equation) for t in s.sum), default=0) + 1
        self.jets: list[Jet] = problem.jets([self.point[x] for x in problem.variables], depth)
        self.terms: dict[Term, list[Value]] = {}
        self.factors: dict[Factor, list[Value]] = {}

    def _symbol_values(self) -> dict[str, Value]:
        values: dict[str, Value] = {}
        if "t" in self.point:
            values["t"] = self.point["t"]
        for name, setting in self.equation.configuration.functions.items():
            if setting is None:
                continue
            names = _derivative_names(name, self.equation)
            if isinstance(setting, Schedule):
                t = self.point.get("t")
                if t is not None:
                    at = Fraction(int(t.p), int(t.q))
                    values |= {s: exact(setting.value(at, k)) for k, s in enumerate(names)}
            elif "t" in self.point:
                series = _time_series(setting, self.point["t"], len(names) - 1)
                values |= {s: c * factorial(k) for k, (s, c) in enumerate(zip(names, series, strict=True))}
        return values

    def run(self, digits: int) -> dict[str, list[list[str]]]:
        result: dict[str, list[list[str]]] = {}
        for name, sums in self.equation.equations.items():
            size = 1 if self.equation.scheme_kind(name) == "scalar" else self.size
            result[name] = [[_text(x, digits) for x in self.total(s)[:size]] for s in sums]
        return result

    def total(self, total: TermSum) -> list[Value | Ratio]:
        """sum of coefficients times terms; parameters without a value stay symbols where all else is rational."""
        numbers: list[Value] = [fmpq(0)] * self.size
        symbolic: list[Ratio] | None = None
        for coefficient, term in total:
            value = self.term(term)
            c = self.coefficient(coefficient)
            if isinstance(c, Ratio):
                if not all(isinstance(x, fmpq) for x in value):
                    raise self.missing(c)
                scaled = [c.scaled(x) for x in value]
                symbolic = scaled if symbolic is None else [a + b for a, b in zip(symbolic, scaled, strict=True)]
            else:
                numbers = [a + c * x for a, x in zip(numbers, value, strict=True)]
        if symbolic is None:
            return numbers
        ring = symbolic[0].ring
        if not all(isinstance(x, fmpq) for x in numbers):
            raise self.missing(symbolic[0])
        return [(a + ring.constant(x)).reduced() for a, x in zip(symbolic, numbers, strict=True)]

    def missing(self, c: Ratio) -> UsageError:
        names = sorted(c.symbols() - set(self.symbols))
        example = f"--set {names[0]}=9/10" if names else ""
        return UsageError(f"{', '.join(names)} has no value and the result is not rational in it; add {example}")

    def coefficient(self, c: Ratio) -> Value | Ratio:
        """The number, or the Ratio itself while symbols without a value are in it."""
        ring = c.ring
        c = c.reduced()
        used = c.symbols()
        if not used:
            return ring_number(c)
        if used <= set(self.symbols):
            names = ring.names

            def at(polynomial: object) -> Value:
                result: Value = fmpq(0)
                for exponents, k in polynomial.to_dict().items():  # type: ignore[attr-defined]
                    value: Value = fmpq(k)
                    for name, e in zip(names, exponents, strict=True):
                        if e:
                            value = value * self.symbols[name] ** int(e)
                    result = result + value
                return result

            bottom = at(ring.expand(c.den))
            if is_zero(bottom):
                raise SingularPointError(f"division by zero in {c}")
            return at(c.num) / bottom
        if used & set(self.symbols):
            raise self.missing(c)
        return c

    def term(self, term: Term) -> list[Value]:
        found = self.terms.get(term)
        if found is None:
            scalars, vector = split_scalars(term)
            found = [fmpq(1)] * self.size
            for f, e in (*scalars, *vector):
                values = self.factor(f)
                found = [x * self.power(y, Fraction(e), f) for x, y in zip(found, values, strict=True)]
            self.terms[term] = found
        return found

    def power(self, x: Value, e: Fraction, f: Factor) -> Value:
        if not isinstance(x, fmpq) and (e < 0 or e.denominator > 1) and x.contains(0):
            raise _Undecided
        try:
            return real_power(x, e)
        except SingularPointError as error:
            from derive.algebra.terms import term_text

            inner = f.children[0] if f.children and f.kind == "abs" else None
            what = "abs(" + term_text(inner) + ")" if inner is not None else f.kind
            raise SingularPointError(f"the field is singular at this point: {error} ({what} to the power {e})") from None

    def factor(self, f: Factor) -> list[Value]:
        found = self.factors.get(f)
        if found is None:
            found = self.factors[f] = self._factor(f)
        return found

    def _factor(self, f: Factor) -> list[Value]:
        match f.kind:
            case "node":
                return self.contraction(f)
            case "state":
                if f.scalar:
                    return [self.point[f.label]] * self.size
                if f.label == "theta":
                    return [self.point[x] for x in self.problem.variables]
                return [self.point[f"{f.label}_{x}"] for x in self.problem.variables]
            case "sum":
                return [sum(self.term(f.children[0]), fmpq(0))] * self.size
            case "abs":
                return [abs(x) for x in self.term(f.children[0])]
        total: list[Value] = [fmpq(0)] * self.size
        for t, c in f.body:
            number = self.coefficient(c)
            if isinstance(number, Ratio):
                raise self.missing(number)
            total = [a + number * x for a, x in zip(total, self.term(t), strict=True)]
        if f.kind == "root" and f.label == "abs":
            total = [abs(x) for x in total]
        return total

    def contraction(self, node: Factor) -> list[Value]:
        """sum over j_1..j_k of d_i d_j1 ... d_jk L m_1(j_1) ... m_k(j_k): the product of the linear forms
        sum_j m(j) X_j, a polynomial in X, paired with the derivatives by multi-index."""
        form: Jet = {(0,) * self.size: fmpq(1)}
        for child in node.children:
            vector = self.term(child)
            extended: Jet = {}
            for index, value in form.items():
                for j, x in enumerate(vector):
                    if not is_zero(x):
                        key = (*index[:j], index[j] + 1, *index[j + 1 :])
                        extended[key] = extended[key] + value * x if key in extended else value * x
            form = extended
        return [sum((v * self.derivative(i, index) for index, v in form.items()), fmpq(0)) for i in range(self.size)]

    def derivative(self, i: int, index: tuple[int, ...]) -> Value:
        """d_i d^index L, or d^index f_i."""
        jet = self.jets[0] if self.problem.is_loss else self.jets[i]
        if self.problem.is_loss:
            index = (*index[:i], index[i] + 1, *index[i + 1 :])
        multiplicity = 1
        for k in index:
            multiplicity *= factorial(k)
        value = jet.get(index)
        return fmpq(0) if value is None else value * multiplicity


def ring_number(c: Ratio) -> fmpq:
    """The rational number that a coefficient without symbols is."""
    return fmpq(c.num.coeffs()[0]) if c.num else fmpq(0)


def _rank(term: Term) -> int:
    """The highest number of arguments of any derivative in the term."""
    ranks = [0]
    for f, _ in term.factors:
        if f.kind == "node":
            ranks.append(len(f.children))
        ranks += [_rank(c) for c in f.children] + [_rank(t) for t, _ in f.body]
    return max(ranks)


def _time_series(expression: Expression, t: Value, degree: int) -> Sequence[Value]:
    """Taylor coefficients of an expression in t."""
    problem = Problem("r(t)", (expression,), ("t",), True)
    jet = problem.jets([t], degree)[0]
    return [jet.get((k,), fmpq(0)) for k in range(degree + 1)]


def _text(x: Value | Ratio, digits: int) -> str:
    if isinstance(x, fmpq | Ratio):
        return str(x)
    if x.rel_accuracy_bits() < digits * 3.33 + 4:
        raise _Undecided
    return decimal(x, digits)


def decimal(x: arb, digits: int) -> str:
    """The ball's value to a number of significant digits."""
    text = x.str(digits, radius=False)
    return str(text)


__all__ = ["Values", "component_names", "evaluate_equation"]
