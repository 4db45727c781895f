"""Whether a gradient jumps along a way: where relu, max pooling or |x| have kinks, of which no derivative knows.

    grad L(b) - grad L(a) = integral of H(x) dx along the way from a to b + the sum of the jumps

The integral, by the Gauss-Legendre rule, comes closer and closer to the left side where the loss is smooth; where it is not, the
jumps are left over.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = Any
FEW, MANY = 12, 48  # nodes
SEEN = 1e-3  # of the change of the gradient


def jumps(gradient: Callable[[Array], Array], product: Callable[[Array, Array], Array], a: Array, b: Array) -> float:
    """The share of the change of the gradient from a to b that is made by jumps; 0 where none is seen.

    With |x| from -1 to 2 all of the change is a jump, with x^3 nothing.

    >>> at = lambda x: np.array([float(x)])
    >>> jumps(np.sign, lambda x, v: 0 * v, at(-1), at(2)), jumps(lambda x: 3 * x**2, lambda x, v: 6 * x * v, at(-1), at(2))
    (1.0, 0.0)
    """
    change = gradient(b) - gradient(a)
    size = float(np.linalg.norm(change))
    if not np.isfinite(size) or size == 0:
        return 0.0

    def left(nodes: int) -> float:
        points, weights = np.polynomial.legendre.leggauss(nodes)
        along = sum(w / 2 * product(a + (1 + t) / 2 * (b - a), b - a) for t, w in zip(points, weights, strict=True))
        return float(np.linalg.norm(change - along)) / size

    few, many = left(FEW), left(MANY)
    return many if many > SEEN and many > few / 4 else 0.0
