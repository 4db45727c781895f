"""The algebra of sums of terms: derivatives, grafting and contraction on top of products and powers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from math import inf
from typing import Any

from flint import fmpq

from derive.algebra.coefficients import Ratio, Ring
from derive.algebra.functions import FUNCTIONS, LOSS, Function, gradients_of_losses
from derive.algebra.known import SLOPES
from derive.algebra.layers import crossed, part_sum, split_layered, swapped, unfolded, vector_of
from derive.algebra.normal import Sum, accumulate, combined, nonzero, reduced
from derive.algebra.terms import TRANSPOSED, Exponent, Factor, Term, space_of
from derive.algebra.words import Words
from derive.errors import ReductionError

__all__ = ["Algebra", "Sum", "accumulate", "nonzero", "reduced"]


_NUMBER = (
    "a number stands where a vector is meant; with several unknowns vectors have their own numbers of components, so write a "
    "vector of one space, such as sign(x)*x or norm(x)*x"
)


def _by_keys(parts: tuple[Term, Term]) -> tuple[Any, Any]:
    return parts[1].key, parts[0].key


class Algebra(Words):
    """The terms over one ring.

    >>> from fractions import Fraction
    >>> a = Algebra(Ring(["eps"])); g = a.node_sum("L", [])
    >>> v = a.add(a.product(g, g), a.constant(a.ring.symbol("eps")))
    >>> a.product(a.product(g, g), a.power(v, Fraction(-3, 2))) == a.add(
    ...     a.power(v, Fraction(-1, 2)), a.scale(a.power(v, Fraction(-3, 2)), -a.ring.symbol("eps")))
    True
    """

    def __init__(
        self, ring: Ring, functions: Mapping[str, Function] = FUNCTIONS, spaces: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(ring, functions, spaces)
        self.loss = ring.fresh("L")  # how the loss itself is written in a term
        #: how each loss itself is written -> by variable, the label of its gradient
        self.losses: Mapping[str, Mapping[str, str]] = gradients_of_losses(functions) or {self.loss: {LOSS.point: LOSS.label}}
        self._nodes: dict[tuple[str, tuple[Term, ...]], Sum] = {}
        self._contractions: dict[tuple[Term, str], Sum] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy starts empty; sums bring their terms (see `frozen`)."""
        return Algebra, (self.ring, self.functions, self.spaces)

    def beside(self, other: Algebra) -> Algebra:
        """An algebra in which the sums of both have a place."""
        symbols = list(dict.fromkeys((*self.ring.symbols, *other.ring.symbols)))
        return Algebra(Ring(symbols), {**self.functions, **other.functions}, {**self.spaces, **other.spaces})

    def states(self) -> dict[str, bool]:
        """The state variables met so far, and whether each is a scalar."""
        return {f.label: f.scalar for f in self.interner.factors("state")}

    # ------------------------------------------------------------------ derivatives

    def node(self, label: str, children: Iterable[Term]) -> Sum:
        """A derivative of a function, d^(k+1)L[children] or d^k f[children], scalars pulled out."""
        key = (label, tuple(children))
        found = self._nodes.get(key)
        if found is None:
            found = self._nodes[key] = self._node(*key)
        return found

    def _node(self, label: str, children: tuple[Term, ...]) -> Sum:
        inner, outer = self.without_scalars(children)
        if self.spaces and not all(child.factors for child in inner):
            raise ReductionError(_NUMBER)
        node = self.interner.term({self.interner.factor("node", label, inner): 1})
        return self.product(outer, {node: self.ring.one})

    def node_sum(self, label: str, children: Sequence[Term]) -> Sum:
        return dict(self.node(label, children))

    def node_of_sums(self, label: str, children: Sequence[Sum]) -> Sum:
        """The node as a multilinear function of sums."""
        return self.multilinear(partial(self.node, label), children)

    def graft(self, label: str, delta: Sequence[Sum], weight: int) -> Sum:
        """The coefficient of gamma^weight in grad(theta_0 + sum_j gamma^j delta[j]); delta[0] is not read.

        grad(theta_0 + d) = sum over multisets M of d's terms of d^(|M|+1)L[M] prod_m P_m^mult / mult!.
        """
        return self.grafted(partial(self.node, label), delta, weight)

    def mapped_at(self, name: str, argument: Sequence[Sum], directions: Sequence[Sum], weight: int) -> Sum:
        """The coefficient of gamma^weight in d^kP(sum_j gamma^j argument[j])[directions]."""

        def value(chosen: tuple[Term, ...]) -> Sum:
            return self.mapped(name, argument[0], [*directions, *({t: self.ring.one} for t in chosen)])

        return self.grafted(value, argument, weight)

    def grafted(self, node: Callable[[tuple[Term, ...]], Sum], delta: Sequence[Sum], weight: int) -> Sum:
        """sum over multisets M of the terms of sum_j gamma^j delta[j], j > 0, of node(M) prod_m P_m^mult / mult!."""
        items = [(w, t, c) for w in range(1, min(weight, len(delta) - 1) + 1) for t, c in delta[w].items()]
        result: Sum = {}
        chosen: list[Term] = []
        one = self.ring.one

        def extend(start: int, left: int, coefficient: Ratio, repeats: int) -> None:
            # invariant: `chosen` is a non-decreasing run of items of total weight weight - left
            if not left:
                for term, z in node(tuple(chosen)).items():
                    value = coefficient if z is one else coefficient * z
                    old = result.get(term)
                    result[term] = value if old is None else old + value
                return
            for position in range(start, len(items)):
                w, term, c = items[position]
                if w > left:
                    break
                count = repeats + 1 if position == start and chosen else 1
                value = c if coefficient is one else coefficient * c
                chosen.append(term)
                extend(position, left - w, value if count == 1 else value.scaled(fmpq(1, count)), count)
                chosen.pop()

        extend(0, weight, one, 0)
        return nonzero(result)

    # ------------------------------------------------------------------ contraction

    def contract(self, a: Sum, label: str = "") -> Sum:
        """sum_i a_i: a scalar; with the label of a part, `layer`, `row` or `column`, the sum over that of the free index."""
        result: Sum = {}
        for term, c in a.items():
            found = self._contractions.get((term, label))
            if found is None:
                found = self._contractions[term, label] = self._over_part(term, label) if label else self._contract(term)
            accumulate(result, self.scale(found, c))
        return nonzero(result)

    def _over_part(self, term: Term, part: str) -> Sum:
        outer, inner = split_layered(term, part)
        return self.product(self.normal(dict(outer)), part_sum(self, self.interner.term(dict(inner)), part))

    def _contract(self, term: Term) -> Sum:
        scalars, vector = vector_of(self, term)
        if self.spaces and not vector.factors:
            raise ReductionError(_NUMBER)
        if (found := crossed(self, vector)) is not None:
            return self.product({scalars: self.ring.one}, found)
        more, inner = min((vector_of(self, t) for t in unfolded(self._rerootings(vector))), key=_by_keys)
        total = self.interner.factor("sum", "", [inner], scalar=True, positive=inner.nonnegative)
        return self.product(self.multiply(scalars, more), {self.interner.term({total: 1}): self.ring.one})

    def _rerootings(self, term: Term) -> set[Term]:
        """The same full contraction of symmetric tensors written from each of its indices (rule 4), and from each of its sums
        over layers and of its words."""
        seen, pending = {term}, [term]
        while pending:
            current = pending.pop()
            found = [t for t in (*swapped(self, current), *self.turned(current)) if t not in seen]
            seen.update(found)
            pending += found
            for f, e in current.factors:
                if f.kind != "node" or not f.children or not isinstance(e, int) or e < 1:
                    continue
                function = self.functions[f.label]
                if not function.is_loss:
                    continue
                rest = self.interner.term(combined(dict(current.factors), {f: -1}))
                for child in set(f.children):
                    others = list(f.children)
                    others.remove(child)
                    slot = function.slot(space_of(child))
                    if not slot:  # a number as an argument: it has no index
                        continue
                    moved = self.node(function.at(slot), (*others, rest))
                    image = self.product({child: self.ring.one}, moved)
                    if len(image) == 1 and (t := next(iter(image))) not in seen and image[t] == self.ring.one:
                        seen.add(t)
                        pending.append(t)
        return seen

    # ------------------------------------------------------------------ equality

    def partial_fractions(self, a: Sum) -> Sum:
        """The sum with mixed poles resolved everywhere: here more equal functions are equal sums than in normal form."""
        result: Sum = {}
        for term, c in a.items():
            exponents: dict[Factor, Exponent] = {}
            parts: Sum = {self.unit: self.ring.one}
            for f, e in term.factors:
                if f.kind in ("node", "sum", "map", "word") and (f.children or f.body) and isinstance(e, int) and e > 0:
                    inner = [self.partial_fractions({child: self.ring.one}) for child in f.children]
                    match f.kind:
                        case "sum":
                            image = self.contract(inner[0], f.label)
                        case "node":
                            image = self.node_of_sums(f.label, inner)
                        case "word":
                            image = self.transposed(inner[0]) if f.label == TRANSPOSED else self.word_of_sums(inner)
                        case _ if f.label in SLOPES:
                            image = self.in_exponentials(f.label, self.partial_fractions(dict(f.body)))
                        case _:
                            image = self.mapped(f.label, self.partial_fractions(dict(f.body)), inner)
                    for _ in range(e):
                        parts = self.product(parts, image)
                else:
                    exponents[f] = e
            for t, x in self.product(parts, self.normal(exponents)).items():
                accumulate(result, self.scale(self.normal(dict(t.factors), resolve_poles=True), x * c))
        return nonzero(result)

    def is_zero(self, a: Sum) -> bool:
        """True only where the sum vanishes identically; False also where neither normal forms nor partial fractions show it."""
        return not a or not self.partial_fractions(a)

    def sorted(self, a: Sum) -> list[tuple[Term, Ratio]]:
        return sorted(a.items(), key=lambda item: item[0].key)


class Unbounded(Algebra):
    """The same with no limit on the products of terms."""

    most_products = inf
