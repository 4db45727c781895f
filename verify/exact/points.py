"""Values of terms at a sample, exactly and modulo a prime."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from flint import fmpq, nmod

from verify.exact.term_algebra import TermAlgebra
from verify.exact.terms import ONE, Combination, Node, Term
from verify.numbers.power_series import IrrationalRoot, rational_power
from verify.orbits.slow_series import Sample
from verify.problems.problem import Problem

#: a prime with fast arithmetic; a matrix of rationals has at least the rank of its residues
PRIME = 2**61 - 1


class NoRationalRoot(IrrationalRoot):
    """Base number `base` has an irrational value at this component."""

    def __init__(self, base: str, component: int) -> None:
        super().__init__(f"{base} at component {component}")
        self.base, self.component = base, component


class TermPoint:
    """Terms of an algebra at one point.  `values[s]` is a list (one entry a component) or a number for every symbol.

    Symbols under a root come from `add_bases`; `residues` gives the same point modulo PRIME.
    """

    def __init__(self, algebra: TermAlgebra, problem: Problem, values: Mapping[str, Any]) -> None:
        self.algebra, self.problem, self.values = algebra, problem, dict(values)
        self._known: dict[Any, Any] = {}
        self._powers: dict[tuple[str, int], list[Any]] = {}

    @property
    def dimension(self) -> int:
        return self.problem.dimension

    def add_bases(self, power: Callable[[Any, Fraction], Any] = rational_power) -> None:
        """w = b^(1/q) for every base, in the order in which they were found.

        Raises NoRationalRoot.
        """
        for base in self.algebra.bases.values():
            content = self.combination(dict(base.content))
            roots = []
            for i, b in enumerate(content):
                try:
                    roots.append(power(b, Fraction(1, base.q)))
                except IrrationalRoot:
                    raise NoRationalRoot(base.name, i) from None
            self.values[base.name] = roots[0] if base.scalar else roots

    def _power(self, s: str, e: int) -> list[Any]:
        found = self._powers.get((s, e))
        if found is None:
            value = self.values[s]
            found = [v**e for v in value] if isinstance(value, list) else [value**e] * self.dimension
            self._powers[s, e] = found
        return found

    def __getitem__(self, term: Term) -> list[Any]:
        """One entry a component; a scalar term has equal ones."""
        found = self._known.get(term)
        if found is None:
            factors = [self._power(s, e) for s, e in term[0]]
            factors += [self._node(n) for n in term[1]]
            factors += [[sum(self[t][1:], self[t][0])] * self.dimension for t in term[2]]
            if not factors:
                return [self.one] * self.dimension
            found = factors[0]
            for f in factors[1:]:
                found = [x * y for x, y in zip(found, f, strict=True)]
            self._known[term] = found
        return found

    @property
    def one(self) -> Any:
        return self.problem.point[0] * 0 + 1

    def _node(self, node: Node) -> list[Any]:
        found = self._known.get(node)
        if found is None:
            found = self._known[node] = self.problem.tensor(self.problem.point, [self[c] for c in node[1]], None)
        return found

    def combination(self, items: Combination) -> list[Any]:
        """Sum of coefficient times term."""
        total = [self.one * 0] * self.dimension
        for term, c in items.items():
            total = [a + x * c for a, x in zip(total, self[term], strict=True)]
        return total

    def residues(self) -> TermPoint:
        """This point modulo PRIME."""
        p = self.problem
        potential = None if p.potential is None else {e: residue(c) for e, c in p.potential.items()}
        components = tuple({e: residue(c) for e, c in part.items()} for part in p.components)
        problem = Problem(tuple(residue(x) for x in p.point), potential, components)
        values = {s: [residue(x) for x in v] if isinstance(v, list) else residue(v) for s, v in self.values.items()}
        return TermPoint(self.algebra, problem, values)


def residue(x: fmpq) -> nmod:
    """x modulo PRIME.  Raises ZeroDivisionError if PRIME divides its denominator."""
    return nmod(int(x.p), PRIME) / nmod(int(x.q), PRIME)


def term_point(algebra: TermAlgebra, sample: Sample) -> TermPoint:
    """The exact point of a sample, roots included."""
    problem = sample.problem
    leaf = "grad" if problem.potential is not None else "field"
    values = {**sample.names(), "theta": list(problem.point), leaf: problem.tensor(problem.point, (), None)}
    point = TermPoint(algebra, problem, values)
    point.add_bases()
    return point


def memory_values(point: TermPoint, leads: Mapping[str, Combination], scalar: Sequence[str]) -> dict[str, Any]:
    """The memory at gamma = 0."""
    found = {m: point.combination(lead) for m, lead in leads.items()}
    return {m: v[0] if m in scalar else v for m, v in found.items()}


__all__ = ["ONE", "PRIME", "NoRationalRoot", "TermPoint", "memory_values", "residue", "term_point"]
