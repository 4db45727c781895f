"""Parameters, random samples, and numbers changed until every root is rational."""

from __future__ import annotations

import random
from fractions import Fraction
from math import isqrt

import pytest
from claims_about import GD, claim_of, says
from flint import arb, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from derive import configure, inline_scheme, load_scheme, modified_equation
from derive.errors import UsageError
from derive.language import parse_expression
from verify.counterexample.claimed import claimed_values
from verify.counterexample.comparison import compare
from verify.counterexample.parameters import POSITIVE, UNIT, parameter_values, settings_of
from verify.counterexample.roots import radicand, square_point, take_roots, with_rational_roots
from verify.counterexample.samples import NoRationalPoint, as_balls, random_number, random_sample, taylor
from verify.numbers.kinds import BALLS, EXACT
from verify.numbers.power_series import IrrationalRoot, rational_power, to_fmpq
from verify.orbits.slow_series import Sample
from verify.problems.problem import Problem

# ------------------------------------------------------------------------------------------ parameters


def test_parameters_lie_in_their_ranges_and_differ() -> None:
    configuration = configure(load_scheme("adam"))
    found = list(parameter_values(configuration, 3))
    assert len(found) > 40
    assert len({tuple(v.values()) for v in found}) == len(found)
    for values in found:
        assert list(values) == list(configuration.free)
        assert len(set(values.values())) == len(values)
        assert {values["beta1"], values["beta2"]} <= set(map(to_fmpq, UNIT))
        assert values["eps"] in map(to_fmpq, POSITIVE)
    assert any(v["eps"] > 1 for v in found)
    assert list(parameter_values(configuration, 3)) == found != list(parameter_values(configuration, 4))


def test_values_to_choose_from() -> None:
    """Inside the unit interval, or positive; enough of them are squares, so that products of conditions are met."""
    assert all(0 < v < 1 for v in UNIT)
    assert all(v > 0 for v in POSITIVE)
    assert min(POSITIVE) < 1 < max(POSITIVE)
    for values in (UNIT, POSITIVE):
        assert len(set(values)) == len(values) >= 10
    square = lambda v: isqrt(v.numerator) ** 2 == v.numerator and isqrt(v.denominator) ** 2 == v.denominator
    assert sum(square(1 - v) for v in UNIT) >= 4
    assert sum(map(square, POSITIVE)) >= 5


def test_without_parameters_there_is_one_choice() -> None:
    assert list(parameter_values(configure(load_scheme("gd")), 0)) == [{}]
    assert settings_of({}) == "no free parameters"
    assert settings_of({"a": fmpq(1), "b": fmpq(1, 2)}) == "a = 1, b = 1/2"


def test_more_parameters_than_values() -> None:
    names = [f"mu{k}" for k in range(12)]
    configuration = configure(inline_scheme(f"theta = theta - gamma*({' + '.join(names)})*grad(theta)"))
    assert set(next(parameter_values(configuration, 0))) == set(names)


# ------------------------------------------------------------------------------------------ samples


def test_random_numbers_are_positive_and_not_one() -> None:
    """At one, every power of a number is the number."""
    source = random.Random(1)
    found = [random_number(source) for _ in range(300)]
    assert all(x > 0 for x in found)
    assert fmpq(1) not in found
    assert fmpq(2) in found


def test_a_sample_has_what_the_claim_needs() -> None:
    equation = modified_equation("adam", 1, regime="inertial")
    claim = claim_of(equation)
    values = next(parameter_values(equation.configuration, 0))
    sample = random_sample(claim, values, random.Random(1), 2, 3)
    assert sample.problem.dimension == 2
    assert max(sum(e) for e in sample.problem.potential or {}) == 3
    assert set(sample.slow) == set(claim.slow) - {"theta"}
    assert all(len(v) == 2 and all(x > 0 for x in v) for v in sample.slow.values())
    assert sample.values == values
    assert not sample.functions


def test_scalars_of_the_scheme_are_numbers() -> None:
    equation = modified_equation("adagrad-norm", 1)
    claim = claim_of(equation)
    assert claim.scalars == {"S"}
    sample = random_sample(claim, next(parameter_values(equation.configuration, 0)), random.Random(1), 3, 2)
    assert isinstance(sample.slow["S"], fmpq)
    found = claimed_values(claim, as_balls(sample))
    assert {x: [len(v) for v in vectors] for x, vectors in found.items()} == {"theta": [3, 3], "S": [1, 1]}


def test_time_functions_that_are_set_are_taken_at_their_word() -> None:
    """r(t) = 1/(1+t) about t is 1/(1+t) - s/(1+t)^2 + ...; an open one may be anything."""
    set_, open_ = (claim_of(modified_equation("gd-schedule", 1, settings=s)) for s in ({"r(t)": "1/(1+t)"}, None))
    one, other = (random_sample(c, {}, random.Random(1), 1, 2) for c in (set_, open_))
    assert one.functions["r"] == [(-1) ** k / (1 + one.t) ** (k + 1) for k in range(4)]
    assert len(other.functions["r"]) == 4
    assert other.functions["r"][0] != 1 / (1 + other.t)
    assert not compare(set_).refuted


def test_a_function_that_is_not_rational_is_compared_in_balls() -> None:
    equation = modified_equation("gd-schedule", 1, settings={"r(t)": "cos(t)"})
    right, wrong = compare(claim_of(equation)), compare(claim_of(equation, ("theta", 1, 0, " + 1/1000")))
    assert not right.refuted
    assert right.radius is not None
    assert right.radius < 1e-40
    assert [m.power for m in wrong.mismatches][:1] == [1]


def test_taylor_coefficients() -> None:
    with pytest.raises(NoRationalPoint):
        taylor(parse_expression("exp(t)", "r", {"exp": 1}), fmpq(1), 2, EXACT)
    assert taylor(parse_expression("sqrt(t)", "r", {"sqrt": 1}), fmpq(4), 3, EXACT) == [2, fmpq(1, 4), fmpq(-1, 64)]
    balls = taylor(parse_expression("exp(2*t)", "r", {"exp": 1}), fmpq(1), 3, BALLS)
    assert all(b.overlaps(arb(2).exp() * c) and b.rad() < 1e-10 for b, c in zip(balls, (1, 2, 2), strict=True))


def test_a_piecewise_function_is_refused() -> None:
    equation = modified_equation("gd-schedule", 1, settings={"r(t)": "decay(3, 1/10)"})
    with pytest.raises(UsageError, match="piecewise"):
        compare(claim_of(equation))


def test_the_same_sample_in_balls() -> None:
    claim = claim_of(modified_equation("adagrad", 1))
    sample = random_sample(claim, {"eps": fmpq(1, 3)}, random.Random(2), 2, 3)
    balls = as_balls(sample)
    assert isinstance(balls.unit, arb)
    assert balls.numbers is BALLS
    assert sample.numbers is EXACT
    numbers = [*(balls.problem.potential or {}).values(), *balls.values.values(), *balls.slow["S"]]
    assert numbers
    assert all(isinstance(x, arb) for x in numbers)
    assert (balls.problem.potential or {}).keys() == (sample.problem.potential or {}).keys()
    field = Sample(Problem((fmpq(1),), None, ({(0,): fmpq(2), (1,): fmpq(1, 3)},)), {}, {}, fmpq(1), {"r": [fmpq(1, 3)]})
    assert as_balls(field).problem.potential is None
    assert as_balls(field).problem.components[0][1,].overlaps(arb(1) / 3)
    assert isinstance(as_balls(field).functions["r"][0], arb)


# ------------------------------------------------------------------------------------------ rational roots


coefficient = st.fractions(-4, 4, max_denominator=6)


@given(st.integers(0, 10**6), st.tuples(coefficient, coefficient, coefficient))
@settings(max_examples=25)
def test_square_points_are_square(seed: int, c: tuple[Fraction, ...]) -> None:
    f = lambda x: sum((to_fmpq(k) * x**i for i, k in zip((2, 1, 0), c, strict=True)), fmpq(0))
    x = square_point(f, random.Random(seed))
    if x is not None:
        assert rational_power(f(x), Fraction(1, 2)) ** 2 == f(x)
    elif c[0] == 0:
        assert c[1] == 0
    else:  # neither end of the parabola is a square
        for k in (c[0], c[2]):
            with pytest.raises(IrrationalRoot):
                rational_power(to_fmpq(k), Fraction(1, 2))


def test_square_points_of_hard_parabolas_are_searched_for() -> None:
    x = square_point(lambda x: 2 * x * x + 2, random.Random(1))  # x = 1
    assert x is not None
    assert rational_power(2 * x * x + 2, Fraction(1, 2)) > 0
    assert square_point(lambda x: 3 * x * x + 3, random.Random(1)) is None  # 3 a^2 + 3 b^2 is no square
    assert square_point(lambda x: x**3, random.Random(1)) is None
    assert square_point(lambda x: fmpq(4), random.Random(1)) is None


ROOTS = [
    ("g = grad(theta); theta = theta - gamma*g/sqrt(1/3 + g*g)", "-grad"),
    ("g = grad(theta); theta = theta - gamma*g/norm(g)", "-grad"),
    ("g = grad(theta); theta = theta - gamma*g*(1/5 + g*g)**(-3/2)", "-grad"),
    (GD, "-grad*sqrt(2/3 + grad**2)"),
    (GD, "-grad*sqrt(2 + theta + grad)"),
    ("theta = theta - gamma*field(theta)*sqrt(5 + field(theta))", "-field"),
]


@pytest.mark.parametrize("update, power", ROOTS)
def test_samples_are_changed_until_every_root_is_rational(update: str, power: str) -> None:
    claim = says(update, power)
    source = random.Random(5)
    sample = random_sample(claim, {}, source, 2, 2)
    with pytest.raises(IrrationalRoot):
        take_roots(claim, sample)
    found = with_rational_roots(claim, sample, source)
    take_roots(claim, found)
    assert found.problem.point == sample.problem.point
    assert found.problem.gradient(found.problem.point) != sample.problem.gradient(sample.problem.point)


def test_roots_of_slow_variables_are_repaired_in_them() -> None:
    claim = claim_of(modified_equation("adagrad", 1))
    source = random.Random(7)
    sample = random_sample(claim, {"eps": fmpq(1, 4)}, source, 2, 3)
    sample = Sample(sample.problem, sample.values, {"S": [fmpq(2), fmpq(3)]}, sample.t)
    found = with_rational_roots(claim, sample, source)
    assert found.problem == sample.problem
    assert all(rational_power(s, Fraction(1, 2)) > 0 for s in found.slow["S"])
    assert found.slow != sample.slow


@pytest.mark.parametrize("dimension", [1, 2])
def test_scalar_slow_variables_are_repaired(dimension: int) -> None:
    claim = claim_of(modified_equation("adagrad-norm", 1))
    source = random.Random(7)
    sample = random_sample(claim, {}, source, dimension, 3)
    sample = Sample(sample.problem, sample.values, {"S": fmpq(2)}, sample.t)
    found = with_rational_roots(claim, sample, source)
    assert rational_power(found.slow["S"], Fraction(1, 2)) > 0


def test_what_is_under_a_root_is_found_by_its_place() -> None:
    claim = says("g = grad(theta); theta = theta - gamma*g/sqrt(1 + g)", "-grad*sqrt(3 + grad)")
    sample = Sample(Problem((fmpq(0), fmpq(0)), {(1, 0): fmpq(3), (0, 1): fmpq(8), (1, 1): fmpq(1)}), {})
    assert [radicand(claim, sample, k) for k in range(2)] == [4, 9]
    with pytest.raises(IrrationalRoot):
        radicand(claim, sample, 3)  # an earlier root, sqrt(6), is irrational
    moved = Sample(sample.problem.with_gradient(0, fmpq(24)), {})
    assert radicand(claim, moved, 0) == 25


def test_a_field_takes_a_new_value_at_the_point() -> None:
    problem = Problem((fmpq(1), fmpq(2)), None, ({(0, 0): fmpq(3), (1, 0): fmpq(1)}, {(0, 1): fmpq(5)}))
    assert problem.with_gradient(1, fmpq(7)).gradient(problem.point) == [3, 7]
    assert problem.with_gradient(0, fmpq(7)).gradient(problem.point) == [7, 0]


def test_a_root_that_nothing_moves_asks_for_other_parameters() -> None:
    claim = says("theta = theta - gamma*sqrt(alpha)*grad(theta)", "-sqrt(alpha)*grad")
    sample = random_sample(claim, {"alpha": fmpq(2)}, random.Random(1), 1, 2)
    with pytest.raises(NoRationalPoint):
        with_rational_roots(claim, sample, random.Random(1))
    result = compare(claim)
    assert result.radius is None
    assert all(rational_power(e.sample.values["alpha"], Fraction(1, 2)) for e in result.examined)
