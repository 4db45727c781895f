"""What a modified equation says: its loss, second-order form, accuracy, stability, energy, inverse, initial layer.

theta' = -grad V             modified_loss      V = V_0 + gamma V_1 + ..., as far as it exists
theta'' = S(theta, theta')   second_order       the velocity eliminated
residual of a target ODE     accuracy           its leading power of gamma and coefficient
det(z E - M(gamma h))        stability          the interval of gamma h with all roots inside the unit disc
dE/dt = 0                    modified_energy    E = |eta|^2/2 + L + gamma E_1 + ...
scheme[f~] = limit flow      modifying_field    f~ = f + gamma f~_1 + ...
theta(0) = theta_0 + c       initial_layer      c = gamma c_1 + ..., from rest
g(theta + c) = D(theta + c) f    compare        same fields, or the same up to a change of variables
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOME = {
    "ModifiedLoss": "loss", "Obstruction": "loss", "modified_loss": "loss",
    "SecondOrder": "second_order", "second_order": "second_order",
    "Accuracy": "accuracy", "accuracy": "accuracy",
    "Stability": "stability", "stability": "stability",
    "ModifiedEnergy": "energy", "modified_energy": "energy",
    "Modifying": "modifying", "modifying_field": "modifying",
    "InitialLayer": "initial_layer", "initial_layer": "initial_layer",
    "Comparison": "compare", "compare": "compare",
    "explain": "explain",
}  # fmt: skip
__all__ = [
    "Accuracy", "Comparison", "InitialLayer", "ModifiedEnergy", "ModifiedLoss", "Modifying", "Obstruction", "SecondOrder",
    "Stability", "accuracy", "compare", "explain", "initial_layer", "modified_energy", "modified_loss", "modifying_field",
    "second_order", "stability",
]  # fmt: skip


def reading(name: str) -> Any:
    """The function or class of that public name, imported on first use.

    Functions have the names of their modules, so that `from derive.structure.loss import modified_loss` is the direct way.
    """
    return getattr(import_module(f"derive.structure.{_HOME[name]}"), name)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return reading(name)
    raise AttributeError(f"module 'derive.structure' has no attribute '{name}'")
