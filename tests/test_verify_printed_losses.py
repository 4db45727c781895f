"""Claims about losses: as this program prints them, and with names that mean nothing, which no proof may pass over."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner, Result

from derive import modified_loss
from derive.commands.main import main as derive
from derive.errors import DeriveError, ReductionError
from derive.scheme import catalogue
from verify.commands.main import main as verify
from verify.stated_formula import read_formula

UNKNOWN = [
    ("loss: L + gamma/4*dot(grad, grad) + gamma*V", "'V'", "the loss is written L"),
    ("loss: L + gamma/4*dot(grad, grad) + gamma*l", "'l'", "did you mean 'L'"),
    ("loss: l + gamma/4*dot(grad, grad)", "'l'", "did you mean 'L'"),
    ("loss: L + gamma/4*dot(grad, grad) + bar*gamma", "'bar'", "known: L, theta"),
    ("loss: L + L0 + gamma/4*dot(grad, grad)", "'L0'", "did you mean 'L'"),
    ("loss: L + gamma/4*dot(grad, gradd)", "'gradd'", "did you mean 'grad'"),
    ("loss: L + gamma/4*dot(grad, grad) + 0*c", "'c'", "known: L, theta"),
    ("loss: L + gamma/4*dot(grad, grad) + gamma*dot(c, c)", "'c'", "known: L, theta"),
    ("loss: L + gamma/4*dot(grad, grad) + sqrt(beta)", "'beta'", "known: L, theta"),
    ("loss: V", "'V'", "the loss is written L"),
    ("V = V", "'V'", "the loss is written L"),
    ("theta: -grad - gamma/2*hess(grad) + 0*L", "'L'", "known: theta"),
    ("theta: -grad - gamma/2*hess(grad) + gamma*hess(0*c)", "'c'", "known: theta"),
]


def formula(scheme: str, order: int, says: str) -> Result:
    return CliRunner().invoke(
        verify, ["formula", "--scheme", scheme, "--order", str(order), "--says", says], standalone_mode=False
    )


@pytest.mark.parametrize("says, name, hint", UNKNOWN)
def test_a_name_that_means_nothing_is_refused_in_every_summand(says: str, name: str, hint: str) -> None:
    """A name that is taken for a constant has no gradient, and a proof would never see it."""
    result = formula("gd", 1, says)
    assert isinstance(result.exception, DeriveError)
    assert result.stdout == ""
    assert f"{name} has no meaning here" in str(result.exception)
    assert hint in str(result.exception)


@pytest.mark.parametrize(
    "says", ["loss: L + gamma*beta", "loss: L/(1-beta) + sqrt(beta) + gamma*(1+beta)/(4*(1-beta)**3)*dot(grad, grad)"]
)
def test_a_constant_of_the_scheme_may_be_added_to_a_loss(says: str) -> None:
    result = formula("momentum", 1, says)
    assert result.exception is None
    assert result.return_value == ("sqrt" not in says)


@pytest.mark.parametrize("says", ["loss: L**2", "loss: L + gamma*L*dot(grad, grad)"])
def test_the_value_of_the_loss_stands_in_no_equation(says: str) -> None:
    result = formula("gd", 1, says)
    assert isinstance(result.exception, DeriveError)
    assert "L stands in a power or a product" in str(result.exception)


@pytest.mark.parametrize("factor, right", [("", 1), ("2/3*", 0), ("1/2*", 0), ("(1-β)/(1-β) ", 1), ("1/(1-beta)*(1-beta)*", 1)])
def test_a_constant_before_the_loss(factor: str, right: int) -> None:
    result = formula("ema-momentum", 0, f"loss: {factor}L")
    assert result.exception is None
    assert result.return_value == 1 - right


@pytest.mark.parametrize("says", [
    "loss: 1/(1-β) L + γ (1+β)/(4 (1-β)^3) |∇L|^2",
    "loss = 1/(1-β) L + γ (1+β)/(4 (1-β)^3) |∇L|^2",
    "V = 1/(1-β) L\n  + γ (1+β)/(4 (1-β)^3) |∇L|^2",
    "V: 1/(1-β) L\n  + γ (1+β)/(4 (1-β)^3) |∇L|^2",
    "θ' = -∇V\nV = 1/(1-β) L\n  + γ (1+β)/(4 (1-β)^3) |∇L|^2",
    "theta' = -grad V\nV = 1/(1-beta) L\n  + gamma (1+beta)/(4 (1-beta)^3) |grad L|^2",
])  # fmt: skip
def test_ways_to_write_a_modified_loss(says: str) -> None:
    assert formula("momentum", 1, says).return_value == 0
    assert formula("momentum", 1, says.replace("1+", "2+")).return_value == 1


def test_the_place_of_a_mistake_is_that_of_the_pasted_text() -> None:
    result = formula("momentum", 1, "θ' = -∇V\nV = 1/(1-β) L\n  + γ hes(∇L)")
    assert "line 3, column 7: unknown function 'hes'" in str(result.exception)


def printed(scheme: str, order: int, *options: str) -> str:
    """The lines of the modified loss as they are printed."""
    text = CliRunner().invoke(derive, ["modified-loss", scheme, "--order", str(order), *options], catch_exceptions=False).stdout
    lines = text.split("\n")
    start = next(k for k, line in enumerate(lines) if line.startswith("V = "))
    block = [lines[start - 1], lines[start]]
    for line in lines[start + 1 :]:
        if not line.startswith("  ") or line.startswith("   "):
            break
        block.append(line)
    return "\n".join(block)


def exists_through(name: str) -> int:
    """The order through which a scheme has a modified loss, at most 1; skips one that has none."""
    try:
        loss = modified_loss(name, 1)
    except ReductionError:
        pytest.skip("several slow variables")
    if loss.exists_through < 0 or loss.preconditioner is not None:
        pytest.skip("no modified loss")
    return loss.exists_through


@pytest.mark.parametrize("scheme", catalogue(branches=False))
@pytest.mark.parametrize("options", [(), ("--ascii",)], ids=["unicode", "ascii"])
def test_every_printed_modified_loss_is_confirmed(scheme: str, options: tuple[str, ...]) -> None:
    order = exists_through(scheme)
    says = printed(scheme, order, *options)
    result = formula(scheme, order, says)
    assert result.exception is None, str(result.exception)
    assert result.return_value == 0, result.stdout
    gradient = "grad L" if options else "∇L"
    step = "gamma" if options else "γ"
    wrong = f"{says}\n  + 1/7 {step if order else ''} |{gradient}|^2"
    assert formula(scheme, order, wrong).return_value == 1
    assert read_formula(None, scheme, None, order, None, {}, [re.sub(r"\s+", " ", says.partition("\n")[2])]).order == order
