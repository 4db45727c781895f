"""Partitions of the components of a problem into layers, for texts that sum over the layer of a component."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

Layers = tuple[range, ...]
#: sizes of the layers of a problem that is run: they differ, and one of them is a single component
SIZES = (2, 1)


def layers_of(sizes: Sequence[int]) -> Layers:
    """The places of layers of these sizes, one after the other.

    >>> layers_of([2, 1])
    (range(0, 2), range(2, 3))
    """
    return tuple(range(a, b) for a, b in pairwise(accumulate(sizes, initial=0)))
