"""Figures of stability regions; matplotlib and numpy are imported here and nowhere else in this package."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from derive.concrete.ends import end_expression
from derive.errors import UsageError
from derive.language import constant, parse_expression
from derive.scheme.ranges import comparisons
from derive.writing.notation import UNICODE
from derive.writing.readings import interval_ends

if TYPE_CHECKING:
    from derive.readings.stability import Stability


def plot_region(result: Stability, path: str) -> None:
    """A figure of the stable region: q = gamma h against the one free parameter, or the spectral radius against q.

    The suffix of the path chooses the format.  Raises UsageError for more than one free parameter or without matplotlib.
    """
    if len(result.parameters) > 1:
        raise UsageError(f"a figure shows one parameter; set all but one of {', '.join(result.parameters)} with --set")
    if not path.endswith((".png", ".svg", ".pdf")):
        raise UsageError(f"--plot '{path}': write a name that ends in .png, .svg or .pdf")
    try:
        import matplotlib
        import numpy as np
    except ImportError:
        raise UsageError("--plot needs matplotlib and numpy: pip install 'shadowflow[plot,trees]'") from None
    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes: Any = figure.subplots()
    upper = _upper(result)
    q = np.linspace(0, upper, 241)[1:]
    names = result.parameters
    if names:
        low, high = _range(result, names[0])
        values = np.linspace(low, high, 201)
        radius = np.array([[result.spectral_radius(x, {names[0]: y}) for x in q] for y in values])
        filled = axes.contourf(q, values, np.clip(radius, 0, 2), levels=np.linspace(0, 2, 21), cmap="RdBu_r")
        axes.contour(q, values, radius, levels=[1.0], colors="black", linewidths=1.5)
        figure.colorbar(filled, ax=axes, label="largest root in modulus (2 and above as 2)")
        axes.set_ylabel(UNICODE.symbol(names[0]))
    else:
        axes.plot(q, [result.spectral_radius(x) for x in q], color="C0")
        axes.axhline(1, color="black", linewidth=0.8)
        axes.set_ylabel("largest root in modulus")
        axes.set_ylim(0, 2)
    axes.set_xlabel("γ h   (step times curvature)")
    interval = result.interval or result.weak_interval
    bounds = interval_ends(interval, UNICODE) if interval else ()
    found = f"stable for {bounds[0]} < γh < {bounds[1]}" if bounds else "never stable"
    axes.set_title(f"{result.configuration.scheme.title}\n{found}", fontsize="medium", wrap=True)
    figure.savefig(path, dpi=130)


def _range(result: Stability, name: str) -> tuple[float, float]:
    """The parameter's stated range where it is bounded by numbers, else 0 to 1."""
    low, high = 0.0, 0.999
    parameter = result.configuration.scheme.parameters.get(name)
    for left, op, right in comparisons(parameter) if parameter else []:
        for side, other, flip in ((left, right, False), (right, left, True)):
            value = constant(parse_expression(side, "range")) if not side.isidentifier() else None
            if other == name and value is not None:
                below = (op in ("<", "<=")) != flip
                low, high = (float(value), high) if below else (low, float(value) * (0.999 if op in "<>" else 1))
    return low, high


def _upper(result: Stability) -> float:
    """Twenty per cent beyond the largest bound over the parameter's range."""
    import sympy as sp

    interval = result.interval or result.weak_interval
    if interval is None or interval[1] == "oo":
        return 4.0
    names = result.parameters
    expression = end_expression(interval[1], names)
    low, high = _range(result, names[0]) if names else (0.0, 0.0)
    values = [float(expression.subs({sp.Symbol(n): x for n in names})) for x in (low + 0.001, (low + high) / 2, high)]
    return 1.2 * max(values)
