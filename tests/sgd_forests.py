"""The generator of plain SGD by its closed form, a route of its own.

    coefficient of (F, ties) at gamma^(|F|-1)  =  (-1)^|F| / sigma * [n^1] Omega(F / ties; n)

Omega(P; n) = the number of strictly order-preserving maps of the quotient poset P into n points.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import cache

from derive.algebra.coefficients import Ratio, Ring
from derive.noise.forests import Forest, Root, Tree, canonical, symmetry
from derive.noise.generator import Generator
from derive.noise.sampling import with_samples
from derive.scheme import configure, load_scheme

RING = Ring()


def shapes(size: int) -> Iterator[tuple[int, ...]]:
    """Forests as the parents of their nodes, 0 where there is none, each node behind its parent."""
    if size == 0:
        yield ()
        return
    for rest in shapes(size - 1):
        for parent in range(size):
            yield (*rest, parent)


def set_partitions(size: int) -> Iterator[tuple[int, ...]]:
    """The block of every node."""
    if size == 0:
        yield ()
        return
    for rest in set_partitions(size - 1):
        for block in range(max(rest, default=-1) + 2):
            yield (*rest, block)


def forest_of(parents: tuple[int, ...], blocks: tuple[int, ...]) -> Forest:
    alone = {b for b in blocks if blocks.count(b) == 1}

    def tree(k: int) -> Tree:
        children = tuple(tree(c) for c in range(1, len(parents) + 1) if parents[c - 1] == k)
        return Tree("g", 0 if blocks[k - 1] in alone else blocks[k - 1] + 1, children)

    return canonical(Root("", tree(k)) for k in range(1, len(parents) + 1) if not parents[k - 1])


@cache
def surjections(count: int, less: frozenset[tuple[int, int]], levels: int) -> int:
    """Strict maps of `count` points onto `levels` points: the minimal ones that go to the first are chosen."""

    def onto(left: frozenset[int], levels: int) -> int:
        if not left or not levels:
            return int(not left and not levels)
        free = [p for p in left if not any(b == p and a in left for a, b in less)]
        found = 0
        for chosen in range(1, 1 << len(free)):
            found += onto(left - {p for k, p in enumerate(free) if chosen >> k & 1}, levels - 1)
        return found

    return onto(frozenset(range(count)), levels)


def linear_coefficient(parents: tuple[int, ...], blocks: tuple[int, ...]) -> Fraction:
    """[n^1] Omega = sum_k onto_k [n^1] binomial(n, k) = sum_k onto_k (-1)^(k-1)/k."""
    less = frozenset((blocks[k], blocks[p - 1]) for k, p in enumerate(parents) if p)
    if any(a == b for a, b in less):
        return Fraction(0)
    count = max(blocks) + 1
    return sum((Fraction((-1) ** (k - 1) * surjections(count, less, k), k) for k in range(1, count + 1)), Fraction(0))


def coefficients(size: int) -> dict[Forest, Ratio]:
    found: dict[Forest, Fraction] = {}
    for parents in shapes(size):
        for blocks in set_partitions(size):
            f = forest_of(parents, blocks)
            if f not in found:
                found[f] = (-1) ** size * linear_coefficient(parents, blocks) / symmetry(f)
    return {f: RING.constant(c) for f, c in sorted(found.items()) if c}


def sgd(order: int) -> Generator:
    configuration = configure(with_samples(load_scheme("gd")), noise=True)
    spaces = {"theta": "theta", "g": "theta"}
    return Generator(configuration, ("theta",), tuple(coefficients(k + 1) for k in range(order + 1)), spaces, {})


