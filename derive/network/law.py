"""The law of a stochastic optimizer as functions: drift and covariance by powers of gamma, noise to sample, the generator.

    E phi(theta_n) = (exp(n gamma G) phi)(theta_0),      G phi = sum_k gamma^k (b_k . phi' + 1/2 D_k : phi'' + ...)

    f = modified_sde("sgd", 1, batch="B").function(loss, samples)      # loss(params, sample): a number
    f.drift(params, {"B": 8})["theta"]                                 # [b_0, b_1], trees like params
    f.covariance(params, v, {"B": 8})["theta"]                         # [D_0 v, D_1 v]

Expectations over samples are sums over all of them, mapped by the library; nothing is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, partial
from typing import Any, Protocol

import numpy as np

from derive.algebra.coefficients import Ratio
from derive.concrete.jets import exact
from derive.concrete.values import time_values
from derive.errors import UsageError
from derive.language import Arithmetic, Name, Operation, interpret, parse_expression
from derive.network.backend import Backend, Function, Scalar, Tree, among, multilinear
from derive.network.factor import Column, Factored, factored
from derive.network.function import load_backend
from derive.network.samples import SampledTrees
from derive.network.tied import Roots, Sampled, TiedVectors, moments
from derive.noise.generator import Generator
from derive.noise.reshuffled import EpochGenerator
from derive.result import Described, named

Hyper = Mapping[str, Any] | None


class Evaluated(Sampled, Protocol):
    """Functions of samples at a point, with numbers for symbols."""

    def coefficient(self, c: Ratio) -> Any: ...

    def zero(self, space: str) -> Any: ...

    def root(self, x: Any) -> Any:
        """The square root of a number."""

    def with_roots_of_weights(self, z: Any) -> Any:
        """Numbers, one a sample, times the square roots of the probabilities."""


@dataclass(frozen=True, eq=False, repr=False)
class Law(Described):
    """The parts of a generator at a point; a point, vectors and numbers are those of a library."""

    generator: Generator

    def _sampled(self, params: Any, hyper: Hyper, slow: Hyper) -> Evaluated:
        raise NotImplementedError

    # ------------------------------------------------------------------ forests

    @cached_property
    def _parts(self) -> list[list[tuple[Ratio, Roots]]]:
        """By powers of gamma: (coefficient, forest), cumulants written in moments."""
        return [
            [(c.scaled(factor), roots) for forest, c in power.items() for factor, roots in moments(forest)]
            for power in self.generator.powers
        ]

    def _slots(self, roots: Roots) -> list[str]:
        return [s or self.generator.spaces[t.label] for s, t in zip(roots.slots, roots.trees, strict=True)]

    def _totals(
        self, sampled: Evaluated, count: int, joined: Callable[[list[str], list[Any]], dict[str, Any]]
    ) -> dict[str, list[Any]]:
        """By slow variable and power the sum of `joined` over the forests with so many roots."""
        vectors = TiedVectors(sampled, self.generator.spaces)
        found: dict[str, list[Any]] = {x: [] for x in self.generator.slow}
        for part in self._parts:
            total = {x: sampled.zero(self.generator.spaces[x]) for x in found}
            for c, roots in part:
                if len(roots.trees) != count:
                    continue
                value = vectors.forest(roots, partial(joined, self._slots(roots)))
                total |= {x: sampled.plus(total[x], sampled.scaled(sampled.coefficient(c), y)) for x, y in value.items()}
            for x, y in total.items():
                found[x].append(y)
        return found

    # ------------------------------------------------------------------ what is asked for

    def drift(self, params: Any, hyper: Hyper = None, slow: Hyper = None) -> dict[str, list[Any]]:
        """[b_0, b_1, ...] for every slow variable.

        params    a tree of arrays; of several unknowns, a mapping of each to its own
        hyper     parameters of the scheme and the size of a batch: a number each, which the library may trace
        slow      the other slow variables: time "t", memory as a tree like the parameters
        """
        return self._totals(self._sampled(params, hyper, slow), 1, lambda slots, v: {slots[0]: v[0]})

    def covariance(self, params: Any, vector: Any, hyper: Hyper = None, slow: Hyper = None) -> dict[str, list[Any]]:
        """[D_0 v, D_1 v, ...], D the diffusion matrix; v is like the parameters, of several slow variables a mapping of each."""
        sampled = self._sampled(params, hyper, slow)
        given = self._by_slow("vector", vector)

        def joined(slots: list[str], roots: list[Any]) -> dict[str, Any]:
            (x, y), (a, b) = slots, roots
            first = sampled.scaled(sampled.inner(b, given[y]), a)
            second = sampled.scaled(sampled.inner(a, given[x]), b)
            return {x: sampled.plus(first, second)} if x == y else {x: first, y: second}

        return self._totals(sampled, 2, joined)

    @property
    def power(self) -> int:
        """The first power of gamma with noise, D = gamma^power (D_power + ...)."""
        return self._factor.power

    @property
    def columns(self) -> tuple[Column, ...]:
        """What the noise of `noise` is made of: an entry each."""
        return self._factor.columns

    @cached_property
    def _factor(self) -> Factored:
        return factored(self.generator)

    def noise(self, params: Any, draws: Sequence[Any], hyper: Hyper = None, slow: Hyper = None) -> dict[str, Any]:
        """S z by slow variable, S S^T = D_power: its covariance is that of the first noise, for independent standard normal z.

        draws     an entry for each of `columns`: "samples", one number a sample; "normal", a vector like the parameters

        Raises UsageError where D_power is no covariance of that form.
        """
        sampled = self._sampled(params, hyper, slow)
        if len(draws) != len(self.columns):
            kinds = ", ".join(c.kind for c in self.columns)
            raise UsageError(f"draws: {len(draws)} entries, and the noise has {len(self.columns)} ({kinds})")
        vectors = TiedVectors(sampled, self.generator.spaces)
        total: dict[str, Any] = {}
        for column, z in zip(self.columns, draws, strict=True):
            for slot, vector in column.applied(vectors, sampled, z).items():
                total[slot] = sampled.plus(total[slot], vector) if slot in total else vector
        return {x: total[x] if x in total else sampled.zero(self.generator.spaces[x]) for x in self.generator.slow}

    def _by_slow(self, what: str, given: Any) -> Mapping[str, Any]:
        slow = self.generator.slow
        if len(slow) == 1:
            return {slow[0]: given}
        if not isinstance(given, Mapping) or set(given) != set(slow):
            raise UsageError(f"{what}: a mapping with the keys {', '.join(slow)}")
        return given

    def _numbers(self, hyper: Hyper, slow: Hyper, samples: int) -> dict[str, Any]:
        """The values of symbols."""
        given, c = {**(hyper or {})}, self.generator.configuration
        for name, value in (slow or {}).items():
            if name == "t":
                given["t"] = value
                given |= _of_time(c.functions, value, self.generator.order + 2)
            elif name not in self.generator.slow:
                raise UsageError(f"the equation knows no {name} (it has {', '.join(self.generator.slow)})")
        return given | _of_epochs(self.generator, given, samples)

    def describe(self) -> str:
        return f"{named(self.generator.configuration)}, the law through gamma^{self.generator.order}"


@dataclass(frozen=True, eq=False, repr=False)
class LawFunction(Law):
    """A law on trees of arrays: functions of the parameters that the library can compile, differentiate and map."""

    backend: Backend
    losses: Mapping[str, Function]
    of_field: Function | None
    samples: Tree
    weights: Any

    def of(self, samples: Tree, weights: Any = None) -> LawFunction:
        """The same on other samples: under jit these can be traced."""
        return replace(self, samples=samples, weights=_weights(self.backend, samples, weights))

    def on(self, phi: Function, params: Any, hyper: Hyper = None, slow: Hyper = None) -> list[Any]:
        """[G_0 phi, G_1 phi, ...] at the point, phi a function of the parameters, of several slow variables of a mapping of them.

        What it gives is a function again: (G G phi) is f.on(lambda x: f.on(phi, x)[0], params)[0].
        """
        sampled = self._sampled(params, hyper, slow)
        vectors = TiedVectors(sampled, self.generator.spaces)
        state = {x: sampled.state(x) for x in self.generator.slow}
        alone = len(state) == 1
        of: Function = (lambda s: phi(next(iter(s.values())))) if alone else phi
        zero = self.backend.map(lambda x: 0 * x, of(state))

        def applied(slots: list[str], roots: list[Any]) -> Any:
            along = [among(self.backend, state, slot, v) for slot, v in zip(slots, roots, strict=True)]
            return multilinear(self.backend, of, len(along))(state, *along)

        found = []
        for part in self._parts:
            total = zero
            for c, roots in part:
                value = vectors.forest(roots, partial(applied, self._slots(roots)))
                total = sampled.plus(total, sampled.scaled(sampled.coefficient(c), value))
            found.append(total)
        return found

    def _sampled(self, params: Any, hyper: Hyper, slow: Hyper) -> SampledTrees:
        unknowns = list(self.generator.configuration.scheme.unknowns)
        if len(unknowns) == 1:
            state = {unknowns[0]: self.backend.parameters(params)}
        else:
            if not isinstance(params, Mapping) or set(params) != set(unknowns):
                raise UsageError(f"params: a mapping with the keys {', '.join(unknowns)}, each with its own parameters")
            state = {x: self.backend.parameters(params[x]) for x in unknowns}
        for x in self.generator.slow:
            if x not in state:
                state[x] = self._memory(x, (slow or {}).get(x), state[self.generator.spaces[x]])
        numbers = self._numbers(hyper, slow, int(self.weights.shape[0]))
        return SampledTrees(self.generator, self.backend, self.losses, self.of_field, self.samples, self.weights, state, numbers)

    def _memory(self, name: str, value: Any, like: Tree) -> Tree:
        if value is None:
            raise UsageError(f"{name} needs a value: slow={{'{name}': ...}}, as the parameters are")
        if self.backend.structure(value) != self.backend.structure(like):
            raise UsageError(f"slow['{name}'] has another structure than the parameters; it must be a tree of the same shapes")
        return value


def law_function(
    generator: Generator,
    loss: Any,
    samples: Any,
    backend: str = "jax",
    weights: Any = None,
    field: Function | None = None,
) -> LawFunction:
    """The function of a generator; see `WeakEquation.function`."""
    scheme = generator.configuration.scheme
    if samples is None:
        raise UsageError("samples: a tree of arrays whose first axis goes over the samples")
    if scheme.losses:
        if not isinstance(loss, Mapping) or set(loss) != set(scheme.losses):
            raise UsageError(
                f"loss: a mapping with the keys {', '.join(scheme.losses)}, each a function of its unknowns and a sample"
            )
        losses = {f: _of_unknowns(loss[f], scheme.losses[f]) for f in scheme.losses}
    elif scheme.label == "f":
        if field is None:
            raise UsageError(
                f"{scheme.where} is one of a vector field; give field=..., a function of the parameters and a sample"
            )
        losses = {}
    else:
        if not callable(loss):
            raise UsageError("loss: a function of the parameters and of one sample, whose value is one number")
        losses = {"g": _of_unknowns(loss, tuple(scheme.unknowns))}
    library = load_backend(backend)
    samples = library.parameters(samples)
    return LawFunction(
        generator, library, losses, field if scheme.label == "f" else None, samples, _weights(library, samples, weights)
    )


def _of_unknowns(loss: Function, unknowns: Sequence[str]) -> Function:
    return lambda point, sample: loss(*(point[x] for x in unknowns), sample)


def _weights(backend: Backend, samples: Tree, given: Any) -> Any:
    """Probabilities, equal ones where none are given."""
    sizes = {len(x) if getattr(x, "ndim", 0) else 0 for x in backend.leaves(samples)}
    if len(sizes) != 1 or 0 in sizes:
        raise UsageError("samples: arrays whose first axes go over the samples, all of one length")
    (count,) = sizes
    weights = backend.parameters(np.full(count, 1 / count) if given is None else given)
    if tuple(weights.shape) != (count,):
        raise UsageError(f"weights: one a sample, {count} in all, with sum 1")
    return weights


class _Numbers(Arithmetic):
    def __init__(self, values: Mapping[str, Scalar]) -> None:
        self.values = values

    def number(self, value: Any) -> Any:
        return int(value) if value.denominator == 1 else float(value)

    def name(self, node: Name) -> Any:
        if node.id not in self.values:
            raise UsageError(f"{node.id} needs a value: hyper={{'{node.id}': ...}}")
        return self.values[node.id]

    def exponent(self, node: Any) -> Any:
        return interpret(node, self)

    def power(self, base: Any, exponent: Any, node: Operation) -> Any:
        return base**exponent

    def call(self, node: Any, args: list[Any]) -> Any:
        raise UsageError(f"{node.function} in a relaxation factor is not computed here")


def _of_epochs(generator: Generator, given: Mapping[str, Any], samples: int) -> dict[str, Any]:
    """The number of batches, a sample each, and what further symbols of an epoch's generator stand for."""
    if not isinstance(generator, EpochGenerator):
        return {}
    if generator.batches.isdigit() and int(generator.batches) != samples:
        raise UsageError(f"samples: {samples} batches, and an epoch has {generator.batches}; leave --set m out, or give so many")
    if samples <= generator.order + 1:
        raise UsageError(
            f"samples: {samples} batches in an epoch are too few at gamma^{generator.order}; give {generator.order + 2}"
        )
    found = {} if generator.batches.isdigit() else {generator.batches: samples}
    for name, text in generator.symbols.items():
        found[name] = interpret(parse_expression(text, name), _Numbers({**given, **found}))
    return found


def _of_time(functions: Mapping[str, object], t: Any, count: int) -> dict[str, float]:
    """Schedules that are set, with their derivatives, at a time that is a number."""
    if all(f is None for f in functions.values()):
        return {}
    try:
        at = Fraction(float(t))
    except TypeError:
        known = ", ".join(functions)
        raise UsageError(f"a schedule is taken at a time that is a number; with a traced one give {known} in hyper") from None
    return {name: float(x) for name, x in time_values(functions, exact(at), count).items()}


__all__ = ["Law", "LawFunction", "law_function"]
