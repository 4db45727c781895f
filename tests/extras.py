"""Modules that need an extra which is not installed are skipped with its name."""

from __future__ import annotations

import importlib
from types import ModuleType

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
