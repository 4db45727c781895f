"""The words of `derive explain`: all readings of one scheme on one screen, or the formulas among them as LaTeX."""

from __future__ import annotations

from typing import TYPE_CHECKING

from derive.language import unparse
from derive.scheme import Scheme
from derive.writing.notation import Notation
from derive.writing.series import greek, one_line, series_lines
from derive.writing.stability import brief_lines, ends_text
from derive.writing.text import relaxation_text

if TYPE_CHECKING:
    from derive.readings.explain import Explanation, RegimeReading
    from derive.readings.loss import ModifiedLoss


def explanation_lines(e: Explanation, style: Notation) -> list[str]:
    """The screen; rows of an align* environment in LaTeX (formulas only)."""
    if style.name == "latex":
        return _latex(e, style)
    reference = e.scheme.reference.partition(";")[0].strip()
    lines = [e.scheme.title + (f" ({reference})" if reference else "")]
    lines += [f"    {line}" for line in e.scheme.update.strip().splitlines()]
    for r in e.regimes:
        lines += ["", *_regime_lines(e.scheme, r, style)]
    lines += ["", *_loss_lines(e, style), *_stability_lines(e, style), *_start_lines(e, style)]
    return lines


def _regime_lines(scheme: Scheme, r: RegimeReading, style: Notation) -> list[str]:
    regime = scheme.regimes.get(r.name)
    substitutions = ", ".join(f"{n} = {unparse(x)}" for n, x in regime.substitutions.items()) if regime else ""
    title = f"regime {r.name}: {greek(regime.title, style)}" if regime else "equation"
    title += f" [{greek(substitutions, style)}]" if substitutions else ""
    if r.equation is None:
        return [title, f"    none: {r.reason}"]
    lines = [title]
    for name, sums in r.series.items():
        left = name.replace("theta", style.symbol("theta")) if name.startswith("theta") else style.symbol(name[:-1]) + "'"
        lines += ["    " + row for row in series_lines(left, sums, style)]
    exact = f"order {r.accuracy}" if r.accuracy <= r.equation.order else f"order at least {r.accuracy}"
    lines.append(f"    the iterates follow the limit ({style.symbol('gamma')} = 0) to {exact}")
    lines += ["    " + relaxation_text(x, style) for x in r.equation.relaxations]
    return lines


def _loss_lines(e: Explanation, style: Notation) -> list[str]:
    lines = []
    for name, v in (("modified loss", e.loss), ("of the memoryless map", e.map_loss)):
        if isinstance(v, str):
            lines += [f"{name}: none. {v}"] if name == "modified loss" else []
            continue
        lines.append(f"{name}: {_potential(v, style)}")
        inner = v.preconditioned
        if v.preconditioner is not None and inner is not None:
            lines.append(f"    with the elementwise factor P = {one_line([v.preconditioner], style)}: {_potential(inner, style)}")
            for limit, w in v.limits:
                lines.append(f"    {greek(limit, style)}: {_potential(w, style)}")
    return lines


def _potential(v: ModifiedLoss, style: Notation) -> str:
    gamma = style.symbol("gamma")
    o = v.obstruction
    if not v.potential:
        no = "is no gradient" if o is None or o.decided else "is not shown to be a gradient, nor not to be one"
        return f"none, the limit field {no}"
    shown = one_line(v.potential[:2], style) + (" + ..." if len(v.potential) > 2 else "")
    shown += "".join(f"; {gamma}^{k}: a gradient, of no sum of terms found" for k in v.unwritten)
    if o is not None:
        return f"{shown}; {'no gradient' if o.decided else 'not decided'} at {gamma}^{o.power}"
    return f"{shown} (through {gamma}^{v.exists_through})"


def _stability_lines(e: Explanation, style: Notation) -> list[str]:
    s = e.stability
    if isinstance(s, str):
        return [f"stability: {s}"]
    return brief_lines(s, style)


def _start_lines(e: Explanation, style: Notation) -> list[str]:
    if isinstance(e.layer, str):
        return [f"from rest: {e.layer}"]
    if not any(e.layer.shift):
        return ["from rest: no transient, the flow starts at the initial point"]
    shift = f"{style.symbol('theta')}_0 + {one_line(e.layer.shift, style)} + ...".replace("+ - ", "- ")
    return [f"from rest: the flow starts at {shift}"]


def _latex(e: Explanation, style: Notation) -> list[str]:
    rows = []
    for r in e.regimes:
        for name, sums in r.series.items():
            left = r"\ddot{\theta}" if name == "theta''" else rf"\dot{{{style.symbol(name[:-1])}}}"
            rows += series_lines(left, sums, style)
    if not isinstance(e.loss, str) and e.loss.potential:
        rows += series_lines(r"\tilde{L}", e.loss.potential, style)
    if not isinstance(e.stability, str) and (ends := e.stability.interval or e.stability.weak_interval):
        rows.append(f"&{ends_text(e.stability, ends, style)}")
    if not isinstance(e.layer, str) and any(e.layer.shift):
        rows += series_lines(r"\theta(0) - \theta_0", e.layer.shift, style)
    return rows
