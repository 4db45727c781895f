"""Optimizers of other libraries as functions (theta, gradient) -> theta in float64, one adapter a library.

    adapter(name, options, given) -> step

ImportError without the library.  An option that is a table with `make` is an optimizer too, and is built first.
"""

from __future__ import annotations

import inspect
import math
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

START = (0.7, -0.4, 0.9)

#: of pytorch_optimizer: they cast a matrix to float32 for its singular vectors
SINGULAR = ("Conda", "Fira", "GaLore")

Point = Sequence[float]
Step = Callable[[Point, Point], list[float]]


@dataclass(frozen=True)
class Given:
    """What an optimizer starts with: the point in a tensor of this shape, its step counter, more state.

    Where `samples` are counted the gradient has an axis for them, of the gradients of so many samples.
    """

    start: tuple[float, ...] = START
    shape: tuple[int, ...] = (len(START),)
    count: int = 0
    state: Mapping[str, float] = field(default_factory=dict)
    samples: int | None = None

    @property
    def slopes(self) -> tuple[int, ...]:
        """The shape of a gradient."""
        return self.shape if self.samples is None else (self.samples, *self.shape)


Adapter = Callable[[str, Mapping[str, Any], Given], Step]


def loss(theta: Point) -> float:
    """A sum over all three components x, y, z that follow each other: nonlinear and coupled."""
    return sum(_loss(*theta[i : i + 3]) for i in range(len(theta) - 2))


def gradient(theta: Point) -> list[float]:
    """grad of the loss."""
    found = [0.0] * len(theta)
    for i in range(len(theta) - 2):
        for j, slope in enumerate(_gradient(*theta[i : i + 3])):
            found[i + j] += slope
    return found


def _loss(x: float, y: float, z: float) -> float:
    """x^4/4 + x^2 y/2 - x y z/3 + cos(x - z) + 3/4 (x^2 + y^2 + z^2)."""
    return x**4 / 4 + x * x * y / 2 - x * y * z / 3 + math.cos(x - z) + 0.75 * (x * x + y * y + z * z)


def _gradient(x: float, y: float, z: float) -> list[float]:
    return [
        x**3 + x * y - y * z / 3 - math.sin(x - z) + 1.5 * x,
        x * x / 2 - x * z / 3 + 1.5 * y,
        -x * y / 3 + math.sin(x - z) + 1.5 * z,
    ]


def _built(options: Mapping[str, Any], build: Callable[[str, Mapping[str, Any]], Any]) -> dict[str, Any]:
    """The options with every table that has `make` replaced by what it makes, and "none" by None."""

    def value(x: Any) -> Any:
        if isinstance(x, dict) and "make" in x:
            return build(x["make"], {k: v for k, v in x.items() if k != "make"})
        if x == "none":
            return None
        return tuple(value(e) for e in x) if isinstance(x, list) else x

    return {k: value(v) for k, v in options.items()}


def _torch_like(module: Any, name: str, options: Mapping[str, Any], given: Given) -> Step:
    import torch

    torch.set_default_dtype(torch.float64)  # some make numbers of their own

    def tensor(values: Point) -> Any:
        return torch.tensor(list(values)).reshape(given.shape)

    parameter = torch.nn.Parameter(tensor(given.start))
    parameter.grad = tensor(gradient(given.start))

    def build(kind: str, inner: Mapping[str, Any]) -> Any:
        found = getattr(torch.optim if kind.startswith("torch.") else module, kind.removeprefix("torch."))
        made = {k: torch.float64 if v == "float64" else v for k, v in _built(inner, build).items()}
        if kind == "AdamMini":
            return found(_Module(made.pop("name", "weight"), parameter), **made)  # type: ignore[arg-type]
        group = {"params": [parameter]} | ({"use_muon": made.pop("use_muon")} if "use_muon" in made else {})
        return found(**made) if "optimizer" in made else found([group], **made)

    optimizer = build(name, options)
    if given.count or given.state:
        _preset(optimizer, parameter, given)

    if name == "SCIONLight":
        parameter.grad.zero_()

    def set_gradient(slope: Point) -> None:
        if name == "SCIONLight":  # its memory, and the backward pass adds to it
            parameter.grad.add_(tensor(slope))
        else:
            parameter.grad = tensor(slope).to_sparse() if name == "SparseAdam" else tensor(slope)

    def closure() -> Any:
        here = parameter.flatten().tolist()
        set_gradient(gradient(here))
        return torch.tensor(loss(here))

    def step(theta: Point, slope: Point) -> list[float]:
        with torch.no_grad():
            parameter.copy_(tensor(theta))
        set_gradient(slope)
        with in_float64(module, ("bfloat16", *(["float"] if name in SINGULAR else []))):
            optimizer.step(closure)
        return [float(x) for x in parameter.detach().flatten()]

    return step


@dataclass(frozen=True)
class _Module:
    """A module of one parameter, as AdamMini reads it: what it averages over depends on the name."""

    name: str
    parameter: Any

    def named_parameters(self) -> Iterator[tuple[str, Any]]:
        yield self.name, self.parameter


@contextmanager
def in_float64(module: Any, casts: Sequence[str] = ("bfloat16",)) -> Iterator[None]:
    """Newton-Schulz steps in the type of the parameter, where torch.optim.Muon casts a copy to bfloat16, and the functions of
    pytorch_optimizer have that type as a default; the averages of its AdamMini, which it holds in float32.  `casts` are the
    methods of tensors that change nothing meanwhile."""
    import torch

    inside = getattr(module, "optimizer", None)
    matrix = getattr(getattr(inside, "utils", None), "matrix", None)
    functions = [f for f in vars(matrix).values() if inspect.isfunction(f) and f.__defaults__] if matrix else []
    with ExitStack() as stack:
        for cast in casts:
            stack.enter_context(patch.object(torch.Tensor, cast, torch.Tensor.clone))
        if inside:
            exactly = SimpleNamespace(**{**vars(torch), "float32": torch.float64})
            stack.enter_context(patch.object(inside.adam_mini, "torch", exactly))
        for f in functions:
            exact = tuple(torch.float64 if d is torch.bfloat16 else d for d in f.__defaults__)
            stack.enter_context(patch.object(f, "__defaults__", exact))
        yield


def _preset(optimizer: Any, parameter: Any, given: Given) -> None:
    """The step counter, in the state of the parameter (torch) and in its group (pytorch_optimizer), and what goes with it."""
    import torch

    counters = {"step": float(given.count), **given.state}
    held = optimizer.state[parameter]
    if hasattr(optimizer, "init_group"):
        optimizer.init_group(optimizer.param_groups[0])
        optimizer.param_groups[0]["step"] = int(counters.pop("step"))
        held.update({k: torch.tensor(v) for k, v in counters.items()})
    else:
        zeros = {k: torch.zeros_like(parameter) for k in ("exp_avg", "exp_avg_sq", "max_exp_avg_sq", "exp_inf")}
        held.update({**zeros, **{k: torch.tensor(v) for k, v in counters.items()}})


def torch_step(name: str, options: Mapping[str, Any], given: Given) -> Step:
    import torch

    plain = {"foreach": False} if "foreach" in inspect.signature(getattr(torch.optim, name)).parameters else {}
    return _torch_like(torch.optim, name, {**plain, **options}, given)


def pytorch_optimizer_step(name: str, options: Mapping[str, Any], given: Given) -> Step:
    import pytorch_optimizer
    import torch.distributed

    if name == "DistributedMuon" and not torch.distributed.is_initialized():
        torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
    return _torch_like(pytorch_optimizer, name, options if name.startswith("torch.") else {"foreach": False, **options}, given)


def optax_step(name: str, options: Mapping[str, Any], given: Given) -> Step:
    import jax
    import jax.numpy as jnp
    import optax
    from optax._src import factorized
    from optax.contrib import _galore

    jax.config.update("jax_enable_x64", True)

    def build(kind: str, inner: Mapping[str, Any]) -> Any:
        found = getattr(optax, kind, None) or getattr(optax.contrib, kind)
        made = {k: jnp.float64 if v == "float64" else v for k, v in _built(inner, build).items()}
        return found(*made.pop("args", ()), **made)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        transformation = build(name, options)
    assert not given.state, "an optax state is what init makes of it"
    memory = transformation.init(jnp.array(given.start, dtype=jnp.float64).reshape(given.shape))
    # roots and powers of a counter of 64 bits are in float64
    memory = jax.tree.map(lambda x: jnp.asarray(given.count or x, jnp.int64) if x.dtype == jnp.int32 else x, memory)
    held = [memory]
    takes_value = any(p.kind is p.VAR_KEYWORD for p in inspect.signature(transformation.update).parameters.values())

    # the weights of Adafactor's average are taken in float32, and the singular vectors of GaLore
    factorized.jnp = _galore.jnp = SimpleNamespace(**{**vars(jnp), "float32": jnp.float64})

    @jax.jit
    def update(slope: Any, memory: Any, here: Any, value: Any) -> Any:
        updates, memory = transformation.update(slope, memory, here, **({"value": value} if takes_value else {}))
        return optax.apply_updates(here, updates), memory

    def step(theta: Point, slope: Point) -> list[float]:
        here = jnp.array(list(theta), dtype=jnp.float64).reshape(given.shape)
        new, held[0] = update(jnp.array(list(slope), dtype=jnp.float64).reshape(given.slopes), held[0], here, loss(theta))
        return [float(x) for x in new.flatten()]

    return step


def optax_normals(key: int, size: int) -> Iterator[list[float]]:
    """The normal numbers that optax adds to gradients step by step: those of unit variance, added to zero."""
    import jax
    import jax.numpy as jnp
    import optax

    jax.config.update("jax_enable_x64", True)
    noise, zero = optax.add_noise(eta=1.0, gamma=0.0, key=key), jnp.zeros(size, jnp.float64)
    memory = noise.init(zero)
    while True:
        drawn, memory = noise.update(zero, memory)
        yield [float(x) for x in drawn]


def _keras() -> Any:
    """Its torch backend assigns in place, so that ScheduleFreeAdamW reads z after the step where it means z before it."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    if os.environ["KERAS_BACKEND"] == "jax":
        import jax

        jax.config.update("jax_enable_x64", True)
    import keras

    return keras


def keras_step(name: str, options: Mapping[str, Any], given: Given) -> Step:
    """On the backend of the environment variable KERAS_BACKEND; JAX where it says nothing."""
    keras = _keras()
    import numpy as np

    def build(kind: str, inner: Mapping[str, Any]) -> Any:
        return getattr(keras.optimizers, kind)(**_built(inner, build))

    keras.config.set_floatx("float64")
    optimizer = build(name, options)
    variable = keras.Variable(np.array(given.start).reshape(given.shape), dtype="float64")
    optimizer.build([variable])
    if given.count:
        optimizer._iterations.assign(given.count)
    assert not given.state, "a Keras state is what build makes of it"
    held = [[v.value for v in optimizer.variables]]

    def tensor(values: Point, factor: float = 1.0) -> Any:
        return keras.ops.convert_to_tensor(factor * np.array(values).reshape(given.shape), dtype="float64")

    def norm(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        """In float64, where that of keras on JAX is in float32 (Muon)."""
        return keras.ops.sqrt(keras.ops.sum(x * x, axis=axis, keepdims=keepdims))

    def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        """In float64, where that of keras on JAX is in float32 (Adafactor)."""
        total = keras.ops.sum(x, axis=axis, keepdims=keepdims)
        return total * (float(np.prod(total.shape)) / float(np.prod(x.shape)))

    def step(theta: Point, slope: Point) -> list[float]:
        """The gradient is that of the loss as the optimizer scales it."""
        scaled = tensor(slope, float(optimizer.scale_loss(1.0)))
        with patch("keras.src.ops.norm", norm), patch("keras.src.ops.mean", mean):
            (new,), held[0] = optimizer.stateless_apply(held[0], [scaled], [tensor(theta)])
        return [float(x) for x in keras.ops.convert_to_numpy(new).flatten()]

    return step


ADAPTERS: Mapping[str, Adapter] = {
    "torch.optim": torch_step,
    "optax": optax_step,
    "optax.contrib": optax_step,
    "keras.optimizers": keras_step,
    "pytorch_optimizer": pytorch_optimizer_step,
}


# ------------------------------------------------------------------------------------------ what a library offers


def _torch_names() -> Iterable[str]:
    import torch

    for name in torch.optim.__all__:
        found = getattr(torch.optim, name)
        if isinstance(found, type) and found is not torch.optim.Optimizer:
            yield name


def _made_by(module: Any) -> Iterable[str]:
    """Public functions that say that they give a gradient transformation, but for the parts `scale_by_...`."""
    for name, found in vars(module).items():
        plain = found.func if isinstance(found, partial) else found
        if inspect.isfunction(plain) and not name.startswith(("_", "scale_by_")) and _gives_transformation(plain):
            yield name


def _gives_transformation(function: Any) -> bool:
    annotation = str(inspect.signature(function).return_annotation)
    return "GradientTransformation" in annotation or function.__name__ in ("dog", "dowg")  # these two say nothing


def _optax_names() -> Iterable[str]:
    """The aliases: what stands in optax as an optimizer, not as a part of one."""
    import optax
    from optax._src import alias

    return [n for n in _made_by(optax) if hasattr(alias, n)]


def _contrib_names() -> Iterable[str]:
    import optax.contrib

    return _made_by(optax.contrib)


def _keras_names() -> Iterable[str]:
    keras = _keras()
    for name, found in vars(keras.optimizers).items():
        if isinstance(found, type) and issubclass(found, keras.optimizers.Optimizer) and found is not keras.optimizers.Optimizer:
            yield name


def _pytorch_optimizer_names() -> Iterable[str]:
    import pytorch_optimizer

    return list(pytorch_optimizer.get_supported_optimizers())


OFFERED: Mapping[str, Callable[[], Iterable[str]]] = {
    "torch.optim": _torch_names,
    "optax": _optax_names,
    "optax.contrib": _contrib_names,
    "keras.optimizers": _keras_names,
    "pytorch_optimizer": _pytorch_optimizer_names,
}

#: what must be importable: the library, and for Keras and optax what they compute with
NEEDED: Mapping[str, tuple[str, ...]] = {
    "torch.optim": ("torch",),
    "optax": ("optax", "jax"),
    "optax.contrib": ("optax", "jax"),
    "keras.optimizers": ("keras", os.environ.get("KERAS_BACKEND", "jax")),
    "pytorch_optimizer": ("pytorch_optimizer", "torch"),
}


def lacking(library: str) -> list[str]:
    """What must be installed to run the optimizers of this library, and is not."""
    return [name for name in NEEDED[library] if find_spec(name) is None]
