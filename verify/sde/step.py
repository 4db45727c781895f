"""One step of the update text on a `World`, and its expectation as an operator T on functions of the state.

    (T F)(x, v) = E F(one step from (x, v)),    x slow, v fast memory

Polynomials are in u (gamma = u^half), the slow variables' distances from the point, U = u v/(unit of v) and Z = u z for the
normal vectors z: in these every step raises the total degree or leaves it, so that through any degree T is a finite matrix.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import product
from math import comb, factorial, prod
from typing import Any

import numpy as np

from derive.errors import UndecidedError
from derive.language import Expression
from derive.language.calls import partial_of
from derive.language.samples import NORMAL, sample_of
from derive.scheme import Configuration
from derive.scheme.schedule import Schedule, without_pi
from verify.numbers.evaluation import elementary, evaluate
from verify.orbits.run import Runner, State
from verify.sde.elements import Element, Elements
from verify.sde.ring import CLOCK, UNIT, Index, Ring
from verify.sde.scalars import Array
from verify.sde.world import World, draws, label_of, normals

#: of the combinations of samples that a step may draw
MAX_COMBINATIONS = 5000


@dataclass
class Step:
    """The step from the world's point.

    Memory m follows slow variables and is else of the order of a power of u:  m = sum_x follows[m][x] x + u^units[m] v.
    With `still` memory is at these numbers, and a distance U from them; gradients and normal vectors are zero.  With `size`,
    a number, gamma is that number, nothing is counted in powers of u, and polynomials, of which the losses' gradients are
    linear ones, are not cut off.  Every gradient of a sample is the mean over a batch of `batch` of them.
    """

    configuration: Configuration
    world: World
    units: Mapping[str, int]
    follows: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    still: Mapping[str, int] | None = None
    size: Any = None
    batch: int = 1
    drawn: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        shape, c = self.world.shape, self.configuration
        self.fast, self.normals, self.samples = tuple(self.units), normals(c), draws(c)
        self.memory = shape.variables
        self.noise = shape.variables + shape.dimension * len(self.fast)
        self.ring = Ring(self.world.ring.scalars, self.noise + shape.dimension * self.normals, shape.degree)
        self.numbers = Elements(self.ring)
        count = comb(shape.samples + self.batch - 1, self.batch) ** len(self.samples)
        if count > MAX_COMBINATIONS:
            raise UndecidedError(f"a step draws {count} combinations of samples, more than the {MAX_COMBINATIONS} that are tried")
        self.batches = list(_counts(shape.samples, self.batch))

    # ------------------------------------------------------------------------------------------ places and states

    def fast_places(self, variable: str) -> range:
        first = self.memory + self.world.shape.dimension * self.fast.index(variable)
        return range(first, first + self.world.shape.dimension)

    @cached_property
    def embedded(self) -> Array:
        """The places of the monomials in u and slow variables among all monomials."""
        index, own = self.ring.monomials.index, self.world.ring.monomials
        rest = (0,) * (self.ring.variables - own.variables)
        return np.array([index[(*e, *rest)] for e in own.index])

    @cached_property
    def gamma(self) -> Element:
        if self.size is not None:
            return self.numbers.number(self.size)
        return self.numbers.variable(UNIT).power(Fraction(self.world.shape.half))

    def slow_value(self, x: str) -> list[Element]:
        places, point = self.world.shape.places(x), self.world.point[x]
        return [self.numbers.variable(k) + self.numbers.number(value) for k, value in zip(places, point)]

    def start(self) -> State:
        state: State = {x: self.slow_value(x) for x in self.world.shape.slow}
        for m, unit in self.units.items():
            own = [self.numbers.variable(k) for k in self.fast_places(m)]
            if self.still is not None:
                state[m] = [x + self.numbers.number(self.still[m]) for x in own]
            else:
                state[m] = self._with_followed(m, [x.shifted(unit - 1) for x in own], state, 1)
        return state

    def _with_followed(self, m: str, value: list[Element], state: State, sign: int) -> list[Element]:
        """value + sign * what the memory follows."""
        for x, factor in self.follows.get(m, {}).items():
            c = self.numbers.number(sign * factor)
            value = [a + c * b for a, b in zip(value, state[x])]
        return value

    # ------------------------------------------------------------------------------------------ running

    def after(self, state: State) -> State:
        """The state after the step, an axis of combinations of samples first."""
        values = {n: self.numbers.number(x) for n, x in self.world.parameters.items()}
        runner = Runner(
            self.configuration, self._gradient, values, self.numbers, self._schedules(),
            passes=self.world.shape.degree + 1, noise=self._noise,
        )  # fmt: skip
        return runner.step(state, self.gamma, self.world.clock(self.numbers) if self.world.shape.clock else None)

    def _schedules(self) -> dict[str, Callable[[Element], Element]]:
        """The declared functions of time."""
        found = {}
        for r, expression in self.configuration.functions.items():
            if isinstance(expression, Schedule):
                raise UndecidedError(f"{r} is given in pieces")
            found[r] = self._schedule(r, without_pi(expression) if expression is not None else None)
        return found

    def _schedule(self, r: str, expression: Expression | None) -> Callable[[Element], Element]:
        if expression is None:
            return lambda t: self.world.of_time(r, t, self.numbers)
        return lambda t: evaluate(expression, {"t": t}, self.numbers, lambda f, args: elementary(f, args, self.numbers))

    def _gradient(self, *arguments: Any) -> list[Element]:
        """A gradient without a sample: of the mean."""
        if len(arguments) == 1:
            return self._function("field" if self.configuration.scheme.label == "f" else "grad", arguments, "")
        return self._function(arguments[0].call, arguments[1], "")

    def _noise(self, function: str, arguments: list[Any]) -> list[Element]:
        if function == NORMAL:
            dimension = self.world.shape.dimension
            first = self.noise + dimension * (self.drawn % self.normals)
            self.drawn += 1
            places, shift = range(first, first + dimension), -1 if self.size is None else 0
            still = self.still is not None
            return [self.numbers.number(0) if still else self.numbers.variable(k).shifted(shift) for k in places]
        return self._function(function, arguments, sample_of(function)[1])

    def _function(self, function: str, points: Sequence[Any], sample: str) -> list[Element]:
        """A gradient at these points: its Taylor series at the world's point."""
        label, partial = label_of(function), partial_of(function)
        if self.still is not None:
            return [self.numbers.number(0)] * self.world.shape.dimension
        unknowns = self.configuration.scheme.losses[partial.loss] if partial else tuple(self.configuration.scheme.unknowns)
        jets = self.drawn_jets(label, sample) if sample else self.world.means[label][None]
        return self._composed(jets, dict(zip(unknowns, points)))

    def drawn_jets(self, label: str, sample: str) -> Array:
        """combinations x components x coefficients of the mean over what a sample of the text is drawn to be."""
        k = self.samples.index(sample)
        means = {counts: self._mean_of(self.world.jets[label], counts) for counts in self.batches}
        return np.array([means[choice[k]] for choice in product(self.batches, repeat=len(self.samples))])

    def _mean_of(self, jets: Array, counts: Sequence[int]) -> Array:
        """Over a batch in which every sample is so many times."""
        scalars = self.ring.scalars
        total = scalars.reduced(sum(n * x for n, x in zip(counts, jets) if n))
        mean: Array = scalars.reduced(total * scalars.lift(Fraction(1, self.batch)))
        return mean

    @cached_property
    def probabilities(self) -> Array:
        scalars, weights = self.ring.scalars, self.world.weights.tolist()
        single = [_multinomial(c) * prod(w**n for w, n in zip(weights, c)) for c in self.batches]
        return scalars.array([scalars.reduced(prod(c)) for c in product(single, repeat=len(self.samples))])

    def _composed(self, jets: Array, points: Mapping[str, Sequence[Element]]) -> list[Element]:
        """jets: combinations x components x coefficients."""
        distances: dict[int, Element] = {}
        for x, values in points.items():
            for place, value, base in zip(self.world.shape.places(x), values, self.world.point[x]):
                distances[place] = (value - self.numbers.number(base)).plain()
        for d in distances.values():
            if self.size is None and d.values[..., 0].any():
                raise UndecidedError("a gradient is taken at a point that does not tend to the iterate")
        powers: dict[Index, Element] = {}
        own = self.world.ring.monomials
        wanted = np.flatnonzero((jets.reshape(-1, len(own)) != 0).any(axis=0))
        known = min([self.world.shape.degree, *(d.known for d in distances.values())])
        totals: Any = [0] * jets.shape[1]
        for k in wanted:
            power = self._power(tuple(int(e) for e in own.exponents[k]), distances, powers)
            totals = [self.ring.scalars.reduced(t + jets[:, i, k, None] * power.plain().values) for i, t in enumerate(totals)]
        return [Element(self.ring, t, 0, known) for t in totals]

    def _power(self, e: Index, distances: Mapping[int, Element], powers: dict[Index, Element]) -> Element:
        if not any(e):
            return self.numbers.number(1)
        if e not in powers:
            place = next(k for k, x in enumerate(e) if x)
            less = (*e[:place], e[place] - 1, *e[place + 1 :])
            powers[e] = self._power(less, distances, powers) * distances[place]
        return powers[e]

    # ------------------------------------------------------------------------------------------ expectation

    def images(self, plain: bool = True) -> dict[int, Element]:
        """What a step makes of every variable of polynomials, slow distances and U, for every combination of samples; not
        `plain` where the units of the memory are not yet known."""
        after, found = self.after(self.start()), {}
        for x in self.world.shape.slow:
            for place, value, base in zip(self.world.shape.places(x), after[x], self.world.point[x]):
                found[place] = value - self.numbers.number(base)
        if self.world.shape.clock:
            found[CLOCK] = self.numbers.variable(CLOCK) + self.gamma
        for m, unit in self.units.items():
            for place, value in zip(self.fast_places(m), self._with_followed(m, after[m], after, -1)):
                found[place] = value.shifted(1 - unit)
        return {place: value.plain() for place, value in found.items()} if plain else found

    @cached_property
    def basis(self) -> list[Index]:
        """Monomials in slow distances and U."""
        fixed = [UNIT, *range(self.noise, self.ring.variables)]
        free = (self.ring.monomials.exponents[:, fixed] == 0).all(axis=1).tolist()
        return [e for e, f in zip(self.ring.monomials.index, free) if f]

    def matrix(self, images: Mapping[int, Element]) -> Array:
        """T: row k is E of what the step makes of the monomial k of `basis`."""
        reduced = self.ring.scalars.reduced
        return np.array([reduced(reduced(row * self.probabilities[:, None]).sum(axis=0)) for row in self._rows(images)])

    def matrices(self, images: Mapping[int, Element]) -> Array:
        """One matrix for every combination of samples."""
        return np.array(list(self._rows(images))).swapaxes(0, 1)

    def _rows(self, images: Mapping[int, Element]) -> Iterator[Array]:
        """What every combination makes of the monomials of `basis`, the mean over normal vectors taken."""
        shape = (len(self.probabilities), len(self.ring))
        rows: dict[Index, Array] = {self.basis[0]: np.broadcast_to(self.ring.constant(1), shape)}
        yield rows[self.basis[0]]
        for e in self.basis[1:]:
            place = next(k for k, x in enumerate(e) if x)
            less = (*e[:place], e[place] - 1, *e[place + 1 :])
            row = np.broadcast_to(self.ring.multiply(rows[less], images[place].values), shape)
            yield self._without_noise(row)
            if sum(e) < self.ring.degree:
                rows[e] = row

    def _without_noise(self, row: Array) -> Array:
        """The mean over normal vectors."""
        if not self.normals:
            return row
        result = self.ring.zeros(len(row))
        places, targets, factors = self._moments
        np.add.at(result.T, targets, self.ring.scalars.reduced(row[:, places] * factors).T)
        total: Array = self.ring.scalars.reduced(result)
        return total

    @cached_property
    def _moments(self) -> tuple[Array, Array, Array]:
        """E Z^(2k) = u^(2k) (2k - 1)!!, odd powers vanish: (monomials, what they become, factors)."""
        found, unit = [], int(self.size is None)
        for k, e in enumerate(self.ring.monomials.index):
            z = e[self.noise :]
            if not any(x % 2 for x in z):
                target = (e[UNIT] + unit * sum(z), *e[1 : self.noise], *(0,) * len(z))
                found.append((k, self.ring.monomials.index[target], prod(prod(range(1, x, 2)) for x in z)))
        places, targets, factors = zip(*found)
        return np.array(places), np.array(targets), self.ring.scalars.array(factors)


def _counts(samples: int, batch: int) -> Iterator[tuple[int, ...]]:
    """How often each sample is in a batch.

    >>> list(_counts(2, 2))
    [(0, 2), (1, 1), (2, 0)]
    """
    if samples == 1:
        yield (batch,)
        return
    for first in range(batch + 1):
        for rest in _counts(samples - 1, batch - first):
            yield (first, *rest)


def _multinomial(counts: Sequence[int]) -> int:
    """How many orders of a batch have these counts."""
    return factorial(sum(counts)) // prod(map(factorial, counts))
