"""A pendulum by the frictionless leapfrog: iterates stay on a level line of the modified energy, not of the energy."""

from typing import Any

import numpy as np
from _flows import BLUE, ORANGE, ink
from matplotlib import pyplot

GAMMA, STEPS, START = 0.9, 600, (1.8, 0.0)


def energies(x: Any, eta: Any) -> tuple[Any, Any]:
    """|eta|^2/2 + L and, through gamma^2, what `derive energy` prints, for L = -cos x."""
    force, curvature = np.sin(x), np.cos(x)
    plain = eta**2 / 2 - np.cos(x)
    return plain, plain - GAMMA / 2 * eta * force + GAMMA**2 / 12 * (force**2 + curvature * eta**2)


def draw() -> Any:
    figure, axes = pyplot.subplots(figsize=(6.2, 4.4))
    x, v = START[0], GAMMA * START[1]
    points = []
    for _ in range(STEPS):
        v -= GAMMA**2 * np.sin(x)
        x += v
        points.append((x, v / GAMMA))
    grid = np.meshgrid(np.linspace(-2.6, 2.6, 400), np.linspace(-2.4, 2.4, 400))
    plain, modified = energies(*grid)
    at = energies(*points[0])
    axes.contour(*grid, plain, levels=[at[0]], colors=BLUE, linestyles="--", linewidths=1.6)
    axes.contour(*grid, modified, levels=[at[1]], colors=ORANGE, linewidths=1.8)
    axes.plot([], [], "--", color=BLUE, label="level line of the energy")
    axes.plot([], [], color=ORANGE, label=r"level line of the modified energy through $\gamma^2$")
    axes.plot(*np.array(points).T, "o", color=ink(), markersize=2.2, label=rf"leapfrog, $\gamma={GAMMA}$, {STEPS} steps")
    axes.set_xlabel(r"$\theta$")
    axes.set_ylabel(r"$\eta$")
    axes.set_ylim(-2.4, 3.3)
    axes.legend(loc="upper left")
    return figure
