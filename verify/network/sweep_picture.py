"""The figure of a sweep: where the series is of use, as measured."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from derive.errors import UsageError
from derive.files import replacing
from verify.network.comparison import TOLERANCE, USEFUL, Comparison
from verify.numeric.plot import COLOURS, DPI, MARKERS, SIZE, STYLE, check_figure_name


def save_sweep_picture(path: str | Path, results: Sequence[Comparison]) -> None:
    """Against the ratio |gamma f_1|/|f_0| of every setting: errors at its largest step as parts of the way gone, and slopes.

    Raises UsageError where no setting has a table.
    """
    check_figure_name(path)
    shown = [r for r in results if 0 < r.ratios[r.regime] < float("inf") and r.moved > 0]
    if not shown:
        raise UsageError("--plot: no setting of the sweep has numbers to draw")
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(2 * SIZE[0], SIZE[1]), layout="constrained")
        FigureCanvasAgg(figure)
        left, right = figure.subplots(1, 2)
        for n in range(len(shown[0].errors)):
            style = {"marker": MARKERS[n], "color": COLOURS[n], "linestyle": "none", "label": f"through $\\gamma^{n}$"}
            _draw(left, [(r.ratios[r.regime], r.errors[n][0] / r.moved) for r in shown], style)
            _draw(right, [(r.ratios[r.regime], r.slopes[n][-1]) for r in shown], style)
            right.axhspan(n + 1 - TOLERANCE, n + 1 + TOLERANCE, color=COLOURS[n], alpha=0.12, linewidth=0)
        left.set_yscale("log")
        left.set_title("Error at the largest step, as part of the way gone")
        right.set_title("Slope at the smallest steps")
        for axes in (left, right):
            axes.set_xscale("log")
            axes.set_xlabel("$|\\gamma f_1|/|f_0|$ in the first step")
            axes.axvline(USEFUL, color="grey", linewidth=1, linestyle=":")
        figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=len(shown[0].errors))
        figure.suptitle(f"{shown[0].optimizer} on {shown[0].model}, {len(shown)} settings")
        with replacing(path) as temporary:
            figure.savefig(temporary, format=Path(path).suffix[1:].lower(), dpi=DPI)


def _draw(axes: Any, points: Sequence[tuple[float, float]], style: dict[str, Any]) -> None:
    """Those that are numbers."""
    kept = [(x, y) for x, y in points if abs(y) < float("inf")]
    axes.plot([x for x, _ in kept], [y for _, y in kept], **style)
