"""The largest eigenvalue of the Hessian of a loss by ARPACK's Lanczos method, from Hessian-vector products alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

Array = Any
TOLERANCE = 1e-4  # of an eigenvalue


def sharpness(product: Callable[[Array, Array], Array], points: Iterable[Array]) -> list[float]:
    """The largest eigenvalue at each point, each search from the eigenvector before; nan where a point has no numbers.

    >>> turn = lambda x, v: np.array([2.0, -5.0, 1.0]) * v
    >>> sharpness(turn, [np.zeros(3)])
    [2.0]
    """
    found: list[float] = []
    v: Array = None
    for x in points:
        x = np.asarray(x)
        if not np.isfinite(x).all():
            found.append(float("nan"))
            continue
        if v is None:
            v = np.random.default_rng(0).standard_normal(x.size)
        operator = LinearOperator((x.size, x.size), lambda u, x=x: np.asarray(product(x, u.reshape(-1))), dtype=float)
        value, v = _largest(operator, v)
        found.append(value)
    return found


def _largest(operator: Any, v: Array) -> tuple[float, Array]:
    if operator.shape[0] < 4:  # ARPACK asks for more room
        values, vectors = np.linalg.eigh(np.stack([operator.matvec(e) for e in np.eye(operator.shape[0])]))
        return float(values[-1]), vectors[:, -1]
    try:
        values, vectors = eigsh(operator, k=1, which="LA", v0=v, tol=TOLERANCE)
    except ArpackNoConvergence:
        return float("nan"), v
    return float(values[0]), vectors[:, 0]
