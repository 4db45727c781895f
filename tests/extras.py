"""Modules that need an extra which is not installed are skipped with its name."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

EXTRAS = {"diffrax", "jax", "optax", "scipy", "sklearn", "torch"}


def imported(name: str) -> ModuleType:
    """The module; the test is skipped where an extra is missing."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name not in EXTRAS:
            raise
        pytest.skip(f"{error.name} is not installed", allow_module_level=True)


def jax_array() -> Callable[[Any], Any]:
    """Arrays of JAX in float64; the test is skipped where it is missing."""
    jax = pytest.importorskip("jax", reason="jax is not installed (extra 'jax')")
    jax.config.update("jax_enable_x64", True)
    return lambda values: jax.numpy.array(values)


def torch_array() -> Callable[[Any], Any]:
    """Tensors of torch in float64; the test is skipped where it is missing."""
    torch = pytest.importorskip("torch", reason="torch is not installed (extra 'torch')")
    return lambda values: torch.tensor(values, dtype=torch.float64)
