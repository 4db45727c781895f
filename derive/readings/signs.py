"""Signs of coefficients for all parameters for which an equation is stated.

    sign(c) = +1   if  c >= 0  for all parameters (and c is not 0),        -1  if  -c >= 0,        None  if neither is proved

where the parameters satisfy their ranges, the factors with which memory relaxes lie between -1 and 1, what stands under a root
is positive, and so is the time t.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

from derive.algebra.coefficients import Ratio, Ring
from derive.algebra.fold import within
from derive.algebra.sums import Sum
from derive.equation import ModifiedEquation
from derive.readings.domain import stated_ranges
from derive.reals import TRUE, All, Formula, Proved, compare, decide, example


def sums_of(equation: ModifiedEquation) -> Iterator[Sum]:
    """The coefficients of every power, of slow variables and of memory."""
    for powers in (*equation.equations.values(), *equation.memory.values()):
        yield from (total.sum for total in powers)


class Signs:
    """The signs of one equation's coefficients.

    >>> from derive.equation import modified_equation
    >>> equation = modified_equation("momentum", 1)
    >>> [Signs(equation).of(total.coefficient(t)) for total, t in zip(equation["theta"], ("grad", "hess(grad)"))]
    [-1, -1]
    >>> c = modified_equation("adam", 1)["theta"][1].by_text
    >>> [Signs(modified_equation("adam", 1)).of(x) for x in c.values()]
    [None, -1]
    """

    def __init__(self, equation: ModifiedEquation) -> None:
        self.equation = equation
        self._known: dict[str, int | None] = {}

    def of(self, value: Ratio) -> int | None:
        """+1 for >= 0, -1 for <= 0, 0 for the number 0, None where neither is proved."""
        key = str(value)
        if key not in self._known:
            self._known[key] = self._decided(value)
        return self._known[key]

    def is_positive(self, value: Ratio) -> bool:
        """Whether > 0 is proved."""
        return self._proved(value, ">")

    def poles(self) -> Iterator[Ratio]:
        """Denominators of the coefficients that the parameters may make zero, such as the time t."""
        found: dict[str, Ratio] = {}
        for c in (c for s in sums_of(self.equation) for c in s.values()):
            for f in (Ratio(c.ring, c.ring.factors[i], ()) for i, _ in c.reduced().den):
                found.setdefault(str(f), f)
        for f in found.values():
            if not isinstance(decide(compare(f, "!=", f.ring.zero), self.stated), Proved):
                yield f

    def in_ranges(self, value: Ratio) -> bool:
        """Whether > 0 is proved from the stated ranges alone."""
        ranges = stated_ranges(value.symbols(), self.equation)
        return isinstance(decide(compare(value, ">", value.ring.zero), ranges), Proved)

    def _decided(self, value: Ratio) -> int | None:
        if not value:
            return 0
        return 1 if self._proved(value, ">=") else -1 if self._proved(-value, ">=") else None

    def _proved(self, value: Ratio, op: str) -> bool:
        if value.is_number:
            return value.number() > 0 or (op == ">=" and value.number() == 0)
        return isinstance(decide(compare(value, op, value.ring.zero), self.given), Proved)

    @cached_property
    def stated(self) -> Formula:
        """What is known of the parameters; the ranges alone where a setting contradicts the rest."""
        sums = list(sums_of(self.equation))
        factors = {f for s in sums for t in s for f in within(t)}
        roots = [f.body[0][1] for f in factors if f.kind == "root"]
        coefficients = [c for s in sums for c in s.values()] + [c for f in factors for _, c in f.body]
        coefficients += [p for r in self.equation.relaxations for p in r.polynomial]
        used = {n for c in coefficients for n in c.symbols()}
        if not used:
            return TRUE
        ranges = stated_ranges(used, self.equation)
        for more in (self._beside(roots), ()):
            if example(All((ranges, *more))) is not None:
                return All((ranges, *more))
        return TRUE

    @cached_property
    def given(self) -> Formula:
        """The same at times t > 0."""
        t = Ring(["t"]).symbol("t")
        return All((self.stated, compare(t, ">", t.ring.zero)))

    def _beside(self, roots: Iterable[Ratio]) -> tuple[Formula, ...]:
        found = [compare(c, ">", c.ring.zero) for c in roots]
        for r in self.equation.relaxations:
            if r.factor is not None and not r.factor.is_number:
                found += [compare(r.factor, "<", r.factor.ring.one), compare(-r.factor, "<", r.factor.ring.one)]
        return tuple(found)
