"""Gradient descent on a bent bowl: iterates, gradient flow, and two truncations of the modified equation."""

from typing import Any

import numpy as np
from _flows import BLUE, GREEN, ORANGE, contours, fields, flow, gradient, ink, truncated
from matplotlib import pyplot

LOSS, START, GAMMA, STEPS = "x**2/4 + y**2 + x**2*y/6", (2.0, 1.6), 0.38, 16
BOX = (-0.15, 2.2, -0.8, 1.75)


def draw() -> Any:
    figure, axes = pyplot.subplots()
    contours(axes, LOSS, BOX)
    parts, slope = fields("gd", 2, LOSS), gradient(LOSS)
    points = [np.array(START)]
    for _ in range(STEPS):
        points.append(points[-1] - GAMMA * slope(points[-1]))
    time = GAMMA * STEPS
    limit, first, second = (flow(truncated(parts[:k], GAMMA), START, time) for k in (1, 2, 3))
    axes.plot(*limit.T, color=BLUE, linestyle="--", label="gradient flow")
    axes.plot(*first.T, color=ORANGE, label=r"modified equation through $\gamma$")
    axes.plot(*second.T, color=GREEN, linestyle="-.", label=r"through $\gamma^2$")
    axes.plot(*np.array(points).T, "o", color=ink(), markersize=4.5, label=rf"gradient descent, $\gamma={GAMMA}$")
    axes.set_xlabel("$x$")
    axes.set_ylabel("$y$")
    axes.legend(loc="lower right")
    return figure
