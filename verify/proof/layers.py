"""Partitions into layers that decide every partition.

Let n index variables occur, the free one with them, and let r sums over the layer of an index, and s scalar products, enter as
functions.  A difference F that is not zero for some partition of some number of components is not zero in one of these layouts:

    q_1 + ... + q_k = n in every way;  layers of q_1 + r, ..., q_k + r components, and, if s > 0, one more of r + s

(docs/proof.md, "Layers").  So samples are drawn in each of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, pairwise
from random import Random
from typing import Any

from verify.proof.errors import Undecided

PILOT = (2,) * 6  # layers in which leading powers and the number of independent sums are looked at
Layers = tuple[range, ...]


def layers_of(sizes: Sequence[int]) -> Layers:
    """The places of layers of these sizes, one after the other.

    >>> layers_of([2, 1])
    (range(0, 2), range(2, 3))
    """
    return tuple(range(a, b) for a, b in pairwise(accumulate(sizes, initial=0)))


def random_layers(size: int, source: Random) -> Layers:
    """Some partition of this many components."""
    cuts = sorted(source.sample(range(1, size), source.randrange(size)))
    return tuple(range(a, b) for a, b in pairwise((0, *cuts, size)))


def partitions(n: int, most: int | None = None) -> Iterator[tuple[int, ...]]:
    """n as a sum of positive numbers, largest first.

    >>> list(partitions(4))
    [(4,), (3, 1), (2, 2), (2, 1, 1), (1, 1, 1, 1)]
    """
    if not n:
        yield ()
    for first in range(min(n, most or n), 0, -1):
        for rest in partitions(n - first, first):
            yield (first, *rest)


def layouts(n: int, sums: int, products: int) -> list[tuple[int, ...]]:
    """Sizes of layers, the layout with most components first; a layer has two components at least.

    >>> layouts(2, 1, 0), layouts(1, 1, 2)
    ([(2, 2), (3,)], [(2, 3)])
    """
    found = []
    for parts in partitions(n):
        more = (sums + products,) if products else ()
        found.append(tuple(max(q, 2) for q in (*(q + sums for q in parts), *more)))
    return sorted(found, key=lambda sizes: (-sum(sizes), sizes))


def is_layer_sum(key: Any) -> bool:
    """Whether a key is that of a sum over layers, of the first layer."""
    return isinstance(key, tuple) and key[0] == "layer" and len(key) == 2


def first_layers(found: Mapping[Any, tuple[int, Any]]) -> dict[Any, tuple[int, Any]]:
    """The sums without those of further layers, which begin at the same power of gamma."""
    for key, (power, _) in found.items():
        if len(key) == 3 and found.get(key[:2], (power, None))[0] != power:
            raise Undecided("sums over two layers begin at different powers of gamma")
    return {key: value for key, value in found.items() if len(key) < 3}


def independent_sums(found: Mapping[Any, tuple[int, Any]], keys: Sequence[Any], ring: Any) -> int:
    """The rank of the leading coefficients of sums over layers, a row for each sum, a column for each layer."""
    rows = [[found[k][1] for k in (key, *((*key, b) for b in range(1, len(PILOT))))] for key in keys if key in found]
    rank = 0
    for column in range(len(PILOT)):
        pivot = next((row for row in rows if not ring.is_zero(row[column])), None)
        if pivot is not None:
            rank += 1
            rows.remove(pivot)
            rows = [[ring.inner([pivot[column], ring.neg(row[column])], [x, y]) for x, y in zip(row, pivot)] for row in rows]
    if rank == len(PILOT):
        raise Undecided(f"{rank} or more independent sums over layers stand under roots and denominators")
    return rank
