"""The law from rest: what memory that starts at zero adds to the modified law, and what of it decays.

    E phi(theta_n) = (J exp(n gamma G) phi)(theta_0) + decaying,        J = :exp(K):,   K = sum gamma^k sum_F c_F F

K acts with all derivatives on phi: its part with one root shifts the mean of theta_0, twice that with two roots is a covariance,
and so on.  The weights of forests obey the equations of `weights`, with w_0 = 0 where a root hangs on memory,

    w_(n+1)(P) = sum c w_n(P'),     w_n = settled(n) + sum of products of powers rho^n of relaxation factors,

so that c_F is the value at n = 0 of the settled part over the symmetry of F.  Forests in pieces are products: K has those in one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod

from derive.algebra.coefficients import Ratio, Ring
from derive.algebra.sequences import Sequences, coefficient_of_n
from derive.noise.builder import one_step
from derive.noise.enumeration import Enumeration
from derive.noise.forests import Forest
from derive.noise.generator import Generator, collected
from derive.noise.steps import Step
from derive.noise.weights import Weights
from derive.scheme import Configuration
from derive.scheme.names import previous


@dataclass(frozen=True)
class Start:
    """K by powers of gamma, and the cumulants of theta_n - theta_0 without n gamma G and K: the decaying ones.

    `factors` maps the symbols z that stand for rho^n to rho.
    """

    settled: Generator
    decaying: Generator
    factors: Mapping[str, Ratio]


class FromRest:
    """The weights of forests where memory starts at rest.

    >>> from derive.noise.forests import parse
    >>> from derive.scheme import configure, inline_scheme
    >>> heavy = inline_scheme("v = beta*v + sgrad(theta); theta = theta - gamma*v")
    >>> rest = FromRest(one_step(configure(heavy, noise=True), 2))
    >>> str(rest.weight(parse("theta:g"), 1))
    '(beta - n + n*beta - beta*z)/(1 - beta)**2'
    """

    def __init__(self, step: Step) -> None:
        self.step, self.walks = step, Weights(step)
        own = {u: self._factor(u) for u in step.fast}
        distinct = [c for k, c in enumerate(own.values()) if c not in [*own.values()][:k]]
        names = _fresh(step.ring.symbols, len(distinct))
        self.ring = Ring((*step.ring.symbols, *names))
        self.factors = {name: c.substitute({}, self.ring) for name, c in zip(names, distinct, strict=True)}
        self.sequences = Sequences(self.ring, self.factors)
        self.symbols = {u: self.ring.symbol(names[distinct.index(c)]) for u, c in own.items()}
        self._weights: dict[tuple[Forest, int], Ratio] = {}

    def _factor(self, u: str) -> Ratio:
        """With which the distance of a fast variable decays."""
        states = self.step.lines[u].states
        factor = states[u].coefficients[0].reduced() if u in states else self.step.ring.zero
        if not factor:
            raise self.step.forms.refuse(f"{u} relaxes with the factor 0, in one step, which is no sum of powers rho^n")
        if factor.is_number and abs(factor.number()) >= 1:
            raise self.step.forms.refuse(f"{u} relaxes with the factor {factor}, which does not decay")
        return factor

    def weight(self, forest: Forest, power: int) -> Ratio:
        """The coefficient of gamma^power: a polynomial in n and powers rho^n."""
        if not forest:
            return self.ring.one if power == 0 else self.ring.zero
        key = forest, power
        if key not in self._weights:
            self._weights[key] = self._solved(forest, power)
        return self._weights[key]

    def _solved(self, forest: Forest, power: int) -> Ratio:
        right, own = self.ring.zero, self.ring.zero
        for rest, series in self.walks.steps(forest).items():
            for j, c in enumerate(series.coefficients[: power + 1]):
                if not c:
                    continue
                c = c.substitute({}, self.ring)
                if j == 0 and rest == forest:
                    own = c
                elif w := self.weight(rest, power - j):
                    right = right + c * w
        fast = [r.slot for r in forest if r.slot not in self.step.slow]
        if not fast:
            return self.sequences.sum(right.reduced())
        found = self.sequences.relax(own, right.reduced())
        homogeneous = prod((self.symbols[u] for u in fast), start=self.ring.one)
        return (found + (self._at_start(forest, power) - self.sequences.at_zero(found)) * homogeneous).reduced()

    def _at_start(self, forest: Forest, power: int) -> Ratio:
        """w_0: memory f = 0 has the distance -R s from what it follows, and theta_prev = theta none from theta."""
        found = self.ring.one if power == 0 else self.ring.zero
        for r in forest:
            if r.slot in self.step.slow or r.tree.label not in self.step.slow:
                return self.ring.zero
            begins = self.ring.constant(int(r.slot == previous(r.tree.label)))
            found = found * (begins - self.step.following[r.slot][r.tree.label].substitute({}, self.ring))
        return found


def _fresh(taken: tuple[str, ...], count: int) -> list[str]:
    """Symbols for rho^n."""
    stem = "z"
    while any(s.startswith(stem) for s in taken):
        stem += "z"
    return [stem] if count == 1 else [f"{stem}{k}" for k in range(1, count + 1)]


def start_from_rest(configuration: Configuration, order: int) -> Start:
    """K through gamma^order, and what decays.

    Raises what `generator` raises, and ReductionError where memory relaxes in one step or not at all.

    >>> from derive.scheme import configure, inline_scheme
    >>> heavy = inline_scheme("v = beta*v + sgrad(theta); theta = theta - gamma*v")
    >>> from derive.noise.forests import text
    >>> for power in start_from_rest(configure(heavy, noise=True), 2).settled.powers[1:]:
    ...     print({text(f): str(c) for f, c in power.items()})
    {'g': 'beta/(1 - beta)**2'}
    {'g[g]': 'beta*(2 + beta)/(1 - beta)**4', 'g1 g1': '-beta*(2 + beta)/(2*(1 - beta)**3*(1 + beta))'}
    """
    step = one_step(configuration, order)
    found, rest = Enumeration(step), FromRest(step)

    def part(of: Callable[[Ratio], Ratio]) -> Generator:
        powers = collected(found, lambda f, k: of(rest.weight(f, k)), lambda power: None)
        return Generator(configuration, step.slow, ({}, *powers), dict(step.spaces), dict(step.forms.opaque))

    settled = part(lambda w: coefficient_of_n(rest.sequences.settled(w), 0))
    return Start(settled, part(rest.sequences.moving), rest.factors)
