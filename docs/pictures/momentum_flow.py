"""Heavy ball at beta = 0.6, started on its slow manifold: iterates, limit flow, modified equation."""

from typing import Any

import numpy as np
from _flows import Field, compared, contours, fields, gradient
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
    labels = r"limit flow, $-\nabla L/(1-\beta)$", rf"heavy ball, $\gamma={GAMMA}$, $\beta={BETA}$"
    compared(axes, parts, points, GAMMA, labels, 4)
    return figure
