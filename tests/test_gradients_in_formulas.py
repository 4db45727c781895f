"""grad(...) in a formula: the gradient of a number, or refused; never the product of grad with what stands in the brackets."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from derive.errors import DeriveError
from verify.commands.main import main

SQUARE = (
    "grad(dot(grad, grad))", "gradient(|grad|^2)", "grad(norm(grad)^2)", "∇|∇L|²", "∇(|∇L|²)", "∇⟨∇L, ∇L⟩", "∇|∇L|^2",
    "grad (<grad, grad>)",
)  # fmt: skip
REFUSED = (
    ("grad|grad L|^2", "for a product write grad*(...)"),
    ("grad |grad|^2", "for a product write grad*(...)"),
    ("grad(theta - gamma*grad)", "other points than theta are expanded"),
    ("grad(1 - 2*gamma)", "a product is written grad*(...)"),
    ("grad(grad)", "the gradient of a number"),
    ("∇(|∇L|)²", "say which power is meant"),
    ("field(grad)", "a product is written field*(...)"),
    ("∇²L(∇L)", "as in ∇²L[∇L]"),
)  # fmt: skip


def says(formula: str) -> tuple[int, str]:
    return answer("formula", "--scheme", "gd", "--order", "1", "--says", f"theta: {formula}")


def answer(*arguments: str) -> tuple[int, str]:
    """Exit status and what is printed, or the refusal."""
    result = CliRunner().invoke(main, arguments, standalone_mode=False)
    if result.exception is not None:
        assert isinstance(result.exception, DeriveError), result.exception
        return 2, str(result.exception)
    return result.return_value, result.output


@pytest.mark.parametrize("square", SQUARE)
def test_the_gradient_of_a_number_is_a_gradient(square: str) -> None:
    assert says(f"-grad - gamma/4*{square}")[0] == 0
    status, text = says(f"-grad - gamma/3*{square}")
    assert status == 1
    assert "-2/3 claimed, -1/2 correct" in text


def test_a_product_with_the_gradient_is_still_one() -> None:
    status, text = says("-grad - gamma/4*grad*(dot(grad, grad))")
    assert status == 1
    assert "coefficient of grad*dot(grad, grad): -1/4 claimed" in text
    assert says("-∇L (1 + 0) - γ/2 ∇²L[∇L(θ)]")[0] == 0


@pytest.mark.parametrize(("part", "message"), REFUSED)
def test_what_is_no_gradient_of_a_number_gets_no_verdict(part: str, message: str) -> None:
    status, text = says(f"-grad - gamma*{part}")
    assert (status, message in text) == (2, True), text


def claimed(field: str, folder: Path) -> tuple[int, str]:
    claim = folder / "claim.toml"
    head = 'id = "a"\nkind = "modified-equation"\nstatement = "s"\nsource = "s"\nscheme = "gd"\nthrough = 1\n'
    claim.write_text(f'{head}says = {{ theta = "{field}" }}\n')
    return answer("claims", str(claim))


@pytest.mark.parametrize(("square", "verdict"), [(SQUARE[0], "proved"), (SQUARE[3], "proved"), (f"4/3*{SQUARE[0]}", "refuted")])
def test_claims_read_the_same(square: str, verdict: str, tmp_path: Path) -> None:
    assert f" {verdict} " in claimed(f"-grad - gamma/4*{square}", tmp_path)[1]


@pytest.mark.parametrize("part", ["grad(1 - 0)", "grad(theta - gamma*grad)", "grad(grad)", "grad|grad|^2"])
def test_claims_refuse_the_same(part: str, tmp_path: Path) -> None:
    status, text = claimed(f"-grad - gamma*{part}", tmp_path)
    assert status == 2
    assert "product" in text
