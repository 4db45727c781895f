"""A comparison in the description of a parameter is its range, or refused: nothing is claimed for a range that was not read."""

from __future__ import annotations

import pytest

from derive.errors import SchemeError
from derive.scheme.catalogue import scheme_from_toml
from derive.scheme.ranges import comparisons

TEXT = 'update = """\nv = beta*v - gamma*grad(theta)\ntheta = theta + v"""\n[parameters]\nbeta = "{}"\n'
BELOW_ONE = [("0", "<=", "beta"), ("beta", "<", "1")]


@pytest.mark.parametrize(
    "text", ["momentum, 0 <= beta < 1", "0 <= beta < 1", "momentum, 0 ≤ β < 1", "memory, as beta -> 1, 0 <= beta < 1"]
)
def test_ranges_that_are_read(text: str) -> None:
    found = comparisons(scheme_from_toml(TEXT.format(text), "s").parameters["beta"])
    assert [(a.replace("β", "beta"), op, b.replace("β", "beta")) for a, op, b in found] == BELOW_ONE


@pytest.mark.parametrize("text", ["momentum", "momentum, fixed", "momentum, as beta -> 1"])
def test_descriptions_without_one(text: str) -> None:
    assert not scheme_from_toml(TEXT.format(text), "s").parameters["beta"].range


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("momentum, 0 <= bta < 1", "'0 <= bta < 1' is no range of beta; did you mean 'beta'?"),
        ("momentum, epsilon > 0", "'epsilon > 0' is no range"),
        ("momentum, 0 <= beta < 1.0 and", "'0 <= beta < 1.0 and' is no range"),
        ("0 <= beta < 1, the momentum", "'0 <= beta < 1' is no range"),
        ("momentum, 0 <= beta < mu", "'0 <= beta < mu' is no range"),
        ("momentum, beta <", "'beta <' is no range"),
    ],
)
def test_ranges_that_cannot_be_read(text: str, said: str) -> None:
    with pytest.raises(SchemeError) as error:
        scheme_from_toml(TEXT.format(text), "s")
    assert str(error.value).startswith(f"s, line 5: [parameters] beta: {said}")
