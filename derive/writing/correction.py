"""The first correction of an equation in one sentence: what it does to the loss where it is read as one, else what it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from derive.writing.formulas import write_term
from derive.writing.notation import Notation
from derive.writing.series import greek, one_line

if TYPE_CHECKING:
    from derive.equation import ModifiedEquation
    from derive.readings.loss import ModifiedLoss

LONGEST = 140  # characters of a formula; of a longer one its number of terms is said


def correction_text(equation: ModifiedEquation, v: ModifiedLoss | None, style: Notation) -> str:
    """`v` is the modified loss through gamma^1, or nothing where the equation is not read as one.

    >>> from derive import modified_equation, modified_loss
    >>> from derive.writing.notation import UNICODE
    >>> for name in ("momentum", "adam", "adadelta", "adagrad"):
    ...     e = modified_equation(name, 1)
    ...     print(correction_text(e, modified_loss(name, 1) if len(e.equations) == 1 else None, UNICODE))
    the loss becomes `1/(1-β) L + γ (1+β)/(4 (1-β)^3) |∇L|^2`
    behind the elementwise factor `1 / (abs(∇L) + ε)` the limit descends `L`, the correction is no gradient; for ε → 0 the loss \
becomes `L - γ (β₂-β₁)/((1-β₁) (1-β₂)) ⟨1, abs(∇L)⟩`; for ε → ∞ the loss becomes `L + γ (1+β₁)/(4 ε (1-β₁)) |∇L|^2`
    the limit descends `L`, the correction is no gradient: `- γ/2 ∇²L[∇L] - γ/ε (∇L)^2 ⊙ ∇²L[∇L]`
    the slow variables are θ, S; to θ' it adds `γ ε/2 ∇L / S^(3/2) + γ/4 (∇L)^3 / S^(3/2) - γ/2 ∇²L[∇L / √S] / √S`
    """
    if v is not None:
        inner, factor = v.preconditioned, v.preconditioner
        if inner is not None and factor is not None and inner.exists_through >= 0:
            limits = [*_limits(v, style)]
            said = _of_loss(equation, inner, style, whole=not limits)
            return "; ".join((f"behind the {v.factor} factor {_short(one_line([factor], style))} {said}", *limits))
        return _of_loss(equation, v, style)
    slow = ", ".join(map(style.symbol, equation.equations))
    why = f"the slow variables are {slow}; to {style.dot('theta')}" if len(equation.equations) > 1 else "not read as a loss;"
    return f"{why} it adds {_field(equation, style)}"


def _of_loss(equation: ModifiedEquation, v: ModifiedLoss, style: Notation, whole: bool = True) -> str:
    if 1 in v.unwritten:
        return "the correction is a gradient, of a function not found as a sum of terms"
    if v.exists_through >= 1:
        place = "".join(f", where no component of `{write_term(t, style)}` vanishes" for t in v.divides_by)
        if not v.potential[1]:
            return f"it is zero at {style.symbol('gamma')}: the limit descends {_short(one_line(v.potential[:1], style))}{place}"
        return f"the loss becomes {_short(one_line(v.potential[:2], style))}{place}"
    no = "is no gradient" if v.obstruction is None or v.obstruction.decided else "is not shown to be a gradient, nor not to be"
    field = f": {_field(equation, style)}" if whole else ""
    if v.exists_through == 0:
        return f"the limit descends {_short(one_line(v.potential[:1], style))}, the correction {no}{field}"
    return f"the limit {no}; it adds {_field(equation, style)}"


def _limits(v: ModifiedLoss, style: Notation) -> Iterator[str]:
    for name, limit in v.limits:
        if limit.exists_through >= 1:
            parameter, _, end = name.split(" ")
            arrow = f"{style.symbol(parameter)} → {greek(end.replace('infinity', 'oo'), style)}"
            yield f"for {arrow} {_of_loss(limit.equation, limit, style)}"


def _field(equation: ModifiedEquation, style: Notation) -> str:
    """gamma f_1 of theta."""
    first = equation["theta"][1]
    return _short(one_line([type(first)(first.algebra, {}), first], style), len(first)) if first else "nothing"


def _short(text: str, terms: int = 0) -> str:
    if len(text) <= LONGEST:
        return f"`{text}`"
    return f"{terms} terms" if terms else "a formula that `derive explain` prints"
