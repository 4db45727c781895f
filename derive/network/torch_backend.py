"""Trees of torch tensors, by the function transforms of torch.func; the parameters of a module are a tree."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.utils import _pytree as pytree

from derive.network.backend import Array, Function, Scalar, Tree, check_parameters, check_scalar, not_differentiable

_KNOWN: dict[str, Callable[[Any], Any]] = {
    "exp": torch.exp, "log": torch.log, "sin": torch.sin, "cos": torch.cos, "tanh": torch.tanh, "sigmoid": torch.sigmoid,
    "softplus": torch.nn.functional.softplus, "atan": torch.atan, "erf": torch.erf,
    "derf": lambda x: 2 / torch.pi**0.5 * torch.exp(-(x**2)),
}  # fmt: skip


class TorchBackend:
    """See `derive.network.backend.Backend`."""

    def parameters(self, given: Tree) -> Tree:
        if isinstance(given, torch.nn.Module):
            return {name: p.detach() for name, p in given.named_parameters()}
        return pytree.tree_map(torch.as_tensor, given)

    def map(self, f: Callable[..., Array], *trees: Tree) -> Tree:
        return pytree.tree_map(f, *trees)

    def structure(self, tree: Tree) -> Any:
        leaves, found = pytree.tree_flatten(tree)
        return found, [tuple(torch.as_tensor(x).shape) for x in leaves]

    def leaves(self, tree: Tree) -> Sequence[Array]:
        found: Sequence[Array] = pytree.tree_leaves(tree)
        return found

    def total(self, x: Array) -> Scalar:
        return x.sum()

    def size(self, x: Array) -> int:
        return int(x.numel())

    def largest(self, x: Array, axis: int | None) -> Array:
        return x.amax() if axis is None else x.amax(axis, keepdim=True)

    def full(self, x: Array, value: Scalar) -> Array:
        return torch.zeros_like(x) + value

    def unit(self, x: Array) -> Array:
        return torch.eye(x.shape[0], dtype=x.dtype, device=x.device)

    def eigenvectors(self, x: Array) -> Array:
        columns = torch.linalg.eigh((x + x.T) / 2)[1].flip(1)
        return columns * torch.sign((1 / torch.arange(1, 1 + x.shape[0], dtype=x.dtype, device=x.device)) @ columns)

    def sqrt(self, x: Array) -> Array:
        return torch.sqrt(x) if isinstance(x, torch.Tensor) else x**0.5

    def absolute(self, x: Array) -> Array:
        return abs(x)

    def sign(self, x: Array) -> Array:
        return torch.sign(torch.as_tensor(x))

    def power(self, x: Array, exponent: float) -> Array:
        return x**exponent

    def known(self, name: str, x: Array) -> Array:
        return _KNOWN[name](torch.as_tensor(x))

    def gradient(self, loss: Function) -> Function:
        def checked(x: Tree) -> Scalar:
            value = loss(x)
            shape = tuple(value.shape) if isinstance(value, torch.Tensor) else None
            check_scalar(shape, shape is not None and value.is_floating_point())
            return value

        taken: Function = torch.func.grad(checked)

        def gradient(x: Tree) -> Tree:
            check_parameters([v.dtype for v in pytree.tree_leaves(x) if not v.is_floating_point()])
            with not_differentiable():
                return taken(x)

        return gradient

    def mapped(self, f: Function, samples: Tree) -> Tree:
        with not_differentiable():
            return torch.func.vmap(f)(samples)

    def units(self, tree: Tree) -> Tree:
        leaves, structure = pytree.tree_flatten(tree)
        sizes = [x.numel() for x in leaves]
        blocks = torch.eye(sum(sizes), dtype=leaves[0].dtype, device=leaves[0].device).split(sizes, 1)
        return pytree.tree_unflatten([b.reshape(-1, *x.shape) for b, x in zip(blocks, leaves, strict=True)], structure)

    def jvp(self, f: Function, point: tuple[Tree, ...], tangents: tuple[Tree, ...]) -> Tree:
        with not_differentiable(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "`torch.jit.script` is deprecated", DeprecationWarning)  # inside of torch
            return torch.func.jvp(f, point, tangents)[1]
