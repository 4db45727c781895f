"""Largest stable gamma*h against beta for momentum and its relatives, from `derive.stability`."""

from functools import cache
from typing import Any

import numpy as np
import sympy
from _flows import BLUE, GREEN, ORANGE, PINK
from matplotlib import pyplot

from derive import stability
from derive.concrete.explicit import to_sympy
from derive.language import parse_expression

SCHEMES = (
    ("momentum", "heavy ball", BLUE, "-"), ("nesterov", "Nesterov", ORANGE, "--"),
    ("ema-momentum", "averaged momentum", GREEN, "-."), ("nesterov-half", "gradient half-way ahead", PINK, ":"),
)  # fmt: skip


@cache
def bound_of(name: str) -> Any:
    """The upper end of the stable interval, a function of beta."""
    interval = stability(name).interval
    assert interval is not None, name
    return to_sympy(parse_expression(interval[1], name), {"beta": sympy.Symbol("beta")})


def draw() -> Any:
    figure, axes = pyplot.subplots(figsize=(6.2, 3.9))
    betas = np.linspace(0, 0.95, 200)
    for name, label, colour, style in SCHEMES:
        bound = bound_of(name)
        values = [float(bound.subs("beta", b)) for b in betas]
        axes.plot(betas, values, color=colour, linestyle=style, label=label)
    axes.set_ylim(0, 8)
    axes.set_xlabel(r"$\beta$")
    axes.set_ylabel(r"largest stable $\gamma h$")
    axes.grid(True)
    axes.legend()
    return figure
