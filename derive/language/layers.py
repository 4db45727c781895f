"""Calls that sum over a part of the components, that of the free index: norm(x, layer), dot(x, y, row), mean(x, column).

    layer         the parameters come in blocks, the layers
    row, column   the parameters are a matrix

(B m)_i = sum of m_j over the j in the part of i is the same number for all components of a part: norm(x, layer) = B(x**2)**(1/2),
dot(x, y, layer) = B(x*y), mean(x, layer) = B(x)/B(1).

In the lines of a declared map largest(x), smallest(x, row), smallest(x, column) take one component of many.

A tree has all of them under names that no text can contain, norm.layer for norm.
"""

from __future__ import annotations

LAYER, ROW, COLUMN = PARTS = ("layer", "row", "column")
#: the calls that may end in the name of a part
SUMMED = ("dot", "norm", "mean")
#: the calls that take the largest or the smallest of many components, and may end in row or column
EXTREMA = ("largest", "smallest")


def part_call(name: str, part: str) -> str:
    """The name of a call over a part.

    >>> part_call("norm", "layer")
    'norm.layer'
    """
    return f"{name}.{part}"


LAYERED = tuple(part_call(name, LAYER) for name in SUMMED)
#: the calls over rows and columns
CROSSED = tuple(part_call(name, part) for part in (ROW, COLUMN) for name in SUMMED)
CROSSED_EXTREMA = tuple(part_call(name, part) for part in (ROW, COLUMN) for name in EXTREMA)
NORMS, DOTS = (frozenset((name, *(part_call(name, part) for part in PARTS))) for name in ("norm", "dot"))


def summed_call(name: str) -> tuple[str, str] | None:
    """(dot, norm or mean, the part or nothing) for the name of a call that sums over components.

    >>> summed_call("norm.row"), summed_call("dot"), summed_call("f.layer")
    (('norm', 'row'), ('dot', ''), None)
    """
    found = over_components(name)
    return found if found and found[0] in SUMMED else None


def extreme_call(name: str) -> tuple[str, str] | None:
    """(largest or smallest, the part or nothing) for the name of a call that takes one component of many.

    >>> extreme_call("largest.row"), extreme_call("smallest"), extreme_call("norm.row")
    (('largest', 'row'), ('smallest', ''), None)
    """
    found = over_components(name)
    return found if found and found[0] in EXTREMA else None


def over_components(name: str) -> tuple[str, str] | None:
    """(the plain name, the part or nothing) for the name of a call over components.

    >>> over_components("largest.column"), over_components("mean"), over_components("f.x")
    (('largest', 'column'), ('mean', ''), None)
    """
    plain, _, part = name.partition(".")
    return (plain, part) if plain in (*SUMMED, *EXTREMA) and part in ("", *PARTS) else None
