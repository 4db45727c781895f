"""One step of an update text as lines that can be walked backwards, from what is left after the step to what it is made of.

    slow variable      s+ = sum_b M_sb(gamma) b + sum_e B_se(gamma) e + sum_z C_sz(gamma) z
    gradient e         of a loss, or of its sample, at the point  sum_b X_eb b + sum_e' A_ee' e' + sum_z ...
    fast variable      the same; b runs over slow and fast variables, z over the calls of normal()

At gamma = 0 slow variables stay where they are.  Memory f that follows them, f = R s + u with R = P + D R, is replaced by its
distance u, so that  u+ = D u + ...  at gamma = 0, and D is triangular: its diagonal are the relaxation factors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from flint import fmpq

from derive.algebra.coefficients import Ratio, Ring
from derive.noise.constants import Roots
from derive.noise.forests import NORMAL
from derive.noise.lines import StepForms
from derive.noise.series import Series, monomial


@dataclass(frozen=True)
class Line:
    """A linear form, by what it leads to: variables before the step, gradients, normal vectors (with the root that stands in
    their coefficient), and the values of slow variables."""

    states: Mapping[str, Series]
    gradients: Mapping[int, Series]
    normals: Mapping[tuple[int, Roots], Series]
    values: Mapping[str, Series]


@dataclass(frozen=True)
class Gradient:
    """A gradient of the step, or a function: its label, its sample ('' for the mean), its arguments by the variables to which
    they tend, and those of them that are memory, in which it is linear."""

    label: str
    sample: str
    point: Mapping[str, Line]
    linear: frozenset[str]


@dataclass(frozen=True, eq=False)
class Step:
    """The step of a configuration, as its `forms` state it, with coefficients through gamma^order.

    `slow` and `fast` are variables by the names under which they are printed, fast ones after those that they are fed by;
    `spaces` says in which unknown's space a variable, and what a label stands for, lies; `following` are the factors R with which
    a fast variable follows slow ones.
    """

    forms: StepForms
    slow: tuple[str, ...]
    fast: tuple[str, ...]
    lines: Mapping[str, Line]
    gradients: Mapping[int, Gradient]
    spaces: Mapping[str, str]
    following: Mapping[str, Mapping[str, Ratio]]
    centres: Mapping[str, Mapping[str, Ratio]]

    @property
    def ring(self) -> Ring:
        return self.forms.ring

    @property
    def order(self) -> int:
        return self.forms.order

    def square(self, roots: Roots) -> Series:
        """The product of two equal roots."""
        found = monomial(self.ring, self.ring.one, 0, self.order)
        for i in roots:
            found = found * self.forms.expand(self.forms.squares[i])
        return found

    @cached_property
    def sampled(self) -> frozenset[str]:
        """The labels of which a sample is drawn."""
        return frozenset(g.label for g in self.gradients.values() if g.sample)

    def later(self, series: Series, steps: Ratio | None = None) -> Series:
        """Coefficients after so many steps (n of them), at t + steps gamma: sum_j (steps gamma)^j / j! d^j/dt^j."""
        if not self.forms.slopes:
            return series
        steps = steps or self.ring.n
        found, derivative, factor = series, series, steps.ring.one
        for j in range(1, self.order + 1):
            derivative = Series(tuple(map(self._slope, derivative.coefficients)))
            factor = (factor * steps).scaled(fmpq(1, j))
            found = found + derivative.scaled(factor) * monomial(steps.ring, steps.ring.one, j, self.order)
        return found

    def _slope(self, c: Ratio) -> Ratio:
        """d/dt of a coefficient."""
        found = c.ring.zero
        for symbol in c.symbols() & self.forms.slopes.keys():
            slope = self.forms.slopes[symbol]
            found = found + c.derivative(symbol) * (c.ring.symbol(slope) if slope else c.ring.one)
        return found.reduced()


def labels(step: Step) -> Iterator[str]:
    """What nodes of a forest may be called."""
    yield from dict.fromkeys(g.label for g in step.gradients.values())
    if step.forms.normals:
        yield NORMAL
    yield from step.slow
