"""Modified equations of optimizers, exactly and to any order.

A scheme with step gamma follows  theta' = f_0(theta) + gamma f_1(theta) + gamma^2 f_2(theta) + ...  at t = n gamma.

    scheme text --language--> syntax tree --scheme--> Scheme, Configuration (regime, parameters)
      --translation, series--> lazy power series in gamma --coupling--> what is slow, what relaxes
      --engine--> iterates as polynomials in n, residual zero
      --equation--> ModifiedEquation: text, LaTeX, JSON, exact values on a loss

>>> from derive import modified_equation
>>> print(modified_equation("momentum", order=1)["theta"][1])
-(1 + beta)/(2*(1 - beta)**3)*hess(grad)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from derive.equation import ModifiedEquation, Relaxation, TermSum, modified_equation
    from derive.errors import DeriveError
    from derive.scheme import Configuration, Scheme, catalogue, configure, inline_scheme, load_scheme

_HOME = {
    "ModifiedEquation": "equation", "Relaxation": "equation", "TermSum": "equation", "modified_equation": "equation",
    "DeriveError": "errors",
    "Configuration": "scheme", "Scheme": "scheme", "catalogue": "scheme", "configure": "scheme",
    "inline_scheme": "scheme", "load_scheme": "scheme",
}  # fmt: skip
__all__ = [
    "Configuration", "DeriveError", "ModifiedEquation", "Relaxation", "Scheme", "TermSum", "catalogue", "configure",
    "inline_scheme", "load_scheme", "modified_equation",
]  # fmt: skip
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Public names are imported on first use, so that `derive --help` loads no algebra."""
    if name in _HOME:
        return getattr(import_module(f"derive.{_HOME[name]}"), name)
    raise AttributeError(f"module 'derive' has no attribute '{name}'")
