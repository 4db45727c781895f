"""Smooth maps of vectors, P(u), and their derivatives d^kP(u)[m_1, ..., m_k], in normal form.

    kind            what is known                 normal form of d^kP(u)[m_1, ..., m_k]
    map             nothing                       one factor, its body the sum u, its children m_1, ..., m_k; linear in each
    linear          P(au + bv) = aP(u) + bP(v)    P(m) for each term m of u; dP(u)[m] = P(m), and no further derivative
    componentwise   P(u)_i = p(u_i)               p^(k)(u) m_1 ... m_k, the factor p^(k)(u) under the name d2p for k = 2
    known           exp, log, sin, ...            `derive.algebra.known`

The laws (tests): d/ds P(u + s m) = dP(u)[m] for every kind, and the k-th derivative is symmetric.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce

from derive.algebra.coefficients import Ratio, Ring
from derive.algebra.functions import FUNCTIONS, Function
from derive.algebra.known import SLOPES, KnownFunctions
from derive.algebra.normal import Sum, accumulate, nonzero, reduced
from derive.algebra.terms import Term, split_scalars
from derive.language.maps import map_derivative, map_of

Multilinear = Callable[[tuple[Term, ...]], Sum]


class Maps(KnownFunctions):
    """Values of maps over one ring; `functions` says of what kind each is."""

    def __init__(
        self, ring: Ring, functions: Mapping[str, Function] = FUNCTIONS, spaces: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(ring, spaces)
        self.functions = functions

    def mapped(self, name: str, argument: Sum, directions: Sequence[Sum] = ()) -> Sum:
        """d^kP(u)[m_1, ..., m_k] for P or a derivative of it by its name, further directions behind those.

        >>> from derive.algebra.functions import mapping
        >>> from derive.algebra.sums import Algebra
        >>> a = Algebra(Ring(), {**FUNCTIONS, "p": mapping("p", "componentwise"), "P": mapping("P", "map")})
        >>> g = a.node_sum("L", [])
        >>> a.mapped("p", g, [g]), a.mapped("P", g, [a.scale(g, a.ring.constant(2))])
        ({grad*dp(grad): 1}, {dP(grad, grad): 2})
        """
        return self.multilinear(lambda chosen: self.mapped_term(name, argument, chosen), directions)

    def mapped_term(self, name: str, argument: Sum, directions: Sequence[Term]) -> Sum:
        """The same for directions that are terms."""
        if name in SLOPES:
            assert len(directions) < 2, "further derivatives are derivatives of the slope"
            value = self.slope(name, argument) if directions else self.known(name, argument)
            return reduce(self.product, ({m: self.ring.one} for m in directions), value)
        found = map_of(name, self.functions)
        assert found is not None, name
        label, rank = found
        match self.functions[label].map:
            case "linear":
                return self._linear(label, argument, directions)
            case "componentwise":
                value = self._map(map_derivative(label, rank + len(directions)), argument)
                return reduce(self.product, ({m: self.ring.one} for m in directions), value)
        vectors, outer = self.without_scalars(directions)
        return self.product(outer, self._map(map_derivative(label, len(directions)), argument, vectors))

    def _map(self, name: str, argument: Sum, directions: Sequence[Term] = ()) -> Sum:
        body = tuple(sorted(reduced(argument).items(), key=lambda i: i[0].key)) or ((self.unit, self.ring.zero),)
        scalar = not directions and all(t.scalar for t, _ in body) and self._componentwise(name)
        return {self.interner.term({self.interner.factor("map", name, directions, scalar, body): 1}): self.ring.one}

    def _componentwise(self, name: str) -> bool:
        found = map_of(name, self.functions)
        return found is not None and self.functions[found[0]].map == "componentwise"

    def _linear(self, label: str, argument: Sum, directions: Sequence[Term]) -> Sum:
        if len(directions) > 1:
            return {}
        result: Sum = {}
        for term, c in ({directions[0]: self.ring.one} if directions else argument).items():
            (vector,), outer = self.without_scalars([term])
            image = self.interner.term({self.interner.factor("map", label, [vector]): 1})
            accumulate(result, self.scale(self.product(outer, {image: self.ring.one}), c))
        return nonzero(result)

    # ------------------------------------------------------------------ linearity

    def multilinear(self, node: Multilinear, arguments: Sequence[Sum]) -> Sum:
        """A multilinear function of terms, of sums."""
        result: Sum = {}
        chosen: list[Term] = []

        def choose(position: int, coefficient: Ratio) -> None:
            if position == len(arguments):
                accumulate(result, self.scale(node(tuple(chosen)), coefficient))
                return
            for t, c in arguments[position].items():
                chosen.append(t)
                choose(position + 1, coefficient * c)
                chosen.pop()

        choose(0, self.ring.one)
        return nonzero(result)

    def without_scalars(self, terms: Sequence[Term]) -> tuple[list[Term], Sum]:
        """(the terms without their scalar factors, the product of these)."""
        vectors: list[Term] = []
        outer: Sum = {self.unit: self.ring.one}
        for term in terms:
            if any(f.scalar for f, _ in term.factors):
                scalars, vector = split_scalars(term)
                outer = self.product(outer, {self.interner.term(dict(scalars)): self.ring.one})
                term = self.interner.term(dict(vector))
            vectors.append(term)
        return vectors, outer
