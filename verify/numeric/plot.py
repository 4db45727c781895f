"""Figures: the error of every truncation against gamma, and on two-dimensional losses the orbits over the contours.

matplotlib is imported inside the functions (extra `plot`); the format follows the extension, PNG or SVG.  Colours are those
of Okabe & Ito (2008), told apart under every common colour blindness; every curve also has its own marker and dashes.  A
truncation has one colour in both panels.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from derive.errors import UsageError
from derive.files import check_writable, replacing
from derive.language.letters import LETTERS
from verify.numeric.slopes import SlopeTable

COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
START, LEVELS = "#E69F00", 14
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DASHES = ("--", "-", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)), (0, (1, 1)))
STYLE: dict[Any, Any] = {
    "font.size": 10.5, "axes.titlesize": 11, "legend.fontsize": 10, "axes.spines.top": False, "axes.spines.right": False,
}  # fmt: skip
SIZE, DPI = (5.9, 5.3), 180


@dataclass(frozen=True)
class Orbits:
    """What the second panel shows: points (x, y) of the iterates and of the two flows, and the loss as a function.

    `ends` says why a flow that is shorter than the iterates ends, limit flow first.
    """

    iterates: Sequence[tuple[float, float]]
    limit: Sequence[tuple[float, float]]
    modified: Sequence[tuple[float, float]]
    loss: Callable[[float, float], float] | None
    names: tuple[str, str]
    gamma: str
    order: int
    ends: tuple[str, str] = ("", "")


def check_figure_name(path: str | Path) -> None:
    """Before the work: UsageError for another extension than .png or .svg, and where no file can be put."""
    if Path(path).suffix.lower() not in (".png", ".svg"):
        raise UsageError(f"--plot {path}: the name must end in .png or .svg")
    check_writable(path, "--plot")


def save_figure(path: str | Path, table: SlopeTable, title: str, orbits: Orbits | None = None, caption: str = "") -> None:
    """Draw and write the figure, the title over the caption; the file appears whole or not at all.

    Raises UsageError for another extension than .png or .svg, or when the file cannot be written.
    """
    check_figure_name(path)
    import matplotlib

    with matplotlib.rc_context(STYLE):
        figure = _figure(table, title, orbits, caption)
    with replacing(path) as temporary:
        figure.savefig(temporary, format=Path(path).suffix[1:].lower(), dpi=DPI)


def _figure(table: SlopeTable, title: str, orbits: Orbits | None, caption: str) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    count = 2 if orbits else 1
    figure = Figure(figsize=(count * SIZE[0], SIZE[1]), layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.08))
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, count, squeeze=False)[0]
    _draw_errors(axes[0], table)
    if orbits:
        _draw_orbits(axes[1], orbits, len(_distinct(table)) - 1)
    below = f"\n{_plain(caption)}" if caption else ""
    figure.suptitle(f"{_plain(title)}{below}", fontsize=12, wrap=True)
    return figure


def _plain(text: str) -> str:
    """Text in which matplotlib finds no formula."""
    return text.replace("$", r"\$")


def letter(name: str) -> str:
    """A parameter by its Greek letter.

    >>> letter("beta1"), letter("width")
    ('β₁', 'width')
    """
    stem = name.rstrip("0123456789")
    return LETTERS.get(stem, stem) + name[len(stem) :].translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


def readable(text: str) -> str:
    """A loss as people write it.

    >>> readable("x**2/8 + sin(x)*y**12")
    'x²/8 + sin(x) y¹²'
    """
    raised = re.sub(r"\*\*(\d+)", lambda m: m[1].translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")), text)
    return raised.replace("**", "^").replace("*", " ")


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
    if not any(e > 0 for row in table.errors for e in row):
        axes.text(0.5, 0.5, "no error to the working precision", transform=axes.transAxes, ha="center")
        axes.set(xticks=[], yticks=[])
        return
    axes.set_xscale("log", base=2)
    axes.set_xlabel("step $\\gamma$")
    axes.set_ylabel("distance of iterate and flow")
    axes.set_title(f"error at time {table.time}; lines have integer slopes")
    axes.grid(True, which="major", linewidth=0.4, alpha=0.5)
    _legend(axes)


def _distinct(table: SlopeTable) -> list[tuple[int, int]]:
    """Runs of truncations with the same errors (where coefficients of the field vanish): first and last of each."""
    runs: list[tuple[int, int]] = []
    for k, row in enumerate(table.errors):
        if runs and all(a == b for a, b in zip(row, table.errors[runs[-1][0]], strict=True)):
            runs[-1] = (runs[-1][0], k)
        else:
            runs.append((k, k))
    return runs


def _legend(axes: Any) -> None:
    axes.legend(loc="upper left", bbox_to_anchor=(-0.02, -0.13), ncols=2, frameon=False, borderaxespad=0.2, columnspacing=1.6)


def _draw_orbits(axes: Any, orbits: Orbits, series: int) -> None:
    """`series` is the place of the modified flow's truncation among the curves of the first panel."""
    box = _box([p for path in (orbits.limit, orbits.modified, orbits.iterates) for p in path])
    if orbits.loss is not None:
        _contours(axes, orbits.loss, box)
    ends = [f", which {end}" if end else "" for end in orbits.ends]
    axes.plot(*zip(*orbits.limit, strict=True), color=COLOURS[0], linestyle="--", linewidth=2, label=f"limit flow{ends[0]}")
    label = f"modified flow through $\\gamma^{{{orbits.order}}}${ends[1]}"
    axes.plot(*zip(*orbits.modified, strict=True), color=COLOURS[series % len(COLOURS)], linestyle="-", linewidth=2, label=label)
    style = {"linestyle": "none", "marker": "o", "markersize": 4.5, "markerfacecolor": "white"}
    label = f"iterates, $\\gamma$ = {orbits.gamma}"
    axes.plot(*zip(*orbits.iterates, strict=True), color=COLOURS[6], label=label, zorder=4, **style)
    x, y = orbits.iterates[0]
    star = {"marker": "*", "markersize": 13, "markeredgecolor": "black", "linestyle": "none"}
    axes.plot([x], [y], color=START, label="start", zorder=5, **star)
    axes.set_xlim(box[0], box[1])
    axes.set_ylim(box[2], box[3])
    axes.set_aspect("equal")
    axes.set_xlabel(_plain(orbits.names[0]))
    axes.set_ylabel(_plain(orbits.names[1]), rotation=0, labelpad=10)
    axes.set_title("in the plane, on the contours of the loss" if orbits.loss else "in the plane")
    _legend(axes)


def _box(points: Sequence[tuple[float, float]], shape: float = 1.3) -> tuple[float, float, float, float]:
    """The points' bounding box with a margin, widened to `shape` times as wide as it is high, so that angles are right."""
    (left, right), (bottom, top) = ((min(values), max(values)) for values in zip(*points, strict=True))
    margin = 0.1 * (max(right - left, top - bottom) or 1.0)
    width, height = right - left + 2 * margin, top - bottom + 2 * margin
    width, height = max(width, shape * height), max(height, width / shape)
    x, y = (left + right) / 2, (bottom + top) / 2
    return x - width / 2, x + width / 2, y - height / 2, y + height / 2


def _contours(axes: Any, loss: Callable[[float, float], float], box: tuple[float, float, float, float]) -> None:
    """Levels closer together near the bottom, where orbits end."""
    from matplotlib.colors import LinearSegmentedColormap

    count = 80
    xs = [box[0] + (box[1] - box[0]) * i / (count - 1) for i in range(count)]
    ys = [box[2] + (box[3] - box[2]) * j / (count - 1) for j in range(count)]
    values = [[loss(x, y) for x in xs] for y in ys]
    finite = [v for row in values for v in row if isfinite(v)] or [0.0]
    low, size = min(finite), (max(finite) - min(finite)) or 1.0
    levels = [low + size * (k / LEVELS) ** 2 for k in range(LEVELS + 1)]
    shades = LinearSegmentedColormap.from_list("valley", ["#ffffff", "#d9dee6"])
    axes.contourf(xs, ys, values, levels=levels, cmap=shades)
    axes.contour(xs, ys, values, levels=levels[1:], colors="#9aa3af", linewidths=0.6, linestyles="solid")
