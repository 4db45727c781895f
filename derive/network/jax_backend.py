"""Trees of JAX arrays.  Under jit the gradient that nested derivatives share is computed once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jax.scipy.special import erf

from derive.network.backend import Array, Function, Scalar, Tree, check_parameters, check_scalar, not_differentiable

_KNOWN: dict[str, Callable[[Any], Any]] = {
    "exp": jnp.exp, "log": jnp.log, "sin": jnp.sin, "cos": jnp.cos, "tanh": jnp.tanh, "sigmoid": jax.nn.sigmoid,
    "softplus": jax.nn.softplus, "atan": jnp.arctan, "erf": erf, "derf": lambda x: 2 / jnp.sqrt(jnp.pi) * jnp.exp(-(x**2)),
}  # fmt: skip


class JaxBackend:
    """See `derive.network.backend.Backend`."""

    def parameters(self, given: Tree) -> Tree:
        return jax.tree.map(jnp.asarray, given)

    def map(self, f: Callable[..., Array], *trees: Tree) -> Tree:
        return jax.tree.map(f, *trees)

    def structure(self, tree: Tree) -> Any:
        return jax.tree.structure(tree), [jnp.shape(x) for x in jax.tree.leaves(tree)]

    def leaves(self, tree: Tree) -> Sequence[Array]:
        found: Sequence[Array] = jax.tree.leaves(tree)
        return found

    def total(self, x: Array) -> Scalar:
        return jnp.sum(x)

    def size(self, x: Array) -> int:
        return int(jnp.size(x))

    def largest(self, x: Array, axis: int | None) -> Array:
        return jnp.max(x, axis=axis, keepdims=axis is not None)

    def full(self, x: Array, value: Scalar) -> Array:
        return jnp.full_like(x, value)

    def unit(self, x: Array) -> Array:
        return jnp.eye(x.shape[0], dtype=x.dtype)

    def eigenvectors(self, x: Array) -> Array:
        columns = jnp.linalg.eigh((x + x.T) / 2)[1][:, ::-1]
        return columns * jnp.sign((1 / jnp.arange(1, 1 + x.shape[0], dtype=x.dtype)) @ columns)

    def sqrt(self, x: Array) -> Array:
        return jnp.sqrt(x)

    def absolute(self, x: Array) -> Array:
        return jnp.abs(x)

    def sign(self, x: Array) -> Array:
        return jnp.sign(x)

    def power(self, x: Array, exponent: float) -> Array:
        return x**exponent

    def known(self, name: str, x: Array) -> Array:
        return _KNOWN[name](x)

    def gradient(self, loss: Function) -> Function:
        def checked(x: Tree) -> Scalar:
            value = loss(x)
            check_scalar(jnp.shape(value), jnp.issubdtype(jnp.result_type(value), jnp.floating))
            return value

        taken: Function = jax.grad(checked)

        def gradient(x: Tree) -> Tree:
            check_parameters([v.dtype for v in jax.tree.leaves(x) if not jnp.issubdtype(v.dtype, jnp.floating)])
            with not_differentiable():
                return taken(x)

        return gradient

    def mapped(self, f: Function, samples: Tree) -> Tree:
        with not_differentiable():
            return jax.vmap(f)(samples)

    def units(self, tree: Tree) -> Tree:
        flat, unravel = ravel_pytree(tree)
        return jax.vmap(unravel)(jnp.eye(flat.size, dtype=flat.dtype))

    def jvp(self, f: Function, point: tuple[Tree, ...], tangents: tuple[Tree, ...]) -> Tree:
        with not_differentiable():
            return jax.jvp(f, point, tangents)[1]
