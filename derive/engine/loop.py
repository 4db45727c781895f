"""repeat k with a symbol k: the variables of the body as sequences in the index j = 0, 1, ..., k - 1 of its steps.

    Y(j+1) = body(Y(j)),  Y(0) given;     at gamma^p:   Q(j+1) - Q(j) = body_p(Q)(j) - Q(j)

Where the body is the identity at gamma = 0, up to variables that add up others, the right side is known after as many passes
as there are variables, and Q is a polynomial in j.  What the body leaves behind is its value at j = k - 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from derive.algebra.coefficients import Ratio
from derive.algebra.sequences import Sequences
from derive.algebra.sums import Sum, accumulate
from derive.algebra.terms import Exponent
from derive.engine.series import Series
from derive.errors import ReductionError
from derive.language import Repeat, assignments, carried, unparse

if TYPE_CHECKING:
    from derive.engine.translation import Translation


class Loop:
    """One repeat whose number is a symbol.  `values[x][p]` is the variable x at gamma^p at the start of step j.

    While a power is being solved, `guess` stands for the values there; it counts as unsolved, so that nothing made of it is
    remembered.
    """

    def __init__(self, context: Translation, repeat: Repeat, names: Mapping[str, Series], index: str) -> None:
        self.context, self.repeat, self.index = context, repeat, index
        ring = context.ring
        (self.count,) = names[unparse(repeat.count)].at(0).values()
        self.sums = Sequences(ring)
        self.swapped = {ring.names[0]: ring.symbol(index), index: ring.n}
        self.initial = {x: names[x] for x in carried(repeat)}
        self.values: dict[str, dict[int, Sum]] = {x: {} for x in self.initial}
        self.guess: dict[str, Sum] = {}
        self.marker = f"{index}, line {repeat.line}, column {repeat.column}"  # what is unsolved because of the guess
        self.power = -1  # what is being solved
        self.body: dict[str, Series] = {}
        inside = {**names, **{x: Carried(self, x) for x in self.initial}}
        context.execute(repeat.body, inside)
        self.body = {a.target: inside[a.target] for a in assignments(repeat.body)}

    def results(self) -> dict[str, Series]:
        """The variables of the body after its last step."""
        return {x: Last(self, series) for x, series in self.body.items()}

    def fail(self, message: str) -> ReductionError:
        k = unparse(self.repeat.count)
        text = f"{message}; give the number of its steps, such as --set {k}=3"
        return self.context.fail(f"repeat {k}: {text}", (self.repeat.line, self.repeat.column))

    # ------------------------------------------------------------------ one power of gamma

    def at(self, name: str, p: int) -> Sum:
        """The variable at gamma^p, at the start of step j."""
        if p in self.values[name]:
            return self.values[name][p]
        if self.power >= 0 or not self.body:
            if p > max(self.power, 0):
                raise self.fail(f"{name} is divided by gamma inside")
            self.context.unsolved.add(self.marker)
            return self.guess[name] if self.body else self.initial[name].at(p)
        for q in range(p):
            self.at(name, q)
        return self._solve(p)[name]

    def _solve(self, p: int) -> Mapping[str, Sum]:
        """Every variable at gamma^p; remembered where nothing that it needs is missing."""
        unsolved = self.context.unsolved
        before = unsolved.copy()
        unsolved.clear()
        start = {x: series.require_whole(p).at(p) for x, series in self.initial.items()}
        missing = unsolved.copy()
        self.power, self.guess = p, start
        try:
            for _ in range(len(start) + 1):
                unsolved.clear()
                last, self.guess = self.guess, {x: self._stepped(x, start[x], p) for x in start}
                missing |= unsolved - {self.marker}
                if all(self._equal(last[x], self.guess[x]) for x in start):
                    break
            else:
                moving = [x for x in start if not self._equal(last[x], self.guess[x])]
                what = "by other factors than 1, whose powers are no polynomials"
                raise self.fail(f"a step multiplies {', '.join(moving)} {what}")
        finally:
            self.power = -1
            unsolved.clear()
            unsolved |= before | missing
        if not missing:
            for x, value in self.guess.items():
                self.values[x][p] = value
        return self.guess

    def _stepped(self, name: str, start: Sum, p: int) -> Sum:
        """Q(0) + sum_{m<j} (body_p(Q)(m) - Q(m))."""
        change = dict(self.body[name].require_whole(p).at(p))
        accumulate(change, {t: -c for t, c in self.guess[name].items()})
        result = dict(start)
        accumulate(result, {t: self._sum(c) for t, c in change.items() if c})
        return {t: r for t, c in result.items() if (r := c.reduced())}

    def _sum(self, sequence: Ratio) -> Ratio:
        """P(j+1) - P(j) = sequence(j), P(0) = 0: the sum in n with n and j exchanged."""
        ring = self.context.ring
        return self.sums.sum(sequence.substitute(self.swapped, ring)).substitute(self.swapped, ring)

    def _equal(self, a: Sum, b: Sum) -> bool:
        difference = dict(a)
        accumulate(difference, {t: -c for t, c in b.items()})
        return bool(self.context.algebra.is_zero(difference))

    def forget(self) -> None:
        for found in self.values.values():
            found.clear()


class Carried(Series):
    """A variable of the body at the start of step j."""

    def __init__(self, loop: Loop, name: str) -> None:
        super().__init__(loop.context)
        self.loop, self.name = loop, name

    def at(self, k: Exponent) -> Sum:
        if k < 0 or int(k) != k:
            return {}
        return self.loop.at(self.name, int(k))

    def forget(self) -> None:
        self.loop.forget()


class Last(Series):
    """What the body assigns, in its last step: at j = k - 1."""

    def __init__(self, loop: Loop, series: Series) -> None:
        super().__init__(loop.context, series.place, series.steady)
        self.series, self.low, self.step = series, series.low, series.step
        self.values, self.ring = {loop.index: loop.count - loop.context.ring.one}, loop.context.ring

    def compute(self, k: Exponent) -> Sum:
        found = {t: c.substitute(self.values, self.ring) for t, c in self.series.at(k).items()}
        return {t: c for t, c in found.items() if c}
