"""Sign descent has its potential only where no component of the gradient vanishes, and this is said; P stands in each limit."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from derive.commands.main import main

SAID = "only where no component of ∇L vanishes: V jumps there"
UPDATE = "theta = theta - gamma*sign(grad(theta))"


def printed(*arguments: str) -> str:
    result = CliRunner().invoke(main, [*arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize("scheme", [["sign-descent"], ["--update", UPDATE], ["adam-inside", "--set", "eps=0"]])
def test_sign_descent_says_where_it_holds(scheme: list[str]) -> None:
    text = printed("modified-loss", *scheme, "--order", "1")
    assert text.count(SAID) == 1
    assert "P = 1 / abs(∇L)\nV = L\n" in text  # no jump in this V
    latex = printed("modified-loss", *scheme, "--order", "1", "--format", "latex")
    assert "Only where no component of $\\nabla L$ vanishes: $V$ jumps there." in latex
    data = json.loads(printed("modified-loss", *scheme, "--order", "0", "--format", "json"))
    assert data["because"] == "its gradient gives the field back, where no component of grad vanishes"
    assert data["preconditioned"]["because"] == "its gradient gives the field back"


@pytest.mark.parametrize("scheme", ["gd", "momentum", "adam-inside", "normalised-gd"])
def test_others_do_not(scheme: str) -> None:
    assert "jumps" not in printed("modified-loss", scheme, "--order", "1")


def test_each_limit_has_its_factor() -> None:
    text = printed("modified-loss", "adam-inside", "--order", "1")
    _, small, large = text.split("in the limit")
    assert "P = 1 / abs(∇L)" in small
    assert "P = ε^(-1/2)" in large
    assert "∇L" not in large.split("V =")[0]
