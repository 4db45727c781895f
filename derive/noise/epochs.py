"""How often a tied forest arises in n epochs, each of which takes the m batches of a data set once, in a random order.

Ties stand here for joint central moments over the data set: M(C) = 1/m sum_i prod_(a in C) (X_ai - mean of X_a).  Nodes at one
place of the order share a batch, those at different places have different batches.  If the members of the ties stand at b
places, b_C of them those of the tie C and no place that of two ties, then their tensors have in the mean the weight

    m^(number of ties)/(m (m-1) ... (m-b+1)) prod_C (-1)^(b_C - 1) (b_C - 1)!

before prod_C M(C): the sum over distinct batches is that over all batches, sieved by the partition lattice.  Epochs are
independent, so every tie lies within one.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import NamedTuple

from derive.algebra.coefficients import Ratio, Ring
from derive.algebra.sequences import Sequences
from derive.noise.forests import Forest, Root, canonical, nodes, text
from derive.noise.series import Series
from derive.noise.steps import Step
from derive.noise.weights import Done, Weights

Sums = dict[Forest, Ratio]  # what hangs on variables before the epoch, with its coefficient
BATCHES, POWER = "m", "B"  # the letters of the number of batches, and of what a factor comes to in an epoch


class Walk(NamedTuple):
    """A forest of which the last steps of an epoch are done: what is pending, the ties begun with their number of places, and
    the number of places that ties have in all."""

    pending: tuple[Root, ...]
    begun: tuple[tuple[int, int], ...] = ()
    places: int = 0


class Epochs(Weights):
    """The weights of a step's forests in n epochs of m batches: m = `batches`, or a symbol.

    `powers` says what symbols of the ring stand for: rho^m, of every relaxation factor rho.

    >>> from derive.noise.forests import parse
    >>> from derive.noise.steps import one_step
    >>> from derive.scheme import configure, inline_scheme
    >>> sgd = one_step(configure(inline_scheme("theta = theta - gamma*sgrad(theta)"), noise=True), 3)
    >>> [str(Epochs(sgd).weight(parse(f), 2)) for f in ("theta:g[g]", "theta:g1[g1]", "theta:g1 theta:g1")]
    ['-m*n*(1 - m*n)/2', '-m*n/2', '0']
    """

    def __init__(self, step: Step, batches: int | None = None) -> None:
        super().__init__(step)
        configuration, relaxation = step.forms.configuration, {u: relaxation_factor(step, u) for u in step.fast}
        self.batches, self.letter = batches, configuration.fresh(BATCHES)
        self.powers = {configuration.fresh(f"{POWER}{k or ''}"): a for k, a in enumerate(dict.fromkeys(relaxation.values()))}
        self.ring = ring = Ring([*step.ring.symbols, self.letter, *self.powers])
        self.m = ring.symbol(self.letter) if batches is None else ring.constant(batches)
        factors = {z: a.substitute({}, ring) for z, a in self.powers.items()}
        self.end = {ring.names[0]: self.m} | ({} if batches is None else {z: a**batches for z, a in factors.items()})
        self.within, self.sequences = Sequences(ring, factors), Sequences(ring)
        self._power_of = {u: ring.symbol(next(z for z, a in self.powers.items() if a == own)) for u, own in relaxation.items()}
        self._moves: dict[Walk, dict[Walk, tuple[Ratio, ...]]] = {}
        self._sums: dict[tuple[Walk, int], Sums] = {}

    def steps(self, forest: Forest) -> dict[Forest, Series]:
        """Everything that an epoch makes of a forest."""
        if forest not in self._steps:
            by_power = [self.sums(Walk(tuple(sorted(forest))), k) for k in range(self.step.order + 1)]
            self._steps[forest] = {
                rest: Series(tuple(s[rest].substitute(self.end, self.ring) if rest in s else self.ring.zero for s in by_power))
                for rest in {rest: 0 for s in by_power for rest in s}
            }
        return self._steps[forest]

    # ------------------------------------------------------------------------------------------ within an epoch

    def sums(self, walk: Walk, power: int) -> Sums:
        """What n more steps make of it, at gamma^power: sequences in n."""
        key = walk, power
        if key not in self._sums:
            self._sums[key] = self._summed(walk, power)
        return self._sums[key]

    def _summed(self, walk: Walk, power: int) -> Sums:
        """f(n+1) = own f(n) + right(n), and f(0) is what is pending where no tie is begun."""
        ring, own, right = self.ring, self.ring.zero, Sums()
        for following, coefficients in self.moves(walk).items():
            for j, c in enumerate(coefficients[: power + 1]):
                if j == 0 and following == walk:
                    own = c
                elif c:
                    for rest, f in self.sums(following, power - j).items():
                        right[rest] = right.get(rest, ring.zero) + c * f
        start = {canonical(walk.pending): ring.one} if power == 0 and not walk.begun else Sums()
        found = {rest: self._sequence(walk, own, right.get(rest, ring.zero).reduced(), start.get(rest)) for rest in right | start}
        return {rest: f for rest, f in found.items() if f}

    def _sequence(self, walk: Walk, own: Ratio, right: Ratio, start: Ratio | None) -> Ratio:
        """f(n+1) = own f(n) + right(n), f(0) = start; `own` is the product of the relaxation factors of the pending roots."""
        start = start or self.ring.zero
        if own == self.ring.one:
            return (self.within.sum(right) + start).reduced()
        if not own:
            raise self.step.forms.refuse(f"a memory that keeps nothing of its last value ({text(walk.pending)}) is not read in epochs")
        power = prod((self._power_of[r.slot] for r in walk.pending if r.slot in self._power_of), start=self.ring.one)
        settled = self.within.relax(own, right)
        return (settled + (start - self.within.at_zero(settled)) * power).reduced()

    def moves(self, walk: Walk) -> dict[Walk, tuple[Ratio, ...]]:
        """What a step makes of it."""
        if walk not in self._moves:
            found: dict[Walk, Series] = {}
            for following, c in self._moved(walk):
                found[following] = found[following] + c if following in found else c
            self._moves[walk] = {following: c.coefficients for following, c in found.items()}
        return self._moves[walk]

    def _moved(self, walk: Walk) -> Iterator[tuple[Walk, Series]]:
        for done in self._all([(r.tree, self.step.lines[r.slot]) for r in walk.pending]):
            c = done.coefficient
            drawn = [tie for tie, where, _ in done.placed if isinstance(where, str)]
            if len(drawn) > 1 or not self._normals_whole(walk, done):
                continue
            for _, where, _ in done.placed:
                c = c if isinstance(where, str) else c * self.step.square(where[1])
            here = Series(tuple(a.substitute({}, self.ring) for a in c.coefficients))
            if not drawn:
                yield Walk(tuple(sorted(done.pending)), walk.begun, walk.places), here
            elif walk.places != self.batches:
                begun = dict(walk.begun)
                sieve = self.ring.constant(-begun[drawn[0]]) if drawn[0] in begun else self.m
                left = {t.tie for t in nodes(r.tree for r in done.pending)}
                begun[drawn[0]] = begun.get(drawn[0], 0) + 1
                places = tuple(sorted((tie, k) for tie, k in begun.items() if tie in left))
                weight = sieve / (self.m - self.ring.constant(walk.places))
                yield Walk(tuple(sorted(done.pending)), places, walk.places + 1), here.scaled(weight)

    def _normals_whole(self, walk: Walk, done: Done) -> bool:
        """Whether a normal vector stands in one step."""
        left = {t.tie for t in nodes(r.tree for r in done.pending)}
        return not any(tie in left for tie, where, _ in done.placed if not isinstance(where, str))


def relaxation_factor(step: Step, fast: str) -> Ratio:
    """What a step keeps of a fast variable at gamma = 0."""
    kept = step.lines[fast].states.get(fast)
    return kept.coefficients[0].reduced() if kept else step.ring.zero
