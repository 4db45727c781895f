"""Heavy ball from rest on x^2/2: the iterates leave the flow from their starting point and settle on a shifted one."""

from typing import Any

import numpy as np
from _flows import BLUE, ORANGE, fields, flow, ink, truncated
from matplotlib import pyplot

GAMMA, BETA, STEPS = 0.03, 0.6, 36


def draw() -> Any:
    figure, axes = pyplot.subplots(figsize=(6.2, 3.8))
    modified = truncated(fields("momentum", 2, "x**2/2", {"beta": "3/5"}), GAMMA)
    x, v, points = 1.0, 0.0, [1.0]
    for _ in range(STEPS):
        v = BETA * v - GAMMA * x
        x += v
        points.append(x)
    time = np.linspace(0, GAMMA * STEPS, 601)
    shifted = 1 + GAMMA * BETA / (1 - BETA) ** 2
    axes.plot(time, flow(modified, [1.0], time[-1])[:, 0], color=BLUE, linestyle="--", label="modified flow from the start")
    label = r"modified flow from $\theta_0+\gamma\frac{\beta}{(1-\beta)^2}\nabla L$"
    axes.plot(time, flow(modified, [shifted], time[-1])[:, 0], color=ORANGE, label=label)
    axes.plot(GAMMA * np.arange(STEPS + 1), points, "o", color=ink(), markersize=4, label="heavy ball from rest")
    axes.set_xlabel(r"$t=n\gamma$")
    axes.set_ylabel(r"$\theta$")
    axes.legend()
    return figure
