"""Sums over parts: (B m)_i = sum of m_j over the j in the part of i, for every partition of the components.

The parts are layers, or the rows, or the columns of a matrix.  B is linear, and what is the same for all components of a part is
pulled out of it, as scalars are of all sums:

    B(c m) = c B(m)  for such a c, so  B(B(m)) = B(m) B(1),  B(1) the number of components of the part
    D(B m)[u] = B(D m[u])
    sum_i c_i B(m)_i n_i = sum_i c_i m_i B(n)_i  for such a c: a contraction is written from the sum that makes it smallest,
    and never with a sum over parts at all its places where one of them can be taken for the sum over all components

Rows cross columns: with R the sums over rows and C those over columns, and numbers M = C(1) of rows and N = R(1) of columns,

    N = d/M, d = sum_i 1;   R(c) = sum_i c_i/M  for c the same in every column,  C(r) = sum_i r_i/N  for r the same in every row
    sum_i r_i c_i = sum_i r_i sum_i c_i/d

A factor of the kind sum with the label of a part is B of its child.  The laws are tested at points with layers and with matrices.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from derive.algebra.normal import Sum
from derive.algebra.terms import Exponent, Factor, Term, is_same, split_scalars
from derive.language.layers import COLUMN, LAYER, PARTS, ROW

if TYPE_CHECKING:
    from derive.algebra.sums import Algebra

Powers = list[tuple[Factor, Exponent]]
#: rows and columns, each with what crosses it
CROSSING = {ROW: COLUMN, COLUMN: ROW}


def split_layered(term: Term, part: str = LAYER) -> tuple[Powers, Powers]:
    """(what is the same for all components of a part, the rest)."""
    return [fe for fe in term.factors if is_same(fe[0], part)], [fe for fe in term.factors if not is_same(fe[0], part)]


def part_sum(algebra: Algebra, inner: Term, part: str) -> Sum:
    """B of a term of which nothing can be pulled out."""
    crossing = CROSSING.get(part)
    if crossing is None or not is_same(inner, crossing):
        factor = algebra.interner.factor("sum", part, [inner], positive=inner.nonnegative)
        return {algebra.interner.term({factor: 1}): algebra.ring.one}
    rows = algebra.interner.factor("sum", COLUMN, [algebra.unit], scalar=True, positive=True)
    total = {inner: algebra.ring.one}
    if part == COLUMN and not inner.factors:
        return {algebra.interner.term({rows: 1}): algebra.ring.one}
    if part == ROW:  # 1/M, for columns M/d
        return algebra.product(algebra.contract(total), algebra.normal({rows: -1}))
    (count,) = algebra.contract(algebra.constant(algebra.ring.one))
    ((d, _),) = count.factors
    return algebra.product(algebra.contract(total), algebra.normal({rows: 1, d: -1}))


def crossed(algebra: Algebra, term: Term) -> Sum | None:
    """sum_i r_i sum_i c_i/d for a product of r, the same in every row, and c, the same in every column."""
    rows, rest = split_layered(term, ROW)
    if not rows or not rest or not all(is_same(f, COLUMN) for f, _ in rest):
        return None
    (count,) = algebra.contract(algebra.constant(algebra.ring.one))
    ((d, _),) = count.factors
    sums = [algebra.contract(algebra.normal(dict(powers))) for powers in (rows, rest)]
    return algebra.product(algebra.product(*sums), algebra.normal({d: -1}))


def swapped(algebra: Algebra, term: Term) -> Iterator[Term]:
    """The terms c m B(n) with the same sum over all components as c B(m) n, n what is not the same for all of a part.

    >>> from derive.algebra.coefficients import Ring; from derive.algebra.sums import Algebra
    >>> a = Algebra(Ring()); u, v = a.state("u"), a.state("v")
    >>> list(swapped(a, next(iter(a.product(a.contract(u, LAYER), v)))))
    [dot(v, 1, layer)*u]
    """
    for part in PARTS:
        same, rest = split_layered(term, part)
        for f, e in same:
            if f.kind == "sum" and f.label == part and not f.scalar and isinstance(e, int) and e > 0:
                total = algebra.contract({algebra.interner.term(dict(rest)): algebra.ring.one}, part)
                others = algebra.normal(dict(same) | {f: e - 1})
                image = algebra.product(algebra.product(others, total), {f.children[0]: algebra.ring.one})
                if len(image) == 1 and image[t := next(iter(image))] == algebra.ring.one and _sums(t) <= _sums(term):
                    yield t


def _sums(term: Term) -> Exponent:
    """How many sums over parts stand in the product: a swap brings no more of them, so that swaps end."""
    return sum(e for f, e in term.factors if f.kind == "sum" and f.label and not f.scalar)


def unfolded(terms: Iterable[Term]) -> list[Term]:
    """Those of equal contractions that have a factor which is not the same for all of a part, if there are any."""
    found = list(terms)
    return [t for t in found if not t.same] or found


def vector_of(algebra: Algebra, term: Term) -> tuple[Term, Term]:
    """(the scalar factors, those with an index) as terms."""
    scalars, vector = split_scalars(term)
    return algebra.interner.term(dict(scalars)), algebra.interner.term(dict(vector))
