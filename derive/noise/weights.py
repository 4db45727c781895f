"""How often a tied forest arises in n steps: polynomials in n, by powers of gamma.

w_n(P) belongs to a pending forest P, whose roots hang on variables after n steps.  The last step places some nodes of P, at
its top, on its gradients and normal vectors, the members of a tie together and on one sample, and hands what is below them to
variables before it:

    w_(n+1)(P) = sum over what the step does with P of coefficient(t + n gamma) w_n(P'),      w(nothing) = 1

At gamma = 0 and where P = P' the coefficient is the product of the relaxation factors of the variables on which P hangs.  If all
are slow it is 1, and w_0(P) = 0; otherwise the polynomial solution is the one that is left when transients have died out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from derive.algebra.coefficients import Ratio
from derive.algebra.sequences import Sequences
from derive.noise.forests import NORMAL, Forest, Root, Tree, canonical, nodes, text
from derive.noise.series import Series, monomial
from derive.noise.steps import Line, Step

Where = str | tuple[int, tuple[int, ...]]  # of a tie in a step: a sample, or a normal vector with the roots in its coefficient
Placed = tuple[tuple[int, Where, int], ...]  # tie, where it is, how many of its nodes; sorted by ties


class Done(NamedTuple):
    """What a step may do with a part of a forest: its coefficient, the ties that are placed, and what hangs on before it."""

    coefficient: Series
    placed: Placed
    pending: tuple[Root, ...]


class Weights:
    """The weights of a step's forests.

    >>> from derive.noise.forests import parse
    >>> from derive.noise.builder import one_step
    >>> from derive.scheme import configure, inline_scheme
    >>> sgd = one_step(configure(inline_scheme("theta = theta - gamma*sgrad(theta)"), noise=True), 3)
    >>> [str(Weights(sgd).weight(parse(f), 2)) for f in ("theta:g1 theta:g1", "theta:g[g]", "theta:g1[g1]")]
    ['n', '-n*(1 - n)/2', '0']
    """

    def __init__(self, step: Step) -> None:
        self.step, self.ring = step, step.ring
        self.one = monomial(self.ring, self.ring.one, 0, step.order)
        self.sequences = Sequences(self.ring)
        self._weights: dict[tuple[Forest, int], Ratio] = {}
        self._steps: dict[Forest, dict[Forest, Series]] = {}
        self._open: set[tuple[Forest, int]] = set()

    def weight(self, forest: Forest, power: int) -> Ratio:
        """The coefficient of gamma^power, a polynomial in n; the forest is in its normal form, every root on its variable."""
        if not forest:
            return self.ring.one if power == 0 else self.ring.zero
        key = forest, power
        if key not in self._weights:
            if key in self._open:
                raise self.step.forms.refuse(f"memory goes in circles at gamma = 0 ({text(forest)})")
            self._open.add(key)
            self._weights[key] = self._solved(forest, power)
            self._open.discard(key)
        return self._weights[key]

    def _solved(self, forest: Forest, power: int) -> Ratio:
        """From the difference equation at gamma^power."""
        right, own = self.ring.zero, self.ring.zero
        for rest, series in self.steps(forest).items():
            for j, c in enumerate(series.coefficients[: power + 1]):
                if not c:
                    continue
                if j == 0 and rest == forest:
                    own = c
                elif w := self.weight(rest, power - j):
                    right = right + c * w
        if all(r.slot in self.step.slow for r in forest):
            return self.sequences.sum(right.reduced())
        return self.relaxed(self.sequences, own, right.reduced())

    def relaxed(self, sequences: Sequences, own: Ratio, right: Ratio) -> Ratio:
        """P with P(n+1) - own P(n) = right(n), where transients have died out."""
        if own == self.ring.one:
            raise self.step.forms.refuse("relaxation factors have the product 1, so that memory keeps fluctuations for ever")
        return sequences.relax(own, right)

    # ------------------------------------------------------------------------------------------ one step

    def steps(self, forest: Forest) -> dict[Forest, Series]:
        """Everything that a step makes of a forest, each with its coefficient at the time t + n gamma."""
        if forest not in self._steps:
            count: dict[int, int] = {}
            for t in nodes(r.tree for r in forest):
                count[t.tie] = count.get(t.tie, 0) + 1
            found: dict[Forest, Series] = {}
            for done in self._all([(r.tree, self.step.lines[r.slot]) for r in forest]):
                if all(count[tie] == k for tie, _, k in done.placed):
                    c = done.coefficient
                    for _, where, _ in done.placed:
                        c = c if isinstance(where, str) else c * self.step.square(where[1])
                    rest = canonical(done.pending)
                    found[rest] = found[rest] + c if rest in found else c
            self._steps[forest] = {rest: self.step.later(c) for rest, c in found.items() if c}
        return self._steps[forest]

    def _all(self, branches: Sequence[tuple[Tree, Line]]) -> list[Done]:
        """What may be done with trees that hang on lines, all of them together."""
        found = [Done(self.one, (), ())]
        for tree, line in branches:
            single = list(self._one(tree, line))
            found = [
                Done(c, placed, a.pending + b.pending)
                for a in found
                for b in single
                if (placed := _joined(a.placed, b.placed)) is not None and (c := a.coefficient * b.coefficient)
            ]
        return found

    def _one(self, tree: Tree, line: Line) -> Iterator[Done]:
        for state, c in line.states.items():
            yield Done(c, (), (Root(state, tree._replace(slot="")),))
        if tree.label == NORMAL:
            for (z, roots), c in line.normals.items():
                yield Done(c, ((tree.tie, (z, roots), 1),), ())
        elif tree.label in line.values and not tree.children and not tree.tie:
            yield Done(line.values[tree.label], (), ())
        for e, c in line.gradients.items():
            gradient = self.step.gradients[e]
            if gradient.label != tree.label or (tree.tie and not gradient.sample):
                continue
            own: Placed = ((tree.tie, gradient.sample, 1),) if tree.tie else ()
            for below in self._all([(child, self._point(gradient.point, child)) for child in tree.children]):
                placed = _joined(own, below.placed)
                if placed is not None and (product := c * below.coefficient):
                    yield Done(product, placed, below.pending)

    def _point(self, point: Mapping[str, Line], child: Tree) -> Line:
        return point.get(child.slot or self.step.spaces[child.label], _NOWHERE)


_NOWHERE = Line({}, {}, {}, {})


def _joined(a: Placed, b: Placed) -> Placed | None:
    """Both together; None where a tie would be in two places."""
    if not a or not b:
        return a or b
    found = {tie: (where, k) for tie, where, k in a}
    for tie, where, k in b:
        if tie in found:
            if found[tie][0] != where:
                return None
            k += found[tie][1]
        found[tie] = where, k
    return tuple((tie, where, k) for tie, (where, k) in sorted(found.items()))
