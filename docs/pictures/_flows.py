"""What the pictures share: derived fields as numerical functions, their flows, iterates, contours, colours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import sympy
from matplotlib import pyplot

from derive import modified_equation
from derive.concrete.explicit import to_sympy
from derive.concrete.problem import parse_loss

BLUE, ORANGE, GREEN, PINK, SKY = "#3b8fd1", "#e0701a", "#2aa876", "#cc79a7", "#7cc0e8"
Field = Callable[[np.ndarray], np.ndarray]


def ink() -> str:
    """The colour of text on this page's theme; iterates are drawn in it."""
    return str(pyplot.rcParams["text.color"])


def fields(scheme: str, order: int, loss: str, settings: Mapping[str, str] | None = None, **options: Any) -> list[Field]:
    """f_0, ..., f_order of theta' on a loss, as functions of a point (components in order of names)."""
    explicit = modified_equation(scheme, order, settings=settings, **options).on_loss(loss)
    names = sorted({s.name for row in explicit["theta"] for e in row for s in e.free_symbols})
    symbols = sympy.symbols(names)
    return [_numerical(symbols, row) for row in explicit["theta"]]


def _numerical(symbols: Sequence[Any], row: Sequence[Any]) -> Field:
    compiled = sympy.lambdify(symbols, list(row), "numpy")
    return lambda point: np.array([float(value) for value in compiled(*point)])


def truncated(parts: Sequence[Field], gamma: float) -> Field:
    """f_0 + gamma f_1 + ... of the parts that are given."""
    return lambda point: sum((gamma**k * f(point) for k, f in enumerate(parts)), np.zeros(len(point)))


def flow(field: Field, start: Sequence[float], time: float, steps: int = 600) -> np.ndarray:
    """The solution of theta' = field(theta), by the classical Runge-Kutta method."""
    x, h, path = np.array(start, float), time / steps, [np.array(start, float)]
    for _ in range(steps):
        k1 = field(x)
        k2 = field(x + h / 2 * k1)
        k3 = field(x + h / 2 * k2)
        x = x + h / 6 * (k1 + 2 * k2 + 2 * k3 + field(x + h * k3))
        path.append(x)
    return np.array(path)


def gradient(loss: str, names: Sequence[str] = ("x", "y")) -> Field:
    """The gradient of a loss."""
    symbols = sympy.symbols(list(names))
    return _numerical(symbols, [sympy.diff(expression(loss), s) for s in symbols])


def expression(loss: str) -> Any:
    """A loss in sympy, read as the program reads it."""
    read = parse_loss(loss)
    return to_sympy(read.expressions[0], {x: sympy.Symbol(x) for x in read.variables})


def contours(axes: Any, loss: str, box: Sequence[float], count: int = 16, power: float = 2.0) -> None:
    """Level lines of a loss in x and y, closer together near its least value."""
    xs, ys = np.meshgrid(np.linspace(box[0], box[1], 300), np.linspace(box[2], box[3], 300))
    values = sympy.lambdify(sympy.symbols("x y"), expression(loss), "numpy")(xs, ys)
    low, high = float(values.min()), float(values.max())
    levels = low + (high - low) * np.linspace(0.001, 1, count) ** power
    axes.contour(xs, ys, values, levels=levels, colors=pyplot.rcParams["axes.edgecolor"], linewidths=0.6, alpha=0.55)
    axes.set_xlim(box[0], box[1])
    axes.set_ylim(box[2], box[3])


def compared(
    axes: Any, parts: Sequence[Field], points: Sequence[np.ndarray], gamma: float, labels: tuple[str, str], size: float
) -> None:
    """Iterates, and the flows of the limit and of two truncations through their first point; labels of limit and iterates."""
    start, time = points[0], gamma * (len(points) - 1)
    limit, first, second = (flow(truncated(parts[:k], gamma), start, time) for k in (1, 2, 3))
    axes.plot(*limit.T, color=BLUE, linestyle="--", label=labels[0])
    axes.plot(*first.T, color=ORANGE, label=r"modified equation through $\gamma$")
    axes.plot(*second.T, color=GREEN, linestyle="-.", label=r"through $\gamma^2$")
    axes.plot(*np.array(points).T, "o", color=ink(), markersize=size, label=labels[1])
    axes.set_xlabel("$x$")
    axes.set_ylabel("$y$")
    axes.legend(loc="lower right")
