"""A verdict that no potential exists names the equation it is about: flow or map, with the factor P or without."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from derive.commands.main import main

CASES = [
    ("gd", 2, "flow", "theta' = -grad V", r"$\dot{\theta} = -\nabla V$"),
    ("nesterov", 2, "map", "theta+ = theta - gamma grad V", r"$\theta^{+} = \theta - \gamma\, \nabla V$"),
]


def printed(*arguments: str) -> str:
    result = CliRunner().invoke(main, [*arguments])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize(("scheme", "order", "form", "typed", "typeset"), CASES)
def test_the_equation_of_the_form(scheme: str, order: int, form: str, typed: str, typeset: str) -> None:
    asked = ("modified-loss", scheme, "--order", str(order), "--form", form)
    assert f"functions V of theta with {typed} for every loss" in printed(*asked)
    assert json.loads(printed(*asked, "--format", "json"))["complete_over"] == f"functions V of theta with {typed} for every loss"
    assert f"with {typeset} for every loss" in printed(*asked, "--format", "latex")


@pytest.mark.parametrize(("form", "equation"), [("flow", "theta' = -{}grad V"), ("map", "theta+ = theta - gamma {}grad V")])
def test_with_the_factor(form: str, equation: str) -> None:
    text = printed("modified-loss", "adam-inside", "--order", "1", "--form", form)
    plain, divided = text.split("with the scheme's own elementwise factor P")
    assert f"with {equation.format('')} for every loss" in plain
    assert f"with {equation.format('P ')} for every loss" in divided
    assert "the Jacobian of F, the field divided by P, is not symmetric" in divided
    assert "divided by P" not in plain


def test_eigenvalues_have_the_sign_that_is_printed() -> None:
    """Both are -1 + ...; with the step on x^2/2 the midpoint's root (1 - z/2)/(1 + z/2) and Heun's 1 - z + z^2/2 are decays."""
    text = printed("compare", "implicit-midpoint", "heun")
    assert "the second eigenvalue minus the first is 1/4 on x**2/2" in text
    assert "rate" not in text
    latex = printed("compare", "implicit-midpoint", "heun", "--format", "latex")
    assert r"$\theta_B = \theta_A + \gamma\, c_1 + \cdots$" in latex
    assert "textasciicircum" not in latex


def test_coefficients_of_second_order_are_named() -> None:
    text = printed("compare", "momentum", "nesterov", "--regime-a", "inertial", "--regime-b", "inertial")
    assert "eigenvalue minus" not in text


def test_the_letter_of_rootings_is_not_the_one_of_trees() -> None:
    """The chain of three nodes has b = 1/3 in the tables of trees, with f = -grad L, and c = -1/3 here."""
    text = printed("modified-loss", "gd", "--order", "2")
    assert "∇²L[∇²L[∇L]]: c = -1/3" in text
    assert "b = " not in text
