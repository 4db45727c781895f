"""Figures: iterates and flows in the plane of two directions, and the error of every truncation against time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from derive.files import replacing
from verify.network.comparison import Comparison
from verify.numeric.plot import COLOURS, DASHES, DPI, MARKERS, SIZE, STYLE, check_figure_name

Array = Any
FINER = 4  # points of a flow to one of the optimizer


@dataclass(frozen=True)
class Paths:
    """theta at the times 0, gamma, ..., rows: of the optimizer, and by order of the flows at `finer` times as many times."""

    gamma: float
    iterates: Array
    flows: Array
    finer: int = 1


def plane(iterates: Array, limit: Array) -> Array:
    """Two orthonormal rows: the way of the iterates, and across it the way from the end of the limit flow to theirs."""
    along = iterates[-1] - iterates[0]
    along = along / np.linalg.norm(along)
    across = iterates[-1] - limit[-1]
    across = across - along * (along @ across)
    return np.stack([along, across / (np.linalg.norm(across) or 1.0)])


def save_picture(path: str | Path, result: Comparison, found: Paths) -> None:
    """Draw and write; the file appears whole or not at all.  PNG or SVG, by the extension."""
    check_figure_name(path)
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(2 * SIZE[0], SIZE[1]), layout="constrained")
        FigureCanvasAgg(figure)
        left, right = figure.subplots(1, 2)
        _orbits(left, found)
        _errors(right, found)
        handles, names = right.get_legend_handles_labels()
        dots, name = left.get_legend_handles_labels()
        figure.legend([*dots[:1], *handles], [*name[:1], *names], loc="outside lower center", ncols=len(names) + 1)
        regime = f", regime {result.regime}" if result.regime else ""
        library = "" if result.library == "optax" else f" of {result.library}"
        what = f"{result.optimizer}{library} on {result.model}, {result.parameters} parameters"
        figure.suptitle(f"{what}, step {found.gamma:.3g}{regime}")
    with replacing(path) as temporary:
        figure.savefig(temporary, format=Path(path).suffix[1:].lower(), dpi=DPI)


def _orbits(axes: Any, found: Paths) -> None:
    start = found.iterates[0]
    directions = plane(found.iterates, found.flows[0])

    def shown(path: Array) -> Array:
        return ((path - start) @ directions.T).T

    axes.plot(*shown(found.iterates), "o", color="black", markersize=6, fillstyle="none", label="iterates", zorder=3)
    for n in _drawn(found.flows):
        axes.plot(*shown(found.flows[n]), color=COLOURS[n], linestyle=DASHES[n], linewidth=2)
    axes.set(xlabel="along the way of the iterates", ylabel="across, from the limit flow to the iterates")
    axes.set_title("Paths in the plane of two directions")


def _errors(axes: Any, found: Paths) -> None:
    times = found.gamma * np.arange(len(found.iterates))
    for n, path in enumerate(found.flows):
        error = np.sqrt(((path[:: found.finer] - found.iterates) ** 2).mean(1))
        keep = (error > 0) & np.isfinite(error)
        axes.plot(
            times[keep], error[keep], marker=MARKERS[n], color=COLOURS[n], linestyle=DASHES[n], markersize=4, label=_flow_name(n)
        )
    axes.set_yscale("log")
    axes.set(xlabel="time, steps times step", ylabel="distance from the iterates, rms over the parameters")
    axes.set_title("Error against time")


def _drawn(flows: Array) -> list[int]:
    """The limit flow and the last corrected one, where they have numbers."""
    return [n for n in sorted({0, len(flows) - 1}) if np.isfinite(flows[n]).all()]


def _flow_name(order: int) -> str:
    return "limit flow" if order == 0 else f"flow through $\\gamma^{{{order}}}$"
