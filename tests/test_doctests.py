"""Every example in a docstring of both packages gives what stands below it."""

from __future__ import annotations

import doctest
import pkgutil

import pytest
from extras import imported

import derive
import verify

MODULES = [p.__name__ for p in (derive, verify)]
MODULES += [m.name for p in (derive, verify) for m in pkgutil.walk_packages(p.__path__, f"{p.__name__}.")]



@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    module = imported(name)
    result = doctest.testmod(module)
    assert result.failed == 0
