"""What fields of modified equations cost in units of one gradient, on an MLP of 10^6 parameters.

Operations are what XLA counts in the compiled program, the same on every machine; seconds are not.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from derive import modified_equation

CASES: list[tuple[str, str | None, dict[str, float]]] = [
    ("gd", None, {}), ("momentum", "memory", {"beta": 0.9}),
    ("adam", "inertial", {"lam1": 100.0, "lam2": 1.0, "eps": 1e-8}),
]  # fmt: skip
WIDTH, ROWS, ORDERS = 700, 64, 2


def network() -> tuple[Any, Callable[[Any], Any]]:
    """(parameters, loss) of two tanh layers."""
    keys = jax.random.split(jax.random.PRNGKey(0), 4)
    shapes = ((WIDTH, WIDTH), (WIDTH, WIDTH), (WIDTH, 10))
    params = [jax.random.normal(k, s) / s[0] ** 0.5 for k, s in zip(keys, shapes, strict=False)]
    x = jax.random.normal(keys[3], (ROWS, WIDTH))
    return params, lambda p: jnp.mean(jnp.square(jnp.tanh(jnp.tanh(x @ p[0]) @ p[1]) @ p[2] - 1.0))


def operations(f: Callable[..., Any], *args: Any) -> float:
    """Floating-point operations of the compiled program."""
    return _counted(jax.jit(f).lower(*args).compile())


def _counted(program: Any) -> float:
    analysis = program.cost_analysis()
    found = analysis[0] if isinstance(analysis, list) else analysis
    return float(found["flops"])


def cost(f: Callable[..., Any], *args: Any) -> tuple[float, float]:
    """(floating-point operations, seconds of the fastest of five runs)."""
    program = jax.jit(f).lower(*args).compile()
    seconds = []
    for _ in range(5):
        begin = time.perf_counter()
        jax.block_until_ready(program(*args))
        seconds.append(time.perf_counter() - begin)
    return _counted(program), min(seconds)


def main() -> None:
    params, loss = network()
    operations, seconds = cost(jax.grad(loss), params)
    print(f"one gradient, {sum(x.size for x in params)} parameters: {operations:.3g} operations, {seconds:.3f} s")
    print(f"\n{'scheme':12}{'through':>10}{'operations':>12}{'seconds':>9}   in gradients")
    for scheme, regime, hyper in CASES:
        for order in range(ORDERS + 1):
            equation = modified_equation(scheme, max(order, 1), regime=regime)
            function = equation.function(loss)
            slow = {x: [jnp.ones_like(p) for p in params] for x in equation.equations if x != "theta"}
            found = cost(lambda p, f=function, h=hyper, s=slow, n=order: f.truncated(p, 1e-3, h, s, n), params)
            print(f"{scheme:12}{f'gamma^{order}':>10}{found[0] / operations:>12.2f}{found[1] / seconds:>9.2f}")


if __name__ == "__main__":
    main()
