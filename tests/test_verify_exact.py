"""The exact route: every catalogue scheme is proved; what it rests on is tested part by part; wrong claims are refuted."""

from __future__ import annotations

import json
import random
from fractions import Fraction
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flint import arb, fmpq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from derive import configure, inline_scheme, load_scheme, modified_equation
from derive.scheme import catalogue
from verify.commands.main import main
from verify.exact.claimed import claimed_field
from verify.exact.given import check_given_loss
from verify.exact.proof import verify_exactly
from verify.exact.refutation import solved_coefficients
from verify.exact.samples import square_point
from verify.exact.study import Effort
from verify.exact.support import Supports
from verify.exact.term_algebra import TermAlgebra
from verify.exact.terms import ONE, symbol
from verify.numbers.kinds import FRACTIONS, MPMATH
from verify.numbers.power_series import IrrationalRoot, Series, SingularSeries, integer_root, rational_power
from verify.orbits.run import Runner
from verify.orbits.slow_series import NotSlow, Sample, SlowOrbit
from verify.problems.polynomials import multiply, shifted
from verify.problems.problem import Problem, problem_of
from verify.problems.random_problem import random_problem

REGIMES = [(n, r) for n in catalogue() for r in (list(load_scheme(n).regimes) or [None])]
#: hundreds of terms at gamma^3: one choice of parameter values here, two by default
LARGE = {"adam-weight-decay", "adamw", "adamw-inside", "adamw-bias-corrected", "adan", "ademamix", "lion"}


def order_of(name: str) -> int:
    """Through gamma^3, but for one with 769 terms, which takes 40 seconds a choice of parameters."""
    return 2 if name == "adam-weight-decay" else 3


@pytest.mark.parametrize("name, regime", REGIMES)
def test_every_catalogue_scheme_is_proved(name: str, regime: str | None) -> None:
    order = order_of(name)
    equation = modified_equation(name, order, regime=regime)
    claim = claimed_field(equation.to_json()["equations"])
    result = verify_exactly(equation.configuration, claim, Effort(sets=1 if name in LARGE else 2))
    assert result.proved, [m.power for m in result.mismatches]
    assert result.rank == result.rank_needed
    assert result.first_nonzero_power == order + 2 or result.remark


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


@given(st.integers(0, 10**6), st.tuples(coefficient, coefficient, coefficient).filter(lambda c: c[0] > 0))
@settings(max_examples=40, deadline=None)
def test_square_points_are_square(seed: int, c: tuple[Fraction, ...]) -> None:
    f = lambda x: sum((fmpq(k.numerator, k.denominator) * x**i for i, k in zip((2, 1, 0), c, strict=True)), fmpq(0))
    x = square_point(f, random.Random(seed))
    if x is not None and f(x) >= 0:
        assert rational_power(f(x), Fraction(1, 2)) ** 2 == f(x)


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


def test_one_program_runs_on_every_type_of_number() -> None:
    configuration = configure(load_scheme("nesterov"), settings={"beta": "1/3"})
    results = []
    for numbers, gamma, x in (
        (FRACTIONS, Fraction(1, 8), Fraction(1, 2)),
        (MPMATH, MPMATH.lift(Fraction(1, 8)), MPMATH.lift(Fraction(1, 2))),
    ):
        runner = Runner(configuration, lambda t: [t[0] ** 3], {}, numbers)
        state = runner.at_rest([x], gamma)
        for _ in range(3):
            state = runner.step(state, gamma)
        results.append(float(state["theta"][0]))
    assert results[0] == pytest.approx(results[1], rel=1e-14)


# ------------------------------------------------------------------------------------------ terms


def test_terms_found_for_adam_are_the_published_count() -> None:
    """1, 2, 8, 31 terms (design, section 2: 31 at the last order)."""
    values = {"beta1": Fraction(1, 2), "beta2": Fraction(3, 4), "eps": Fraction(1, 9)}
    supports = Supports(configure(load_scheme("adam")), ("theta",), values, 4)
    assert [len(s) for s in supports.states["theta"].higher] == [1, 2, 8, 31]


def test_trees_with_k_nodes() -> None:
    """A000081: 1, 1, 2, 4, 9, 20."""
    supports = Supports(configure(load_scheme("gd")), ("theta",), {}, 6)
    assert [len(s) for s in supports.states["theta"].higher] == [1, 1, 2, 4, 9, 20]


def test_rules_replace_equals_by_equals() -> None:
    """g^2/(g^2+eps)^(3/2) = (g^2+eps)^(-1/2) - eps (g^2+eps)^(-3/2);   1/(|g| (|g|+c)) = (1/|g| - 1/(|g|+c))/c."""
    a = TermAlgebra("L", set(), separate=True)
    inside = {symbol("grad", 2): fmpq(1), ONE: fmpq(1, 4)}
    left = a.multiply({symbol("grad", 2): fmpq(1)}, a.power(inside, Fraction(-3, 2)))
    right = a.power(inside, Fraction(-1, 2))
    for t, c in a.power(inside, Fraction(-3, 2)).items():
        right[t] = right.get(t, fmpq(0)) - c / 4
    assert left == right
    b = TermAlgebra("L", set(), separate=True)
    size = b.power({symbol("grad", 2): fmpq(1)}, Fraction(1, 2))
    shifted_size = {**size, ONE: fmpq(3)}
    inverse = lambda x: b.power(x, Fraction(-1))
    product = b.multiply(inverse(size), inverse(shifted_size))
    expected = {t: c / 3 for t, c in inverse(size).items()}
    for t, c in inverse(shifted_size).items():
        expected[t] = expected.get(t, fmpq(0)) - c / 3
    assert product == expected


def test_solved_coefficients_are_the_derived_ones() -> None:
    equation = modified_equation("momentum", 2, settings={"beta": "1/2"})
    result = verify_exactly(equation.configuration, claimed_field(equation.to_json()["equations"]))
    study = result.studies[0]
    solved = solved_coefficients(study, "theta", 2)
    assert solved is not None
    assert {study.supports.algebra.text(t): c for t, c in solved.items()} == {
        "d3(grad, grad)": Fraction(-50, 3), "hess(hess(grad))": Fraction(-104, 3)
    }  # fmt: skip


@given(st.integers(-3, 3), st.integers(-3, 3), st.sampled_from(["1/3", "2/3", "1/2"]))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_random_schemes_are_proved(a: int, b: int, beta: str) -> None:
    text = f"g = grad(theta + {a}*gamma*theta/7); v = {beta}*v - gamma*g - {b}*gamma**2*g; theta = theta + v + {b}*gamma*g"
    equation = modified_equation(inline_scheme(text), 2)
    result = verify_exactly(equation.configuration, claimed_field(equation.to_json()["equations"]))
    assert not result.refuted


# ------------------------------------------------------------------------------------------ losses that are named


@pytest.mark.parametrize("name, loss, exact", [
    ("momentum", "x**4/4 + x*y**2", True),  # polynomial, no root
    ("adam", "x**3/3 + x*y", True),  # the root is |grad|
    ("rmsprop", "x**4/4 + x*y**2", False),  # irrational roots: balls
    ("momentum", "exp(x)*cos(y) + log(3 + x*y)", False),
])  # fmt: skip
def test_a_named_loss_is_compared_exactly_or_in_balls(name: str, loss: str, exact: bool) -> None:
    equation = modified_equation(name, 2)
    values = {n: Fraction(1, 3 + i) for i, n in enumerate(equation.configuration.free)}
    supports = Supports(equation.configuration, tuple(equation.equations), values, 1)
    data = equation.to_json()["equations"]
    found = check_given_loss(supports, claimed_field(data), loss, digits=40)
    assert found.confirmed
    assert (found.radius is None) == exact
    assert exact or (found.radius or 1) < 1e-40
    data["theta"][2]["terms"][-1]["coefficient"] += " + 1/1000"
    wrong = check_given_loss(supports, claimed_field(data), loss, digits=40)
    assert [m.power for m in wrong.mismatches][:1] == [2]


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
