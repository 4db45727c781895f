"""Functions of samples on trees of arrays: a sample's gradient, and functions of it such as m/(sqrt(v) + eps).

The point is everything that these depend on: the unknowns, slow memory, and what functions name besides, which stands at its
centre.  Sums over samples are mapped by the library; a sample is one entry of the arrays that hold the data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from operator import add, mul
from typing import Any

from derive.algebra.coefficients import Ratio
from derive.concrete.sampled_functions import parsed_functions
from derive.errors import UsageError
from derive.language import Call, Entrywise, Expression, Name, Operation, interpret, names_of, walk
from derive.language.calls import KNOWN_FUNCTIONS, partial_of
from derive.language.samples import sample_of
from derive.network.backend import Backend, Function, Scalar, Tree, among, check_scalar, coefficient_at, multilinear
from derive.noise.forests import GRADIENT, NORMAL
from derive.noise.generator import Generator


class SampledTrees:
    """See `derive.network.tied.Sampled`.

    losses    of every loss its value for one sample, a function of the point and the sample; or `field`
    samples   a tree of arrays, whose first axis goes over the samples
    weights   the probabilities
    """

    def __init__(
        self, generator: Generator, backend: Backend, losses: Mapping[str, Function], field: Function | None, samples: Tree,
        weights: Any, state: Mapping[str, Tree], numbers: Mapping[str, Scalar],
    ) -> None:  # fmt: skip
        self.generator, self.backend, self.losses, self.field = generator, backend, losses, field
        self.samples, self.weights, self.slow, self.numbers = samples, weights, state, numbers
        self.unknowns = tuple(generator.configuration.scheme.unknowns)
        self.point = dict(state)
        for name in self._named():
            self.point[name] = self._centre(name)

    @cached_property
    def texts(self) -> dict[str, Expression]:
        return parsed_functions(self.generator)

    def _named(self) -> list[str]:
        found = dict.fromkeys(n for e in self.texts.values() for n in names_of(e) if n in self.generator.spaces)
        return [n for n in found if n not in self.slow]

    def _centre(self, name: str) -> Tree:
        """What memory, or a gradient over a large batch, fluctuates about: 0, or a sum of mean gradients and functions."""
        total = self.zero(self.generator.spaces[name])
        for label, c in self.generator.centres.get(name, {}).items():
            total = self.plus(total, self.scaled(coefficient_at(c, self.numbers), self.derivative(label, None, [])))
        return total

    # ------------------------------------------------------------------ vectors

    def zero(self, space: str) -> Tree:
        return self.backend.map(lambda x: self.backend.full(x, 0), self.slow[space])

    def plus(self, a: Tree, b: Tree) -> Tree:
        return self.backend.map(add, a, b)

    def scaled(self, c: Scalar, a: Tree) -> Tree:
        return self.backend.map(lambda x: c * x, a)

    def inner(self, a: Tree, b: Tree) -> Scalar:
        return sum(self.backend.total(x) for x in self.backend.leaves(self.backend.map(mul, a, b)))

    # ------------------------------------------------------------------ sums

    def over_samples(self, f: Function, weights: Any = None) -> Any:
        return self._summed(self.backend.mapped(f, self.samples), self.weights if weights is None else weights)

    def root(self, x: Scalar) -> Scalar:
        return self.backend.sqrt(x)

    def with_roots_of_weights(self, z: Any) -> Any:
        return self.backend.sqrt(self.weights) * z

    def over_normal(self, f: Function) -> Any:
        units = self.backend.units(self.slow[self.generator.spaces[NORMAL]])
        return self.backend.map(lambda x: x.sum(0), self.backend.mapped(f, units))

    def _summed(self, values: Any, weights: Any) -> Any:
        return self.backend.map(lambda x: (weights.reshape(-1, *[1] * (x.ndim - 1)) * x).sum(0), values)

    # ------------------------------------------------------------------ functions

    def state(self, label: str) -> Tree | None:
        return self.slow.get(label)

    def coefficient(self, c: Ratio) -> Scalar:
        return coefficient_at(c, self.numbers)

    def derivative(self, label: str, sample: Any, directions: Sequence[tuple[str, Tree]]) -> Tree:
        point = self.point if label in self.texts else {x: self.point[x] for x in self.unknowns}
        f = self._of_text(label, sample) if label in self.texts else self._field(label, sample)
        if len(point) > 1:
            along = [among(self.backend, point, slot, v) for slot, v in directions]
            return multilinear(self.backend, f, len(along))(point, *along)
        ((x, value),) = point.items()
        return multilinear(self.backend, lambda y: f({x: y}), len(directions))(value, *(v for _, v in directions))

    def _field(self, label: str, sample: Any) -> Function:
        """point -> the gradient of a sample's loss, or of the mean loss; or the field."""
        field, partial = self.field, partial_of(label)
        if field is not None and partial is None:
            only = self.unknowns[0]
            if sample is not None:
                return lambda point: field(point[only], sample)
            return lambda point: self.over_samples(lambda s: field(point[only], s))
        loss, unknown = (partial.loss, partial.variables[0]) if partial else (GRADIENT, self.unknowns[0])
        of = self.losses[loss]
        value = (lambda point: of(point, sample)) if sample is not None else (lambda point: self._mean_loss(of, point))
        whole = self.backend.gradient(value)
        return lambda point: whole({x: point[x] for x in self.unknowns})[unknown]

    def _mean_loss(self, loss: Function, point: Mapping[str, Tree]) -> Scalar:
        values = self.backend.mapped(lambda s: loss(point, s), self.samples)
        check_scalar(tuple(values.shape[1:]), True)
        return (self.weights * values).sum()

    def _of_text(self, label: str, sample: Any) -> Function:
        expression = self.texts[label]
        drawn = any(isinstance(node, Call) and sample_of(node.function)[1] for node in walk(expression))

        def at(point: Mapping[str, Tree], s: Any) -> Tree:
            return interpret(expression, _OnTrees(self, point, s)).tree

        if sample is None and drawn:
            return lambda point: self.over_samples(lambda s: at(point, s))
        return lambda point: at(point, sample)


@dataclass(frozen=True)
class _Entries:
    """A vector among the values of a text; others are numbers."""

    tree: Tree


class _OnTrees(Entrywise):
    """The meaning of a text at a point, for one sample."""

    def __init__(self, sampled: SampledTrees, point: Mapping[str, Tree], sample: Any) -> None:
        self.sampled, self.backend, self.point, self.sample = sampled, sampled.backend, point, sample

    def each(self, f: Callable[..., Any], *values: Any) -> Any:
        trees = [v.tree for v in values if isinstance(v, _Entries)]
        if not trees:
            return f(*values)

        def at(*entries: Any) -> Any:
            found = iter(entries)
            return f(*(next(found) if isinstance(v, _Entries) else v for v in values))

        return _Entries(self.backend.map(at, *trees))

    def number(self, value: Fraction) -> float:
        return float(value)

    def name(self, node: Name) -> Any:
        if node.id in self.point:
            return _Entries(self.point[node.id])
        if node.id not in self.sampled.numbers:
            raise UsageError(f"{node.id} needs a value: hyper={{'{node.id}': ...}}")
        return self.sampled.numbers[node.id]

    def power(self, base: Any, exponent: Fraction, node: Operation) -> Any:
        whole = int(exponent) if exponent.denominator == 1 else float(exponent)
        return self.each(lambda x: x**whole, base)

    def call(self, node: Call, args: list[Any]) -> Any:
        function, drawn = sample_of(node.function)
        partial = partial_of(function)
        if partial or function in ("grad", "field"):
            label = function if partial else GRADIENT
            return _Entries(self.sampled._field(label, self.sample if drawn else None)(self.point))
        return self._function(function, *args)

    def _function(self, function: str, a: Any, b: Any = None) -> Any:
        if function in ("dot", "norm", "mean"):
            return self._contracted(function, a, b)
        one = {"sqrt": self.backend.sqrt, "abs": self.backend.absolute, "sign": self.backend.sign}.get(function)
        if one is None and function not in KNOWN_FUNCTIONS:
            raise UsageError(f"{function} is not computed on trees of arrays")
        return self.each(one or (lambda x: self.backend.known(function, x)), a)

    def _contracted(self, function: str, a: Any, b: Any) -> Scalar:
        if function == "dot":
            return self.sampled.inner(a.tree, b.tree)
        leaves = self.backend.leaves(a.tree)
        if function == "mean":
            return sum(self.backend.total(x) for x in leaves) / sum(self.backend.size(x) for x in leaves)
        return self.backend.sqrt(self.sampled.inner(a.tree, a.tree))
