"""Functions of gradients and memory at a point: the Taylor coefficients of u = sgrad(theta)/(sqrt(v) + eps) for every sample.

The coordinates are those of the losses, then those of every memory that stands in a function; where memory is fast it is 0 at
the point.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import cache

from flint import fmpq

from derive.concrete.jets import Jet, Value, compose, exact, is_zero, plus, power, taylor, times
from derive.concrete.point import raised
from derive.concrete.samples import Samples
from derive.concrete.values import Undecided
from derive.errors import SingularPointError, UsageError
from derive.language import SCHEME_CALLS, Call, Expression, Meaning, Name, Operation, interpret, names_of, parse_expression
from derive.language.calls import KNOWN_FUNCTIONS, partial_of
from derive.language.samples import sample_of
from derive.noise.forests import GRADIENT
from derive.noise.generator import Generator
from derive.scheme.losses import declared_formula, formula_calls

Quantity = Jet | list[Jet]  # a number, or a vector


def parsed_functions(generator: Generator) -> dict[str, Expression]:
    """What labels stand for that are neither gradients nor variables."""
    c = generator.configuration

    def parsed(text: str) -> Expression:
        if not c.scheme.losses:
            return parse_expression(text, text, SCHEME_CALLS, c.free)
        return declared_formula(c, parse_expression(text, text, {"sgrad": None, **formula_calls(c)}, c.free), text)

    return {label: parsed(text) for label, text in generator.opaque.items()}


class SampledFunctions:
    """The functions that a generator's labels stand for; `jets` are those of the losses, through a degree above `degree`."""

    def __init__(
        self, generator: Generator, samples: Samples, jets: Sequence[Jet], state: Mapping[str, Sequence[Value]], degree: int,
        parameters: Mapping[str, Value],
    ) -> None:  # fmt: skip
        self.generator, self.samples, self.jets, self.degree = generator, samples, jets, degree
        self.state, self.parameters = state, parameters
        self.texts = parsed_functions(generator)
        unknowns, losses = generator.configuration.scheme.unknowns, len(samples.problem.variables)
        self.starts = {x: samples.problem.variables.index(samples.problem.components(x)[0]) for x in unknowns}
        self.width = losses
        for name in dict.fromkeys(n for e in self.texts.values() for n in names_of(e) if n in generator.spaces):
            if name not in self.starts:
                self.starts[name] = self.width
                self.width += len(samples.problem.components(generator.spaces[name]))
        self.of = cache(self._of)

    def _of(self, label: str, sample: int) -> list[Jet]:
        found = interpret(self.texts[label], _Sample(self, sample))
        assert isinstance(found, list)
        return found

    def variable(self, name: str) -> list[Jet]:
        """The components of a variable as coordinates."""
        start, zero = self.starts[name], (0,) * self.width
        values = self.state[name] if name in self.state else self.centre(name)
        return [{zero: x, raised(zero, start + j): fmpq(1)} for j, x in enumerate(values)]

    def centre(self, name: str) -> list[Value]:
        """What memory, or a gradient over a large batch, fluctuates about: 0, or a sum of mean gradients and functions."""
        size, zero = len(self.samples.problem.components(self.generator.spaces[name])), (0,) * self.width
        total: list[Value] = [fmpq(0)] * size
        for label, c in self.generator.centres.get(name, {}).items():
            jets = self.of(label, 0) if label in self.texts else _Sample(self, 0).mean_gradient(label)
            factor = c.at(self.parameters, exact)
            total = [x + factor * jet.get(zero, fmpq(0)) for x, jet in zip(total, jets, strict=True)]
        return total

    def gradient(self, label: str, space: str, sample: int) -> list[Jet]:
        """The components of a gradient or field of a sample."""
        extra = (0,) * (self.width - len(self.samples.problem.variables))
        found = []
        start = self.starts[space]
        for i in range(start, start + len(self.samples.problem.components(space))):
            jet = self.jets[self.samples.which(label, i, sample)]
            if self.samples.problem.is_loss:
                jet = {(*k[:i], k[i] - 1, *k[i + 1 :]): v * k[i] for k, v in jet.items() if k[i]}
            found.append({(*k, *extra): v for k, v in jet.items() if sum(k) <= self.degree})
        return found


class _Sample(Meaning[Quantity]):
    """The meaning of a text for one sample."""

    def __init__(self, functions: SampledFunctions, sample: int) -> None:
        self.functions, self.sample = functions, sample
        self.zero, self.degree = (0,) * functions.width, functions.degree
        self.weights = functions.samples.weights

    def number(self, value: Fraction) -> Quantity:
        return {self.zero: exact(value)}

    def name(self, node: Name) -> Quantity:
        if node.id in self.functions.generator.spaces:
            return self.functions.variable(node.id)
        if node.id not in self.functions.parameters:
            raise UsageError(f"{node.id} stands in a function of the sample; set it (--set {node.id}=...) or give it a value")
        return {self.zero: self.functions.parameters[node.id]}

    def each(self, a: Quantity, b: Quantity, what: Callable[[Jet, Jet], Jet]) -> Quantity:
        """An operation component by component, a number being the same for all."""
        if isinstance(a, dict) and isinstance(b, dict):
            return what(a, b)
        count = len(b) if isinstance(a, dict) else len(a)
        left, right = ([x] * count if isinstance(x, dict) else x for x in (a, b))
        return [what(x, y) for x, y in zip(left, right, strict=True)]

    def negate(self, a: Quantity) -> Quantity:
        return self.each(a, {self.zero: fmpq(-1)}, self._times)

    def _times(self, x: Jet, y: Jet) -> Jet:
        return times(x, y, self.degree)

    def add(self, a: Quantity, b: Quantity, node: Operation) -> Quantity:
        return self.each(a, b, plus)

    def subtract(self, a: Quantity, b: Quantity, node: Operation) -> Quantity:
        return self.add(a, self.negate(b), node)

    def multiply(self, a: Quantity, b: Quantity, node: Operation) -> Quantity:
        return self.each(a, b, self._times)

    def divide(self, a: Quantity, b: Quantity, node: Operation) -> Quantity:
        return self.multiply(a, self._power(b, Fraction(-1)), node)

    def power(self, base: Quantity, exponent: Fraction, node: Operation) -> Quantity:
        return self._power(base, exponent)

    def _power(self, a: Quantity, exponent: Fraction) -> Quantity:
        if isinstance(a, list):
            return [power(x, exponent, self.degree, self.zero) for x in a]
        return power(a, exponent, self.degree, self.zero)

    def call(self, node: Call, args: list[Quantity]) -> Quantity:
        function, sample = sample_of(node.function)
        partial = partial_of(function)
        if not partial and function not in ("grad", "field"):
            return self._function(function, args)
        label = function if partial else GRADIENT
        return self.gradient(label, self.sample) if sample else self.mean_gradient(label)

    def gradient(self, label: str, sample: int) -> list[Jet]:
        partial, unknowns = partial_of(label), self.functions.generator.configuration.scheme.unknowns
        return self.functions.gradient(label, partial.variables[0] if partial else next(iter(unknowns)), sample)

    def mean_gradient(self, label: str) -> list[Jet]:
        of = [self.gradient(label, k) for k in range(len(self.weights))]
        return [self._mean([g[i] for g in of]) for i in range(len(of[0]))]

    def _mean(self, each: Sequence[Jet]) -> Jet:
        return self._sum([self._times(x, {self.zero: exact(w)}) for x, w in zip(each, self.weights, strict=True)])

    def _function(self, function: str, args: list[Quantity]) -> Quantity:
        a = args[0]
        if function in ("dot", "norm", "mean"):
            parts = a if isinstance(a, list) else [a]
            if function == "mean":
                return self._times(self._sum(parts), {self.zero: fmpq(1, len(parts))})
            other = args[1] if function == "dot" else a
            product = self.each(a, other, self._times)
            total = self._sum(product if isinstance(product, list) else [product])
            return total if function == "dot" else self._power(total, Fraction(1, 2))
        one = {"sqrt": self._root, "abs": self._abs, "sign": self._sign}.get(function)
        if one is None and function not in KNOWN_FUNCTIONS:
            raise UsageError(f"{function} has no values on losses here")
        apply = one or (lambda x: compose(taylor(function, x.get(self.zero, fmpq(0)), self.degree), x, self.degree))
        return [apply(x) for x in a] if isinstance(a, list) else apply(a)

    def _sum(self, parts: Sequence[Jet]) -> Jet:
        total: Jet = {}
        for x in parts:
            total = plus(total, x)
        return total

    def _root(self, x: Jet) -> Jet:
        return power(x, Fraction(1, 2), self.degree, self.zero)

    def _sign(self, x: Jet) -> Jet:
        centre = x.get(self.zero, fmpq(0))
        if is_zero(centre):
            raise SingularPointError("the sign of zero: a function in the update has no derivatives at this point")
        if not isinstance(centre, fmpq) and centre.contains(0):
            raise Undecided
        return {self.zero: fmpq(1 if centre > 0 else -1)}

    def _abs(self, x: Jet) -> Jet:
        return self._times(x, self._sign(x))
