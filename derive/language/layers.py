"""Calls that sum over a part of the components, that of the free index: norm(x, layer), dot(x, y, row), mean(x, column).

    layer         the parameters come in blocks, the layers
    row, column   the parameters are a matrix

(B m)_i = sum of m_j over the j in the part of i is the same number for all components of a part: norm(x, layer) = B(x**2)**(1/2),
dot(x, y, layer) = B(x*y), mean(x, layer) = B(x)/B(1).

A tree has them under names that no text can contain, norm.layer for norm.
"""

from __future__ import annotations

LAYER, ROW, COLUMN = PARTS = ("layer", "row", "column")
#: the calls that may end in the name of a part
SUMMED = ("dot", "norm", "mean")


def part_call(name: str, part: str) -> str:
    """The name of a call over a part.

    >>> part_call("norm", "layer")
    'norm.layer'
    """
    return f"{name}.{part}"


LAYERED = tuple(part_call(name, LAYER) for name in SUMMED)
#: the calls over rows and columns
CROSSED = tuple(part_call(name, part) for part in (ROW, COLUMN) for name in SUMMED)
NORMS, DOTS = (frozenset((name, *(part_call(name, part) for part in PARTS))) for name in ("norm", "dot"))


def summed_call(name: str) -> tuple[str, str] | None:
    """(dot, norm or mean, the part or nothing) for the name of a call that sums over components.

    >>> summed_call("norm.row"), summed_call("dot"), summed_call("f.layer")
    (('norm', 'row'), ('dot', ''), None)
    """
    plain, _, part = name.partition(".")
    return (plain, part) if plain in SUMMED and part in ("", *PARTS) else None
