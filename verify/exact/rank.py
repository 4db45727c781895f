"""The rank argument: when finitely many exact checks prove the field for every smooth loss.

The true f_k of a variable is a combination of the terms E_k that the update text can produce (`verify.exact.support`: its sets
are closed under everything the scheme does, so nothing is missing).  A claimed f_k is a combination of terms too; where they
are not in E_k they join it.  The difference therefore lies in the span of E_k.  It vanishes at every point examined; if
the values of E_k on these points have rank |E_k|, it is the zero combination - so claim and truth are the same formula, for
every smooth loss in every dimension.  The rank is computed modulo a prime, which can only make it smaller.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from flint import fmpq, nmod_mat

from derive.language import Call, Expression, Name, Number, Operation, constant, unparse
from verify.exact.points import PRIME, TermPoint
from verify.exact.term_algebra import TermAlgebra
from verify.exact.terms import ONE, Combination, NotEnumerable, Term, add, collect, symbol
from verify.numbers.power_series import to_fmpq
from verify.problems.formula import DERIVATIVES

Value = Combination


def combination_of(algebra: TermAlgebra, expression: Expression, values: Mapping[str, Any]) -> Combination:
    """A formula as a combination of terms in normal form; `values` are the numbers of the parameters.

    Raises NotEnumerable for what is no combination of terms.
    """
    match expression:
        case Number(value):
            return {ONE: to_fmpq(value)} if value else {}
        case Name(id):
            if id in values:
                return {ONE: values[id]} if values[id] != 0 else {}
            return algebra.reduce(symbol(id))
        case Operation("neg", (a,)):
            return {t: -c for t, c in combination_of(algebra, a, values).items()}
        case Operation("+" | "-" as op, (a, b)):
            return add(combination_of(algebra, a, values), combination_of(algebra, b, values), 1 if op == "+" else -1)
        case Operation("*", (a, b)):
            return algebra.multiply(combination_of(algebra, a, values), combination_of(algebra, b, values))
        case Operation("/", (a, b)):
            inverse = algebra.power(combination_of(algebra, b, values), Fraction(-1))
            return algebra.multiply(combination_of(algebra, a, values), inverse)
        case Operation("**", (a, b)):
            exponent = constant(b)
            if isinstance(a, Name) and a.id not in values and exponent is not None and exponent.denominator == 1:
                return algebra.reduce(symbol(a.id, int(exponent)) if exponent else ONE)
            if exponent is not None:
                return algebra.power(combination_of(algebra, a, values), exponent)
        case Call(function, args):
            return _call(algebra, function, [combination_of(algebra, a, values) for a in args])
    raise NotEnumerable(f"{unparse(expression)} is no combination of terms")


def _call(algebra: TermAlgebra, function: str, args: list[Combination]) -> Combination:
    if function in DERIVATIVES:
        found: list[tuple[tuple[Term, ...], fmpq]] = [((), fmpq(1))]
        for arg in args:
            found = [((*terms, t), c * x) for terms, c in found for t, x in arg.items()]
        return collect((u, c * x) for terms, c in found for u, x in algebra.node(terms).items())
    match function:
        case "sqrt":
            return algebra.power(args[0], Fraction(1, 2))
        case "abs":
            return algebra.power(algebra.multiply(args[0], args[0]), Fraction(1, 2))
        case "sign":
            root = algebra.power(algebra.multiply(args[0], args[0]), Fraction(-1, 2))
            return algebra.multiply(args[0], root)
        case "dot":
            return _summed(algebra, algebra.multiply(args[0], args[1]))
        case "norm":
            return algebra.power(_summed(algebra, algebra.multiply(args[0], args[0])), Fraction(1, 2))
    raise NotEnumerable(f"{function} is no function of terms")


def _summed(algebra: TermAlgebra, a: Combination) -> Combination:
    return collect((u, c * x) for t, c in a.items() for u, x in algebra.contraction(t).items())


@dataclass
class Span:
    """The terms of one variable at one power, their values modulo PRIME, and the rank these have reached.

    `places[j]` is the (sample, component) that gave row j.  The rank is computed once there are rows enough to be full.
    """

    terms: list[Term]
    rows: list[list[int]] = field(default_factory=list)
    places: list[tuple[int, int]] = field(default_factory=list)
    rank: int = 0
    idle: int = 0

    @property
    def needed(self) -> int:
        return len(self.terms)

    @property
    def full(self) -> bool:
        return self.rank == self.needed

    @property
    def short(self) -> bool:
        """Fewer rows than the rank needs: nothing can be said yet."""
        return len(self.rows) < self.needed

    def examine(self, point: TermPoint, sample: int, scalar: bool) -> None:
        """Add the values of the terms at a point modulo PRIME."""
        if self.full:
            return
        columns = [point[t] for t in self.terms]
        for i in range(1 if scalar else point.dimension):
            self.rows.append([int(c[i]) for c in columns])
            self.places.append((sample, i))
        if not self.short:
            before, self.rank = self.rank, self._matrix().rank()
            self.idle = 0 if self.rank > before else self.idle + 1

    def _matrix(self) -> Any:
        return nmod_mat(len(self.rows), self.needed, [x for row in self.rows for x in row], PRIME)

    def independent_places(self) -> list[tuple[int, int]]:
        """The (sample, component) pairs of as many independent rows as there are terms, once the rank is full."""
        reduced, rank = self._matrix().transpose().rref()
        pivots = []
        for i in range(rank):
            pivots.append(next(j for j in range(len(self.rows)) if int(reduced[i, j]) != 0))
        return [self.places[j] for j in pivots]


def argument_text(rank: int, needed: int, points: int, settings: str) -> str:
    """What a full rank proves, and what it rests on."""
    if rank < needed:
        return f"rank {rank} of {needed}: exact at {points} points, which do not determine every term: no proof for every loss"
    return (
        f"rank {rank} of {needed}: proves the identity for every smooth loss (parameters: {settings}). It rests on the list of "
        "terms, found from the update text alone by closing it under the scheme's own operations without cancellation, and on "
        f"exact values at {points} points."
    )
