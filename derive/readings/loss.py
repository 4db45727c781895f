"""Modified losses: how far the modified field is a gradient.

    theta' = -grad V(theta),    V = V_0 + gamma V_1 + gamma^2 V_2 + ...

Each coefficient of the field is asked for its potential; where not even the limit field has one, or one that is not continuous,
the field is read again with the scheme's own elementwise factor in front.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from derive.equation import ModifiedEquation, modified_equation
from derive.errors import ReductionError
from derive.readings.potential import ModifiedLoss, Obstruction, read_fields
from derive.readings.preconditioned import preconditioned_reading
from derive.scheme import Scheme

__all__ = ["ModifiedLoss", "Obstruction", "loss_of", "modified_loss"]


def modified_loss(
    scheme: str | Path | Scheme,
    order: int = 1,
    *,
    form: str = "flow",
    regime: str | None = None,
    settings: Mapping[str, str] | None = None,
) -> ModifiedLoss:
    """The modified loss of a scheme through gamma^order, as far as it exists.

    Raises ReductionError for schemes with slow variables besides theta or written for a general vector field, and what
    `modified_equation` raises.  Source: Barrett & Dherin 2020 (first order); trees: Hairer, Lubich & Wanner, IX.

    >>> v = modified_loss("gd", 2)
    >>> v.exists_through, [str(s) for s in v.potential]
    (1, ['L', '1/4*dot(grad, grad)'])
    >>> [(str(t), str(b)) for t, b in v.obstruction.rootings[0][1]]
    [('d3(grad, grad)', '-1/6'), ('hess(hess(grad))', '-1/3')]
    """
    equation = modified_equation(scheme, order, regime=regime, form=form, settings=settings)
    return loss_of(equation)


def loss_of(equation: ModifiedEquation) -> ModifiedLoss:
    """The modified loss of a derived equation (flow or map)."""
    equation.scheme.require_plain("modified-loss")
    if equation.scheme.label != "L":
        raise ReductionError(f"{equation.scheme.where}: written for a vector field, which need not be a gradient; write grad(x)")
    if len(equation.equations) > 1:
        slow = ", ".join(equation.equations)
        raise ReductionError(
            f"{equation.scheme.where}: the slow variables are {slow}, so the equation is no gradient flow in theta alone; take a "
            "regime in which only theta is slow (or read the energy of a mechanical one)"
        )
    fields = [s.sum for s in equation.equations["theta"]]
    plain = read_fields(equation, fields)
    if plain.exists_through >= 0 and not plain.divides_by:
        return plain
    factor, inner, limits = preconditioned_reading(equation)
    return replace(plain, preconditioner=factor, preconditioned=inner, limits=limits)
