"""A figure of a diagnosis: the ratio, the losses, the sharpness, and how far the flows are from the iterates, along a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from derive.files import replacing
from verify.network.comparison import ROUNDED, USEFUL
from verify.network.diagnosis import Diagnosis
from verify.numeric.plot import COLOURS, DASHES, DPI, SIZE, STYLE, check_figure_name

Style = dict[str, Any]
ITERATES: Style = {"color": "black", "linestyle": "none", "marker": "o", "markersize": 4, "fillstyle": "none"}
FLOWS: list[Style] = [{"color": COLOURS[k], "linestyle": DASHES[k], "linewidth": 2} for k in (0, 1)]
BOUND: Style = {"color": "0.45", "linewidth": 1}


def save_diagnosis(path: str | Path, found: Diagnosis) -> None:
    """Draw and write; the file appears whole or not at all.  PNG or SVG, by the extension."""
    check_figure_name(path)
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(2 * SIZE[0], 1.6 * SIZE[1]), layout="constrained")
        FigureCanvasAgg(figure)
        panels = figure.subplots(2, 2, sharex=True)
        for draw, axes in zip((_ratio, _losses, _sharpness, _distance), panels.flat, strict=True):
            draw(axes, found)
        for axes in panels[1]:
            axes.set_xlabel("steps of the optimizer")
        regime = f", regime {found.regime}" if found.regime else ""
        setting = ", ".join(f"{n} = {x:g}" for n, x in found.hyper.items())
        library = "" if found.library == "optax" else f" of {found.library}"
        figure.suptitle(f"{found.optimizer}{library} on {found.model}, {found.parameters} parameters{regime}: {setting}")
    with replacing(path) as temporary:
        figure.savefig(temporary, format=Path(path).suffix[1:].lower(), dpi=DPI)


def _ratio(axes: Any, found: Diagnosis) -> None:
    shown = [(n, r) for n, r in zip(found.steps, found.ratio, strict=True) if r > ROUNDED]  # below, it is zero but for rounding
    axes.plot([n for n, _ in shown], [r for _, r in shown], **ITERATES)
    axes.axhline(1, **BOUND)
    axes.axhline(USEFUL, **BOUND, linestyle=":")
    axes.set_yscale("log")
    axes.set_title(r"Size of the first correction, $|\gamma f_1|/|f_0|$: of no use above 1")


def _losses(axes: Any, found: Diagnosis) -> None:
    axes.plot(found.steps, found.loss, **ITERATES, label="loss")
    if found.modified:
        axes.plot(found.steps, found.modified, **FLOWS[1], label=f"modified loss through {_power(found)}")
    axes.legend()
    axes.set_title("Loss at the iterates" if found.modified else "Loss at the iterates (the equation has no modified loss)")


def _sharpness(axes: Any, found: Diagnosis) -> None:
    for curve, style, name in _flows(found, found.limit_sharpness, found.corrected_sharpness):
        axes.plot(found.steps, curve, **style, label=name)
    axes.plot(found.steps, found.sharpness, **ITERATES, label="iterates")
    if found.edge is not None and found.edge < 4 * np.nanmax(found.sharpness):
        axes.axhline(found.edge, **BOUND, label="edge of stability")
    axes.legend()
    axes.set_title("Sharpness, the largest eigenvalue of the Hessian")


def _distance(axes: Any, found: Diagnosis) -> None:
    for curve, style, name in _flows(found, *found.distance):
        keep = [i for i, x in enumerate(curve) if x > 0 and np.isfinite(x)]
        axes.plot([found.steps[i] for i in keep], [curve[i] for i in keep], **style, label=name)
    axes.set_yscale("log")
    axes.legend()
    axes.set_title("Distance of the flows from the iterates, rms over the parameters")


def _flows(found: Diagnosis, limit: Any, corrected: Any) -> list[tuple[Any, Style, str]]:
    return [(limit, FLOWS[0], "limit flow"), (corrected, FLOWS[1], f"flow through {_power(found)}")]


def _power(found: Diagnosis) -> str:
    return f"$\\gamma^{{{found.order}}}$"
