"""The error of every truncation of momentum's equation against gamma: the lines have integer slope."""

from fractions import Fraction
from functools import cache
from typing import Any

from _flows import BLUE, GREEN, ORANGE, PINK
from matplotlib import pyplot

from derive import modified_equation
from verify.numeric.routes import check_slopes, random_point, rich_loss


@cache
def measured() -> Any:
    equation = modified_equation("momentum", 3)
    return check_slopes(equation.configuration, equation.to_json(), {"beta": Fraction(1, 2)}, rich_loss(2, 4), random_point(2, 0))


def draw() -> Any:
    table = measured()
    figure, axes = pyplot.subplots(figsize=(6.2, 4.3))
    gammas = [float(g) for g in table.gammas]
    for k, (colour, mark) in enumerate(((BLUE, "o"), (ORANGE, "s"), (GREEN, "^"), (PINK, "D"))):
        errors = [float(e) for e in table.errors[k]]
        line = [errors[-1] * (g / gammas[-1]) ** (k + 1) for g in gammas]
        axes.loglog(gammas, line, color=colour, linewidth=1)
        axes.loglog(gammas, errors, mark, color=colour, label=rf"through $\gamma^{k}$: slope {table.slopes[k]:.3f}")
    axes.set_xscale("log", base=2)
    axes.set_xlabel(r"step $\gamma$")
    axes.set_ylabel(rf"$|\theta_{{T/\gamma}}-x_k(T)|$ at $T={table.time}$")
    axes.grid(True)
    axes.legend(loc="lower right")
    return figure
