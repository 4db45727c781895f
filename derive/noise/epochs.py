"""How often a tied forest arises in n epochs, each of which takes the m batches of a data set once, in a random order.

Ties stand here for joint central moments over the data set: M(C) = 1/m sum_i prod_(a in C) (X_ai - mean of X_a).  Nodes at one
place of the order share a batch, those at different places have different batches.  If the members of the ties stand at b
places, b_C of them those of the tie C and no place that of two ties, then their tensors have in the mean the weight

    m^(number of ties)/(m (m-1) ... (m-b+1)) prod_C (-1)^(b_C - 1) (b_C - 1)!

before prod_C M(C): the sum over distinct batches is that over all batches, sieved by the partition lattice.  Epochs are
independent, so every tie lies within one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from math import prod
from typing import NamedTuple

from derive.algebra.coefficients import Ratio, Ring
from derive.algebra.sequences import Sequences
from derive.noise.forests import Forest, Root, canonical, nodes
from derive.noise.series import Series
from derive.noise.steps import Step
from derive.noise.weights import Weights

BATCHES, POWER = "m", "B"  # the letters of the number of batches, and of what a relaxation factor comes to in an epoch


class Walk(NamedTuple):
    """A forest of which the last steps of an epoch are done: what is pending, the ties that are begun and not done, each with its
    number of places, and the number of places that ties have in all."""

    pending: tuple[Root, ...]
    begun: tuple[tuple[int, int], ...] = ()
    places: int = 0


class Epochs(Weights):
    """The weights of a step's forests in n epochs of m batches: m = `batches`, or a symbol, `letter`.

    `powers` says what further symbols of the ring stand for: a^m for every relaxation factor a, here given as a.

    >>> from derive.noise.forests import parse
    >>> from derive.noise.builder import one_step
    >>> from derive.scheme import configure, inline_scheme
    >>> sgd = one_step(configure(inline_scheme("theta = theta - gamma*sgrad(theta)"), noise=True), 3)
    >>> [str(Epochs(sgd).weight(parse(f), 2)) for f in ("theta:g[g]", "theta:g1[g1]", "theta:g1 theta:g1")]
    ['-m*n*(1 - n*m)/2', '-m*n/2', '0']
    """

    def __init__(self, step: Step, batches: int | None = None) -> None:
        super().__init__(step)
        fresh, relaxation = step.forms.configuration.fresh, {u: _relaxation(step, u) for u in step.fast}
        self.batches, self.letter = batches, fresh(BATCHES)
        self.powers = {fresh(f"{POWER}{k or ''}"): a for k, a in enumerate(dict.fromkeys(relaxation.values()))}
        self.ring = ring = Ring([*step.ring.symbols, self.letter, *self.powers])
        self.m = ring.symbol(self.letter) if batches is None else ring.constant(batches)
        # within an epoch a symbol of `powers` is a^n, n the number of steps; after it, where n = m, it is a^m
        factors = {z: a.substitute({}, ring) for z, a in self.powers.items()}
        self.end = {ring.names[0]: self.m} | ({} if batches is None else {z: a**batches for z, a in factors.items()})
        self.within, self.sequences = Sequences(ring, factors), Sequences(ring)
        self._power_of = {u: ring.symbol(z) for u, own in relaxation.items() for z, a in self.powers.items() if a == own}
        self._moves: dict[Walk, dict[Walk, Series]] = {}
        self._sums: dict[tuple[Walk, int], dict[Forest, Ratio]] = {}

    def steps(self, forest: Forest) -> dict[Forest, Series]:
        """Everything that an epoch makes of a forest, each with its coefficient at the time t + n m gamma."""
        if forest not in self._steps:
            by_power = [self._within(Walk(tuple(sorted(forest))), k) for k in range(self.step.order + 1)]
            found = {rest: Series(tuple(map(self._whole, (s.get(rest) for s in by_power)))) for s in by_power for rest in s}
            self._steps[forest] = {rest: self.step.later(c, self.ring.n * self.m) for rest, c in found.items()}
        return self._steps[forest]

    def _whole(self, c: Ratio | None) -> Ratio:
        """The sequence after all steps of the epoch."""
        return c.substitute(self.end, self.ring) if c else self.ring.zero

    # ------------------------------------------------------------------------------------------ within an epoch

    def _within(self, walk: Walk, power: int) -> dict[Forest, Ratio]:
        """What n more steps make of it, each with its coefficient at gamma^power, a sequence in n."""
        if (walk, power) not in self._sums:
            self._sums[walk, power] = self._summed(walk, power)
        return self._sums[walk, power]

    def _summed(self, walk: Walk, power: int) -> dict[Forest, Ratio]:
        """From f(n+1) = own f(n) + right(n); after no step that is there which is pending, if no tie is begun."""
        zero, own = self.ring.zero, self.ring.zero
        right: dict[Forest, Ratio] = {}
        for following, series in self.moves(walk).items():
            for j, c in enumerate(series.coefficients[: power + 1]):
                if j == 0 and following == walk:
                    own = c
                elif c:
                    for rest, f in self._within(following, power - j).items():
                        right[rest] = right.get(rest, zero) + c * f
        start = {canonical(walk.pending): self.ring.one} if power == 0 and not walk.begun else {}
        found = {f: self._sequence(walk, own, right.get(f, zero).reduced(), start.get(f, zero)) for f in right | start}
        return {rest: f for rest, f in found.items() if f}

    def _sequence(self, walk: Walk, own: Ratio, right: Ratio, start: Ratio) -> Ratio:
        """f with f(n+1) = own f(n) + right(n), f(0) = start; own is the product of the pending roots' relaxation factors."""
        fast = [self._power_of[r.slot] for r in walk.pending if r.slot in self._power_of]
        if not fast:
            return (self.within.sum(right) + start).reduced()
        settled = self.relaxed(self.within, own, right)
        return (settled + (start - self.within.at_zero(settled)) * prod(fast, start=self.ring.one)).reduced()

    def moves(self, walk: Walk) -> dict[Walk, Series]:
        """What a step makes of it, each with its coefficient at the time t + n gamma."""
        if walk not in self._moves:
            found: dict[Walk, Series] = {}
            for following, c in self._moved(walk):
                found[following] = found[following] + c if following in found else c
            self._moves[walk] = found
        return self._moves[walk]

    def _moved(self, walk: Walk) -> Iterator[tuple[Walk, Series]]:
        """The members of at most one tie of samples take a place in a step; a tie of normal vectors is done in one."""
        count = Counter(t.tie for t in nodes(r.tree for r in walk.pending))
        for done in self._all([(r.tree, self.step.lines[r.slot]) for r in walk.pending]):
            drawn = [tie for tie, where, _ in done.placed if isinstance(where, str)]
            normal = [(count[tie] == k, where[1]) for tie, where, k in done.placed if not isinstance(where, str)]
            if len(drawn) > 1 or not all(whole for whole, _ in normal):
                continue
            c = prod((self.step.square(roots) for _, roots in normal), start=done.coefficient)
            pending = tuple(sorted(done.pending))
            following, weight = walk._replace(pending=pending), self.ring.one
            if drawn:
                following, weight = self._placed(walk, drawn[0], pending)
            if weight:
                yield following, Series(tuple(a.substitute({}, self.ring) * weight for a in self.step.later(c).coefficients))

    def _placed(self, walk: Walk, tie: int, pending: tuple[Root, ...]) -> tuple[Walk, Ratio]:
        """One more place for a tie, with the factor that this brings: m, -1, -2, ... over the batches that are left."""
        left, known = self.m - self.ring.constant(walk.places), dict(walk.begun).get(tie, 0)
        open_ = {t.tie for t in nodes(r.tree for r in pending)}
        begun = {**dict(walk.begun), tie: known + 1}
        following = Walk(pending, tuple(sorted(item for item in begun.items() if item[0] in open_)), walk.places + 1)
        return following, (self.ring.constant(-known) if known else self.m) / left if left else left


def _relaxation(step: Step, fast: str) -> Ratio:
    """What a step keeps of a fast variable at gamma = 0, where epochs can be read."""
    kept = step.lines[fast].states.get(fast)
    factor = kept.coefficients[0].reduced() if kept else step.ring.zero
    if not factor:
        raise step.forms.refuse(f"at gamma = 0 a step keeps nothing of the memory {fast}; epochs of such memory are not read")
    if factor.symbols() & step.forms.slopes.keys():
        raise step.forms.refuse(f"the relaxation factor {factor} of {fast} changes with t; epochs of such memory are not read")
    return factor
