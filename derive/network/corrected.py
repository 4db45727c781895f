"""The corrected optimizer as an optax transformation: it follows its own limit flow to gamma^order.

    gradient handed on:  -(f~_0 + gamma f~_1 + ... + gamma^N f~_N),   f~ of `derive.readings.modifying`

The gradients that it is given are not used: it differentiates the loss itself, at the parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from derive.errors import UsageError
from derive.network.backend import Scalar, Tree


class Corrected(Protocol):
    """What `Modifying.function` gives."""

    def truncated(self, params: Any, gamma: Scalar, hyper: Mapping[str, Scalar] | None = None) -> dict[str, Tree]: ...


def corrected(inner: Any, field: Corrected, gamma: Scalar, hyper: Mapping[str, Scalar] | None = None) -> Any:
    """The optax transformation `inner` (its learning rate included) with the corrected gradient in the place of the gradient.

    With L = x^2 and gamma = 0.1 a step from x = 1 goes by -(2 - 0.1/2*4)*0.1 = -0.18, the flow by exp(-0.2) - 1 = -0.18127:

        f = modifying_field("gd", 1).function(lambda x: jnp.sum(x**2))
        step = corrected(optax.sgd(0.1), f, gamma=0.1)
    """
    try:
        import optax
    except ModuleNotFoundError:
        raise UsageError("corrected optimizers need optax: pip install 'shadowflow[network]'") from None

    def update(gradients: Tree, state: Any, params: Tree = None, **extra: Any) -> tuple[Tree, Any]:
        if params is None:
            raise UsageError("a corrected optimizer needs the parameters: update(gradients, state, params)")
        change = field.truncated(params, gamma, hyper)["theta"]
        minus = optax.tree_utils.tree_scale(-1, change)
        found: tuple[Tree, Any] = inner.update(minus, state, params, **extra)
        return found

    return optax.GradientTransformationExtraArgs(inner.init, update)
