"""Which variables of a concrete loss are in which layer: "w = x, y; b = z"."""

from __future__ import annotations

from collections.abc import Sequence

from derive.concrete.games import Texts, items
from derive.errors import UsageError, nearest


def parse_layers(variables: Sequence[str], text: Texts | None) -> dict[str, tuple[str, ...]]:
    """The variables of every layer, by its name; each variable is in one.

    >>> parse_layers(["x", "y", "z"], "w = x, y; b = z")
    {'w': ('x', 'y'), 'b': ('z',)}
    """
    if text is None:
        example = f"w = {', '.join(variables[:-1]) or variables[0]}" + f"; b = {variables[-1]}" * (len(variables) > 1)
        raise UsageError(f"this scheme sums over layers; say which variables are in which, for example --variables '{example}'")
    layers = {name: tuple(v.strip() for v in value.split(",")) for name, value in items(text, "layers")}
    every = [v for layer in layers.values() for v in layer]
    for v in every:
        if v not in variables:
            raise UsageError(f"layers: '{v}' is no variable{nearest(v, variables)} (variables: {', '.join(variables)})")
        if every.count(v) > 1:
            raise UsageError(f"layers: '{v}' is in two layers, or twice in one")
    if missing := [v for v in variables if v not in every]:
        raise UsageError(f"layers: '{missing[0]}' is in none; every variable is in one layer")
    return layers
