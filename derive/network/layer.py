"""The initial layer of a scheme started from rest, as functions of parameters of any size.

    theta_n = flow(n gamma) from start(theta_0), + transient(n),    start(x) = x + gamma c_1(x) + gamma^2 c_2(x) + ...

The transient is a sum of n^a rho^n gamma^k m(theta_0): exponentially small once n is large against 1/(1 - rho).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from derive.algebra.coefficients import Ratio
from derive.network.backend import Function, Scalar, Tree, coefficient_at
from derive.network.function import FieldFunction, Losses, field_function
from derive.result import Combination, Described, Equation


@dataclass(frozen=True, eq=False, repr=False)
class LayerFunction(Described):
    """`shifts(params, hyper)["theta"]` is [0, c_1, c_2, ...], `factors` the symbols that stand for rho^n in the transients.

    With L = x^2/2, beta = 1/2 and gamma = 1/10 the flow starts at x + gamma beta/(1 - beta)^2 x = 1.2 x.
    """

    shifts: FieldFunction
    transients: FieldFunction
    factors: Mapping[str, Ratio]
    step: str  # the symbol of n in the transients

    def start(
        self,
        params: Any,
        gamma: Scalar,
        hyper: Mapping[str, Scalar] | None = None,
        slow: Mapping[str, Any] | None = None,
        order: int | None = None,
    ) -> dict[str, Tree]:
        """Where the flow starts, by name of the slow variable; those of the unknowns, and of `slow` as far as they are given."""
        given = {**(slow or {}), **self._unknowns(params)}
        shift = self.shifts.truncated(params, gamma, hyper, slow, order)
        plus = self.shifts.backend.map
        return {x: plus(lambda a, b: a + b, given[x], by) for x, by in shift.items() if x in given}

    def transient(
        self,
        n: Scalar,
        params: Any,
        gamma: Scalar,
        hyper: Mapping[str, Scalar] | None = None,
        slow: Mapping[str, Any] | None = None,
        order: int | None = None,
    ) -> dict[str, Tree]:
        """What decays, after n steps; `params` and `slow` are those at the start."""
        numbers = {**(hyper or {}), "gamma": gamma}
        powers = {z: coefficient_at(rho, numbers) ** n for z, rho in self.factors.items()}
        return self.transients.truncated(params, gamma, {**(hyper or {}), **powers, self.step: n}, slow, order)

    def _unknowns(self, params: Any) -> dict[str, Tree]:
        names = list(self.shifts.equation.scheme.unknowns)
        return {names[0]: self.shifts.backend.parameters(params)} if len(names) == 1 else dict(params)

    def describe(self) -> str:
        return f"{self.shifts.equation.name}, from rest"


def layer_function(
    equation: Equation,
    shifts: Mapping[str, Sequence[Combination]],
    transients: Mapping[str, Sequence[Combination]],
    factors: Mapping[str, Ratio],
    step: str,
    loss: Losses | None,
    backend: str,
    field: Function | None,
) -> LayerFunction:
    """See `derive.readings.initial_layer.InitialLayer.function`."""
    names = (*factors, step)
    first, second = (field_function(equation, loss, backend, field, sums=s, numbers=names) for s in (shifts, transients))
    return LayerFunction(first, second, factors, step)
