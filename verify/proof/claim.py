"""The claimed field and memory at a point, in the formula language:

grad, hess(u), d3(u, v), ...  or  field, dfield(u), d2field(u, v), ...;  theta, slow variables, parameters, t, r, dr, d2r, ...
+ - * / ** (rational powers), sqrt, abs, sign, dot(u, v), norm(u);  products are componentwise
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from derive.language import Call, Expression, walk
from derive.language.calls import partial_of
from derive.language.maps import map_of
from verify.proof.errors import Undecided
from verify.proof.program import Evaluator, Point, names_at
from verify.proof.series import Algebra
from verify.proof.statement import DERIVATIVES, Statement, Summands


class ClaimValues:
    """Values of the claims at one point, one number of the ring for each component; parts in common are found once."""

    def __init__(self, claim: Statement, point: Point, ring: Any, leading: dict[Any, int] | None = None) -> None:
        self.claim, self.point = claim, point
        self.algebra = Algebra(ring, 1, leading, notes=True)
        self.evaluator = Evaluator(point, self.algebra, {})
        self.evaluator.known = {}
        self.names = names_at(claim, point, self.algebra)

    def field(self, x: str, k: int) -> list[Any]:
        return self._sum(self.claim.fields[x][k], x)

    def memory(self, m: str, k: int) -> list[Any]:
        return self._sum(self.claim.memory[m][k], m)

    def roots(self) -> None:
        """Evaluate every root and sign once, so that what must be positive is seen early."""
        for node in self.claim.roots:
            self.evaluator.value(node, self.names)

    def _sum(self, summands: Summands, variable: str) -> list[Any]:
        scalar = variable in self.claim.scalars
        total = [self.algebra.ring.zero] * (1 if scalar else self.point.size_of(variable))
        for summand in summands:
            value = self.evaluator.value(summand, self.names)
            if scalar and isinstance(value, list):
                raise Undecided("a vector is claimed for a scalar variable")
            items = [value] if scalar else self.evaluator.vector(value, len(total))
            total = [self.algebra.ring.add(a, s.at(0)) for a, s in zip(total, items)]
        return total


def highest_derivative(claim: Statement) -> int:
    """The largest number of arguments of a derivative in the claims."""
    calls = [n.function for n in claim.nodes if isinstance(n, Call)]
    return max([DERIVATIVES[name] for name in calls if name in DERIVATIVES] + _directions(claim, claim.nodes), default=0)


def rank_of_text(claim: Statement) -> int:
    """The largest number of directions in which the update differentiates a map or a gradient."""
    return max((r for a in claim.program for r in _directions(claim, walk(a.value))), default=0)


def _directions(claim: Statement, nodes: Iterable[Expression]) -> list[int]:
    calls = [n.function for n in nodes if isinstance(n, Call)]
    partials, maps = map(partial_of, calls), (map_of(name, claim.maps) for name in calls)
    return [*(len(p.variables) - 1 for p in partials if p and p.variables), *(found[1] for found in maps if found)]
