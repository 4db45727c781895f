"""The interval of q next to 0+ (or the first after it) on which conditions are all positive, proved for all parameters.

Write S(p) for the set of q at which every condition is positive and the scheme is defined, R for a range of parameters p.
"q in (l, u) for p in R" is printed only after each of these is proved, for all p in R and all q:

    l(p) and u(p) are real numbers with l < u and u > 0;
    l < q < u            =>  q in S;
    q = u, or q = l      =>  q not in S           (S is open, so (l, u) is a whole component of it);
    0 < q <= l           =>  q not in S           (so it is the first).

"never for p in R" is: q > 0 => q not in S.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from derive.algebra.coefficients import Ratio, Ring
from derive.reals import All, Budget, Compare, Either, End, Formula, Not, Proved, Verdict, compare, decide
from derive.reals.reading import ordered


@dataclass(frozen=True)
class Positive:
    """The set S: all conditions positive, all values in `domain` defined; both functions of q and the parameters."""

    conditions: tuple[Ratio, ...]
    domain: tuple[Ratio, ...]
    q: str

    @property
    def ring(self) -> Ring:
        return self.conditions[0].ring

    @property
    def parts(self) -> tuple[Formula, ...]:
        """S is where each of these holds."""
        below = {i: self.ring.factors[i] for c in self.domain for i, _ in c.den}
        nonzero = tuple(Compare(Ratio(self.ring, f, ()), "!=") for f in below.values())
        return (*(compare(c, ">", self.ring.zero) for c in self.conditions), *nonzero)

    @property
    def inside(self) -> Formula:
        return All(self.parts)

    def q_compared(self, op: str, end: End) -> Formula:
        """q op end."""
        return end.against({"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "=="}[op], self.ring.symbol(self.q))

    def above_zero(self) -> Formula:
        return compare(self.ring.symbol(self.q), ">", self.ring.zero)


def obligations(s: Positive, low: End, high: End) -> Iterator[Formula]:
    """The statements of the module's docstring, one by one."""
    zero = Ring().zero
    yield All((low.exists, high.exists))
    if high.value is not None:
        yield high.against(">", zero)
        if low.value is not None:
            yield ordered(low, "<", high)
    between = All((s.q_compared(">", low), s.q_compared("<", high)))
    for part in s.parts:
        yield Either((Not(between), part))
    for end in (low, high):
        if end.value is not None:
            yield Not(All((s.q_compared("==", end), s.inside)))
    if low.value is not None and low.text != "0":
        yield Not(All((s.above_zero(), s.q_compared("<=", low), s.inside)))


def prove_interval(s: Positive, given: Formula, interval: tuple[End, End] | None, budget: Budget | None = None) -> Verdict:
    """Whether this is the interval for all parameters that satisfy `given`; None for no q > 0."""
    if interval is None:
        return decide(Not(All((s.above_zero(), s.inside))), given, budget)
    low, high = interval
    hypotheses = All((given, low.given, high.given))
    for k, claim in enumerate(obligations(s, low, high)):
        # that roots are real is asked of the parameters alone: nothing may follow from a root that is not there
        verdict = decide(claim, given if k == 0 else hypotheses, budget)
        if not isinstance(verdict, Proved):
            return verdict
    return Proved()
