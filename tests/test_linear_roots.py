"""Roots of parameters in a linear update are numbers: rational ones are used, others refused in true words."""

from __future__ import annotations

import pytest

from derive.errors import ReductionError
from derive.readings.stability import stability
from derive.scheme import inline_scheme

TEXT = "v = beta*v - gamma*grad(theta)*{}; theta = theta + v"


def interval(factor: str, **settings: str) -> tuple[str, str] | None:
    return stability(inline_scheme(TEXT.format(factor)), settings=settings).interval


@pytest.mark.parametrize(
    ("factor", "settings", "same"),
    [
        ("sqrt(1 - beta**2)", {"beta": "3/5"}, "4/5"),
        ("mu**(3/2)", {"mu": "4/9"}, "8/27"),
        ("mu**(-1/2)", {"mu": "4/9"}, "3/2"),
        ("abs(1 - mu)", {"mu": "3"}, "2"),
        ("sqrt(9/4)", {}, "3/2"),
    ],
)
def test_rational_roots_are_numbers(factor: str, settings: dict[str, str], same: str) -> None:
    settings = {"beta": "1/2"} | settings
    kept = {"beta": settings["beta"]}
    assert interval(factor, **settings) == interval(same, **kept)
    assert interval(factor, **settings) != interval("1", **kept)


@pytest.mark.parametrize("factor", ["sqrt(2)", "sqrt(1 - beta**2)", "mu**(1/2)", "abs(mu)"])
def test_other_roots_are_refused_and_not_called_nonlinear(factor: str) -> None:
    with pytest.raises(ReductionError, match="the update is linear in the state") as error:
        interval(factor)
    assert "not a linear map" not in str(error.value)


@pytest.mark.parametrize("text", ["theta = theta - gamma*sqrt(grad(theta))", "theta = theta - gamma*abs(grad(theta) + 1)"])
def test_roots_of_the_state_are_not_linear(text: str) -> None:
    with pytest.raises(ReductionError, match="not a linear map of the state"):
        stability(inline_scheme(text))
