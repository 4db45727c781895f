"""A law on sample losses that are written down, at many points at once: numpy arrays with one axis of components.

The functions of samples are expressions, differentiated by sympy once each and evaluated on arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, reduce
from itertools import product
from operator import mul
from typing import Any

import numpy as np
import sympy as sp

from derive.algebra.coefficients import Ratio
from derive.concrete.explicit import to_sympy
from derive.concrete.sampled_functions import parsed_functions
from derive.concrete.samples import Losses, Samples, parse_samples
from derive.errors import UsageError
from derive.language import Call, Entrywise, Name, Operation, interpret, names_of
from derive.language.calls import KNOWN_FUNCTIONS, partial_of
from derive.language.samples import sample_of
from derive.network.backend import coefficient_at
from derive.network.law import Hyper, Law
from derive.network.points import ArrayValues, components_at
from derive.noise.forests import GRADIENT, NORMAL
from derive.noise.generator import Generator

Array = Any


@dataclass(frozen=True, eq=False, repr=False)
class LawPoints(Law):
    """points -> the parts of a law at every point of an array (..., d), or of a mapping of each variable to an array.

    >>> from derive import modified_sde
    >>> f = modified_sde("sgd", 1).function(["x**2/2", "x**2/2 + x"], backend="numpy")
    >>> [b.tolist() for b in f.drift([[1.0], [3.0]])["theta"]], [b.tolist() for b in f.covariance([1.0], [2.0])["theta"]]
    ([[[-1.5], [-3.5]], [[-0.75], [-1.75]]], [[0.0], [0.5]])
    """

    formulas: Formulas

    def _sampled(self, params: Any, hyper: Hyper, slow: Hyper) -> SampledPoints:
        samples = self.formulas.samples
        numbers = self._numbers(hyper, slow, len(samples.weights))
        return SampledPoints(self.formulas, components_at(samples.problem.variables, params), numbers, slow or {})


class Formulas:
    """The functions of the samples as expressions in the variables of the losses and the components of memory."""

    def __init__(self, generator: Generator, samples: Samples) -> None:
        self.generator, self.samples = generator, samples
        self.texts = parsed_functions(generator)
        problem = samples.problem
        unknowns = generator.configuration.scheme.unknowns
        self.coordinates = {x: [_symbol(c) for c in problem.components(x)] for x in unknowns}
        named = (n for e in self.texts.values() for n in names_of(e))
        for v in dict.fromkeys(n for n in named if n in generator.spaces and n not in unknowns):
            self.coordinates[v] = [_symbol(f"{v}_{c}") for c in problem.components(generator.spaces[v])]
        table = {c.name: c for x in unknowns for c in self.coordinates[x]}
        table |= {n: _symbol(n) for n in problem.parameters} | {"pi": sp.pi, "e": sp.E}
        self.losses = [to_sympy(e, table) for e in problem.expressions]
        self.of, self.partial = cache(self._of), cache(self._partial)

    def _of(self, label: str, sample: int) -> list[Any]:
        """The components of a label's function of a sample."""
        if label in self.texts:
            found = interpret(self.texts[label], _Formula(self, sample))
            return list(found)
        partial, which = partial_of(label), self.samples.which
        unknown = partial.variables[0] if partial else next(iter(self.generator.configuration.scheme.unknowns))
        space = self.coordinates[unknown]
        if not self.samples.problem.is_loss:
            return [self.losses[which(label, i, sample)] for i in range(len(space))]
        return [sp.diff(self.losses[which(label, 0, sample)], x) for x in space]

    def _partial(self, label: str, sample: int, i: int, along: tuple[Any, ...]) -> Any:
        return sp.diff(self.partial(label, sample, i, along[:-1]), along[-1]) if along else self.of(label, sample)[i]

    def mean(self, label: str) -> list[Any]:
        each = [self.of(label, s) for s in range(len(self.samples.weights))]
        return [sum(sp.Rational(w.numerator, w.denominator) * f[i] for w, f in zip(self.samples.weights, each, strict=True))
                for i in range(len(each[0]))]  # fmt: skip


class SampledPoints(ArrayValues):
    """See `derive.network.law.Evaluated`; a vector is an array (..., d), a sample its number."""

    def __init__(
        self, formulas: Formulas, components: Sequence[Array], numbers: Mapping[str, Any], slow: Mapping[str, Any]
    ) -> None:
        self.formulas, self.generator, self.numbers = formulas, formulas.generator, numbers
        problem = formulas.samples.problem
        self.shape = np.broadcast_shapes(*(c.shape for c in components))
        self.weights = [float(w) for w in formulas.samples.weights]
        at = dict(zip(problem.variables, components, strict=True))
        unknowns = self.generator.configuration.scheme.unknowns
        self.slow = {x: self._stacked([at[c] for c in problem.components(x)]) for x in unknowns}
        for v in self.generator.slow:
            if v not in self.slow:
                if v not in slow:
                    raise UsageError(f"{v} needs a value: slow={{'{v}': ...}}, as the points are")
                self.slow[v] = np.asarray(slow[v], float)
        self.values = {sp.pi: np.pi, sp.E: np.e} | {_symbol(n): x for n, x in numbers.items()}
        for v, symbols in formulas.coordinates.items():
            vector = self.slow[v] if v in self.slow else self._centre(v)
            self.values |= dict(zip(symbols, np.moveaxis(vector, -1, 0), strict=True))

    def _centre(self, name: str) -> Array:
        total = self.zero(self.generator.spaces[name])
        for label, c in self.generator.centres.get(name, {}).items():
            total = total + self.coefficient(c) * self.derivative(label, None, [])
        return total

    def _stacked(self, columns: Sequence[Array]) -> Array:
        return np.stack([np.broadcast_to(np.asarray(c, float), self.shape) for c in columns], -1)

    # ------------------------------------------------------------------ vectors

    def zero(self, space: str) -> Array:
        return np.zeros((*self.shape, len(self.formulas.samples.problem.components(space))))

    def plus(self, a: Any, b: Any) -> Any:
        return {x: a[x] + b[x] for x in a} if isinstance(a, dict) else a + b

    def scaled(self, c: Any, a: Any) -> Any:
        if isinstance(a, dict):
            return {x: self.scaled(c, v) for x, v in a.items()}
        return np.asarray(c)[..., None] * a

    def inner(self, a: Array, b: Array) -> Array:
        return (a * b).sum(-1)

    def root(self, x: Any) -> Any:
        return np.sqrt(x)

    def with_roots_of_weights(self, z: Any) -> Any:
        return np.sqrt(self.weights) * np.asarray(z, float)

    def over_samples(self, f: Callable[[int], Any], weights: Any = None) -> Any:
        each = np.moveaxis(weights, -1, 0) if weights is not None else self.weights
        return reduce(self.plus, [self.scaled(w, f(s)) for s, w in enumerate(each)])

    def over_normal(self, f: Callable[[Array], Any]) -> Any:
        zero = self.zero(self.generator.spaces[NORMAL])
        return reduce(self.plus, [f(zero + unit) for unit in np.eye(zero.shape[-1])])

    # ------------------------------------------------------------------ functions

    def state(self, label: str) -> Array | None:
        return self.slow.get(label)

    def coefficient(self, c: Ratio) -> Any:
        return coefficient_at(c, self.numbers)

    def derivative(self, label: str, sample: int | None, directions: Sequence[tuple[str, Array]]) -> Array:
        if sample is None:
            return self.over_samples(lambda s: self.derivative(label, s, directions))
        axes = [list(zip(self.formulas.coordinates[slot], np.moveaxis(v, -1, 0), strict=True)) for slot, v in directions]
        columns = []
        for i in range(len(self.formulas.of(label, sample))):
            total: Any = 0.0
            for chosen in product(*axes):
                along = tuple(sorted((x for x, _ in chosen), key=str))
                total = total + reduce(
                    mul, (v for _, v in chosen), self.evaluated(self.formulas.partial(label, sample, i, along))
                )
            columns.append(total)
        return self._stacked(columns)


class _Sign(sp.Function):  # type: ignore[misc]
    """A sign whose derivative is zero: away from zero that is what it is."""

    def fdiff(self, argindex: int = 1) -> Any:
        return sp.Integer(0)


class _Formula(Entrywise):
    """A function of a sample: an expression, or a list of them."""

    def __init__(self, formulas: Formulas, sample: int) -> None:
        self.formulas, self.sample = formulas, sample

    def each(self, f: Callable[..., Any], *values: Any) -> Any:
        sizes = {len(v) for v in values if isinstance(v, list)}
        if not sizes:
            return f(*values)
        (size,) = sizes
        return [f(*(v[i] if isinstance(v, list) else v for v in values)) for i in range(size)]

    def number(self, value: Fraction) -> Any:
        return sp.Rational(value.numerator, value.denominator)

    def name(self, node: Name) -> Any:
        return self.formulas.coordinates.get(node.id) or _symbol(node.id)

    def power(self, base: Any, exponent: Fraction, node: Operation) -> Any:
        return self.each(lambda x: x ** sp.Rational(exponent.numerator, exponent.denominator), base)

    def call(self, node: Call, args: list[Any]) -> Any:
        function, drawn = sample_of(node.function)
        partial = partial_of(function)
        if partial or function in ("grad", "field"):
            label = function if partial else GRADIENT
            return self.formulas.of(label, self.sample) if drawn else self.formulas.mean(label)
        if function in ("dot", "norm", "mean"):
            a, b = args[0], args[-1]
            if function == "mean":
                return sum(a) / len(a)
            total = sum(self.each(mul, a, b))
            return total if function == "dot" else sp.sqrt(total)
        signs = {"sign": _Sign, "abs": lambda x: x * _Sign(x)}
        if function not in signs and function not in KNOWN_FUNCTIONS and function != "sqrt":
            raise UsageError(f"{function} is not computed on points")
        return self.each(signs.get(function) or getattr(sp, function), *args)


def _symbol(name: str) -> Any:
    return sp.Symbol(name, real=True)


def law_points(
    generator: Generator, losses: Losses, weights: Any = None, parameters: Sequence[str] = (), variables: Any = None
) -> LawPoints:
    """The function of a generator on the losses of samples; see `WeakEquation.function`."""
    samples = parse_samples(generator.configuration, losses, weights, parameters, variables)
    return LawPoints(generator, Formulas(generator, samples))
