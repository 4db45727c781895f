"""An asymptotic series: the error of one step of gradient descent on x^4/4 against the number of terms that are kept."""

from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
from _flows import BLUE, GREEN, ORANGE, PINK, flow
from matplotlib import pyplot

from derive import modified_equation

ORDER = 9


@cache
def coefficients() -> list[float]:
    """c_k with f_k(x) = c_k x^(2k+3): on a homogeneous loss the value at x = 1 says everything."""
    values = modified_equation("gd", ORDER).evaluate("x**4/4", {"x": "1"}).values["theta"]
    return [float(Fraction(row[0])) for row in values]


def one_step(c: list[float], gamma: float, k: int) -> float:
    """Where the flow of the equation through gamma^k, x^3 sum c_j (gamma x^2)^j, is after one step from 1."""
    weights = np.array(c[k::-1])
    return float(flow(lambda x: x**3 * np.polyval(weights, gamma * x[0] ** 2), [1.0], gamma, 200)[-1, 0])


def draw() -> Any:
    figure, axes = pyplot.subplots(figsize=(6.2, 3.8))
    c = coefficients()
    for gamma, colour, mark in ((0.1, BLUE, "o"), (0.2, GREEN, "^"), (0.3, ORANGE, "s"), (0.5, PINK, "D")):
        errors = [abs(one_step(c, gamma, k) - (1 - gamma)) for k in range(ORDER + 1)]
        axes.semilogy(np.arange(ORDER + 1), errors, mark + "-", color=colour, linewidth=1, label=rf"$\gamma={gamma}$")
    axes.set_xlabel(r"terms through $\gamma^k$: $k$")
    axes.set_ylabel("error of one step from $x=1$")
    axes.grid(True)
    axes.legend(loc="lower left")
    return figure
