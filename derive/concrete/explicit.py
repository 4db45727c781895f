"""A modified equation on a concrete loss, as explicit sympy expressions of the loss's variables."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import cache
from typing import Any

import sympy as sp
from flint import fmpq

from derive.algebra.coefficients import Ratio
from derive.algebra.terms import Factor, Term
from derive.concrete.problem import Problem, parse_field, parse_loss, rational_exponent
from derive.concrete.values import component_names
from derive.equation import ModifiedEquation, TermSum
from derive.errors import UsageError
from derive.language import Arithmetic, Call, Expression, Name, Operation, interpret


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


class _Explicit:
    def __init__(self, equation: ModifiedEquation, problem: Problem) -> None:
        self.equation, self.problem = equation, problem
        self.symbols = [sp.Symbol(x, real=True) for x in problem.variables]
        table = dict(zip(problem.variables, self.symbols, strict=True))
        self.functions = [to_sympy(e, table) for e in problem.expressions]
        self.names = {s: sp.Symbol(s, real=True) for s in equation.algebra.ring.symbols}
        self.states = {n: sp.Symbol(n, real=True) for n in component_names(equation, problem)}
        self.term = cache(self._term)
        self.derivative = cache(self._derivative)
        clash = set(problem.variables) & (set(self.names) | set(self.states))
        if clash:
            name = sorted(clash)[0]
            raise UsageError(
                f"the loss's variable '{name}' is also a parameter of the scheme; rename it, or set --set {name}=..."
            )

    def coefficient(self, c: Ratio, times: Any = sp.S.One) -> Any:
        """The coefficient, factored as we factor it, times an expression."""
        parts = c.factored()

        def product(factors: Any) -> Any:
            result = sp.Integer(1)
            for monomials, e in factors:
                total = sp.Integer(0)
                for k, powers in monomials:
                    total += sp.Rational(k.numerator, k.denominator) * sp.Mul(*(self.names[n] ** p for n, p in powers))
                result *= total**e
            return result

        number = sp.Rational(parts.content.numerator, parts.content.denominator)
        # one product of all factors: sympy multiplies out a number times a single sum
        return sp.Mul(number, product(parts.numerator), 1 / product(parts.denominator), times)

    def total(self, total: TermSum) -> tuple[Any, ...]:
        """Polynomials are collected by monomials of the loss's variables; other terms stay as built."""
        variables = [*self.symbols, *self.states.values()]
        monomials: list[dict[tuple[int, ...], Ratio]] = [{} for _ in self.symbols]
        rest = [sp.Integer(0)] * len(self.symbols)
        for c, t in total:
            for i, x in enumerate(self.term(t)):
                if x.free_symbols <= set(variables) and x.is_polynomial(*variables):
                    for m, k in sp.Poly(x, *variables).terms():
                        value = c.scaled(fmpq(int(k.p), int(k.q)))
                        monomials[i][m] = monomials[i][m] + value if m in monomials[i] else value
                else:
                    rest[i] += self.coefficient(c) * x
        return tuple(self.collected(m, variables) + r for m, r in zip(monomials, rest, strict=True))

    def collected(self, monomials: Mapping[tuple[int, ...], Ratio], variables: list[Any]) -> Any:
        result = sp.Integer(0)
        for m in sorted(monomials, reverse=True):
            result += self.coefficient(monomials[m], sp.Mul(*(v**e for v, e in zip(variables, m, strict=True))))
        return result

    def _term(self, term: Term) -> list[Any]:
        values = [sp.Integer(1)] * len(self.symbols)
        for f, e in term.factors:
            exponent = Fraction(e)
            power = sp.Rational(exponent.numerator, exponent.denominator)
            values = [a * x**power for a, x in zip(values, self.factor(f), strict=True)]
        return values

    def factor(self, f: Factor) -> list[Any]:
        size = len(self.symbols)
        match f.kind:
            case "state":
                if f.scalar:
                    return [self.states[f.label]] * size
                if f.label == "theta":
                    return list(self.symbols)
                return [self.states[f"{f.label}_{x}"] for x in self.problem.variables]
            case "sum":
                return [sum(self.term(f.children[0]), sp.Integer(0))] * size
            case "abs":
                return [sp.Abs(x) for x in self.term(f.children[0])]
            case "node":
                return [self.contract(i, f.children) for i in range(size)]
        total = [sp.Integer(0)] * size
        for t, c in f.body:
            total = [a + self.coefficient(c) * x for a, x in zip(total, self.term(t), strict=True)]
        return [sp.Abs(x) for x in total] if f.kind == "root" and f.label == "abs" else total

    def contract(self, i: int, children: tuple[Term, ...]) -> Any:
        """sum over indices of d_i d_j1 .. d_jk L times the children's components, collected by multi-index."""
        size = len(self.symbols)
        form: dict[tuple[int, ...], Any] = {(0,) * size: sp.Integer(1)}
        for child in children:
            extended: dict[tuple[int, ...], Any] = {}
            for index, value in form.items():
                for j, x in enumerate(self.term(child)):
                    key = (*index[:j], index[j] + 1, *index[j + 1 :])
                    extended[key] = extended.get(key, 0) + value * x
            form = extended
        if self.problem.is_loss:
            form = {(*k[:i], k[i] + 1, *k[i + 1 :]): v for k, v in form.items()}
        which = 0 if self.problem.is_loss else i
        return sum((v * self.derivative(which, k) for k, v in form.items()), sp.Integer(0))

    def _derivative(self, which: int, index: tuple[int, ...]) -> Any:
        for j, e in enumerate(index):
            if e:
                lower = (*index[:j], e - 1, *index[j + 1 :])
                return sp.diff(self.derivative(which, lower), self.symbols[j])
        return self.functions[which]


def explicit_field(equation: ModifiedEquation, loss: str) -> dict[str, tuple[tuple[Any, ...], ...]]:
    """result[x][k][i]: component i of the coefficient of gamma^k in the equation of x; see ModifiedEquation.on_loss."""
    problem = parse_loss(loss) if equation.scheme.label == "L" else parse_field(loss)
    writer = _Explicit(equation, problem)
    return {
        x: tuple(writer.total(s)[: 1 if equation.scheme_kind(x) == "scalar" else None] for s in sums)
        for x, sums in equation.equations.items()
    }
