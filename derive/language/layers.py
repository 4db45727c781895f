"""Calls that sum over the layer of the free index, in the language norm(x, layer), dot(x, y, layer), mean(x, layer).

The parameters come in blocks, the layers.  (B m)_i = sum of m_j over the j in the layer of i is the same number for all
components of a layer: norm(x, layer) = B(x**2)**(1/2), dot(x, y, layer) = B(x*y), mean(x, layer) = B(x)/B(1).

A tree has them under names that no text can contain, norm.layer for norm.
"""

from __future__ import annotations

LAYER = "layer"
_SUFFIX = f".{LAYER}"
#: the calls that may end in `layer`
SUMMED = ("dot", "norm", "mean")
LAYERED = tuple(f"{name}{_SUFFIX}" for name in SUMMED)


def layer_call(name: str) -> str:
    """The name of a call over a layer.

    >>> layer_call("norm")
    'norm.layer'
    """
    return f"{name}{_SUFFIX}"


def summed_call(name: str) -> tuple[str, bool] | None:
    """(dot, norm or mean, whether over a layer) for the name of a call that sums over components.

    >>> summed_call("norm.layer"), summed_call("dot"), summed_call("f.layer")
    (('norm', True), ('dot', False), None)
    """
    plain = name.removesuffix(_SUFFIX)
    return (plain, plain != name) if plain in SUMMED else None
