"""Random paths of the update text on losses that are not quadratic, against the generator, with error bars.

    D_k = mean over paths of  phi(x_(m+n)) - (exp(n gamma G_k) phi)(x_m),   G_k the generator cut off after gamma^k, phi = x, x^2

Both sides take the law at step m that the paths have, when memory has come to follow x.  The losses of the samples are
polynomials of degree four in one variable; exp(t G) phi is a power series in t, summed until nothing is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import sqrt
from typing import Any

import numpy as np

from derive.errors import UndecidedError
from derive.language.samples import NORMAL, sample_of
from derive.scheme import Configuration
from verify.numbers.kinds import OrderedNumbers
from verify.orbits.run import Runner, State
from verify.sde.forests import Operator, Spaces
from verify.sde.moments import WEIGHTS, parameter_values
from verify.sde.reading import read
from verify.sde.ring import Ring
from verify.sde.scalars import Array, Floats
from verify.sde.statement import FIELD, GRADIENT, Claim
from verify.sde.structure import Structure
from verify.sde.world import Shape, World, labels, reads_time

GAMMA, BEFORE, STEPS = Fraction(1, 20), 40, 8
#: gradients of the samples, coefficients of 1, x, x^2, x^3
SAMPLES = ((-0.4, 1.0, 0.2, 0.1), (0.9, 0.6, -0.1, 0.1), (-0.2, 1.5, 0.1, 0.1))
DEGREE, TERMS, START, LEFT = 36, 16, 0.5, 1e-6
DEVIATIONS = 5.0


@dataclass(frozen=True)
class Row:
    """phi = x^degree: D_(-1), without motion, D_0, ..., D_N, and their standard deviation."""

    degree: int
    differences: tuple[float, ...]
    deviation: float

    @property
    def confirmed(self) -> bool:
        """Whether the last power of gamma leaves at most half of what it takes away, up to noise."""
        before, last = self.differences[-2:]
        return abs(last) < DEVIATIONS * self.deviation + abs(last - before) / 2


@dataclass(frozen=True)
class Simulation:
    rows: tuple[Row, ...]
    paths: int
    gamma: Fraction

    @property
    def confirmed(self) -> bool:
        return all(r.confirmed for r in self.rows)

    def to_json(self) -> dict[str, Any]:
        rows = [{"phi": f"x**{r.degree}", "differences": r.differences[1:], "deviation": r.deviation} for r in self.rows]
        return {"paths": self.paths, "gamma": str(self.gamma), "steps": STEPS, "rows": rows}


def simulate(c: Configuration, claim: Claim, structure: Structure, paths: int, seed: int = 0) -> Simulation:
    """Simulate so many paths.  Raises UndecidedError for schemes of more than one slow variable."""
    c = read(c)
    (label,) = labels(c) if len(labels(c)) == 1 else ("",)
    timed, drawn = bool(c.functions) or reads_time(c), claim.batch != "1" or bool(claim.batches)
    if label not in (GRADIENT, FIELD) or len(structure.slow) > 1 or claim.opaque or timed or drawn:
        raise UndecidedError("paths are simulated for one loss or field of one slow variable, one sample a step, without time")
    begin, end = _Paths(c, label, paths, seed).run()
    world = _world(c, label, structure)
    operators = [Operator(world, Claim((p,)), Spaces(world, structure.slow, {})) for p in claim.powers]
    return Simulation(tuple(_row(operators, k, begin, end) for k in (1, 2)), paths, GAMMA)


def _row(operators: Sequence[Operator], degree: int, begin: Array, end: Array) -> Row:
    predicted = [begin**degree, *(_predicted(operators[: k + 1], degree, begin) for k in range(len(operators)))]
    errors = [end**degree - x for x in predicted]
    return Row(degree, tuple(float(e.mean()) for e in errors), float(errors[-1].std()) / sqrt(len(end)))


def _predicted(operators: Sequence[Operator], degree: int, x: Array) -> Array:
    """(exp(n gamma G) phi)(x)."""
    ring, time = operators[0].ring, float(GAMMA) * STEPS
    term: Any = ring.zeros()
    term[ring.monomials.index[0, degree]] = 1.0
    total = term.copy()
    for k in range(1, TERMS + 1):
        term = sum(op.on(term) * float(GAMMA) ** j for j, op in enumerate(operators)) * (time / k)
        total = total + term
    values = [total[ring.monomials.index[0, k]] for k in range(ring.degree + 1)]
    last = [term[ring.monomials.index[0, k]] for k in range(ring.degree + 1)]
    if np.abs(np.polynomial.polynomial.polyval(x, last)).mean() > LEFT:
        raise UndecidedError("the power series of exp(t G) in t is not small after its last term")
    result: Array = np.polynomial.polynomial.polyval(x, values)
    return result


def _world(c: Configuration, label: str, structure: Structure) -> World:
    shape = Shape(structure.slow, 1, len(WEIGHTS), 0, DEGREE)
    ring, sign = Ring(Floats(), shape.variables, DEGREE), -1 if label == FIELD else 1
    jets = np.zeros((len(WEIGHTS), 1, len(ring)))
    for s, coefficients in enumerate(SAMPLES):
        for k, a in enumerate(coefficients):
            jets[s, 0, ring.monomials.index[0, k]] = sign * a
    values = {n: float(q) for n, q in parameter_values(c).items()}
    return World(shape, ring, values, {structure.slow[0]: [0.0]}, np.array(WEIGHTS, dtype=float), {label: jets})


class _Paths:
    """Many paths at once: every component of the state is an array."""

    def __init__(self, c: Configuration, label: str, paths: int, seed: int) -> None:
        self.c, self.paths, self.sign = c, paths, -1 if label == FIELD else 1
        self.source, self.drawn = np.random.default_rng(seed), dict[str, Array]()
        self.coefficients = np.array(SAMPLES)
        numbers = OrderedNumbers(float, lambda x, r: x ** float(r))
        values = {n: float(q) for n, q in parameter_values(c).items()}
        self.runner = Runner(c, self._gradient, values, numbers, noise=self._noise)

    def run(self) -> tuple[Array, Array]:
        """x after BEFORE steps, and STEPS later."""
        (x,) = self.c.scheme.unknowns
        state: State = {self.c.symbol(s): [np.zeros(self.paths)] for s in self.c.scheme.states}
        state[x] = [np.full(self.paths, START)]
        state = self._after(state, BEFORE)
        return state[x][0], self._after(state, STEPS)[x][0]

    def _after(self, state: State, steps: int) -> State:
        for _ in range(steps):
            self.drawn.clear()
            state = self.runner.step(state, float(GAMMA))
        return state

    def _noise(self, function: str, arguments: list[Any]) -> list[Array]:
        if function == NORMAL:
            return [self.source.standard_normal(self.paths)]
        return self._sampled(arguments[0], sample_of(function)[1])

    def _gradient(self, point: list[Array]) -> list[Array]:
        mean = np.array(WEIGHTS, dtype=float) @ self.coefficients
        return [self.sign * np.polynomial.polynomial.polyval(point[0], mean)]

    def _sampled(self, point: list[Array], sample: str) -> list[Array]:
        if sample not in self.drawn:
            self.drawn[sample] = self.source.choice(len(SAMPLES), self.paths, p=np.array(WEIGHTS, dtype=float))
        a, b, c, d = self.coefficients[self.drawn[sample]].T
        x = point[0]
        return [self.sign * (a + x * (b + x * (c + x * d)))]
