"""Heavy ball at beta = 0.6, started on its slow manifold: iterates, limit flow, modified equation."""

from typing import Any

import numpy as np
from _flows import BLUE, GREEN, ORANGE, Field, contours, fields, flow, gradient, ink, truncated
from matplotlib import pyplot

LOSS, START, GAMMA, BETA, STEPS = "x**2/4 + y**2 + x**2*y/6", (2.0, 1.6), 0.018, 0.6, 110
BOX = (-0.15, 2.2, -0.8, 1.75)


def slow_memory(parts: list[Field], point: np.ndarray) -> np.ndarray:
    """v on the slow manifold, -gamma g/(1-beta) - gamma^2 Hg/(1-beta)^3; f_1 is -(1+beta) Hg/(2 (1-beta)^3)."""
    return GAMMA * parts[0](point) + GAMMA**2 * 2 / (1 + BETA) * parts[1](point)


def draw() -> Any:
    figure, axes = pyplot.subplots()
    contours(axes, LOSS, BOX)
    parts, slope = fields("momentum", 2, LOSS, {"beta": "3/5"}), gradient(LOSS)
    point, memory, points = np.array(START), slow_memory(parts, np.array(START)), [np.array(START)]
    for _ in range(STEPS):
        memory = BETA * memory - GAMMA * slope(point)
        point = point + memory
        points.append(point)
    time = GAMMA * STEPS
    limit, first, second = (flow(truncated(parts[:k], GAMMA), START, time) for k in (1, 2, 3))
    axes.plot(*limit.T, color=BLUE, linestyle="--", label=r"limit flow, $-\nabla L/(1-\beta)$")
    axes.plot(*first.T, color=ORANGE, label=r"modified equation through $\gamma$")
    axes.plot(*second.T, color=GREEN, linestyle="-.", label=r"through $\gamma^2$")
    axes.plot(*np.array(points).T, "o", color=ink(), markersize=4, label=rf"heavy ball, $\gamma={GAMMA}$, $\beta={BETA}$")
    axes.set_xlabel("$x$")
    axes.set_ylabel("$y$")
    axes.legend(loc="lower right")
    return figure
