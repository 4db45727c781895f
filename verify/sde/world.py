"""A finite random world in which laws are exact: a few sample losses with unequal probabilities, a point, parameters.

    L = sum_s w_s L_s,   sum_s w_s = 1,   L_s a random polynomial at a random point, all numbers of a prime field

Variables of polynomials: the unit u of gamma, then the distances of the slow variables from the point, `dimension` of each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from math import factorial
from random import Random
from typing import Any

import numpy as np

from derive.errors import UndecidedError
from derive.language import derivative_symbol, names_of
from derive.language.calls import partial_of
from derive.language.samples import NORMAL, sample_of
from derive.scheme import Configuration
from verify.sde.elements import Element, Elements
from verify.sde.reading import called
from verify.sde.ring import CLOCK, UNIT, Ring
from verify.sde.scalars import Array, Modular
from verify.sde.statement import FIELD, GRADIENT


@dataclass(frozen=True)
class Shape:
    """How large a world is: of which variables, in how many dimensions, with how many samples, in which unit.

    gamma = u^half: half is 2 where normal vectors come with roots of gamma.
    """

    slow: tuple[str, ...]
    dimension: int
    samples: int
    half: int
    degree: int
    clock: bool = False

    @property
    def variables(self) -> int:
        return 1 + self.clock + self.dimension * len(self.slow)

    def places(self, variable: str) -> range:
        """The places of a slow variable's components among the variables of polynomials."""
        first = 1 + self.clock + self.dimension * self.slow.index(variable)
        return range(first, first + self.dimension)


#: components of a gradient, or of a field, in each of several samples: samples x components x coefficients
Jets = Array


@dataclass(frozen=True)
class World:
    """Numbers modulo p.  `jets[label]` has the components of every sample's function; labels are those of forests."""

    shape: Shape
    ring: Ring
    parameters: Mapping[str, Any]
    point: Mapping[str, Sequence[Any]]
    weights: Array
    jets: Mapping[str, Jets]
    time: int = 0
    schedules: Mapping[str, Sequence[int]] = field(default_factory=dict)  # the derivatives of declared functions of time
    fast: tuple[str, ...] = ()
    linear: Mapping[str, str] = field(default_factory=dict)  # label of a function -> the fast memory in which it is linear

    def names(self, numbers: Elements) -> dict[str, Element]:
        """What a coefficient may name: parameters, the time, and functions of it with their derivatives."""
        found = {n: numbers.number(x) for n, x in self.parameters.items()}
        if self.shape.clock:
            found["t"] = self.clock(numbers)
            for r, jets in self.schedules.items():
                found |= {derivative_symbol(r, k): self.of_time(r, found["t"], numbers, k) for k in range(len(jets))}
        return found

    def clock(self, numbers: Elements) -> Element:
        return numbers.variable(CLOCK) + numbers.number(self.time)

    def of_time(self, function: str, t: Element, numbers: Elements, derivative: int = 0) -> Element:
        """r^(k)(t), by its Taylor series at the world's time."""
        distance, power = (t - numbers.number(self.time)).plain(), numbers.number(1)
        if distance.values[..., 0].any():
            raise UndecidedError(f"{function} is read at a time that does not tend to t")
        total = numbers.number(0)
        for k, x in enumerate(self.schedules[function][derivative:]):
            total = total + power * numbers.lift(Fraction(1, factorial(k))) * numbers.number(x)
            power = power * distance
        return total

    def mean(self, label: str) -> Array:
        """components x coefficients"""
        reduced = self.ring.scalars.reduced
        jets = self.jets[label]
        weights = self.weights.reshape(-1, *(1,) * (jets.ndim - 1))
        result: Array = reduced(reduced(jets * weights).sum(axis=0))
        return result

    def deviation(self, label: str) -> Jets:
        """What every sample has more than the mean: samples x components x coefficients."""
        result: Array = self.ring.scalars.reduced(self.jets[label] - self.mean(label))
        return result

    @cached_property
    def deviations(self) -> Mapping[str, Jets]:
        return {label: self.deviation(label) for label in self.jets}

    @cached_property
    def means(self) -> Mapping[str, Array]:
        return {label: self.mean(label) for label in self.jets}


def label_of(function: str) -> str:
    """The letter of forests for what a text calls.

    >>> [label_of(f) for f in ("grad#1", "field", "f.x#2:1")]
    ['g', 'f', 'f.x']
    """
    name, _ = sample_of(function)
    return {"grad": GRADIENT, "field": FIELD}.get(name, name)


def labels(configuration: Configuration) -> dict[str, tuple[str, tuple[str, ...]]]:
    """label -> (the loss or field, the unknowns by which its derivatives are taken)."""
    scheme = configuration.scheme
    found = {}
    for function in sorted(scheme.called):
        label = label_of(function)
        if partial := partial_of(function):
            found[label] = partial.loss, scheme.losses.get(partial.loss, ())
        elif label in (GRADIENT, FIELD):
            found[label] = label, tuple(scheme.unknowns)
    return found


def draws(configuration: Configuration) -> tuple[str, ...]:
    """The samples of one step by their names."""
    found = [sample_of(f)[1] for a in configuration.scheme.program for f in called(a.value)]
    return tuple(dict.fromkeys(filter(None, found)))


def normals(configuration: Configuration) -> int:
    """How many normal vectors a step draws."""
    return sum(f == NORMAL for a in configuration.scheme.program for f in called(a.value))


def reads_time(configuration: Configuration) -> bool:
    """Whether a step depends on its time."""
    texts = [*configuration.bindings.values(), *(a.value for a in configuration.scheme.program)]
    return any("t" in names_of(e) for e in texts)


def draw_world(
    source: Random, configuration: Configuration, shape: Shape, ring: Ring, parameters: Mapping[str, int], equal: bool = False
) -> World:
    """A random world modulo p; its samples are equally probable if `equal`."""
    assert isinstance(ring.scalars, Modular)
    p = ring.scalars.p

    def number() -> int:
        return source.randrange(1, p)

    weights = [number() for _ in range(shape.samples - 1)]
    weights.append((1 - sum(weights)) % p)
    if equal:
        weights = [ring.scalars.lift(Fraction(1, shape.samples))] * shape.samples
    functions: dict[str, list[list[Array]]] = {}
    jets: dict[str, Jets] = {}
    for label, (function, unknowns) in labels(configuration).items():
        places = [k for x in unknowns for k in shape.places(x)]
        if label == FIELD:
            jets[label] = np.array([[_random(source, ring, p, places) for _ in places] for _ in weights])
            continue
        losses = functions.setdefault(function, [[_random(source, ring, p, places)] for _ in weights])
        space = label.partition(".")[2] or unknowns[0]
        jets[label] = np.array([[ring.derivative(s[0], k) for k in shape.places(space)] for s in losses])
    return World(
        shape, ring, parameters, {x: [number() for _ in range(shape.dimension)] for x in shape.slow},
        np.array(weights, dtype=np.int64), jets, number(),
        {r: [number() for _ in range(ring.degree + 1)] for r, e in configuration.functions.items() if e is None},
    )  # fmt: skip


def _random(source: Random, ring: Ring, p: int, places: Sequence[int]) -> Array:
    """A random polynomial in these variables."""
    others = [k for k in range(ring.variables) if k not in places]
    free = (ring.monomials.exponents[:, [UNIT, *others]] == 0).all(axis=1).tolist()
    return np.array([source.randrange(p) if f else 0 for f in free], dtype=np.int64)
