"""Formulas from drafts: confirmed with a proof, or refuted with the power, a counterexample and what is right."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from derive import modified_equation
from derive.errors import DeriveError
from derive.language import unparse
from verify.commands.main import main
from verify.numbers.kinds import EXACT
from verify.problems.formula import FormulaValues, parsed, split_powers
from verify.problems.gradients import gradient_formula
from verify.problems.polynomials import derivative
from verify.problems.random_problem import random_problem

HEAVY_BALL = "theta: -grad/(1-beta) - gamma*(1+beta)/(2*(1-beta)**3)*hess(grad)"
ETA = "theta: eta - gamma/2*(grad + lam*eta)"

CONFIRMED = [
    ("momentum", None, 1, [HEAVY_BALL]),
    ("gd", None, 1, ["loss: L + gamma/4*dot(grad, grad)"]),  # Barrett & Dherin 2021
    ("gd", None, 2, ["theta: -grad - gamma/2*hess(grad) - gamma**2*(hess(hess(grad))/3 + d3(grad, grad)/12)"]),
    ("adam", None, 0, ["theta: -grad/(abs(grad) + eps)"]),
    ("rmsprop", None, 0, ["theta: -grad/sqrt(grad**2 + eps)"]),
    ("momentum", "inertial", 1, [ETA, "eta: -grad - lam*eta + gamma/2*(hess(eta) - lam*grad - lam**2*eta)"]),
    ("normalised-gd", None, 0, ["theta: -grad/norm(grad)"]),
    ("gd-schedule", None, 1, ["theta: -r*grad - gamma/2*(r**2*hess(grad) - dr*grad)"]),
    ("normalised-gd", None, 0, ["theta: -grad*dot(grad, grad)**(-1/2)"]),
]  # fmt: skip
REFUTED = [
    ("momentum", 1, "theta: -grad/(1-beta) - gamma*beta/(1-beta)**3*hess(grad)", 1),  # the memoryless map's coefficient
    ("momentum", 1, "theta: -grad - gamma*(1+beta)/(2*(1-beta)**3)*hess(grad)", 0),
    ("gd", 2, "loss: L + gamma/4*dot(grad, grad)", 2),
    ("gd", 1, "loss: L - gamma/4*dot(grad, grad)", 1),
    ("adam", 1, "theta: -grad/(abs(grad) + eps)", 1),
    ("adam", 0, "theta: -grad/sqrt(grad**2 + eps)", 0),  # eps inside instead of outside the root
    ("sign-descent", 0, "theta: grad/abs(grad)", 0),
]  # fmt: skip


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["formula", *arguments], standalone_mode=False)


@pytest.mark.parametrize("scheme, regime, order, says", CONFIRMED)
def test_right_formulas_are_confirmed(scheme: str, regime: str | None, order: int, says: list[str]) -> None:
    options = ["--scheme", scheme, "--order", str(order), *(["--regime", regime] if regime else [])]
    result = run(*options, *(x for text in says for x in ("--says", text)))
    assert result.exception is None
    assert result.return_value == 0, result.stdout
    assert "proved for all parameter values in their ranges, every smooth loss, every dimension" in result.stdout


@pytest.mark.parametrize("scheme, order, says, power", REFUTED)
def test_wrong_formulas_are_refuted(scheme: str, order: int, says: str, power: int) -> None:
    result = run("--scheme", scheme, "--order", str(order), "--says", says, "--format", "json")
    assert result.exception is None
    assert result.return_value == 1
    data = json.loads(result.stdout)
    assert (data["verdict"], data["first_failing_power"]) == ("refuted", power)
    example = data["counterexample"]
    assert Fraction(example["claimed"]) != Fraction(example["true"])
    assert data["correct"]
    assert data["corrections"]
    assert all(c["claimed"] != c["correct"] for c in data["corrections"])


def test_the_corrections_are_those_of_the_derived_equation() -> None:
    data = json.loads(
        run("--scheme", "gd", "--order", "2", "--says", "theta: -grad - gamma*hess(grad)/2", "--format", "json").stdout
    )
    assert {c["term"]: c["correct"] for c in data["corrections"]} == {"hess(hess(grad))": "-1/3", "d3(grad, grad)": "-1/12"}
    assert data["correct"] == "-1/12*d3(grad, grad) - 1/3*hess(hess(grad))"


@pytest.mark.parametrize("says, status", [("theta: -grad - gamma/2*hess(grad)", 0), ("theta: -grad - gamma*hess(grad)", 1)])
def test_latex_of_what_is_right(says: str, status: int) -> None:
    """The derived equation, whatever was claimed, under the verdict as comments of TeX."""
    result, plain = (run("--scheme", "gd", "--order", "1", "--says", says, *more) for more in (("--format", "latex"), ()))
    assert result.return_value == plain.return_value == status
    said = "".join(f"% {line}\n" for line in plain.stdout.splitlines())
    assert result.stdout == f"{said}{modified_equation('gd', 1).latex()}\n"


def test_a_file_says_the_same(tmp_path: Path) -> None:
    path = tmp_path / "claim.toml"
    path.write_text(f'scheme = "momentum"\norder = 1\nsays = "{HEAVY_BALL}"\n[set]\nbeta = "9/10"\n')
    assert run(str(path)).return_value == 0
    assert run(str(path), "--order", "2").return_value == 1


@pytest.mark.parametrize("says, message", [
    ("theta: -grad/(1-bta)", "did you mean 'beta'"),
    ("theta -grad", "write 'theta: FORMULA'"),
    ("thta: -grad", "claim one formula for each of theta"),
    ("theta: -grad/(1-gamma)", "gamma must appear as a polynomial"),
    ("theta: -grad - gamma**5*hess(grad)", "raise --order"),
    ("theta: -hes(grad)", "unknown function 'hes'"),
    ("theta: -grad**beta", "exponent must be a rational number"),
    ("loss: L + gamma*grad", "a modified loss is built from"),
])  # fmt: skip
def test_formulas_that_cannot_be_read(says: str, message: str) -> None:
    result = run("--scheme", "momentum", "--order", "1", "--says", says)
    assert isinstance(result.exception, DeriveError)
    assert message in str(result.exception)


def test_the_exit_status_of_a_mistake_is_two() -> None:
    command = [sys.executable, "-m", "verify.commands.main", "formula", "--scheme", "momentun", "--says", "theta: -grad"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "did you mean 'momentum'" in done.stderr


def test_powers_of_gamma() -> None:
    parts = split_powers(parsed("-grad*(1 + gamma)**2"), 2)
    assert len(parts) == 3
    assert unparse(parts[0]) == "-grad"


@pytest.mark.parametrize("scalar", [
    "dot(grad, grad)/4", "L", "dot(grad, hess(grad))", "dot(d3(grad, grad), grad)", "L*dot(grad, grad)", "norm(grad)**4",
    "dot(grad**2, grad)", "dot(theta, grad)", "dot(hess(theta), theta)",
])  # fmt: skip
def test_gradients_of_scalar_formulas(scalar: str) -> None:
    """Against differentiation of the polynomial that the scalar is on a polynomial loss: an independent route."""
    import random

    from flint import fmpq

    from verify.problems.polynomials import add, multiply, shifted
    from verify.problems.problem import Problem

    problem = random_problem(random.Random(4), 2, 3)
    assert problem.potential is not None
    loss = shifted(problem.potential, [-p for p in problem.point])  # in theta itself
    variables = [{(1, 0): fmpq(1)}, {(0, 1): fmpq(1)}]

    def tensor(
        arguments: list[list[dict[tuple[int, ...], fmpq]]], base: dict[tuple[int, ...], fmpq]
    ) -> dict[tuple[int, ...], fmpq]:
        if not arguments:
            return base
        total: dict[tuple[int, ...], fmpq] = {}
        for j, u in enumerate(arguments[0]):
            total = add(total, multiply(u, tensor(arguments[1:], derivative(base, j))))
        return total

    grad = [derivative(loss, i) for i in range(2)]
    hess = lambda u: [tensor([u], g) for g in grad]
    third = lambda u, v: [tensor([u, v], g) for g in grad]
    dot = lambda u, v: add(multiply(u[0], v[0]), multiply(u[1], v[1]))
    square = dot(grad, grad)
    polynomial = {
        "dot(grad, grad)/4": multiply({(0, 0): fmpq(1, 4)}, square),
        "L": loss,
        "dot(grad, hess(grad))": dot(grad, hess(grad)),
        "dot(d3(grad, grad), grad)": dot(third(grad, grad), grad),
        "L*dot(grad, grad)": multiply(loss, square),
        "norm(grad)**4": multiply(square, square),
        "dot(grad**2, grad)": dot([multiply(g, g) for g in grad], grad),
        "dot(theta, grad)": dot(variables, grad),
        "dot(hess(theta), theta)": dot(hess(variables), variables),
    }[scalar]
    expected = [shifted(derivative(polynomial, i), problem.point).get((0, 0), fmpq(0)) for i in range(2)]
    names = {"L": shifted(loss, problem.point).get((0, 0), fmpq(0))}
    numbers = EXACT
    if scalar.startswith("norm"):  # the norm itself is irrational: write |g|^4 = (g.g)^2
        scalar = "dot(grad, grad)**2"
    values = FormulaValues(Problem(problem.point, problem.potential), problem.point, names, numbers)
    assert values.of(gradient_formula(parsed(scalar))) == expected


def test_a_formula_that_is_right_at_two_parameter_values_alone_is_refuted() -> None:
    """(25 beta - 16)(9 beta - 8) vanishes at the values that the rational points try first."""
    says = "theta: -grad/(1-beta) - gamma*((1+beta)/(2*(1-beta)**3)+(25*beta-16)*(9*beta-8))*hess(grad)"
    result = run("--scheme", "momentum", "--order", "1", "--says", says)
    assert result.return_value == 1
    assert "counterexample" in result.stdout


def test_a_schedule_that_is_set_is_the_one_that_is_compared() -> None:
    """f_0 is right with r(t) = 1/(1+t): the formula fails at gamma^1, not at gamma^0."""
    options = ["--scheme", "momentum-schedule", "--set", "r(t)=1/(1+t)", "--order", "1", "--format", "json"]
    data = json.loads(run(*options, "--says", "theta: -grad/(1-beta)/(1+t)").stdout)
    assert (data["verdict"], data["first_failing_power"]) == ("refuted", 1)
    t, r, dr = (Fraction(x) for x in (data["counterexample"]["t"], *data["counterexample"]["functions"].values()))
    assert (r, dr) == (1 / (1 + t), -1 / (1 + t) ** 2)


def test_irrational_numbers_are_refuted_in_balls() -> None:
    update = "g = grad(theta); theta = theta - gamma*g/(2 + sqrt(3)*abs(g))"
    result = run("--update", update, "--order", "0", "--says", "theta: -grad/(2 + sqrt(2)*abs(grad))")
    assert result.return_value == 1
    assert "counterexample: loss " in result.stdout
    assert " +/- " in result.stdout


def test_what_is_neither_proved_nor_refuted_is_undecided() -> None:
    options = ["--scheme", "gd-schedule", "--set", "r(t)=decay(3, 1/10)", "--order", "0", "--says", "theta: -r*grad"]
    result = run(*options)
    assert result.return_value == 2
    assert "piecewise" in result.stdout


def test_a_formula_that_no_rational_point_reaches_is_proved() -> None:
    """sqrt(1 - eps/(g^2 + eps)) = |g|/sqrt(g^2 + eps)."""
    result = run("--scheme", "rmsprop", "--order", "0", "--says", "theta: -sign(grad)*sqrt(1 - eps/(grad**2+eps))")
    assert result.return_value == 0


@pytest.mark.parametrize("says, is_map", [
    ("theta: -grad/(1-beta) - gamma*beta/(1-beta)**3*hess(grad)", True),
    ("theta: -grad/(1-beta) - gamma*beta/(1-beta)**2*hess(grad)", False),
])  # fmt: skip
def test_the_memoryless_map_claimed_as_the_flow_is_named(says: str, is_map: bool) -> None:
    text = run("--scheme", "momentum", "--order", "1", "--says", says).stdout
    assert "refuted at gamma^1" in text
    assert ("the claim is the memoryless map" in text) == is_map


def test_a_claim_about_a_map_is_confirmed_or_refuted_on_one(tmp_path: Path) -> None:
    """The counterexample states the map, and the numbers are those of its derivative there."""
    file = tmp_path / "s.toml"
    file.write_text('name = "s"\nupdate = "theta = theta - gamma*P(grad(theta))"\n[functions]\nP = "componentwise"\n')
    right = "theta: -P(grad) - gamma/2*dP(grad)*hess(P(grad))"
    assert "every map of its kind" in run("--scheme", str(file), "--says", right).stdout
    printed = "θ' = - P(∇L) - γ/2 dP(∇L) ⊙ ∇²L[P(∇L)]"
    assert "confirmed" in run("--scheme", str(file), "--says", printed).stdout
    wrong = run("--scheme", str(file), "--says", right.replace("/2", "/3"))
    assert "refuted at gamma^1" in wrong.stdout
    assert re.search(r"counterexample: loss [^,]*, P\(u\) = u [^,]*, at x = ", wrong.stdout)
    assert "correct at gamma^1: -1/2*dP(grad)*hess(P(grad))" in wrong.stdout
