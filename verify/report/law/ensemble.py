"""Paths of the update text on random quadratic losses in two variables, and the first two moments of three kinds.

    paths       many at once, from fixed seeds
    exact       E^n, one step being a matrix on the polynomials of degree two
    generator   exp(n gamma G_k), G_k cut off after gamma^k, k = 0, ..., N

All three begin with the law that the paths have when memory has come to follow the point.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from flint import arb_mat

from derive import modified_sde
from derive.errors import UndecidedError
from derive.language.samples import NORMAL, sample_of
from derive.scheme import Configuration, Scheme, configure
from verify.numbers.kinds import OrderedNumbers
from verify.numbers.precision import bits_of, precision
from verify.orbits.run import Runner, State
from verify.sde.moments import DIGITS, WEIGHTS, Moments
from verify.sde.proof import Verdict, prove_generator
from verify.sde.scalars import Array, Balls
from verify.sde.statement import read_claim

GAMMAS = tuple(Fraction(x) for x in ("1/50", "1/20", "1/10", "1/5", "1/4"))
BATCHES, TIME, PATHS, DRAWN, START = (1, 2, 4, 8), 2, 4000, 300, (1.0, -0.8)
SETTLED, MOST = 1e-4, 400  # what is left of the memory when the picture begins, after at most so many steps
FAR, STAGES = 1e3, 2


@dataclass(frozen=True)
class Law:
    """Mean (x, y) and covariance (xx, xy, yy)."""

    mean: tuple[float, float]
    covariance: tuple[float, float, float]

    @staticmethod
    def of(moments: Sequence[float], exponents: Sequence[tuple[int, ...]]) -> Law:
        m = dict(zip(exponents, moments, strict=True))
        x, y = m[0, 1, 0], m[0, 0, 1]
        return Law((x, y), (m[0, 2, 0] - x * x, m[0, 1, 1] - x * y, m[0, 0, 2] - y * y))


@dataclass(frozen=True)
class Cloud:
    """One step size and batch size: some points, and the law of all paths, the exact one, and those of the generator."""

    gamma: Fraction
    batch: int
    steps: int
    points: Array
    paths: Law
    exact: Law | None  # None where memory and point forget alike, so that no law of the point alone is left
    claimed: tuple[Law, ...]


@dataclass(frozen=True)
class Ensemble:
    configuration: Configuration
    text: str
    order: int
    no_sde_from: int | None
    quiet: bool  # no diffusion at gamma^0
    proof: Verdict
    parameters: Mapping[str, Fraction]
    clouds: tuple[Cloud, ...]
    before: int


def gather_law(
    scheme: Scheme, order: int, regime: str | None = None, settings: Mapping[str, str] | None = None,
    announce: Callable[[int], None] = lambda done: None,
) -> Ensemble:  # fmt: skip
    """The generator, its proof, and clouds for every step size at which the losses do not throw the paths out.

    Raises UndecidedError for a text that is not linear in what it draws, for several slow variables and for a dependence on time.
    """
    equation = modified_sde(scheme, order, regime=regime, settings=settings)
    if equation.epochs:
        raise UndecidedError(f"{scheme.where}: a page shows laws of independent samples, and this scheme has epochs")
    configuration = configure(scheme, regime, settings, noise=True)
    batches = BATCHES if _draws_samples(configuration) else BATCHES[:1]
    proof = prove_generator(configuration, read_claim(equation.to_json()))
    announce(1)
    if proof.structure is None or len(proof.structure.slow) != 1:
        raise UndecidedError(f"{scheme.where}: a page shows laws of one slow variable; {proof}")
    clouds, before = list[Cloud](), 0
    with precision(bits_of(10 * DIGITS)):
        for batch in batches:
            size = batch if len(batches) > 1 else None
            claim = modified_sde(scheme, order, regime=regime, settings=settings, batch=size).to_json()
            moments = Moments(configuration, read_claim(claim), proof.structure, 2, 2)
            paths = Paths(moments, batch)
            before = paths.before
            clouds += [c for g in GAMMAS if (c := _cloud(moments, paths, g)) is not None]
    announce(STAGES)
    if not clouds:
        raise UndecidedError(f"{scheme.where}: the paths leave every bound at the steps tried")
    ends, quiet = equation.no_sde_from, not len(equation.diffusion[0])
    return Ensemble(
        configuration, str(equation), order, ends, quiet, proof, moments.parameters, tuple(clouds), before
    )  # fmt: skip


def _draws_samples(c: Configuration) -> bool:
    return not c.scheme.stochastic or any(call != NORMAL for call in c.scheme.called if sample_of(call)[1])


def _cloud(moments: Moments, paths: Paths, gamma: Fraction) -> Cloud | None:
    steps = int(TIME / gamma)
    begin, end = paths.run(gamma, steps)
    if not np.isfinite(end).all() or np.abs(end).max() > FAR:
        return None
    exponents = [e for e in moments.world.ring.monomials.index if not e[0]]
    start = _moments_of(begin, exponents)
    time = Balls().lift(steps * gamma)
    claimed = [(moments.generator(gamma, k) * time).exp() for k in range(len(moments.generators))]

    def law(matrix: arb_mat) -> Law:
        return Law.of([float(x) for x in _floats(matrix) @ start], exponents)

    exact = None
    with suppress(ArithmeticError, UndecidedError):
        exact = law(moments.exact(gamma) ** steps)
    shown = Law.of(_moments_of(end, exponents).tolist(), exponents)
    return Cloud(gamma, paths.batch, steps, end[:, :DRAWN].T, shown, exact, tuple(map(law, claimed)))


def _moments_of(points: Array, exponents: Sequence[tuple[int, ...]]) -> Array:
    """The mean of every monomial over the paths."""
    return np.array([(points[0] ** e[1] * points[1] ** e[2]).mean() for e in exponents])


def _floats(m: arb_mat) -> Array:
    return np.array([[float(m[i, j].mid()) for j in range(m.ncols())] for i in range(m.nrows())])


class Paths:
    """Many paths at once on the losses of a world, as distances from its point."""

    def __init__(self, moments: Moments, batch: int, seed: int = 0) -> None:
        self.c, self.batch, self.seed = moments.c, batch, seed
        ring = moments.world.ring
        self.exponents = [(k, e) for e, k in ring.monomials.index.items() if sum(e) < 2 and not e[0]]
        (label,) = {*moments.world.jets}
        jets = moments.world.jets[label]
        self.gradients = np.array([[[float(c[k].mid()) for k, _ in self.exponents] for c in sample] for sample in jets])
        self.weights = np.array(WEIGHTS, dtype=float)
        values = {n: float(q) for n, q in moments.parameters.items()}
        numbers = OrderedNumbers(float, lambda x, r: x ** float(r))
        self.runner = Runner(self.c, self._gradient, values, numbers, noise=self._noise)
        self.drawn: dict[str, Array] = {}
        self.source = np.random.default_rng(seed)
        self.still = False

    @cached_property
    def before(self) -> int:
        """Steps until memory has forgotten where it began."""
        memory = [self.c.symbol(s) for s in self.c.scheme.states if s not in self.c.scheme.unknowns]
        if not memory:
            return 0
        self.still, state = True, self._start(1.0)
        steps = 0
        while steps < MOST and max(np.abs(z).max() for m in memory for z in state[m]) > SETTLED:
            state, steps = self.runner.step(state, float(GAMMAS[0])), steps + 1
        self.still = False
        return steps

    def run(self, gamma: Fraction, steps: int) -> tuple[Array, Array]:
        """The points when memory has settled, and `steps` later."""
        before, (x,) = self.before, self.c.scheme.unknowns
        self.source = np.random.default_rng([self.seed, self.batch, gamma.denominator, gamma.numerator])
        state = self._after(self._start(0.0), gamma, before)
        begin = np.array(state[x])
        return begin, np.array(self._after(state, gamma, steps)[x])

    def _start(self, memory: float) -> State:
        (x,) = self.c.scheme.unknowns
        state: State = {self.c.symbol(s): [np.full(PATHS, memory) for _ in range(2)] for s in self.c.scheme.states}
        state[x] = [np.full(PATHS, at) for at in START]
        return state

    def _after(self, state: State, gamma: Fraction, steps: int) -> State:
        for _ in range(steps):
            self.drawn.clear()
            state = self.runner.step(state, float(gamma))
        return state

    def _noise(self, function: str, arguments: list[Any]) -> list[Array]:
        if self.still:
            return [np.zeros(PATHS), np.zeros(PATHS)]
        if function == NORMAL:
            return [self.source.standard_normal(PATHS) for _ in range(2)]
        return self._sampled(arguments[0], sample_of(function)[1])

    def _gradient(self, point: list[Array]) -> list[Array]:
        if self.still:
            return [np.zeros(PATHS), np.zeros(PATHS)]
        if not self.c.scheme.stochastic:
            return self._sampled(point, "1")
        return self._at(np.tensordot(self.weights, self.gradients, 1)[..., None], point)

    def _sampled(self, point: list[Array], sample: str) -> list[Array]:
        if sample not in self.drawn:
            which = self.source.choice(len(self.weights), (self.batch, PATHS), p=self.weights)
            self.drawn[sample] = np.moveaxis(self.gradients[which].mean(axis=0), 0, -1)
        return self._at(self.drawn[sample], point)

    def _at(self, coefficients: Array, point: list[Array]) -> list[Array]:
        """components x monomials x paths, at the points of the paths."""
        monomials = np.array([point[0] ** e[1] * point[1] ** e[2] for _, e in self.exponents])
        return [(c * monomials).sum(axis=0) for c in coefficients]
