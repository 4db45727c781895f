"""Small networks on the digits of scikit-learn: an MLP, a convolutional network, a transformer; all smooth.

A model is (parameters, loss): a tree of float64 arrays, and the full-batch cross entropy as a function of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from inspect import signature
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from sklearn.datasets import load_digits

from derive.errors import UsageError

Tree = Any
DEFAULT_IMAGES = 300


@dataclass(frozen=True, eq=False)
class Model:
    """Parameters at the start, the loss of all images, and the loss of chosen ones, `batch_loss(params, indices)`; the logits of
    rows of an image each, `logits(params, rows)`, where the model has them."""

    name: str
    params: Tree
    loss: Callable[[Tree], Any]
    batch_loss: Callable[[Tree, Any], Any]
    images: int
    logits: Callable[[Tree, Any], Any] | None = None

    @property
    def size(self) -> int:
        return sum(x.size for x in jax.tree.leaves(self.params))

    def check(self) -> None:
        """Raises UsageError for parameters that are not float64, and a loss that is not one finite number at the start."""
        if found := {str(x.dtype) for x in jax.tree.leaves(self.params)} - {"float64"}:
            raise UsageError(f"{self.name} has parameters of type {found.pop()}, and slopes need float64; jax_enable_x64 first")
        value = self.loss(self.params)
        if jnp.shape(value) != ():
            raise UsageError(
                f"the loss must be one number, and its value has the shape {jnp.shape(value)}; take its mean or its sum"
            )
        if not jnp.isfinite(value):
            raise UsageError(f"the loss of {self.name} is {value} at the start; there is nothing to follow")

    @contextmanager
    def differentiable(self) -> Iterator[None]:
        """What JAX says where a function has no further derivative, as one line."""
        try:
            yield
        except (TypeError, NotImplementedError) as error:
            first = str(error).strip().splitlines()[0]
            raise UsageError(f"the loss of {self.name} cannot be differentiated often enough: {first}") from None


def digits(images: int) -> tuple[Any, Any]:
    """Images as rows of 64 numbers of mean 0 and variance 1, labels one-hot."""
    data = load_digits()
    x = jnp.asarray(data.data[:images], float)
    return (x - x.mean()) / x.std(), jax.nn.one_hot(jnp.asarray(data.target[:images]), 10, dtype=x.dtype)


def _model(name: str, params: Tree, logits: Callable[[Tree, Any], Any], images: int) -> Model:
    x, y = digits(images)

    def of(p: Tree, rows: Any, labels: Any) -> Any:
        return -jnp.mean(jnp.sum(jax.nn.log_softmax(logits(p, rows)) * labels, -1))

    return Model(name, params, lambda p: of(p, x, y), lambda p, i: of(p, x[i], y[i]), images, logits)


def _matrices(shapes: Sequence[tuple[int, ...]], seed: int) -> list[Any]:
    keys = jax.random.split(jax.random.PRNGKey(seed), len(shapes))
    return [
        jax.random.normal(k, s, dtype=float) / jnp.sqrt(jnp.prod(jnp.array(s[:-1]))) for k, s in zip(keys, shapes, strict=True)
    ]


def mlp(width: int = 32, depth: int = 1, images: int = DEFAULT_IMAGES, seed: int = 0, bias: bool = True) -> Model:
    """tanh layers of this width."""
    sizes = [64] + [width] * depth + [10]
    weights = _matrices(list(pairwise(sizes)), seed)
    params = [{"w": w, "b": jnp.zeros(w.shape[1])} if bias else {"w": w} for w in weights]

    def logits(p: Tree, x: Any) -> Any:
        for i, layer in enumerate(p):
            x = x @ layer["w"] + layer.get("b", 0.0)
            x = jnp.tanh(x) if i < len(p) - 1 else x
        return x

    return _model("mlp", params, logits, images)


def convolutional(channels: int = 4, images: int = 150, seed: int = 0) -> Model:
    """A 3x3 convolution, softplus, mean pooling by four, a dense layer.

    The convolution is a product of patches and kernel: many runs at once have a kernel each, which are products still.
    """
    kernel, dense = _matrices([(3, 3, 1, channels), (16 * channels, 10)], seed)
    params = {"kernel": kernel, "dense": dense, "bias": jnp.zeros(10)}

    def logits(p: Tree, x: Any) -> Any:
        framed = jnp.pad(x.reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1)))
        patches = jnp.stack([framed[:, i : i + 8, j : j + 8] for i in range(3) for j in range(3)], -1)
        maps = jax.nn.softplus(patches @ p["kernel"].reshape(9, -1))
        pooled = maps.reshape(-1, 4, 2, 4, 2, maps.shape[-1]).mean((2, 4))
        return pooled.reshape(x.shape[0], -1) @ p["dense"] + p["bias"]

    return _model("convolutional", params, logits, images)


def transformer(width: int = 8, images: int = 100, seed: int = 0) -> Model:
    """Rows of an image are eight tokens: one head of attention, one tanh layer, both with a skip connection."""
    names = ("embed", "place", "query", "key", "value", "inner", "outer", "read")
    shapes = [(8, width)] * 2 + [(width, width)] * 3 + [(width, 2 * width), (2 * width, width), (width, 10)]
    params = dict(zip(names, _matrices(shapes, seed), strict=True))

    def logits(p: Tree, x: Any) -> Any:
        h = x.reshape(-1, 8, 8) @ p["embed"] + p["place"]
        scores = jnp.einsum("nia,nja->nij", h @ p["query"], h @ p["key"]) / jnp.sqrt(width)
        h = h + jax.nn.softmax(scores) @ (h @ p["value"])
        h = h + jnp.tanh(h @ p["inner"]) @ p["outer"]
        return h.mean(1) @ p["read"]

    return _model("transformer", params, logits, images)


def hessian_product(loss: Callable[[Any], Any], params: Any) -> Callable[[Any, Any], Any]:
    """(theta, v) -> H(theta) v on arrays; compiled."""
    _, unravel = ravel_pytree(params)
    gradient = jax.grad(lambda x: loss(unravel(x)))
    found: Callable[[Any, Any], Any] = jax.jit(lambda x, v: jax.jvp(gradient, (x,), (v,))[1])
    return found


MODELS: dict[str, Callable[..., Model]] = {"mlp": mlp, "convolutional": convolutional, "transformer": transformer}


def sizes_of(name: str) -> tuple[str, ...]:
    """The whole numbers that make a model.

    >>> sizes_of("mlp")
    ('width', 'depth', 'images', 'seed')
    """
    return tuple(n for n in signature(MODELS[name]).parameters if n != "bias")


@lru_cache(8)
def built(name: str, **options: int | bool) -> Model:
    """The model of that name, one object however often it is asked for."""
    return MODELS[name](**options)
