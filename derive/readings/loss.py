"""Modified losses: how far the modified field is a gradient.

    theta' = -grad V(theta),    V = V_0 + gamma V_1 + gamma^2 V_2 + ...

Each coefficient of the field is asked for its potential; where not even the limit field has one, or one that is not continuous,
the field is read again with the scheme's own elementwise factor in front.  Where losses are declared, every unknown is asked for
a loss of its own,

    x' = -grad_x V_x(x, y),      y' = -grad_y V_y(x, y).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from derive.equation import ModifiedEquation, modified_equation
from derive.errors import ReductionError, UsageError
from derive.readings.one_loss import related
from derive.readings.potential import ModifiedLoss, Obstruction, read_fields, read_player
from derive.readings.preconditioned import preconditioned_reading
from derive.result import Described
from derive.scheme import Scheme

__all__ = ["ModifiedLoss", "ModifiedLosses", "Obstruction", "loss_of", "losses_of", "modified_loss", "modified_losses"]


@dataclass(frozen=True, repr=False)
class ModifiedLosses(Described):
    """A modified loss for every unknown of a scheme that declares its losses, as far as each exists.

    `special` are the same of a game of two losses f, g where the player of one has none: for 'g = -f' and 'g = f'.
    """

    equation: ModifiedEquation
    players: Mapping[str, ModifiedLoss]
    special: Mapping[str, ModifiedLosses] = field(default_factory=dict)

    def __getitem__(self, player: str) -> ModifiedLoss:
        if player in self.players:
            return self.players[player]
        raise UsageError(f"no unknown '{player}' here (unknowns: {', '.join(self.players)})")

    def describe(self) -> str:
        found = ", ".join(f"{x} through gamma^{v.exists_through}" for x, v in self.players.items())
        return f"{self.equation.name}, {self.equation.form}: {found}"

    def to_json(self) -> dict[str, Any]:
        """`players`: for every unknown what a modified loss has; `special`: the same where one loss is another."""
        players = {x: v.to_json() for x, v in self.players.items()}
        return {"players": players, "special": {name: v.to_json()["players"] for name, v in self.special.items()}}


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


def modified_losses(
    scheme: str | Path | Scheme,
    order: int = 1,
    *,
    form: str = "flow",
    regime: str | None = None,
    settings: Mapping[str, str] | None = None,
) -> ModifiedLosses:
    """The modified losses through gamma^order of a scheme that declares its losses, one for each unknown.

    Raises what `modified_loss` raises.  Source: Rosca, Wu, Dherin & Barrett 2021, for the part at gamma^1 that exists.

    >>> v = modified_losses("game-simultaneous", settings={"mu": "1"})["x"]
    >>> v.exists_through, [str(s) for s in v.potential], str(v.obstruction.remainder)
    (0, ['f'], '-1/2*hess(f, x, grad(g, y))')
    >>> str(v.obstruction.gradient_part)
    '1/4*dot(grad(f, x), grad(f, x))'
    """
    return losses_of(modified_equation(scheme, order, regime=regime, form=form, settings=settings))


def losses_of(equation: ModifiedEquation) -> ModifiedLosses:
    """The modified losses of a derived equation (flow or map)."""
    scheme = equation.scheme
    if not scheme.losses:
        raise ReductionError(f"{scheme.where}: it declares no losses of its own; modified_loss reads its one loss")
    _refuse_velocity(equation)
    players = {x: read_player(equation, x) for x in scheme.unknowns}
    special = related(equation) if any(v.obstruction for v in players.values()) else {}
    return ModifiedLosses(equation, players, {name: losses_of(e) for name, e in special.items()})


def _refuse_velocity(equation: ModifiedEquation) -> None:
    """An equation with slow variables besides the unknowns."""
    unknowns = tuple(equation.scheme.unknowns)
    if set(equation.equations) > set(unknowns):
        slow, only = ", ".join(equation.equations), " and ".join(unknowns)
        raise ReductionError(
            f"{equation.scheme.where}: the slow variables are {slow}, so the equation is no gradient flow in {only} alone; take "
            f"a regime in which only {only} {'is' if len(unknowns) == 1 else 'are'} slow (or read the energy of a mechanical one)"
        )


def loss_of(equation: ModifiedEquation) -> ModifiedLoss:
    """The modified loss of a derived equation (flow or map)."""
    equation.scheme.require_plain("modified_loss", "modified_losses has one for each unknown")
    if equation.scheme.label != "L":
        raise ReductionError(f"{equation.scheme.where}: written for a vector field, which need not be a gradient; write grad(x)")
    _refuse_velocity(equation)
    fields = [s.sum for s in equation.equations["theta"]]
    plain = read_fields(equation, fields)
    if plain.exists_through >= 0 and not plain.divides_by:
        return plain
    factor, inner, limits = preconditioned_reading(equation)
    return replace(plain, preconditioner=factor, preconditioned=inner, limits=limits)
