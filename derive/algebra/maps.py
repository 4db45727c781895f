"""Smooth maps of vectors, P(u), and their derivatives d^kP(u)[m_1, ..., m_k], in normal form.

    kind            what is known                 normal form of d^kP(u)[m_1, ..., m_k]
    map             nothing                       one factor, its body the sum u, its children m_1, ..., m_k; linear in each
    linear          P(au + bv) = aP(u) + bP(v)    P(m) for each term m of u; dP(u)[m] = P(m), and no further derivative
    componentwise   P(u)_i = p(u_i)               p^(k)(u) m_1 ... m_k, the factor p^(k)(u) under the name d2p for k = 2
    known           exp, log, sin, ...            `derive.algebra.known`

The laws (tests): d/ds P(u + s m) = dP(u)[m] for every kind, and the k-th derivative is symmetric.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import reduce
from typing import TypeVar

from derive.algebra.coefficients import Ratio, Ring
from derive.algebra.functions import FUNCTIONS, Function
from derive.algebra.known import SLOPES, KnownFunctions
from derive.algebra.normal import Sum, accumulate, nonzero, reduced
from derive.algebra.terms import Factor, Term, split_scalars
from derive.language import derivative_symbol
from derive.language.maps import map_of

T = TypeVar("T")
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
        if (inner := self._undone(label, argument)) is not None:
            return self._inverse(label, inner, rank, directions)
        match self.functions[label].map:
            case "linear":
                return self._linear(label, argument, directions)
            case "componentwise":
                value = self._map(derivative_symbol(label, rank + len(directions)), argument)
                return reduce(self.product, ({m: self.ring.one} for m in directions), value)
        vectors, outer = self.without_scalars(directions)
        if len(vectors) == 1 and (undone := self._cancelled(label, argument, vectors[0])) is not None:
            return self.product(outer, {undone: self.ring.one})
        return self.product(outer, self._map(derivative_symbol(label, len(directions)), argument, vectors))

    def _map(self, name: str, argument: Sum, directions: Sequence[Term] = ()) -> Sum:
        body = tuple(sorted(reduced(argument).items(), key=lambda i: i[0].key)) or ((self.unit, self.ring.zero),)
        scalar = not directions and all(t.scalar for t, _ in body) and self.is_componentwise(name)
        return {self.interner.term({self.interner.factor("map", name, directions, scalar, body): 1}): self.ring.one}

    # ------------------------------------------------------------------ inverses

    @staticmethod
    def _single(term: Term) -> Factor | None:
        """The factor that a term is."""
        return term.factors[0][0] if len(term.factors) == 1 and term.factors[0][1] == 1 else None

    def _undone(self, label: str, argument: Sum) -> Sum | None:
        """u, where a map is taken at P(u), P its inverse."""
        other = self.functions[label].inverse
        if not other or len(argument) != 1:
            return None
        ((term, c),) = argument.items()
        f = self._single(term)
        return dict(f.body) if f and c == self.ring.one and f.label == other and f.body else None

    def _cancelled(self, label: str, point: Sum, direction: Term) -> Term | None:
        """v, where the direction of dP(u) is dQ(P(u))[v], Q the inverse."""
        f, other = self._single(direction), self.functions[label].inverse
        if not other or f is None or f.label != derivative_symbol(other, 1):
            return None
        return f.children[0] if f.children and self._undone(other, dict(f.body)) == reduced(point) else None

    def _inverse(self, label: str, u: Sum, rank: int, directions: Sequence[Term]) -> Sum:
        """The inverse Q of P and its derivatives at P(u), by derivatives of P at u.

        componentwise    q^(k)(p(u)) = (1/p'(u) d/du)^(k-1) 1/p'(u), times the directions
        else             dQ(P(u)) stays, but dQ(P(u))[dP(u)[v]] = v;  more than one direction, by the derivative of P(Q(y)) = y:
                         d^kQ[v_1, ..., v_k] = -dQ[sum over partitions into j > 1 blocks B of d^jP(u)[d^|B|Q[B], ...]]
        """
        other = self.functions[label].inverse
        if not rank and not directions:
            return u
        if self.is_componentwise(label):
            value = self._inverted(other, u, rank + len(directions))
            return reduce(self.product, ({m: self.ring.one} for m in directions), value)
        result: Sum = {}
        if len(directions) == 1:
            (vector,), outer = self.without_scalars(directions)
            f = self._single(vector)
            if f and f.label == derivative_symbol(other, 1) and f.children and dict(f.body) == u:
                return self.product(outer, {f.children[0]: self.ring.one})
            return self.product(outer, self._map(derivative_symbol(label, 1), self.mapped(other, u), [vector]))
        for blocks in partitions(list(directions)):
            if len(blocks) > 1:
                inner = [self._inverse(label, u, 0, block) for block in blocks]
                accumulate(result, self.mapped(label, self.mapped(other, u), [self.mapped(other, u, inner)]))
        return self.scale(nonzero(result), self.ring.constant(-1))

    def _inverted(self, label: str, u: Sum, rank: int) -> Sum:
        """q^(rank)(p(u)) by derivatives of p at u; a monomial is a tuple of exponents of p', p'', ..."""
        monomials: dict[tuple[int, ...], int] = {(-1,): 1}
        for _ in range(rank - 1):
            following: dict[tuple[int, ...], int] = {}
            for exponents, c in monomials.items():
                for j, e in enumerate(exponents):
                    new = [*exponents, 0]
                    new[0], new[j], new[j + 1] = new[0] - 1, new[j] - 1 - (j == 0), new[j + 1] + 1
                    following[tuple(new)] = following.get(tuple(new), 0) + c * e
            monomials = following
        result: Sum = {}
        for exponents, c in monomials.items():
            product = self.constant(self.ring.constant(c))
            for j, e in enumerate(exponents, 1):
                if e:
                    (term,) = self._map(derivative_symbol(label, j), u)
                    product = self.product(product, {self.interner.term({term.factors[0][0]: e}): self.ring.one})
            accumulate(result, product)
        return nonzero(result)

    def is_componentwise(self, name: str) -> bool:
        """Whether this is a map, or a derivative of one, that acts at each component."""
        found = map_of(name, self.functions)
        return found is not None and self.functions[found[0]].map == "componentwise"

    def _linear(self, label: str, argument: Sum, directions: Sequence[Term]) -> Sum:
        if len(directions) > 1:
            return {}
        result: Sum = {}
        for term, c in ({directions[0]: self.ring.one} if directions else argument).items():
            (vector,), outer = self.without_scalars([term])
            image = self.interner.term({self.interner.factor("map", label, [vector]): 1})
            if (f := self._single(vector)) and f.kind == "map" and f.label == self.functions[label].inverse:
                (image,) = f.children
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


def partitions(items: Sequence[T]) -> Iterator[list[list[T]]]:
    """All ways to divide items into blocks.

    >>> list(partitions("ab"))
    [[['a', 'b']], [['a'], ['b']]]
    """
    if not items:
        yield []
        return
    first, *rest = items
    for blocks in partitions(rest):
        for i, block in enumerate(blocks):
            yield [*blocks[:i], [first, *block], *blocks[i + 1 :]]
        yield [[first], *blocks]
