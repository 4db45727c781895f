"""Sums over layers: (B m)_i = sum of m_j over the j in the layer of i, for every partition of the components into layers.

B is linear, and what is the same for all components of a layer is pulled out of it, as scalars are of all sums:

    B(c m) = c B(m)  for such a c, so  B(B(m)) = B(m) B(1),  B(1) the number of components of the layer
    D(B m)[u] = B(D m[u])
    sum_i c_i B(m)_i n_i = sum_i c_i m_i B(n)_i  for such a c: a contraction is written from the sum that makes it smallest,
    and never with a sum over layers at all its places where one of them can be taken for the sum over all components

A factor of the kind sum with the label `layer` is B of its child.  The laws are tested at points with layers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from derive.algebra.terms import Exponent, Factor, Term

if TYPE_CHECKING:
    from derive.algebra.sums import Algebra

LAYER = "layer"
Powers = list[tuple[Factor, Exponent]]


def split_layered(term: Term) -> tuple[Powers, Powers]:
    """(what is the same for all components of a layer, the rest)."""
    return [fe for fe in term.factors if fe[0].layered], [fe for fe in term.factors if not fe[0].layered]


def layer_sum(algebra: Algebra, inner: Term) -> Factor:
    """B of a term of which nothing can be pulled out."""
    return algebra.interner.factor("sum", LAYER, [inner], positive=inner.nonnegative)


def swapped(algebra: Algebra, term: Term) -> Iterator[Term]:
    """The terms c m B(n) with the same sum over all components as c B(m) n, n what is not the same for all of a layer.

    >>> from derive.algebra.coefficients import Ring; from derive.algebra.sums import Algebra
    >>> a = Algebra(Ring()); u, v = a.state("u"), a.state("v")
    >>> list(swapped(a, next(iter(a.product(a.contract(u, LAYER), v)))))
    [dot(v, 1, layer)*u]
    """
    layered, rest = split_layered(term)
    inner = algebra.interner.term(dict(rest))
    total = {algebra.interner.term({layer_sum(algebra, inner): 1}): algebra.ring.one}
    for f, e in layered:
        if f.kind == "sum" and f.label == LAYER and isinstance(e, int) and e > 0:
            others = algebra.normal(dict(layered) | {f: e - 1})
            image = algebra.product(algebra.product(others, total), {f.children[0]: algebra.ring.one})
            if len(image) == 1 and image[t := next(iter(image))] == algebra.ring.one and _sums(t) <= _sums(term):
                yield t


def _sums(term: Term) -> Exponent:
    """How many sums over layers stand in the product: a swap brings no more of them, so that swaps end."""
    return sum(e for f, e in term.factors if f.kind == "sum" and f.label == LAYER)


def unfolded(terms: Iterable[Term]) -> list[Term]:
    """Those of equal contractions that have a factor which is not the same for all of a layer, if there are any."""
    found = list(terms)
    return [t for t in found if not t.layered] or found
