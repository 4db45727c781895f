"""All readings of one scheme on one screen: every regime's limit and first correction, then loss, stability, memory, start."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from derive.algebra.sums import Sum
from derive.equation import ModifiedEquation, TermSum, modified_equation
from derive.errors import DeriveError
from derive.language import unparse
from derive.readings.initial_layer import InitialLayer, initial_layer
from derive.readings.loss import ModifiedLoss, loss_of
from derive.readings.second_order import SecondOrder, second_order_form
from derive.readings.stability import Stability, stability
from derive.scheme import Scheme, load_scheme
from derive.writing.notation import Notation
from derive.writing.series import blocks, greek, one_line, series_lines
from derive.writing.stability import brief_lines, ends_text
from derive.writing.text import relaxation_text

T = TypeVar("T")
_DEPTH = 2  # powers looked at for the order of accuracy


@dataclass(frozen=True, eq=False)
class RegimeReading:
    """One regime: the equation through gamma^2, its second-order form where it has one, and how accurate its limit is.

    `accuracy` is the first power of gamma with a correction, the order to which the scheme follows its limit (3: none found).
    """

    name: str
    equation: ModifiedEquation | None
    second: SecondOrder | None
    accuracy: int
    reason: str = ""

    @property
    def series(self) -> dict[str, tuple[TermSum, ...]]:
        """What is shown, through gamma^1: theta'' alone where there is a second-order form."""
        if self.equation is None:
            return {}
        if self.second is not None:
            return {"theta''": self.second.terms[:2]}
        return {f"{x}'": sums[:2] for x, sums in self.equation.equations.items()}


@dataclass(frozen=True, eq=False)
class Explanation:
    """The readings; a reading that does not exist is its reason, as text."""

    scheme: Scheme
    regimes: tuple[RegimeReading, ...]
    loss: ModifiedLoss | str
    map_loss: ModifiedLoss | str
    stability: Stability | str
    layer: InitialLayer | str

    @property
    def equation(self) -> ModifiedEquation | None:
        """The first regime's equation."""
        return self.regimes[0].equation

    def to_json(self) -> dict[str, Any]:
        """The readings by name; {"reason": ...} where one does not exist."""
        parts: dict[str, Any] = {
            "modified_loss": self.loss, "modified_loss_map": self.map_loss,
            "stability": self.stability, "initial_layer": self.layer,
        }  # fmt: skip
        return {
            "scheme": self.scheme.name,
            "title": self.scheme.title,
            "reference": self.scheme.reference,
            "update": self.scheme.update.strip(),
            "regimes": [
                {"regime": r.name, "accuracy": r.accuracy, "equations": {x: blocks(s) for x, s in r.series.items()}}
                if r.equation is not None else {"regime": r.name, "reason": r.reason}
                for r in self.regimes
            ],
            **{name: {"reason": p} if isinstance(p, str) else p.to_json() for name, p in parts.items()},
        }  # fmt: skip


def explain(scheme: str | Path | Scheme) -> Explanation:
    """Every reading of a scheme, in the scheme's own regimes.

    Raises UsageError, SchemeError, ParseError for a scheme that cannot be read.

    >>> e = explain("gd")
    >>> e.loss.exists_through, e.stability.interval
    (1, ('0', '2'))
    """
    chosen = load_scheme(scheme)
    regimes = tuple(_regime(chosen, name) for name in (tuple(chosen.regimes) or ("",)))
    first = regimes[0].equation

    def loss(form: str) -> ModifiedLoss:
        return loss_of(modified_equation(chosen, _DEPTH if form == "flow" else 1, form=form))

    return Explanation(
        chosen, regimes,
        _attempt(lambda: loss("flow")), _attempt(lambda: loss("map")) if first is not None and first.memory else "no memory",
        _attempt(lambda: stability(chosen)), _attempt(lambda: initial_layer(chosen, 1)),
    )  # fmt: skip


def _attempt(read: Callable[[], T]) -> T | str:
    """The reading, or the reason why there is none, without the name of the scheme in front."""
    try:
        return read()
    except DeriveError as error:
        return re.sub(r"^scheme [^:,]*[:,] ", "", str(error))


def _regime(scheme: Scheme, name: str) -> RegimeReading:
    equation = _attempt(lambda: modified_equation(scheme, _DEPTH, regime=name or None))
    if isinstance(equation, str):
        return RegimeReading(name, None, None, 0, equation)
    second = _attempt(lambda: second_order_form(equation)) if len(equation.equations) == 2 else None
    if isinstance(second, SecondOrder):
        return RegimeReading(name, equation, second, _first_correction([s.sum for s in second.terms]))
    corrections = [_first_correction([s.sum for s in sums]) for sums in equation.equations.values()]
    return RegimeReading(name, equation, None, min(corrections))


def _first_correction(sums: list[Sum]) -> int:
    return next((k for k, s in enumerate(sums) if k and s), len(sums))


# ---------------------------------------------------------------------------------------------- text


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
    exact = f"order {r.accuracy}" if r.accuracy <= _DEPTH else f"order at least {r.accuracy}"
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
    if not v.potential:
        return "none, the limit field is no gradient"
    shown = one_line(v.potential[:2], style) + (" + ..." if len(v.potential) > 2 else "")
    if v.obstruction is not None:
        return f"{shown}; no gradient at {gamma}^{v.obstruction.power}"
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
    if isinstance(e.loss, ModifiedLoss) and e.loss.potential:
        rows += series_lines(r"\tilde{L}", e.loss.potential, style)
    if isinstance(e.stability, Stability) and (ends := e.stability.interval or e.stability.weak_interval):
        rows.append(f"&{ends_text(ends, style)}")
    if isinstance(e.layer, InitialLayer) and any(e.layer.shift):
        rows += series_lines(r"\theta(0) - \theta_0", e.layer.shift, style)
    return rows
