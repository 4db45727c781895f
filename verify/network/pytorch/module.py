"""A module of torch with its loss, as a function of the parameters alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from itertools import pairwise
from pickle import UnpicklingError
from typing import Any

import torch
from sklearn.datasets import load_digits

from derive.errors import UsageError

DEFAULT_IMAGES = 100
Loss = Callable[[torch.nn.Module], torch.Tensor]


class _Value(torch.nn.Module):  # type: ignore[misc]
    """The loss as a module around the module, so that torch can put other parameters into it."""

    def __init__(self, module: torch.nn.Module, loss: Loss) -> None:
        super().__init__()
        self.module, self.loss = module, loss

    def forward(self) -> torch.Tensor:
        return self.loss(self.module)


@dataclass(frozen=True, eq=False)
class TorchModel:
    """A module at its start, and its loss, `loss(module)`, one number.

    Shared weights are one parameter, as torch counts them.
    """

    name: str
    module: torch.nn.Module
    loss: Loss

    @property
    def params(self) -> dict[str, torch.Tensor]:
        return {name: p.detach().clone() for name, p in self.module.named_parameters()}

    @property
    def size(self) -> int:
        return sum(p.numel() for p in self.module.parameters())

    def function(self) -> Callable[[Mapping[str, torch.Tensor]], torch.Tensor]:
        """The loss of parameters by name."""
        whole = _Value(deepcopy(self.module), self.loss)
        return lambda params: torch.func.functional_call(whole, {f"module.{n}": p for n, p in params.items()}, ())

    def dtype(self) -> torch.dtype:
        """Of all parameters.  Raises UsageError where they have several, or none is there to be trained."""
        found = {p.dtype for p in self.module.parameters()}
        if len(found) != 1:
            raise UsageError(f"{self.name} has parameters of {len(found)} types; write module.double()")
        return found.pop()

    def check(self) -> None:
        """Raises UsageError where the loss is no function of the parameters: what it draws, or changes when it is evaluated."""
        module = deepcopy(self.module)
        before = [b.clone() for b in module.buffers()]
        with torch.no_grad():
            first, second = self.loss(module), self.loss(module)
        if not isinstance(first, torch.Tensor) or first.shape != ():
            shape = tuple(first.shape) if isinstance(first, torch.Tensor) else type(first).__name__
            raise UsageError(f"the loss must be one number, and its value has the shape {shape}; take its mean or its sum")
        if not torch.isfinite(first):
            raise UsageError(f"the loss of {self.name} is {first.item()} at the start; there is nothing to follow")
        if not torch.equal(first, second):
            raise UsageError(
                f"{self.name}: the loss has another value each time at the same parameters, as with dropout; a modified equation "
                "is one of a function of the parameters: write module.eval(), or fix the masks"
            )
        if any(not torch.equal(a, b) for a, b in zip(before, module.buffers(), strict=True)):
            raise UsageError(
                f"{self.name}: the loss changes the module's buffers when it is evaluated, as running statistics of batch "
                "normalisation do, and they are memory that the scheme does not have: track_running_stats=False, or module.eval()"
            )


def mlp(
    width: int = 16,
    images: int = DEFAULT_IMAGES,
    seed: int = 0,
    activation: Any = torch.nn.Tanh,
    dtype: torch.dtype = torch.float64,
) -> TorchModel:
    """One hidden layer on the digits of scikit-learn."""
    data = load_digits()
    x = torch.as_tensor(data.data[:images], dtype=dtype)
    x, y = (x - x.mean()) / x.std(correction=0), torch.as_tensor(data.target[:images])
    draws = torch.Generator().manual_seed(seed)
    layers = [torch.nn.Linear(a, b, dtype=x.dtype) for a, b in pairwise((64, width, 10))]
    with torch.no_grad():
        for layer in layers:
            layer.weight.copy_(torch.randn(layer.weight.shape, generator=draws, dtype=x.dtype) / layer.in_features**0.5)
            layer.bias.zero_()
    module = torch.nn.Sequential(layers[0], activation(), layers[1])
    return TorchModel("mlp", module, lambda m: torch.nn.functional.cross_entropy(m(x), y))


def loaded(model: TorchModel, path: str) -> Any:
    """The optimizer's state_dict of a checkpoint, torch.save({"model": ..., "optimizer": ...}, path); the module is put there.

    Raises UsageError where the file cannot be read, or is one of another module.
    """
    try:
        saved = torch.load(path, weights_only=True)
        model.module.load_state_dict(saved["model"])
        return saved["optimizer"]
    except (OSError, KeyError, TypeError, ValueError, EOFError, RuntimeError, UnpicklingError) as error:
        first = next(iter(str(error).strip().splitlines()), type(error).__name__)
        what = 'a checkpoint is torch.save({"model": module.state_dict(), "optimizer": optimizer.state_dict()}, FILE)'
        raise UsageError(f"--start {path}: {what}; this cannot be taken: {first}") from None
