"""Figures of stability regions; matplotlib and numpy are imported here and nowhere else in this package."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derive.algebra.coefficients import Ring
from derive.errors import UsageError
from derive.files import check_writable, replacing
from derive.language import constant, parse_expression
from derive.reals import All, compare, end_of, example
from derive.reals.reading import numeric
from derive.scheme.ranges import comparisons
from derive.writing.notation import UNICODE
from derive.writing.stability import ends_text, for_range, step_times_curvature

STYLE: dict[Any, Any] = {
    "font.size": 10.5, "axes.titlesize": 11, "legend.fontsize": 10, "axes.spines.top": False, "axes.spines.right": False,
}  # fmt: skip
DPI = 180

if TYPE_CHECKING:
    from derive.readings.pieces import Piece
    from derive.readings.stability import Stability


def check_region_name(path: str) -> None:
    """Before the work: UsageError for a suffix that is no format of figures, and where no file can be put."""
    if Path(path).suffix.lower() not in (".png", ".svg", ".pdf"):
        raise UsageError(f"--plot '{path}': write a name that ends in .png, .svg or .pdf")
    check_writable(path, "--plot")


def plot_region(result: Stability, path: str) -> None:
    """A figure of the stable region: q = gamma h against the one free parameter, or the spectral radius against q.

    The suffix of the path chooses the format.  Raises UsageError for more than one free parameter.
    """
    if len(result.parameters) > 1:
        raise UsageError(f"a figure shows one parameter; set all but one of {', '.join(result.parameters)} with --set")
    check_region_name(path)
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6.4, 4.6), layout="constrained")
        FigureCanvasAgg(figure)
        axes: Any = figure.subplots()
        (_draw_plane if result.parameters else _draw_radius)(result, axes)
        times = "coupling" if result.game else "curvature"
        axes.set_xlabel(f"{step_times_curvature(result, UNICODE)}   (step times {times})")
        shown = result.weak_pieces or result.pieces
        lines = [_title(result, p, p.interval) for p in shown if p.interval]
        found = "\n".join(lines[:2]) or ("never stable" if result.never else "no interval proved")
        title = f"{result.configuration.scheme.title}\n{found}".replace("$", r"\$").replace("<=", "≤").replace(">=", "≥")
        axes.set_title(title, wrap=True)
        with replacing(path) as temporary:
            figure.savefig(temporary, format=Path(path).suffix[1:].lower(), dpi=DPI)


def _draw_plane(result: Stability, axes: Any) -> None:
    """The spectral radius by colour over q and the one free parameter; the line is where it is 1."""
    import numpy as np

    name = result.parameters[0]
    q, values = np.linspace(0, _upper(result), 241)[1:], np.linspace(*_range(result, name), 201)
    radius = result.spectral_radii(q, {name: values[:, None]})
    filled = axes.pcolormesh(
        q, values, np.clip(radius, 0, 2), cmap="RdBu_r", vmin=0, vmax=2, shading="gouraud", rasterized=True
    )
    axes.contour(q, values, radius, levels=[1.0], colors="black", linewidths=1.8)
    bar = axes.figure.colorbar(filled, ax=axes, label="largest root in modulus", ticks=[0, 0.5, 1, 1.5, 2])
    bar.ax.set_yticklabels(["0", "0.5", "1", "1.5", "≥ 2"])
    bar.ax.axhline(1, color="black", linewidth=1.8)
    axes.set_ylabel(UNICODE.symbol(name), rotation=0, labelpad=10)


def _draw_radius(result: Stability, axes: Any) -> None:
    """The spectral radius against q; shaded where it is below 1."""
    import numpy as np

    q = np.linspace(0, _upper(result), 1201)[1:]
    radius = result.spectral_radii(q, {})
    axes.fill_between(q, 0, 1, where=radius < 1, color="#0072B2", alpha=0.12, linewidth=0, label="stable")
    axes.plot(q, radius, color="#0072B2", linewidth=2, label="largest root in modulus")
    axes.axhline(1, color="black", linewidth=1)
    axes.set_ylim(0, 2)
    axes.set_xlim(0, q[-1])
    axes.legend(loc="upper left", frameon=False)


def _title(result: Stability, p: Piece, interval: tuple[str, str]) -> str:
    return f"stable: {ends_text(result, interval, UNICODE)}  {for_range(result, p, UNICODE)}".rstrip()


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
    """Twenty per cent beyond the largest bound at the middle and near the ends of the parameter's range."""
    low, high = _range(result, result.parameters[0]) if result.parameters else (0.0, 0.0)
    values = [Fraction(x).limit_denominator(1000) for x in (low + 0.001, (low + high) / 2, high)]
    found = [float(u) for x in values for u in _bounds_at(result, dict.fromkeys(result.parameters, x))]
    return 1.2 * max(found, default=10 / 3)


def _bounds_at(result: Stability, values: Mapping[str, Fraction]) -> Iterator[Fraction]:
    """The finite upper ends that are proved at these parameters."""
    ring = Ring(sorted(values))
    here = All(tuple(compare(ring.symbol(n), "==", ring.constant(x)) for n, x in values.items()))
    for p in result.weak_pieces or result.pieces:
        if p.interval and isinstance(example(All((p.formula, here))), Mapping):
            upper = numeric(end_of(p.interval[1], tuple(values)), values)
            if upper is not None:
                yield upper
