"""A parameter set to an expression is noted where it leaves its range, and nowhere else."""

from __future__ import annotations

import pytest

from derive.readings.domain import left_open
from derive.scheme import configure, load_scheme


@pytest.mark.parametrize(("value", "asks"), [("2*beta", "0 <= 2*beta <= 1"), ("1 + beta", "0 <= 1 + beta <= 1")])
def test_expressions_that_leave_the_range(value: str, asks: str) -> None:
    (note,) = left_open(configure(load_scheme("qhm"), None, {"nu": value}))
    assert note.startswith(f"nu = {value} is in the scheme's range 0 <= nu <= 1 only where {asks};")


@pytest.mark.parametrize("value", ["beta", "beta/2", "1 - beta", "1/2"])
def test_expressions_that_stay_inside(value: str) -> None:
    assert not list(left_open(configure(load_scheme("qhm"), None, {"nu": value})))
