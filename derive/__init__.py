"""Modified equations of optimizers, exactly and to any order.

A scheme with step gamma follows  theta' = f_0(theta) + gamma f_1(theta) + gamma^2 f_2(theta) + ...  at t = n gamma.

    scheme text --language--> syntax tree --scheme--> Scheme, Configuration (regime, parameters)
      --translation, series--> lazy power series in gamma --coupling--> what is slow, what relaxes
      --engine--> iterates as polynomials in n, residual zero
      --equation--> ModifiedEquation: text, LaTeX, JSON, exact values on a loss

>>> from derive import modified_equation, stability
>>> print(modified_equation("momentum", order=1)["theta"][1])
-(1 + beta)/(2*(1 - beta)**3)*hess(grad)
>>> stability("nesterov").interval
('0', '2*(1 + beta)/(1 + 2*beta)')

What an equation says is read by a function each, of a catalogue name, a path or a Scheme, with regime=... and
settings={"beta": "9/10"}:

    modified_loss     theta' = -grad V, V = V_0 + gamma V_1 + ..., as far as it exists
    modified_losses   x' = -grad_x V_x for every unknown, where losses are declared
    second_order      theta'' = S(theta, theta'), the velocity eliminated
    accuracy          the order against a target equation, and its leading defect
    stability         the interval of gamma h with all roots inside the unit disc
    modified_energy   E = |eta|^2/2 + L + gamma E_1 + ..., and its rate of dissipation
    modifying_field   the field to hand to the scheme so that it follows its own limit flow
    initial_layer     the shifted start and the transient, from rest
    finite_step       the step at its number n, from rest: bias correction as it is
    compare           whether two schemes agree, and up to which change of variables
    explain           all of these
    stationary_law    where a stochastic scheme settles: variance and temperature on a quadratic, density, detailed balance
    compare_laws      whether two stochastic schemes agree in law; scaling rules of steps and batches
    initial_law       the random start of the modified law, from rest

A scheme that draws at random (sgrad(x), normal()) has a weak modified equation, `modified_sde`: the generator of its law.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from derive.equation import ModifiedEquation, Relaxation, TermSum, modified_equation, modified_equations, region
    from derive.errors import DeriveError
    from derive.readings.accuracy import accuracy
    from derive.readings.compare import compare
    from derive.readings.energy import modified_energy
    from derive.readings.explain import explain
    from derive.readings.finite_step import finite_step
    from derive.readings.initial_law import initial_law
    from derive.readings.initial_layer import initial_layer
    from derive.readings.laws import compare_laws
    from derive.readings.loss import modified_loss, modified_losses
    from derive.readings.modifying import modifying_field
    from derive.readings.second_order import second_order
    from derive.readings.stability import stability
    from derive.readings.stationary import stationary_law
    from derive.scheme import Configuration, Scheme, catalogue, configure, inline_scheme, load_scheme
    from derive.weak_equation import WeakEquation, modified_sde

_HOME = {
    "ModifiedEquation": "equation", "Relaxation": "equation", "TermSum": "equation", "modified_equation": "equation",
    "modified_equations": "equation", "region": "equation",
    "DeriveError": "errors",
    "Configuration": "scheme", "Scheme": "scheme", "catalogue": "scheme", "configure": "scheme",
    "inline_scheme": "scheme", "load_scheme": "scheme",
    "accuracy": "readings.accuracy", "compare": "readings.compare", "explain": "readings.explain",
    "finite_step": "readings.finite_step", "initial_layer": "readings.initial_layer", "modified_energy": "readings.energy",
    "modified_loss": "readings.loss", "modified_losses": "readings.loss",
    "modifying_field": "readings.modifying", "second_order": "readings.second_order", "stability": "readings.stability",
    "compare_laws": "readings.laws", "initial_law": "readings.initial_law", "stationary_law": "readings.stationary",
    "WeakEquation": "weak_equation", "modified_sde": "weak_equation",
}  # fmt: skip
__all__ = [
    "Configuration", "DeriveError", "ModifiedEquation", "Relaxation", "Scheme", "TermSum", "WeakEquation", "accuracy",
    "catalogue", "compare", "compare_laws", "configure", "explain", "finite_step", "initial_law", "initial_layer",
    "inline_scheme", "load_scheme", "modified_energy", "modified_equation", "modified_equations", "modified_loss",
    "modified_losses", "modified_sde", "modifying_field", "region", "second_order", "stability", "stationary_law",
]  # fmt: skip
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Public names are imported on first use, so that `derive --help` loads no algebra."""
    if name in _HOME:
        return getattr(import_module(f"derive.{_HOME[name]}"), name)
    raise AttributeError(f"module 'derive' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*__all__, "__doc__", "__version__"])
