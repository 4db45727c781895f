"""The algebra of sums of terms: derivatives, grafting and contraction on top of products and powers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial, reduce
from math import inf
from typing import Any

from flint import fmpq

from derive.algebra.coefficients import Ratio, Ring
from derive.algebra.functions import FUNCTIONS, LOSS, Function, gradients_of_losses
from derive.algebra.known import SLOPES
from derive.algebra.layers import crossed, part_sum, split_layered, swapped, unfolded, vector_of
from derive.algebra.normal import Sum, accumulate, combined, nonzero, reduced
from derive.algebra.terms import DERIVATIVES, TRANSPOSED, Body, Factor, Key, Term, space_of
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
        self._nodes: dict[tuple[str, tuple[Term, ...], Key], Sum] = {}
        self._contractions: dict[tuple[Term, str], Sum] = {}
        self._resolved: dict[Factor, Sum] = {}  # see `partial_fractions`
        self._fractions: dict[Term, Sum] = {}

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

    def node(self, label: str, children: Iterable[Term], point: Body = ()) -> Sum:
        """A derivative of a function, d^(k+1)L[children] or d^k f[children], scalars pulled out; `point`: see `moved_to`."""
        key = (label, tuple(children), tuple((t, c.key) for t, c in point))
        found = self._nodes.get(key)
        if found is None:
            found = self._nodes[key] = self._node(label, key[1], point)
        return found

    def _node(self, label: str, children: tuple[Term, ...], point: Body) -> Sum:
        inner, outer = self.without_scalars(children)
        if self.spaces and not all(child.factors for child in inner):
            raise ReductionError(_NUMBER)
        factor = self.interner.factor("moved" if point else "node", label, inner, body=point)
        if point:
            factor.slots = self.functions[label].slots
        return self.product(outer, {self.interner.term({factor: 1}): self.ring.one})

    def moved_to(self, label: str, base: Sum | None) -> Body:
        """The point of a function's derivatives as it stands in a factor: nothing where it is that of the unknowns.

        >>> a = Algebra(Ring()); theta, g = a.state("theta"), a.node_sum("L", [])
        >>> a.moved_to("L", theta), a.moved_to("L", a.add(theta, g))
        ((), ((theta, 1), (grad, 1)))
        """
        slots = self.functions[label].slots
        if base is None or base == {t: c for x in slots for t, c in self.state(x).items()}:
            return ()
        if len(slots) > 1 and not all(space_of(t) in slots for t in base):
            raise ReductionError(_NUMBER)
        return tuple(sorted(reduced(base).items(), key=lambda i: i[0].key)) or ((self.unit, self.ring.zero),)

    def node_sum(self, label: str, children: Sequence[Term], base: Sum | None = None) -> Sum:
        return dict(self.node(label, children, self.moved_to(label, base)))

    def node_of_sums(self, label: str, children: Sequence[Sum], base: Sum | None = None) -> Sum:
        """The node as a multilinear function of sums."""
        return self.multilinear(partial(self.node, label, point=self.moved_to(label, base)), children)

    def graft(self, label: str, delta: Sequence[Sum], weight: int, base: Sum | None = None) -> Sum:
        """The coefficient of gamma^weight in grad(base + sum_j gamma^j delta[j]), delta[0] not read; base is theta_0 by default.

        grad(base + d) = sum over multisets M of d's terms of d^(|M|+1)L(base)[M] prod_m P_m^mult / mult!.
        """
        return self.grafted(partial(self.node, label, point=self.moved_to(label, base)), delta, weight)

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
                if f.kind not in DERIVATIVES or not f.children or not isinstance(e, int) or e < 1:
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
                    moved = self.node(function.at(slot), (*others, rest), f.body)
                    image = self.product({child: self.ring.one}, moved)
                    if len(image) == 1 and (t := next(iter(image))) not in seen and image[t] == self.ring.one:
                        seen.add(t)
                        pending.append(t)
        return seen

    # ------------------------------------------------------------------ equality

    def partial_fractions(self, a: Sum) -> Sum:
        """The sum with mixed poles resolved everywhere: here more equal functions are equal sums than in normal form.

        Terms with the same derivatives, sums and maps are taken together, and what cancels before poles are resolved is gone.
        """
        together: dict[tuple[tuple[Factor, int], ...], Sum] = {}
        for term, c in a.items():
            inner, outer = [], {}
            for f, e in term.factors:
                if f.kind in (*DERIVATIVES, "sum", "map", "word") and (f.children or f.body) and isinstance(e, int) and e > 0:
                    inner.append((f, e))
                else:
                    outer[f] = e
            accumulate(together.setdefault(tuple(inner), {}), self.scale(self.normal(outer), c))
        expanded: Sum = {}
        for factors, rest in together.items():
            images = [self._factor_resolved(f) for f, e in factors for _ in range(e)] if rest else []
            accumulate(expanded, self.product(reduce(self.product, images), rest) if images else rest)
        result: Sum = {}
        for t, c in nonzero(expanded).items():
            accumulate(result, self.scale(self._term_resolved(t), c))
        return nonzero(result)

    def _factor_resolved(self, f: Factor) -> Sum:
        """The factor with the poles of its children and of its body resolved; remembered."""
        if f in self._resolved:
            return self._resolved[f]
        inner = [self.partial_fractions({child: self.ring.one}) for child in f.children]
        match f.kind:
            case "sum":
                image = self.contract(inner[0], f.label)
            case "node":
                image = self.node_of_sums(f.label, inner)
            case "moved":
                image = self.node_of_sums(f.label, inner, self.partial_fractions(dict(f.body)))
            case "word":
                image = self.transposed(inner[0]) if f.label == TRANSPOSED else self.word_of_sums(inner)
            case _ if f.label in SLOPES:
                image = self.in_exponentials(f.label, self.partial_fractions(dict(f.body)))
            case _:
                image = self.mapped(f.label, self.partial_fractions(dict(f.body)), inner)
        self._resolved[f] = image
        return image

    def _term_resolved(self, t: Term) -> Sum:
        """The partial fractions of a term whose factors are resolved; remembered."""
        if t not in self._fractions:
            self._fractions[t] = self.normal(dict(t.factors), resolve_poles=True)
        return self._fractions[t]

    def is_zero(self, a: Sum) -> bool:
        """True only where the sum vanishes identically; False also where neither normal forms nor partial fractions show it."""
        return not a or not self.partial_fractions(a)

    def sorted(self, a: Sum) -> list[tuple[Term, Ratio]]:
        return sorted(a.items(), key=lambda item: item[0].key)


class Unbounded(Algebra):
    """The same with no limit on the products of terms."""

    most_products = inf
