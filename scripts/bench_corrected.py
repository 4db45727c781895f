"""Is it worth while to follow the limit flow by the corrected optimizer?  Error at equal cost, on a network.

Gradient descent with the corrected gradient of `derive.readings.modifying` has the distance gamma^(N+1) from the flow of -grad L.
So have, with 1 and 2 in the place of N + 1, plain smaller steps and Heun's method (two gradients a step): each gets as many
gradients as the corrected one costs.  A cost is in operations that XLA counts in the compiled program, in units of one gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import Any

import jax
import jax.numpy as jnp
import optax
from bench_network import operations
from jax.flatten_util import ravel_pytree

from derive import modifying_field
from derive.network.corrected import corrected
from verify.network.flow import flow
from verify.network.models import mlp

STEPS, GAMMAS, ORDERS = 16, (0.4, 0.2, 0.1, 0.05, 0.025), (1, 2)
Tree = Any


def steps(transform: Any, gradient: Callable[[Tree], Tree], params: Tree, count: int) -> Tree:
    """The parameters after `count` steps of an optax transformation."""

    def step(_: Any, carry: Any) -> Any:
        x, state = carry
        updates, state = transform.update(gradient(x), state, x)
        return optax.apply_updates(x, updates), state

    return jax.jit(lambda x: jax.lax.fori_loop(0, count, step, (x, transform.init(x)))[0])(params)


def heun(gradient: Callable[[Tree], Tree], params: Tree, gamma: float, count: int) -> Tree:
    def step(_: Any, x: Tree) -> Tree:
        first = gradient(x)
        second = gradient(jax.tree.map(lambda a, g: a - gamma * g, x, first))
        return jax.tree.map(lambda a, g, h: a - gamma * (g + h) / 2, x, first, second)

    return jax.jit(lambda x: jax.lax.fori_loop(0, count, step, x))(params)


def main() -> None:
    jax.config.update("jax_enable_x64", True)
    model = mlp(width=16, images=100)
    gradient, params = jax.grad(model.loss), model.params
    flat, unravel = ravel_pytree(params)
    one = operations(gradient, params)
    fields = {n: modifying_field("gd", n).function(model.loss) for n in ORDERS}
    costs = {n: operations(lambda p, f=f: f.truncated(p, 0.1), params) / one for n, f in fields.items()}
    shown = ", ".join(f"{c:.2f} gradients (order {n})" for n, c in costs.items())
    print(f"{model.size} parameters; a corrected step costs {shown}")
    print(f"\n{'time':>7}{'step':>8}{'order':>7}{'corrected':>12}{'plain, equal cost':>19}{'Heun, equal cost':>18}   error, rms")
    for gamma in GAMMAS:
        time = STEPS * gamma
        exact = jax.jit(lambda x, t=time: flow(lambda y: -ravel_pytree(gradient(unravel(y)))[0], x, t, 20 * STEPS))(flat)

        def error(found: Tree, exact: Any = exact) -> float:
            return float(jnp.sqrt(jnp.mean((ravel_pytree(found)[0] - exact) ** 2)))

        for order in ORDERS:
            transform = corrected(optax.sgd(gamma), fields[order], gamma)
            plain, half = ceil(STEPS * costs[order]), ceil(STEPS * costs[order] / 2)
            found = (
                error(steps(transform, lambda x: x, params, STEPS)),  # it takes no gradient from outside
                error(steps(optax.sgd(time / plain), gradient, params, plain)),
                error(heun(gradient, params, time / half, half)),
            )
            print(f"{time:>7.3g}{gamma:>8.3g}{order:>7}{found[0]:>12.2e}{found[1]:>19.2e}{found[2]:>18.2e}")


if __name__ == "__main__":
    main()
