"""Proofs and runs of equations with products of matrices: true ones pass, wrong ones do not."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from derive import inline_scheme, modified_equation
from derive.commands.main import main as derive_main
from derive.errors import ParseError
from verify.commands.main import main as verify_main
from verify.numeric.routes import check_slopes, random_point, recover_coefficients, rich_problem
from verify.numeric.system import chosen_parameters
from verify.proof import Proof, prove

CUBE = "theta = theta - gamma*grad(theta) @ grad(theta).T @ grad(theta)"
MOMENTUM = "m = mu*m + grad(theta); theta = theta - gamma*m @ m.T @ m"
SQUARE = "S = mu*S + grad(theta) @ grad(theta).T; theta = theta - gamma*S @ grad(theta)"
NAMES = ("mu", "a", "b", "c")
#: one iteration of Newton and Schulz on the gradient over its norm
ONE_ITERATION = """
X = grad(theta)/norm(grad(theta))
A = X @ X.T
X = a*X + (b*A + c*A @ A) @ X
theta = theta - gamma*X
"""


def derived(update: str, order: int = 1) -> Any:
    return modified_equation(inline_scheme(update, parameters=NAMES), order=order)


def proof(eq: Any, equations: Any = None) -> Proof:
    data = eq.to_json()
    return prove(eq.configuration, equations or data["equations"], data["memory"], seed=1)


@pytest.mark.parametrize(
    ("update", "order"),
    [
        (CUBE, 1),
        (MOMENTUM, 1),
        ("theta = theta - gamma*grad(theta)*(theta @ theta.T @ theta)", 1),
        ("theta = theta - gamma*grad(theta)*trace(theta.T @ theta)", 1),
        (SQUARE, 1),
        ("R = mu*R + grad(theta).T @ grad(theta); theta = theta - gamma*grad(theta) @ R/(1 + dot(theta, theta))", 0),
        ("S = S + gamma*(grad(theta) @ grad(theta).T - S); theta = theta - gamma*S @ grad(theta)", 1),
        ("theta = theta - gamma*grad(theta_next) @ theta.T @ theta", 1),
        (ONE_ITERATION, 0),
    ],
)
def test_derived_equations_are_proved_for_every_shape(update: str, order: int) -> None:
    found = proof(derived(update, order))
    assert str(found).startswith(
        "proved for all parameter values in their ranges, every smooth loss of a matrix, every number of rows and columns"
    ), str(found)
    assert found.bound is not None
    assert found.bound < -100


def test_where_all_shapes_are_too_many_the_shapes_are_named() -> None:
    found = proof(derived(ONE_ITERATION))
    assert "every smooth loss of a matrix, 3 x 3 and 3 x 2 and 2 x 3; error" in str(found)


@pytest.mark.parametrize("update", [CUBE, MOMENTUM, ONE_ITERATION])
@pytest.mark.parametrize("power", [0, 1])
def test_every_perturbed_coefficient_is_refuted(update: str, power: int) -> None:
    eq = derived(update)
    data = eq.to_json()["equations"]
    for n in range(min(3, len(data["theta"][power]["terms"]))):
        wrong = copy.deepcopy(data)
        wrong["theta"][power]["terms"][n]["coefficient"] += " + 1/1000000"
        found = proof(eq, wrong)
        assert (found.verdict, found.power) == ("refuted", power)


S = "grad @ grad.T"


@pytest.mark.parametrize(
    "difference",
    [
        f"{S} @ {S} @ grad - trace({S})*({S} @ grad) + (trace({S})**2 - trace({S} @ {S}))/2*grad",  # Cayley-Hamilton, two rows
        "grad @ grad.T @ theta - theta @ grad.T @ grad",
        "grad*(grad @ grad.T @ theta) - theta*(grad @ grad.T @ grad)",
        "6*grad - dot(1, 1)*grad",  # two rows of three
        "dot(grad @ grad.T @ grad, theta)*grad - dot(grad @ theta.T @ grad, theta)*grad",
    ],
)
def test_what_holds_for_some_shapes_only_is_refuted(difference: str) -> None:
    eq = derived(CUBE, 0)
    found = proof(eq, {"theta": [f"-grad @ grad.T @ grad + {difference}"]})
    assert found.verdict == "refuted"


@pytest.mark.parametrize(
    "zero",
    [
        "(dot(grad @ grad.T, grad @ grad.T) - trace(grad.T @ grad @ grad.T @ grad))*grad",
        "(grad @ theta.T).T @ grad - theta @ grad.T @ grad",
        "(dot(theta @ grad.T @ grad, grad) - dot(grad @ grad.T, grad @ theta.T))*theta",
    ],
)
def test_what_holds_for_all_shapes_is_proved(zero: str) -> None:
    eq = derived(CUBE, 0)
    assert proof(eq, {"theta": [f"-grad @ grad.T @ grad + {zero}"]}).proved


def test_claims_with_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ParseError, match="transpose one of them"):
        proof(derived(CUBE, 0), {"theta": ["-grad @ grad @ grad"]})


# ---------------------------------------------------------------------------------------------- runs


@pytest.mark.parametrize("update", [CUBE, MOMENTUM, SQUARE])
def test_slopes_and_recovered_coefficients(update: str) -> None:
    """Runs with true products on a loss of 2 x 2 matrices; a changed coefficient is seen."""
    eq = derived(update)
    data, values = eq.to_json(), chosen_parameters(eq.configuration)
    problem = rich_problem(eq.configuration, 3)
    assert problem.dimension == 4
    point = random_point(4, 0)
    table = check_slopes(eq.configuration, data, values, problem, point, 25)
    assert table.confirmed
    assert [round(s) for s in table.slopes if s] == [1, 2]
    assert recover_coefficients(eq.configuration, data, values).confirmed
    wrong = copy.deepcopy(data)
    wrong["equations"]["theta"][1]["terms"][0]["coefficient"] += " + 1/100"
    assert not check_slopes(eq.configuration, wrong, values, problem, point, 25).confirmed


# ---------------------------------------------------------------------------------------------- commands


@pytest.fixture
def scheme(tmp_path: Path) -> str:
    path = tmp_path / "cube.toml"
    path.write_text(f'name = "cube"\nupdate = """\n{MOMENTUM}\n"""\n[parameters]\nmu = "momentum, 0 <= mu < 1"\n')
    return str(path)


def refusal(command: Any, *words: str) -> str:
    return str(CliRunner().invoke(command, words).exception)


@pytest.mark.parametrize("reading", ["stability", "second-order", "energy", "modified-loss", "modified-sde", "paper"])
def test_readings_that_know_no_matrices_say_so_in_one_line(scheme: str, reading: str) -> None:
    assert "knows no matrices" in refusal(derive_main, reading, scheme)


def test_no_certificate_is_written(scheme: str, tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    words = refusal(verify_main, "scheme", scheme, "--order", "0", "-o", str(target))
    assert "certificates know no matrices" in words
    assert not target.exists()
