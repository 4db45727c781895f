"""Losses and functions of time that are declared beside a typed update, by --function."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from derive import load_scheme, modified_equation
from derive.commands.main import main
from derive.scheme import inline_scheme


def test_losses_are_declared_beside_a_typed_update() -> None:
    """The variables of the losses are the unknowns, and the equation is that of a file which says the same."""
    file = load_scheme("game-extragradient")
    functions = {f: f"loss({', '.join(slots)})" for f, slots in file.losses.items()}
    typed = inline_scheme(file.update, functions=functions)
    assert tuple(typed.unknowns) == tuple(file.unknowns)
    a, b = (modified_equation(s, 1).to_json()["equations"] for s in (typed, file))
    assert a == b
    other = inline_scheme(file.update.replace("grad(g(u, v), y)", "grad(f(u, v), y)"), functions=functions)
    assert modified_equation(other, 1).to_json()["equations"] != b


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["gd", "--function", "f = loss(x)"], "--function f: gd declares its functions itself; write --update TEXT"),
        (["--update", "x = x - gamma*grad(f, x)", "--function", "f"], "--function 'f' is not of the form name=value"),
        (["--update", "x = x - gamma*grad(f, z)", "--function", "f=loss(x)"], "f does not depend on 'z'"),
        (["--update", "x = x - gamma*grad(x)", "--function", "f=loss(x)"], "or --function 'f = loss(x)'"),
        (["--update", "x = x - gamma*loss(x)*grad(f, x)", "--function", "f=loss(x)"], "with declared losses write grad(f, x)"),
    ],
)
def test_functions_that_cannot_be_declared(words: list[str], message: str) -> None:
    result = CliRunner().invoke(main, ["modified-eq", *words], standalone_mode=False)
    assert result.exception is not None
    assert message in str(getattr(result.exception, "message", "") or result.exception)


def test_a_rate_is_declared_beside_a_typed_update() -> None:
    words = ["modified-eq", "--update", "theta = theta - gamma*r(t)*grad(theta)", "--function", "r = rate", "--order", "1"]
    assert "+ γ r'/2 ∇L" in CliRunner().invoke(main, words, standalone_mode=False).stdout
