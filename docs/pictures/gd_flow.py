"""Gradient descent on a bent bowl: iterates, gradient flow, and two truncations of the modified equation."""

from typing import Any

import numpy as np
from _flows import compared, contours, fields, gradient
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
    compared(axes, parts, points, GAMMA, ("gradient flow", rf"gradient descent, $\gamma={GAMMA}$"), 4.5)
    return figure
