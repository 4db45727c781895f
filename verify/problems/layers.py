"""Partitions of the components of a problem into layers, for texts that sum over the layer of a component."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from random import Random

Layers = tuple[range, ...]
#: sizes of the layers of a problem that is run: they differ, and one of them is a single component
SIZES = (2, 1)


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


def named_layers(layers: Layers, names: Sequence[str]) -> list[list[str]]:
    """The names of the components of every layer.

    >>> named_layers(layers_of([2, 1]), ("x", "y", "z"))
    [['x', 'y'], ['z']]
    """
    return [[names[i] for i in layer] for layer in layers]
