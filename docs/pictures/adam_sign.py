"""Adam's first correction relative to the gradient's own term: where it penalises the gradient and where it rewards it."""

from typing import Any

import numpy as np
from _flows import BLUE, GREEN, ORANGE, ink
from matplotlib import pyplot


def strength(ratio: Any, beta1: float, beta2: float) -> Any:
    """The bracket b1 - b2 + b2 eps/(g^2 + eps), b = (1+beta)/(1-beta), at |g|/sqrt(eps) = ratio."""
    b1, b2 = (1 + beta1) / (1 - beta1), (1 + beta2) / (1 - beta2)
    return b1 - b2 + b2 / (1 + ratio**2)


def draw() -> Any:
    figure, axes = pyplot.subplots(figsize=(6.2, 3.8))
    ratio = np.logspace(-2, 2, 400)
    for (beta1, beta2), colour, style in (((0.9, 0.95), BLUE, "-"), ((0.9, 0.9), ORANGE, "--"), ((0.9, 0.8), GREEN, "-.")):
        label = rf"$\beta_1={beta1}$, $\beta_2={beta2}$"
        axes.semilogx(ratio, strength(ratio, beta1, beta2), color=colour, linestyle=style, label=label)
    axes.axhline(0, color=ink(), linewidth=0.8)
    axes.set_xlabel(r"$|g|/\sqrt{\varepsilon}$")
    axes.set_ylabel("bracket of the correction")
    axes.text(0.011, -9, "rewards large gradients", fontsize=10)
    axes.text(0.011, 6, "penalises large gradients", fontsize=10)
    axes.legend(loc="upper right")
    return figure
