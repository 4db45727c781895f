"""Gradient descent on x^2/2: the iterates (1 - gamma)^n, the gradient flow, and the flow of -x - gamma x/2 - ..."""

from typing import Any

import numpy as np
from _flows import BLUE, GREEN, ORANGE, fields, flow, ink, truncated
from matplotlib import pyplot

GAMMA, STEPS = 0.5, 8


def draw() -> Any:
    figure, axes = pyplot.subplots(figsize=(6.2, 3.6))
    time = np.linspace(0, GAMMA * STEPS, 601)
    parts = fields("gd", 2, "x**2/2")
    for count, colour, style, label in (
        (1, BLUE, "--", r"$x'=-x$"),
        (2, ORANGE, "-", r"$x'=-x-\frac{\gamma}{2}x$"),
        (3, GREEN, "-.", r"$x'=-x-\frac{\gamma}{2}x-\frac{\gamma^2}{3}x$"),
    ):
        axes.plot(time, flow(truncated(parts[:count], GAMMA), [1.0], time[-1])[:, 0], color=colour, linestyle=style, label=label)
    steps = np.arange(STEPS + 1)
    axes.plot(GAMMA * steps, (1 - GAMMA) ** steps, "o", color=ink(), label=rf"$x_n=(1-\gamma)^n$, $\gamma={GAMMA}$")
    axes.set_xlabel(r"$t=n\gamma$")
    axes.set_ylabel("$x$")
    axes.legend()
    return figure
