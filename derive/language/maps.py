"""Names of declared maps and of their derivatives: P(u), dP(u, v), d2P(u, v, w).

    map             a smooth map of vectors: the point, then the directions, in which the derivative is linear and symmetric
    linear          A(u) = A u for a constant matrix; no derivatives are written
    componentwise   p(u)_i = p(u_i), with the derivatives dp(u), d2p(u), ... at each component
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from typing import Literal

from derive.language.syntax import derivative_symbol

MapKind = Literal["map", "linear", "componentwise"]
MAP_KINDS: tuple[MapKind, ...] = ("map", "linear", "componentwise")
MAX_MAP_RANK = 40
_DERIVED = re.compile(r"d([1-9][0-9]*)?(.+)")


def map_of(name: str, labels: Container[str]) -> tuple[str, int] | None:
    """(map, rank of its derivative) that a name stands for, among the maps with these labels.

    >>> map_of("d2P", ["P"]), map_of("dQ", ["P"])
    (('P', 2), None)
    """
    if name in labels:
        return name, 0
    found = _DERIVED.fullmatch(name)
    return (found[2], int(found[1] or 1)) if found and found[2] in labels else None


def map_arities(maps: Mapping[str, MapKind]) -> dict[str, int]:
    """The calls of maps and of their derivatives, and how many arguments each takes: the point, then directions.

    >>> map_arities({"A": "linear"}), list(map_arities({"p": "componentwise"}).items())[:2]
    ({'A': 1}, [('p', 1), ('dp', 1)])
    """
    found: dict[str, int] = {}
    for label, kind in maps.items():
        for rank in range(1 if kind == "linear" else MAX_MAP_RANK):
            found[derivative_symbol(label, rank)] = 1 + rank * (kind == "map")
    return found
