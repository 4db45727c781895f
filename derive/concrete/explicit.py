"""A modified equation on a concrete loss, as explicit sympy expressions of the loss's variables."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from fractions import Fraction
from functools import cache
from math import comb, prod
from typing import Any

import sympy as sp
from flint import fmpq
from sympy.printing.str import StrPrinter

from derive.algebra.calculus import is_loss
from derive.algebra.coefficients import Ratio
from derive.algebra.terms import Exponent, Factor
from derive.concrete.games import Texts
from derive.concrete.names import problem_of
from derive.concrete.point import Index, Point, raised
from derive.concrete.problem import Problem, rational_exponent
from derive.concrete.values import component_names, spread
from derive.errors import LimitError, SingularPointError, UsageError
from derive.language import Arithmetic, Call, Expression, Name, Operation, interpret
from derive.result import Combination, Equation
from derive.scheme.map_programs import MapProgram
from derive.scheme.map_settings import MapFormula, examples

MAX_MONOMIALS = 400


class Symbolic(Arithmetic):
    """Sympy expressions with our own symbol table; nothing is looked up in sympy's names but the functions of a loss."""

    def __init__(self, names: Mapping[str, Any]) -> None:
        self.names = names

    def number(self, value: Fraction) -> Any:
        return sp.Rational(value.numerator, value.denominator)

    def name(self, node: Name) -> Any:
        return self.names[node.id]

    def exponent(self, node: Expression) -> Fraction:
        return rational_exponent(node)

    def power(self, base: Any, exponent: Fraction, node: Operation) -> Any:
        return base ** self.number(exponent)

    def call(self, node: Call, args: list[Any]) -> Any:
        return getattr(sp, node.function)(*args)


def to_sympy(expression: Expression, names: Mapping[str, Any]) -> Any:
    """The expression in sympy, with these meanings of names."""
    return interpret(expression, Symbolic(names))


class Expressions:
    """Expressions in the variables of the loss, the states' components and the parameters."""

    def __init__(self, equation: Equation, problem: Problem) -> None:
        self.algebra, self.problem, self.formulas = equation.algebra, problem, equation.configuration.maps
        self.symbols = [sp.Symbol(x, real=True) for x in problem.variables]
        self.size = 1 if problem.spans else len(self.symbols)
        table = dict(zip(problem.variables, self.symbols, strict=True))
        table |= {n: sp.Symbol(n, real=True) for n in problem.parameters} | {"pi": sp.pi, "e": sp.E}
        self.functions = [to_sympy(e, table) for e in problem.expressions]
        if any(f.has(sp.zoo, sp.nan, sp.oo, sp.I) for f in self.functions):
            why = "zero in a denominator or under log, or a root of a negative number"
            raise SingularPointError(f"'{problem.text}' has no real value anywhere: {why}")
        self.names = {s: sp.Symbol(s, real=True) for s in equation.algebra.ring.symbols}
        self.states = {n: sp.Symbol(n, real=True) for n in component_names(equation, problem)}
        self.partial = cache(self._partial)
        clash = set(problem.variables) & (set(self.names) | set(self.states))
        if clash:
            name = sorted(clash)[0]
            raise UsageError(
                f"the loss's variable '{name}' is also a parameter of the scheme; rename it, or set --set {name}=..."
            )

    def rational(self, value: Fraction) -> Any:
        return sp.Rational(value.numerator, value.denominator)

    def state(self, f: Factor) -> list[Any]:
        if f.scalar:
            loss = is_loss(f, self.algebra)
            return [self.functions[self.problem.which(f.label, 0)] if loss else self.states[f.label]] * self.size
        if self.problem.is_unknown(f.label):
            span = self.problem.spans.get(f.label)
            return self.symbols[span.start : span.stop] if span else self.symbols
        return [self.states[f"{f.label}_{x}"] for x in self.problem.components(f.space)]

    def derivative(self, label: str, i: int, index: Index) -> Any:
        which = self.problem.which(label, i)
        return self.partial(which, raised(index, i) if self.problem.is_loss else index)

    def elsewhere(self, label: str, point: list[Any], degree: int) -> Callable[[int, Index], Any]:
        at = dict(zip(self.symbols, point, strict=True))
        return lambda i, index: self.derivative(label, i, index).xreplace(at)

    def _partial(self, which: int, index: Index) -> Any:
        """d^index of one of the functions."""
        for j, e in enumerate(index):
            if e:
                lower = (*index[:j], e - 1, *index[j + 1 :])
                return sp.diff(self.partial(which, lower), self.symbols[j])
        return self.functions[which]

    def maps(self) -> Mapping[str, MapFormula | MapProgram]:
        return self.formulas

    def map_along(self, program: MapProgram, point: list[Any], directions: Sequence[list[Any]]) -> list[Any]:
        text = f"the lines of {program.label} are not written out as a formula"
        raise UsageError(f"{text}; ask for values at a point (--at), or set the map: {examples(program.label)}")

    def map_derivatives(self, formula: MapFormula, point: list[Any], degree: int) -> Callable[[int, Index], Any]:
        letters = [sp.Dummy(v, real=True) for v in formula.variables]
        functions = [to_sympy(e, dict(zip(formula.variables, letters, strict=True))) for e in formula.components]
        at = dict(zip(letters, point, strict=True))
        return lambda i, index: sp.diff(functions[i], *zip(letters, index, strict=True)).xreplace(at)

    def power(self, x: Any, exponent: Exponent, f: Factor) -> Any:
        return x ** self.rational(Fraction(exponent))

    def absolute(self, x: Any) -> Any:
        return sp.Abs(x)

    def known(self, name: str, x: Any) -> Any:
        match name:
            case "sigmoid":
                return 1 / (1 + sp.exp(-x))
            case "softplus":
                return sp.log(1 + sp.exp(x))
            case "derf":
                return 2 * sp.exp(-(x**2)) / sp.sqrt(sp.pi)
        return getattr(sp, name)(x)

    def coefficient(self, c: Ratio, times: Any = sp.S.One) -> Any:
        """The coefficient, factored as we factor it, times an expression."""
        return c.factored().sympy(self.names, times)


class _Explicit:
    """Coefficients of the equation; polynomials are collected by monomials of the loss's variables, others stay as built."""

    def __init__(self, equation: Equation, problem: Problem) -> None:
        self.expressions = Expressions(equation, problem)
        self.point = Point(self.expressions, problem.spans, problem.partition)
        self.variables = [*self.expressions.symbols, *self.expressions.states.values()]

    def total(self, total: Combination, size: int) -> tuple[Any, ...]:
        """One expression for each of `size` components."""
        monomials: list[dict[Index, Ratio]] = [{} for _ in range(size)]
        rest = [sp.Integer(0)] * size
        for c, t in total:
            for i, x in enumerate(spread(self.point.term(t), size)):
                polynomial = self.polynomial(x)
                if polynomial is not None:
                    for m, k in polynomial.terms():
                        value = c.scaled(fmpq(int(k.p), int(k.q)))
                        monomials[i][m] = monomials[i][m] + value if m in monomials[i] else value
                else:
                    rest[i] += self.expressions.coefficient(c) * x
        return tuple(self.collected(m) + r for m, r in zip(monomials, rest, strict=True))

    def polynomial(self, x: Any) -> Any:
        """x as a polynomial in the variables with rational coefficients; None where it is none, or too long to be read."""
        if not x.free_symbols <= set(self.variables) or not x.is_polynomial(*self.variables):
            return None
        if _monomials(x, len(self.variables))[0] > MAX_MONOMIALS:
            return None
        polynomial = sp.Poly(x, *self.variables)
        return polynomial if all(k.is_Rational for k in polynomial.coeffs()) else None

    def collected(self, monomials: Mapping[Index, Ratio]) -> Any:
        powers = {m: sp.Mul(*(v**e for v, e in zip(self.variables, m, strict=True))) for m in sorted(monomials, reverse=True)}
        return sp.Add(*(self.expressions.coefficient(monomials[m], power) for m, power in powers.items()))


def _monomials(x: Any, variables: int) -> tuple[int, int]:
    """A bound on the number of monomials of an expression when multiplied out, and its degree.

    >>> u, v = sp.symbols("u v")
    >>> _monomials((u + v)**2 * (u + 1), 2)
    (6, 3)
    """
    if not x.free_symbols or not x.args:
        return 1, len(x.free_symbols)
    if x.is_Pow:
        count, degree = _monomials(x.base, variables)
        e = int(x.exp)
        count, degree = comb(count + e - 1, e), degree * e
    else:
        counts, degrees = zip(*(_monomials(a, variables) for a in x.args), strict=True)
        count, degree = (sum(counts), max(degrees)) if x.is_Add else (prod(counts), sum(degrees))
    return min(count, comb(degree + variables, variables)), degree


class _Text(StrPrinter):  # type: ignore[misc]
    """Expressions as they are typed."""

    def _print_Abs(self, e: Any) -> str:
        return f"abs({self._print(e.args[0])})"

    def _print_Exp1(self, _: Any) -> str:
        return "e"


def expression_text(expression: Any) -> str:
    """A sympy expression in the language of losses.

    >>> expression_text(sp.E * sp.Symbol("x")**2)
    'e*x**2'
    """
    try:
        return str(_Text().doprint(expression))
    except ValueError:  # Python writes no longer numbers
        raise LimitError("a number of more than 4,300 digits in an explicit field; write a parameter in its place") from None


def explicit_field(
    equation: Equation, loss: Texts, parameters: Collection[str] = (), variables: Texts | None = None
) -> dict[str, tuple[tuple[Any, ...], ...]]:
    """See ModifiedEquation.on_loss."""
    return field_on(equation, problem_of(equation, loss, parameters, variables))


def field_on(equation: Equation, problem: Problem) -> dict[str, tuple[tuple[Any, ...], ...]]:
    """result[x][k][i]: component i of the coefficient of gamma^k in the equation of x."""
    writer = _Explicit(equation, problem)

    def size(x: str) -> int:
        return 1 if equation.scheme_kind(x) == "scalar" else len(problem.components(equation.space(x)))

    return {x: tuple(tuple(map(_plain, writer.total(s, size(x)))) for s in sums) for x, sums in equation.equations.items()}


def _plain(x: Any) -> Any:
    """With symbols as users write them: what is known of ours, that they are real, has done its work."""
    return x.xreplace({s: sp.Symbol(s.name) for s in x.free_symbols})
