"""Formulas along a flow, as sums of terms by power of gamma, and numbers that tell two of them apart.

    L, grad, hess(u), d3(u, v), ...  (or field, dfield(u), d2field(u, v), ...),  theta, other state variables, parameters, gamma,
    p or theta',  theta'',  + - * / **, dot, norm, sqrt, abs, sign,  gradient(s) = grad of a scalar,  rate(x) = dx/dt

and the same as it is printed: ∇L, ∇²L[u], f'[u], ⟨u, v⟩, |u|, √x, θ'.

Along a given flow theta' is that field, and rate(x) its derivative of x; without one theta', theta'', ... are those of any
smooth trajectory, independent of one another.  Equality is equality of normal forms, hence for every smooth loss in any
dimension.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from math import factorial, floor

from derive.algebra.calculus import Derivative, gradient, loss_term
from derive.algebra.coefficients import Ring
from derive.algebra.fold import within
from derive.algebra.functions import declared_maps
from derive.algebra.sums import Algebra, Sum, accumulate, nonzero
from derive.algebra.terms import Exponent, Factor
from derive.engine.composition import Given, Workspace
from derive.engine.formula import FIRST, SECOND, VECTORS, FormulaReader
from derive.engine.series import Polynomial, Series
from derive.equation import ModifiedEquation, TermSum
from derive.errors import ParseError, UndecidedError, UsageError
from derive.language import (
    ONE,
    Call,
    Expression,
    Name,
    Operation,
    constant,
    derivative_calls,
    names_of,
    parse_expression,
    plain_arities,
)
from derive.language.calls import ELSEWHERE, Kind
from derive.language.maps import map_arities
from derive.readings.identity import vanishes
from derive.readings.target import parse_primed
from derive.readings.witness import is_nonzero
from derive.scheme import Configuration, substitute
from derive.scheme.kinds import kind_of
from derive.scheme.losses import declared_formula, formula_calls

CALLS: dict[str, int | None] = {
    "hess": 1, **plain_arities(), **ELSEWHERE, "gradient": 1, "rate": 1, **derivative_calls("L", 10), **derivative_calls("f", 10),
}  # fmt: skip
WORDS = {"L", "grad", "field", "theta", "gamma"}
TRAJECTORY = ("p", SECOND, SECOND + "'", SECOND + "''")  # the derivatives of theta along any trajectory, each free
MAX_POWER = 64
_NO_NUMBER = "the gradient of a number is meant, such as L or dot(grad, grad); a product is written grad*(...)"


class _Mapped(Series):
    """A linear map applied to every coefficient."""

    def __init__(self, x: Series, image: Callable[[Sum], Sum]) -> None:
        super().__init__(x.context)
        self.x, self.image, self.low = x, image, x.low

    def compute(self, k: Exponent) -> Sum:
        return self.image(self.x.at(k))


class _Reader(FormulaReader):
    def __init__(self, workspace: Workspace, formulas: Formulas) -> None:
        given = {n: Given(workspace, [workspace.algebra.state(n, scalar)]) for n, scalar in formulas.states.items()}
        given["L"] = Given(workspace, [loss_term(workspace.algebra)])
        super().__init__(workspace, given)
        if formulas.flow is not None:
            self.values = {**self.values, "p": self.given(formulas.flow)}
        if formulas.exact:
            self.values = {**self.values, "gamma": Polynomial(workspace, {0: self.ring.symbol("gamma")})}
        self.formulas, self.root = formulas, formulas.root

    def kinds(self) -> dict[str, Kind]:
        states: dict[str, Kind] = {n: "scalar" if scalar else "vector" for n, scalar in self.formulas.states.items()}
        return super().kinds() | {"p": "vector"} | states

    def _name(self, name: str, line: int, column: int) -> Series:
        return super()._name("p" if name == FIRST else name, line, column)

    def _call(self, e: Call, function: str, args: list[Series]) -> Series:
        if function in ("gradient", *ELSEWHERE) and not (function in ELSEWHERE and self._is_point(e.args[0])):
            if function == "field":
                raise self._no_number(e)
            if self.formulas.flow is None and (free := set(names_of(e)) & {*TRAJECTORY, FIRST}):
                raise UsageError(f"gradient of {sorted(free)[0]}: say with 'flow' which function of theta it is")
            if not set(names_of(e)) & {*WORDS, *self.values, FIRST} - {"gamma"}:
                raise self._no_number(e)
            return _Mapped(args[0], lambda s: self._gradient(s, e))
        if function == "rate":
            return _Mapped(args[0], self.formulas.rate)
        return super()._call(e, function, args)

    def _is_point(self, e: Expression) -> bool:
        """Whether it is a vector that is made of a point, and does not move with gamma: others are expanded about theta."""
        names, points = names_of(e).keys(), {"theta", *(n for n, scalar in self.formulas.states.items() if not scalar)}
        return "gamma" not in names and bool(names & points) and kind_of(e, self.kinds(), VECTORS) == "vector"

    def _gradient(self, s: Sum, e: Call) -> Sum:
        if not is_scalar(TermSum(self.algebra, s)):
            raise self._no_number(e)
        return gradient(self.algebra, s)

    def _no_number(self, e: Call) -> ParseError:
        return ParseError(_NO_NUMBER, "formula", e.line, e.column)


# ---------------------------------------------------------------------------------------------- where formulas are read


@dataclass(frozen=True, eq=False)
class Formulas:
    """A place where formulas are read: an algebra, the state variables in it (name -> scalar?), and parameters' values.

    flow     theta' as a function of theta;   exact   gamma is a parameter like any other, and nothing is expanded in it
    configuration   of a scheme that declares losses: formulas have grad(f, x), hess(f, x, u), ... as its text has
    root     powers are those of gamma**(1/root)

    >>> from derive import modified_equation
    >>> f = formulas_of(modified_equation("momentum", 1))
    >>> str(f.series("-grad - alpha/2*hess(grad)", 1, "example")[1])
    '-1/2*hess(grad)'
    """

    algebra: Algebra
    states: Mapping[str, bool]
    values: Mapping[str, Expression]
    flow: Sum | None = None
    exact: bool = False
    configuration: Configuration | None = None
    root: int = 1

    @property
    def zero(self) -> TermSum:
        return TermSum(self.algebra, {})

    def along(self, flow: TermSum) -> Formulas:
        """The same with theta' = flow."""
        return replace(self, flow=flow.sum, states={n: s for n, s in self.states.items() if n not in TRAJECTORY})

    def rate(self, total: Sum) -> Sum:
        """The derivative along the flow, or along any trajectory.  Raises UsageError where there is neither."""
        if self.flow is not None:
            return Derivative(self.algebra, {"theta": self.flow})(total)
        if "p" not in self.states:
            raise UsageError("rate(...) has no meaning here: no flow is given")
        if any(f.kind == "state" and f.label == TRAJECTORY[-1] for t in total for f in within(t)):
            raise UsageError("rate(...): derivatives of theta beyond the fourth")
        directions = dict(pairwise(("theta", *TRAJECTORY)))
        return Derivative(self.algebra, {x: self.algebra.state(d) for x, d in directions.items()})(total)

    def series(self, text: str, order: int, where: str) -> list[TermSum]:
        """The coefficients of gamma^0, ..., gamma^order.  Raises ParseError, UsageError, ReductionError."""
        expression = substitute(limited(self._parsed(text, where)), self.values)
        series = _Reader(Workspace(self.algebra), self).read(expression)
        series.require_whole(order + 1)  # gamma**(3/2) is no O(gamma**2)
        if any(series.at(k) for k in range(floor(series.low), 0)):
            raise UsageError(f"{where}: a negative power of gamma does not cancel")
        return [TermSum(self.algebra, series.at(k)) for k in range(order + 1)]

    def _parsed(self, text: str, where: str) -> Expression:
        if self.configuration is None:
            return parse_primed(text, where, CALLS | map_arities(declared_maps(self.algebra.functions)))
        return declared_formula(self.configuration, parse_expression(text, where, formula_calls(self.configuration)), where)

    def descent(self, loss: TermSum) -> TermSum:
        """-grad of a scalar."""
        return TermSum(self.algebra, {t: -c for t, c in gradient(self.algebra, loss.sum).items()})

    def value(self, text: str, where: str) -> TermSum:
        """The formula itself, where gamma is a parameter."""
        return self.series(text, 0, where)[0]

    def minus(self, a: TermSum, b: TermSum) -> TermSum:
        """a - b in normal form; empty exactly where they are equal as functions.  Raises UndecidedError."""
        difference = self.algebra.add(a.sum, {t: -c for t, c in b.sum.items()})
        if vanishes(self.algebra, difference):
            return self.zero
        if not is_nonzero(TermSum(self.algebra, difference)):
            raise UndecidedError("two formulas are not seen to be equal, and no point tells them apart")
        return TermSum(self.algebra, {t: c.reduced() for t, c in difference.items() if c})


def formulas_of(equation: ModifiedEquation) -> Formulas:
    """Formulas beside a derived equation: its slow variables and its parameters, in its regime."""
    c = equation.configuration
    values = {n: parse_expression(v, f"where, {n}") for n, v in c.settings.items() if n.isidentifier()}
    bound = {n: substitute(e, values) for n, e in c.bindings.items() if n not in c.free}
    if equation.scheme.label == "f" and "f" not in {*bound, *equation.algebra.ring.symbols}:
        bound["f"] = Name("field")  # as it is printed
    bound[c.fresh("d")] = Call("dot", (ONE, ONE))  # the dimension
    scalars = {x: equation.scheme_kind(x) == "scalar" for x in equation.equations if x != "theta"}
    states = scalars | {x: equation.scheme_kind(x) == "scalar" for x in equation.memory} if equation.scheme.losses else scalars
    of_game = c if equation.scheme.losses else None
    return Formulas(equation.algebra, states, {**bound, **values}, configuration=of_game, root=equation.scheme.root)


def formulas_beside(total: TermSum, states: Mapping[str, bool], values: Mapping[str, Expression] | None = None) -> Formulas:
    """Formulas in the algebra of a sum, with these state variables."""
    return Formulas(total.algebra, states, values or {})


def free_formulas(texts: Iterable[str], where: str, exact: bool = False) -> Formulas:
    """Formulas without a scheme: along any trajectory, every unknown name a parameter."""
    names: dict[str, None] = {}
    for text in texts:
        names |= dict.fromkeys(names_of(parse_primed(text, where, CALLS)))
    parameters = [n for n in names if n not in {*WORDS, *TRAJECTORY, FIRST}] + ["gamma"] * exact
    return Formulas(Algebra(Ring(parameters)), dict.fromkeys(TRAJECTORY, False), {}, None, exact)


def limited(expression: Expression) -> Expression:
    """The expression itself; ParseError for powers, or powers of powers, beyond MAX_POWER: no formula needs them."""
    if _power(expression) > MAX_POWER:
        raise ParseError(f"a power beyond {MAX_POWER}", "formula", expression.line, expression.column)
    return expression


def _power(e: Expression) -> Fraction:
    """The largest product of nested exponents."""
    if not isinstance(e, Operation | Call):
        return Fraction(1)
    inner = max(_power(a) for a in e.args)
    if isinstance(e, Operation) and e.op == "**" and inner <= MAX_POWER:
        exponent = constant(e.args[1])
        return inner * max(Fraction(1), abs(exponent)) if exponent is not None else inner
    return inner


# ---------------------------------------------------------------------------------------------- what a sum is


def is_scalar(*sums: TermSum) -> bool:
    """Whether no term carries an index."""
    return all(f.scalar for s in sums for t in s.sum for f, _ in t.factors)


def scalar_term(total: TermSum) -> TermSum | None:
    """The first term, other than a number, that carries no index."""
    for t, c in total.sum.items():
        if t.factors and all(f.scalar for f, _ in t.factors):
            return TermSum(total.algebra, {t: c})
    return None


def is_nonnegative(total: TermSum) -> bool:
    """Whether every term is a positive number times squares, sizes and norms.  (No says nothing.)

    >>> f = free_formulas([], "example")
    >>> [is_nonnegative(f.value(t, "example")) for t in ("2*norm(grad)", "dot(grad, grad) + abs(L)", "L", "-norm(grad)")]
    [True, True, False, False]
    """
    positive = all(not c.symbols() and c.number() > 0 for c in total.sum.values())
    return positive and all(e % 2 == 0 or f.kind == "abs" or _is_square(f) for t in total.sum for f, e in t.factors)


def _is_square(f: Factor) -> bool:
    """<u, u>."""
    inner = f.children[0].factors if f.kind == "sum" else ()
    return len(inner) == 1 and inner[0][1] == 2


def is_along_gradient(total: TermSum) -> bool:
    """Whether every term is a scalar times grad."""
    vectors = [[(f, e) for f, e in t.factors if not f.scalar] for t in total.sum]
    return all(len(v) == 1 and v[0][0].kind == "node" and not v[0][0].children and v[0][1] == 1 for v in vectors)


def lie_series(formulas: Formulas, field: Sequence[TermSum], order: int) -> list[TermSum]:
    """theta(t + gamma) by power of gamma along theta' = sum_j gamma^j field[j]: sum_k gamma^k/k! D^k theta.

    >>> f = free_formulas(["-grad"], "example")
    >>> [str(s) for s in lie_series(f, f.series("-grad - gamma/2*hess(grad)", 2, "example"), 2)]
    ['theta', '-grad', '0']
    """
    algebra, ring = formulas.algebra, formulas.algebra.ring
    along = [Derivative(algebra, {"theta": f.sum}) for f in field]
    current: list[Sum] = [algebra.state("theta")]  # D^k theta by power of gamma
    result: list[Sum] = [{} for _ in range(order + 1)]
    for k in range(order + 1):
        for j, part in enumerate(current[: order + 1 - k]):
            accumulate(result[k + j], algebra.scale(part, ring.one / ring.constant(factorial(k))))
        following: list[Sum] = [{} for _ in range(order + 1)]
        for i, d in enumerate(along[: order + 1]):
            for j, part in enumerate(current[: order + 1 - i]):
                accumulate(following[i + j], d(part))
        current = [nonzero(f) for f in following]
    return [TermSum(algebra, nonzero(s)) for s in result]


# ---------------------------------------------------------------------------------------------- text


def series_text(sums: Sequence[TermSum]) -> str:
    """Sum of gamma^k (...) in one line.

    >>> from derive import modified_equation
    >>> series_text(modified_equation("gd", 1)["theta"])
    '-grad + gamma*(-1/2*hess(grad))'
    """
    parts = [str(total) if k == 0 else f"{power_of('gamma', k)}*({total})" for k, total in enumerate(sums) if total]
    return " + ".join(parts) or "0"


def power_of(name: str, k: int) -> str:
    return name if k == 1 else f"{name}**{k}" if str(k).isdigit() else f"{name}**({k})"
