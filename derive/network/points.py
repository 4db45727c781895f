"""A modified equation on a loss that is written down, at many points at once: numpy arrays with one axis of components.

The derivatives of the loss are expressions (`derive.concrete.explicit`), computed once each and evaluated on arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from derive.algebra.calculus import is_loss
from derive.algebra.coefficients import Ratio
from derive.algebra.terms import Exponent, Factor
from derive.concrete.explicit import Expressions
from derive.concrete.games import Texts
from derive.concrete.names import problem_of
from derive.concrete.point import Index, Point, WithoutMaps
from derive.concrete.problem import Problem
from derive.concrete.values import spread
from derive.errors import UsageError
from derive.network.backend import coefficient_at
from derive.result import Combination, Described, Equation

Array = Any
_FUNCTIONS: dict[str, Callable[..., Array]] = {
    "exp": np.exp, "log": np.log, "sin": np.sin, "cos": np.cos, "tan": np.tan, "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh,
    "atan": np.arctan, "Abs": np.abs, "sign": np.sign, "_Sign": np.sign,
}  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class PointsFunction(Described):
    """points -> [f_0, f_1, ...] by name of the slow variable, at every point of an array (..., d).

    >>> from derive import modified_equation
    >>> f = modified_equation("gd", 1).function("x**4/4 + x*y**2", backend="numpy")
    >>> f(np.array([[0.5, 2.0], [1.0, 0.0]]))["theta"][1].tolist()
    [[-5.546875, -9.25], [-1.5, 0.0]]
    """

    equation: Equation
    problem: Problem
    expressions: Expressions

    def __call__(
        self, points: Any, hyper: Mapping[str, float] | None = None, slow: Mapping[str, Any] | None = None
    ) -> dict[str, list[Array]]:
        """[f_0, f_1, ...], arrays (..., d); of a scalar variable (...).

        points    an array (..., d), components in the order of `problem.variables`, or a mapping of each variable to an array
        hyper     parameters of the scheme and of the loss
        slow      the other slow variables: time "t", memory as arrays (..., d), numbers as arrays (...)
        """
        components = components_at(self.problem.variables, points)
        numbers = _Arrays(self.equation, self.expressions, self.problem, components, hyper or {}, slow or {})
        point = _AtArrays(numbers, self.problem.spans, self.problem.partition)
        found: dict[str, list[Array]] = {}
        for x, sums in self.equation.equations.items():
            size = 1 if self.equation.scheme_kind(x) == "scalar" else len(self.problem.components(self.equation.space(x)))
            found[x] = [self._array(point, s, size, numbers.shape) for s in sums]
        return found

    @staticmethod
    def _array(point: Point, total: Combination, size: int, shape: tuple[int, ...]) -> Array:
        values = spread(point.total((t, c) for c, t in total), size)
        columns = [np.broadcast_to(np.asarray(x, float), shape) for x in values]
        return np.array(columns[0]) if size == 1 and len(columns) == 1 and len(point.one()) != 1 else np.stack(columns, -1)

    def describe(self) -> str:
        return f"{self.equation.name} on {self.problem.text}"


def components_at(variables: Sequence[str], points: Any) -> list[Array]:
    """An array for every variable: of an array (..., d), or of a mapping."""
    if isinstance(points, Mapping):
        if set(points) != set(variables):
            known = ", ".join(variables)
            raise UsageError(f"points: the variables of the loss are {known}, and {', '.join(points)} were given")
        return [np.asarray(points[v], float) for v in variables]
    array = np.asarray(points, float)
    if array.ndim == 0 or array.shape[-1] != len(variables):
        known = f"the {len(variables)} components {', '.join(variables)}"
        raise UsageError(f"points: the last axis has {known}; the array has the shape {array.shape}")
    return list(np.moveaxis(array, -1, 0))


class _AtArrays(Point):
    def vanishes(self, x: Array) -> bool:
        return False


class ArrayValues:
    """Values of sympy expressions on arrays, each part of an expression once; `values` begins with those of symbols."""

    values: dict[Any, Array]

    def evaluated(self, e: Any) -> Array:
        """A sympy expression on arrays; each part once."""
        found = self.values.get(e)
        if found is None:
            found = self.values[e] = self._evaluated(e)
        return found

    def _evaluated(self, e: Any) -> Array:
        if e.is_Number:
            return float(e)
        if e.is_Symbol:
            raise UsageError(f"{e} needs a value: hyper={{'{e}': ...}}")
        args = [self.evaluated(a) for a in e.args]
        if e.is_Add:
            return sum(args[1:], args[0])
        if e.is_Mul:
            return np.prod(np.broadcast_arrays(*args), axis=0)
        if e.is_Pow:
            base, exponent = args[0], e.exp
            return np.sqrt(base) ** int(2 * exponent) if exponent.is_Rational and exponent.q == 2 else base ** args[1]
        return _FUNCTIONS[e.func.__name__](*args)


class _Arrays(ArrayValues, WithoutMaps):
    """Numbers at many points: every number is an array over the points."""

    def __init__(
        self, equation: Equation, expressions: Expressions, problem: Problem, components: list[Array],
        hyper: Mapping[str, float], slow: Mapping[str, Any],
    ) -> None:  # fmt: skip
        self.algebra, self.expressions, self.problem, self.components = equation.algebra, expressions, problem, components
        self.hyper, self.slow, self.size = hyper, slow, expressions.size
        self.shape = np.broadcast_shapes(*(c.shape for c in components))
        self.values: dict[Any, Array] = dict(zip(expressions.symbols, components, strict=True))
        self.values |= {sp.Symbol(n, real=True): hyper[n] for n in problem.parameters if n in hyper}
        self.values |= {sp.pi: np.pi, sp.E: np.e}
        self.numbers = {**hyper, **{n: v for n, v in slow.items() if n in equation.algebra.ring.symbols}}

    def rational(self, value: Any) -> float:
        return float(value)

    def state(self, f: Factor) -> list[Array]:
        if f.scalar and is_loss(f, self.algebra):
            return [self.evaluated(self.expressions.functions[self.problem.which(f.label, 0)])] * self.size
        if not f.scalar and self.problem.is_unknown(f.label):
            span = self.problem.spans.get(f.label)
            return self.components[span.start : span.stop] if span else self.components
        if f.label not in self.slow:
            raise UsageError(f"{f.label} needs a value: slow={{'{f.label}': ...}}")
        value = np.asarray(self.slow[f.label], float)
        return [value] * self.size if f.scalar else list(np.moveaxis(value, -1, 0))

    def derivative(self, label: str, i: int, index: Index) -> Array:
        return self.evaluated(self.expressions.derivative(label, i, index))

    def elsewhere(self, label: str, point: Sequence[Array], degree: int) -> Callable[[int, Index], Array]:
        known = {e: v for e, v in self.values.items() if not e.free_symbols & set(self.expressions.symbols)}
        other = copy(self)
        other.values = {**known, **dict(zip(self.expressions.symbols, point, strict=True))}
        return lambda i, index: other.derivative(label, i, index)

    def power(self, x: Array, exponent: Exponent, f: Factor) -> Array:
        return x ** float(exponent)

    def absolute(self, x: Array) -> Array:
        return abs(x)

    def known(self, name: str, x: Array) -> Array:
        """By the expression of the function."""
        letter = sp.Dummy()
        self.values[letter] = x
        return self.evaluated(self.expressions.known(name, letter))

    def coefficient(self, c: Ratio) -> Array:
        return coefficient_at(c, self.numbers)


def points_function(equation: Equation, loss: Texts) -> PointsFunction:
    """The function of an equation on the loss of a text; see `ModifiedEquation.function`."""
    if callable(loss):
        kind = type(loss).__name__
        raise UsageError(f"backend numpy takes a loss that is a text, as 'x**2/2', not {kind}; write backend='jax' or 'torch'")
    problem = problem_of(equation, loss)
    return PointsFunction(equation, problem, Expressions(equation, problem))
