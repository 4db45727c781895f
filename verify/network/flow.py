"""Flows of x' = F(x) by the method of order 8 of Dormand and Prince, in steps of one length; the field is compiled once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from scipy.integrate import DOP853

STAGES = DOP853.n_stages


def flow(field: Callable[[Any], Any], x: Any, time: Any, steps: Any) -> Any:
    """x(time) for the array x, as x' = field(x); `time` and `steps` may be traced."""
    rows, weights = (jnp.asarray(c, x.dtype) for c in (DOP853.A[:STAGES, :STAGES], DOP853.B))
    h = time / steps

    def stage(i: Any, k: Any, y: Any) -> Any:
        return k.at[i].set(field(y + h * rows[i] @ k))

    def step(_: Any, y: Any) -> Any:
        k = jax.lax.fori_loop(0, STAGES, lambda i, k: stage(i, k, y), jnp.zeros((STAGES, y.size), y.dtype))
        return y + h * weights @ k

    return jax.lax.fori_loop(0, steps, step, x)
