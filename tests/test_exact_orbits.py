"""What exact comparisons rest on: power series, losses, orbits; and the command that runs every route."""

from __future__ import annotations

import io
import json
import random
from fractions import Fraction
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flint import arb, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from derive import configure, inline_scheme, load_scheme, modified_equation
from derive.equation import ModifiedEquation
from verify.commands.main import main
from verify.commands.text import print_verification
from verify.counterexample.claimed import claimed_field
from verify.counterexample.comparison import compare
from verify.numbers.kinds import FRACTIONS, MPMATH
from verify.numbers.power_series import IrrationalRoot, Series, SingularSeries, integer_root, rational_power
from verify.orbits.run import Runner
from verify.orbits.slow_series import NotSlow, Sample, SlowOrbit
from verify.problems.polynomials import multiply, shifted
from verify.problems.problem import Problem, problem_of
from verify.problems.random_problem import random_problem
from verify.verification import Options, verify_scheme

# ------------------------------------------------------------------------------------------ power series


coefficient = st.fractions(-4, 4, max_denominator=6)


@given(st.lists(coefficient, min_size=4, max_size=4), st.lists(coefficient, min_size=4, max_size=4))
def test_series_form_a_field_as_far_as_they_are_known(a: list[Fraction], b: list[Fraction]) -> None:
    x, y = (Series([fmpq(c.numerator, c.denominator) for c in s]) for s in (a, b))
    general = Series._general([arb(fmpq(c.numerator, c.denominator)) for c in a])
    assert (x * y - y * x).coefficients() == [0] * 4
    assert all((u - v).contains(0) for u, v in zip((general * y).coefficients(), (x * y).coefficients(), strict=True))
    if b[0]:
        assert ((x / y) * y).coefficients() == x.coefficients()
        assert (y.power(Fraction(-2)) * y * y).coefficients() == [1, 0, 0, 0]
        root = (y * y).power(Fraction(1, 2))
        assert (root * root).coefficients() == (y * y).coefficients()
        assert root[0] > 0


def test_roots_are_exact_or_refused() -> None:
    assert [integer_root(n, 3) for n in (0, 1, 8, 9, 10**30)] == [0, 1, 2, None, 10**10]
    with pytest.raises(IrrationalRoot):
        rational_power(fmpq(2), Fraction(1, 2))
    with pytest.raises(IrrationalRoot):
        rational_power(fmpq(-1), Fraction(1, 2))
    with pytest.raises(SingularSeries):
        Series([fmpq(0), fmpq(1)]).power(Fraction(1, 2))


# ------------------------------------------------------------------------------------------ losses


@given(st.integers(0, 10**6), st.integers(1, 3))
@settings(max_examples=25, deadline=None)
def test_derivatives_are_those_of_the_polynomial(seed: int, dimension: int) -> None:
    """hess(u) and d3(u, v) against differences of the gradient along u, exact because the loss is a polynomial of degree 3."""
    source = random.Random(seed)
    problem = random_problem(source, dimension, 3)
    u = [fmpq(source.randint(-5, 5), 3) for _ in range(dimension)]
    line = lambda s: [Series([p, x * s]) for p, x in zip(problem.point, u, strict=True)]
    slope = [g[1] for g in problem.gradient(line(fmpq(1)))]
    assert slope == problem.tensor(problem.point, [u], None)
    quadratic = [Series([p, x, fmpq(0)]) for p, x in zip(problem.point, u, strict=True)]
    assert [2 * g[2] for g in problem.gradient(quadratic)] == problem.tensor(problem.point, [u, u], None)


def test_given_losses_are_read_exactly_or_as_balls() -> None:
    exact = problem_of("x**4/4 + x*y**2", [fmpq(1, 2), fmpq(1, 3)], 4)
    assert exact.gradient(exact.point) == [fmpq(17, 72), fmpq(1, 3)]
    ball = problem_of("exp(x)*cos(y)", [fmpq(1, 2), fmpq(1, 3)], 3)
    assert all(b.overlaps(arb(fmpq(1, 2)).exp() * w) for b, w in zip(
        ball.gradient(ball.point), (arb(fmpq(1, 3)).cos(), -arb(fmpq(1, 3)).sin()), strict=True
    ))  # fmt: skip
    square = {(1, 0): fmpq(1), (0, 1): fmpq(2)}
    assert shifted(multiply(square, square), [fmpq(0), fmpq(0)]) == {(2, 0): 1, (1, 1): 4, (0, 2): 4}


# ------------------------------------------------------------------------------------------ orbits and steps


def test_heavy_ball_by_hand() -> None:
    """design, section 2: f_1 = -(1+beta)/(2(1-beta)^3) hess grad; v = -gamma g/(1-beta) - gamma^2 Hg/(1-beta)^3."""
    configuration = configure(load_scheme("momentum"))
    beta, g, h = fmpq(1, 3), fmpq(5, 2), fmpq(7)
    sample = Sample(Problem((fmpq(0),), {(1,): g, (2,): h / 2}), {"beta": beta})
    orbit = SlowOrbit(configuration, sample, ("theta",), {"v": [fmpq(0)]}, 1).find()
    assert orbit.fields["theta"][0] == [-g / (1 - beta)]
    assert orbit.fields["theta"][1] == [-(1 + beta) / (2 * (1 - beta) ** 3) * h * g]
    assert orbit.start["v"][0][:3] == [0, -g / (1 - beta), -h * g / (1 - beta) ** 3]


def test_a_wrong_first_guess_of_the_memory_is_noticed() -> None:
    configuration = configure(load_scheme("ema-momentum"))
    sample = Sample(Problem((fmpq(0),), {(1,): fmpq(2), (2,): fmpq(3)}), {"beta": fmpq(1, 3)})
    with pytest.raises(NotSlow):
        SlowOrbit(configuration, sample, ("theta",), {"m": [fmpq(1)]}, 1).find()


def test_a_text_that_divides_by_gamma_is_not_misread() -> None:
    """Every step is known to one power less: what is not known is not taken for zero."""
    text = "g = grad(theta); theta = theta - gamma*(g + (grad(theta + gamma*g) - g)/gamma)"
    sample = Sample(Problem((fmpq(0),), {(1,): fmpq(2), (2,): fmpq(3)}), {})
    with pytest.raises(SingularSeries, match="divides by gamma"):
        SlowOrbit(configure(inline_scheme(text)), sample, ("theta",), {}, 1).find()


def test_one_program_runs_on_every_type_of_number() -> None:
    configuration = configure(load_scheme("nesterov"), settings={"beta": "1/3"})
    results = []
    for numbers, gamma, x in (
        (FRACTIONS, Fraction(1, 8), Fraction(1, 2)),
        (MPMATH, MPMATH.lift(Fraction(1, 8)), MPMATH.lift(Fraction(1, 2))),
    ):
        runner = Runner(configuration, lambda t: [t[0] ** 3], {}, numbers)
        state = runner.at_rest({"theta": [x]}, gamma)
        for _ in range(3):
            state = runner.step(state, gamma)
        results.append(float(state["theta"][0]))
    assert results[0] == pytest.approx(results[1], rel=1e-14)


# ------------------------------------------------------------------------------------------ command


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), standalone_mode=False)


def test_the_command_reports_every_route(tmp_path: Any) -> None:
    path = tmp_path / "c.json"
    result = run("scheme", "momentum", "--order", "2", "--digits", "20", "--format", "json", "-o", str(path))
    assert result.return_value == 0
    data = json.loads(result.stdout)
    assert (data["verdict"], data["proof"]["verdict"], data["proof"]["dimension"]) == ("verified", "proved", 3)
    assert data["proof"]["bound"] < -100
    assert [round(s, 3) for s in data["slopes"]] == [1, 2, 3]
    assert all(c["agrees"] for c in data["recovered"])
    assert data["quadratic"]["confirmed"]
    assert run("certificate", str(path)).return_value == 0
    path.write_text(path.read_text().replace('"-1/(1 - beta)"', '"-2/(1 - beta)"'))
    assert run("certificate", str(path)).return_value == 1


def test_text_output() -> None:
    result = run("scheme", "sign-descent", "--order", "1", "--digits", "20")
    assert result.return_value == 0
    assert "proved for all parameter values in their ranges, every smooth loss, every dimension" in result.stdout
    assert result.stdout.rstrip().endswith("verdict: verified")


SIGNS = "theta = theta - gamma*(" + "*".join(f"sign(grad(theta) + {k})" for k in range(1, 7)) + " + theta)"


def without_proof(update: str) -> ModifiedEquation:
    """An equation with more classes of signs than the proof visits."""
    return modified_equation(inline_scheme(update), 1)


@pytest.mark.parametrize("update, where, exact", [
    (SIGNS, "\nExact orbits at rational points\n", True),
    (SIGNS.replace("+ theta)", "+ sqrt(2)*theta)"), "\nOrbits in balls at random points\n", False),
])  # fmt: skip
def test_without_a_proof_orbits_are_compared(update: str, where: str, exact: bool) -> None:
    found = verify_scheme(without_proof(update), Options(digits=15))
    assert found.verdict == "not proved"
    assert found.exact is not None
    assert not found.exact.refuted
    assert (found.exact.radius is None) == exact
    out = io.StringIO()
    print_verification(found, out)
    assert where in out.getvalue()
    assert f"f_0 to f_1 are the scheme's own at {len(found.exact.examined)} points, " in out.getvalue()
    assert ("one step minus Taylor flow: zero through gamma^2, then not" in out.getvalue()) == exact
    data = found.to_json()
    assert data["exact_first_nonzero_power"] == (3 if exact else None)
    assert data["counterexample"] is None
    assert not {"rank", "rank_needed"} & set(data)


def test_a_refuted_equation_comes_with_a_counterexample(monkeypatch: pytest.MonkeyPatch) -> None:
    equation = modified_equation("momentum", 1)
    data = equation.to_json()
    data["equations"]["theta"][1]["terms"][0]["coefficient"] += " + 1"
    monkeypatch.setattr(ModifiedEquation, "to_json", lambda self: data)
    found = verify_scheme(equation, Options(digits=15))
    assert {"proof", "exact"} <= set(found.refuted_by)
    out = io.StringIO()
    print_verification(found, out)
    assert "  refuted at gamma^1: loss " in out.getvalue()
    report = found.to_json()
    assert report["counterexample"]["power"] == 1
    assert list(report["counterexample"]["point"]) == ["x"]
    assert report["exact_first_nonzero_power"] == 2
    assert "already at gamma^2" in report["exact_remark"]


#: Kidambi et al. 2018, in pytorch_optimizer's lines: an average of theta that theta reads at the same power of gamma
ACCSGD = "g = grad(theta); m = beta*((1/beta - 1)*m - kappa*gamma*g + theta); theta = zeta*(theta - gamma*g) + (1 - zeta)*m"
BALLS_TOO = ACCSGD.replace("kappa", "sqrt(2)*kappa")


@pytest.mark.parametrize("order, update", [(0, ACCSGD), (2, ACCSGD), (1, BALLS_TOO)])
def test_memory_and_theta_that_move_each_other_at_once(order: int, update: str) -> None:
    """The orbit is found, the equation holds on it, and one with a coefficient changed fails at its power."""
    equation = modified_equation(inline_scheme(update), order)
    data = equation.to_json()
    claim = claimed_field(equation.configuration, data["equations"], data["memory"])
    assert not compare(claim, points=1).refuted
    data["equations"]["theta"][order]["terms"][0]["coefficient"] += " + 1/1000"
    wrong = claimed_field(equation.configuration, data["equations"], data["memory"])
    assert {m.power for m in compare(wrong, points=1).mismatches} == {order}


def test_accelerated_sgd_is_verified_by_every_route() -> None:
    found = verify_scheme(modified_equation(inline_scheme(ACCSGD), 1), Options(digits=15))
    assert found.verdict == "verified"
    assert found.table.slopes == pytest.approx([1, 2], abs=0.05)
