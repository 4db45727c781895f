"""Figures: the error of every truncation against gamma, and on two-dimensional losses the orbits over the contours.

matplotlib is imported inside the functions (extra `plot`); the format follows the extension, PNG or SVG.  Colours are those
of Okabe & Ito (2008), told apart under every common colour blindness; every curve also has its own marker and dashes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from derive.errors import UsageError
from derive.files import check_writable, replacing
from verify.numeric.slopes import SlopeTable

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)), (0, (1, 1)))


@dataclass(frozen=True)
class Orbits:
    """What the second panel shows: points (x, y) of the iterates and of the two flows, and the loss as a function."""

    iterates: Sequence[tuple[float, float]]
    limit: Sequence[tuple[float, float]]
    modified: Sequence[tuple[float, float]]
    loss: Callable[[float, float], float] | None
    names: tuple[str, str]
    gamma: str
    order: int


def check_figure_name(path: str | Path) -> None:
    """Before the work: UsageError for another extension than .png or .svg, and where no file can be put."""
    if Path(path).suffix.lower() not in (".png", ".svg"):
        raise UsageError(f"--plot {path}: the name must end in .png or .svg")
    check_writable(path, "--plot")


def save_figure(path: str | Path, table: SlopeTable, title: str, orbits: Orbits | None = None) -> None:
    """Draw and write the figure; the file appears whole or not at all.

    Raises UsageError for another extension than .png or .svg, without matplotlib, or when the file cannot be written.
    """
    check_figure_name(path)
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise UsageError("--plot needs matplotlib; install the extra: pip install 'shadowflow[plot]'") from None
    figure = Figure(figsize=(11.5 if orbits else 6.4, 4.9), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, 2 if orbits else 1, squeeze=False)[0]
    _draw_errors(axes[0], table)
    if orbits:
        _draw_orbits(axes[1], orbits)
    figure.suptitle(title, fontsize=12)
    with replacing(path) as temporary:
        figure.savefig(temporary, format=Path(path).suffix[1:].lower(), dpi=160)


def _draw_errors(axes: Any, table: SlopeTable) -> None:
    gammas = [float(g) for g in table.gammas]
    for series, (first, last) in enumerate(_distinct(table)):
        points = [(g, float(e)) for g, e in zip(gammas, table.errors[first], strict=True) if e > 0]
        if not points:
            continue
        colour, slope = COLOURS[series % len(COLOURS)], table.slopes[first]
        label = f"through $\\gamma^{{{first}}}$" if first == last else f"through $\\gamma^{{{first}}}$ to $\\gamma^{{{last}}}$"
        style = {"marker": MARKERS[series % len(MARKERS)], "color": colour, "markersize": 6, "linewidth": 1.1}
        if slope is None:
            axes.loglog(*zip(*points, strict=True), label=label, linestyle="none", **style)
            continue
        low, anchor = points[-1]
        reference = [anchor * (g / low) ** round(slope) for g, _ in points]
        dashes, label = DASHES[series % len(DASHES)], f"{label}: slope {slope:.3f}"
        axes.loglog(*zip(*points, strict=True), **{**style, "linestyle": "none"})
        axes.loglog([g for g, _ in points], reference, linestyle=dashes, color=colour, linewidth=1.1)
        axes.plot([], [], label=label, linestyle=dashes, **style)
    axes.set_xscale("log", base=2)
    axes.set_xlabel("step $\\gamma$")
    axes.set_ylabel("$|\\theta_{T/\\gamma} - x_k(T)|$")
    axes.set_title(f"error at T = {table.time}; lines have the integer slope", fontsize=10)
    axes.grid(True, which="major", linewidth=0.4, alpha=0.5)
    axes.legend(fontsize=9, loc="upper left", bbox_to_anchor=(0.0, -0.14), ncols=2, frameon=False, borderaxespad=0.2)


def _distinct(table: SlopeTable) -> list[tuple[int, int]]:
    """Runs of truncations with the same errors (where coefficients of the field vanish): first and last of each."""
    runs: list[tuple[int, int]] = []
    for k, row in enumerate(table.errors):
        if runs and all(a == b for a, b in zip(row, table.errors[runs[-1][0]], strict=True)):
            runs[-1] = (runs[-1][0], k)
        else:
            runs.append((k, k))
    return runs


def _draw_orbits(axes: Any, orbits: Orbits) -> None:
    paths = (orbits.limit, orbits.modified, orbits.iterates)
    box = _box([p for path in paths for p in path])
    if orbits.loss is not None:
        _contours(axes, orbits.loss, box)
    label = _path_label("limit flow", orbits.limit, orbits)
    axes.plot(*zip(*orbits.limit, strict=True), color=COLOURS[1], linestyle="--", linewidth=1.8, label=label)
    label = _path_label(f"modified flow through $\\gamma^{{{orbits.order}}}$", orbits.modified, orbits)
    axes.plot(*zip(*orbits.modified, strict=True), color=COLOURS[0], linestyle="-", linewidth=1.8, label=label)
    style = {"linestyle": "none", "marker": "o", "markersize": 4.5, "markerfacecolor": "white"}
    label = f"iterates, $\\gamma$ = {orbits.gamma}"
    axes.plot(*zip(*orbits.iterates, strict=True), color=COLOURS[6], label=label, zorder=4, **style)
    x, y = orbits.iterates[0]
    axes.plot([x], [y], marker="*", markersize=12, color=COLOURS[4], linestyle="none", label="start", zorder=5)
    axes.set_xlim(box[0], box[1])
    axes.set_ylim(box[2], box[3])
    axes.set_xlabel(orbits.names[0])
    axes.set_ylabel(orbits.names[1], rotation=0, labelpad=10)
    axes.set_title("iterates and flows on the contours of the loss", fontsize=10)
    axes.legend(fontsize=9, loc="upper left", bbox_to_anchor=(0.0, -0.14), ncols=2, frameon=False, borderaxespad=0.2)


def _path_label(text: str, path: Sequence[tuple[float, float]], orbits: Orbits) -> str:
    return text if len(path) == len(orbits.iterates) else f"{text}\n(ends where the field is singular)"


def _box(points: Sequence[tuple[float, float]]) -> tuple[float, float, float, float]:
    """The points' bounding box with a margin, at least a third as wide as it is long."""
    sides = []
    for axis in (0, 1):
        values = [p[axis] for p in points]
        sides.append([min(values), max(values)])
    longest = max(high - low for low, high in sides) or 1.0
    box = []
    for low, high in sides:
        margin = max(0.12 * longest, (longest / 3 - (high - low)) / 2)
        box += [low - margin, high + margin]
    return box[0], box[1], box[2], box[3]


def _contours(axes: Any, loss: Callable[[float, float], float], box: tuple[float, float, float, float]) -> None:
    count = 80
    xs = [box[0] + (box[1] - box[0]) * i / (count - 1) for i in range(count)]
    ys = [box[2] + (box[3] - box[2]) * i / (count - 1) for i in range(count)]
    values = [[loss(x, y) for x in xs] for y in ys]
    lines = axes.contour(xs, ys, values, levels=14, colors="#999999", linewidths=0.6)
    axes.clabel(lines, lines.levels[::3], fontsize=7, fmt="%.3g")
