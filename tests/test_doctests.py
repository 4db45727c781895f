"""Every example in a docstring of both packages gives what stands below it."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import derive
import verify

MODULES = [p.__name__ for p in (derive, verify)]
MODULES += [m.name for p in (derive, verify) for m in pkgutil.walk_packages(p.__path__, f"{p.__name__}.")]

EXTRAS = {"jax", "optax", "scipy", "sklearn", "torch"}


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name not in EXTRAS:
            raise
        pytest.skip(f"{error.name} is not installed")
    result = doctest.testmod(module)
    assert result.failed == 0
