"""Stability regions |R(z)| < 1 of Runge-Kutta methods; gradient flow sits on the negative real axis, z = -gamma h."""

from typing import Any

import numpy as np
from _flows import BLUE, GREEN, ORANGE, PINK, ink
from matplotlib import pyplot

from derive.trees import load_tableau, tree_series

TABLEAUX = (
    ("explicit-euler", "Euler = gradient descent", BLUE), ("heun", "Heun", ORANGE), ("kutta3", "Kutta, order 3", GREEN),
    ("rk4", "Runge-Kutta, order 4", PINK),
)  # fmt: skip


def growth(tableau: str, order: int) -> list[float]:
    """Coefficients of R(z): the elementary weights of the trees without branches."""
    weights = tree_series(load_tableau(tableau), order, kind="map")
    return [1.0] + [float(weights[tuple(range(1, n + 1))]) for n in range(1, order + 1)]


def draw() -> Any:
    figure, axes = pyplot.subplots(figsize=(6.2, 5.2))
    x, y = np.meshgrid(np.linspace(-6.2, 1.2, 600), np.linspace(-3.4, 3.4, 500))
    z = x + 1j * y
    for (tableau, label, colour), order in zip(TABLEAUX, (1, 2, 3, 4), strict=True):
        size = abs(np.polyval(growth(tableau, order)[::-1], z))
        axes.contour(x, y, size, levels=[1.0], colors=colour, linewidths=1.8)
        axes.plot([], [], color=colour, label=label)
    axes.axhline(0, color=ink(), linewidth=0.6)
    axes.axvline(0, color=ink(), linewidth=0.6)
    axes.set_aspect("equal")
    axes.set_xlabel(r"Re $z$")
    axes.set_ylabel(r"Im $z$")
    axes.legend(loc="lower left", fontsize=9.5)
    return figure
