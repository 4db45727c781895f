"""Claims against exact orbits at random points: samples, comparison, what is small, what is said, and one step."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import pytest
from flint import arb, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from derive import configure, inline_scheme, load_scheme, modified_equation
from derive.errors import UsageError
from derive.language import parse_expression, unparse
from verify.counterexample.claimed import ClaimedField, claimed_field, claimed_values, memory_values, values_at
from verify.counterexample.comparison import Comparison, compare, examine, examine_random
from verify.counterexample.given import check_given_loss
from verify.counterexample.one_step import step_order
from verify.counterexample.parameters import POSITIVE, UNIT, parameter_values, settings_of
from verify.counterexample.roots import radicand, square_point, take_roots, with_gradient, with_rational_roots
from verify.counterexample.samples import NoRationalPoint, as_balls, random_sample, taylor
from verify.counterexample.smaller import smaller
from verify.counterexample.wording import counterexample_json, counterexample_text
from verify.numbers.kinds import BALLS, EXACT
from verify.numbers.power_series import IrrationalRoot, rational_power, to_fmpq
from verify.numbers.precision import precision
from verify.orbits.slow_series import NotSlow, Sample
from verify.problems.problem import Problem

GD = "theta = theta - gamma*grad(theta)"


def claim_of(equation: Any, *changes: tuple[str, int, int, str]) -> ClaimedField:
    """The claim made by an equation; each change (variable, power, number of the term, text) is added to a coefficient."""
    data = equation.to_json()
    for x, k, n, text in changes:
        data["equations"][x][k]["terms"][n]["coefficient"] += text
    return claimed_field(equation.configuration, data["equations"], data["memory"])


def says(update: str, *powers: str, settings: Any = None, memory: Any = None) -> ClaimedField:
    """The claim that theta' = f_0 + gamma f_1 + ... for an update text."""
    blocks = [{"power": k, "terms": [{"coefficient": "1", "term": p}]} for k, p in enumerate(powers)]
    limit = {m: [{"power": 0, "terms": [{"coefficient": "1", "term": t}]}] for m, t in (memory or {}).items()}
    return claimed_field(configure(inline_scheme(update), settings=settings), {"theta": blocks}, limit)


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


def test_without_parameters_there_is_one_choice() -> None:
    assert list(parameter_values(configure(load_scheme("gd")), 0)) == [{}]
    assert settings_of({}) == "no free parameters"
    assert settings_of({"a": fmpq(1), "b": fmpq(1, 2)}) == "a = 1, b = 1/2"


def test_more_parameters_than_values() -> None:
    names = [f"mu{k}" for k in range(12)]
    configuration = configure(inline_scheme(f"theta = theta - gamma*({' + '.join(names)})*grad(theta)"))
    assert set(next(parameter_values(configuration, 0))) == set(names)


# ------------------------------------------------------------------------------------------ samples


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


def test_scalar_slow_variables_are_repaired() -> None:
    claim = claim_of(modified_equation("adagrad-norm", 1))
    source = random.Random(7)
    sample = random_sample(claim, {}, source, 2, 3)
    sample = Sample(sample.problem, sample.values, {"S": fmpq(2)}, sample.t)
    found = with_rational_roots(claim, sample, source)
    assert rational_power(found.slow["S"], Fraction(1, 2)) > 0


def test_what_is_under_a_root_is_found_by_its_place() -> None:
    claim = says("g = grad(theta); theta = theta - gamma*g/sqrt(1 + g)", "-grad*sqrt(3 + grad)")
    sample = Sample(Problem((fmpq(0), fmpq(0)), {(1, 0): fmpq(3), (0, 1): fmpq(8), (1, 1): fmpq(1)}), {})
    assert [radicand(claim, sample, k) for k in range(2)] == [4, 9]
    with pytest.raises(IrrationalRoot):
        radicand(claim, sample, 3)  # an earlier root, sqrt(6), is irrational
    moved = Sample(with_gradient(sample.problem, 0, fmpq(24)), {})
    assert radicand(claim, moved, 0) == 25


def test_a_field_takes_a_new_value_at_the_point() -> None:
    problem = Problem((fmpq(1), fmpq(2)), None, ({(0, 0): fmpq(3), (1, 0): fmpq(1)}, {(0, 1): fmpq(5)}))
    assert with_gradient(problem, 1, fmpq(7)).gradient(problem.point) == [3, 7]
    assert with_gradient(problem, 0, fmpq(7)).gradient(problem.point) == [7, 0]


def test_a_root_that_nothing_moves_asks_for_other_parameters() -> None:
    claim = says("theta = theta - gamma*sqrt(alpha)*grad(theta)", "-sqrt(alpha)*grad")
    sample = random_sample(claim, {"alpha": fmpq(2)}, random.Random(1), 1, 2)
    with pytest.raises(NoRationalPoint):
        with_rational_roots(claim, sample, random.Random(1))
    result = compare(claim)
    assert result.radius is None
    assert all(rational_power(e.sample.values["alpha"], Fraction(1, 2)) for e in result.examined)


# ------------------------------------------------------------------------------------------ comparison


@pytest.mark.parametrize("name, regime, order", [
    ("gd", None, 2), ("momentum", "inertial", 1), ("nesterov-implicit", "memory", 1), ("rmsprop", "memory", 1),
    ("bdf2", None, 1), ("adagrad-norm", None, 1), ("gd-schedule", None, 1), ("nesterov-convex", "inertial", 1),
])  # fmt: skip
def test_right_claims_hold_and_wrong_ones_fail_at_their_power(name: str, regime: str | None, order: int) -> None:
    equation = modified_equation(name, order, regime=regime)
    right = compare(claim_of(equation))
    assert not right.refuted
    assert right.radius is None
    assert right.step.first_nonzero_power == order + 2
    assert right.step.remark == ""
    for x, k in ((x, k) for x in equation.equations for k in range(order + 1)):
        if equation.equations[x][k]:
            found = compare(claim_of(equation, (x, k, 0, " + 1/1000"))).mismatches
            assert {(m.variable, m.power) for m in found} == {(x, k)}
            assert all(m.claimed != m.true for m in found)


def test_how_many_samples_are_looked_at() -> None:
    right, wrong = (claim_of(modified_equation("momentum", 1), *c) for c in ([], [("theta", 1, 0, " + 1")]))
    seen: list[tuple[int, int]] = []
    result = compare(right, choices=3, points=2, progress=lambda *done: seen.append(done))
    assert len(result.examined) == 6
    assert seen == [(k, 6) for k in range(1, 7)]
    assert len({e.sample.values["beta"] for e in result.examined}) == 3
    assert len({str(e.sample.problem.potential) for e in result.examined}) == 6
    assert len(compare(wrong).examined) == 1
    assert len(compare(claim_of(modified_equation("gd", 1)), choices=3).examined) == 2
    assert compare(right, seed=1).examined[0].sample.problem != result.examined[0].sample.problem
    assert compare(right).examined[0].sample.problem == result.examined[0].sample.problem


def test_a_claim_that_holds_at_some_parameter_values_only() -> None:
    """The first values are those that samples begin with: the next ones show it."""
    configuration = configure(load_scheme("momentum"))
    first = next(parameter_values(configuration, 0))["beta"]
    claim = claim_of(modified_equation("momentum", 1), ("theta", 1, 0, f" + beta - {first}"))
    assert not compare(claim, choices=1).refuted
    assert compare(claim, choices=2).refuted


def test_the_lowest_power_comes_first() -> None:
    claim = claim_of(modified_equation("momentum", 2), ("theta", 2, 0, " + 1"), ("theta", 1, 0, " + 1"))
    assert [m.power for m in compare(claim).mismatches] == [1, 1, 2, 2]


def test_irrational_numbers_are_compared_in_balls() -> None:
    update = "g = grad(theta); theta = theta - gamma*g/(2 + sqrt(3)*abs(g))"
    right, wrong = says(update, "-grad/(2 + sqrt(3)*abs(grad))"), says(update, "-grad/(2 + sqrt(2)*abs(grad))")
    found = compare(right)
    assert not found.refuted
    assert found.radius is not None
    assert 0 < found.radius < 1e-40
    assert found.step.first_nonzero_power is None
    mismatch = compare(wrong).mismatches[0]
    assert isinstance(mismatch.true, arb)
    assert all(isinstance(c, fmpq) for c in (mismatch.sample.problem.potential or {}).values())
    small = smaller(wrong, mismatch)
    assert small.sample.problem.dimension == 1
    assert isinstance(small.true, arb)


def test_memory_in_balls() -> None:
    update = "v = v/2 - gamma*sqrt(2)*grad(theta); theta = theta + v"
    zero = {"v": "0*grad"}
    assert not compare(says(update, "-2*sqrt(2)*grad", "-12*hess(grad)", memory=zero)).refuted
    found = compare(says(update, "-2*sqrt(2)*grad", "-11*hess(grad)", memory=zero)).mismatches
    assert {m.power for m in found} == {1}


def test_where_nothing_has_a_value() -> None:
    with pytest.raises(ArithmeticError):
        compare(says(GD, "-grad/(grad - grad)"))


def test_a_wrong_memory_has_no_slow_orbit() -> None:
    update = "m = m/2 + grad(theta)/2; theta = theta - gamma*m"
    assert not compare(says(update, "-grad", "-3/2*hess(grad)", memory={"m": "grad"})).refuted
    with pytest.raises(NotSlow):
        compare(says(update, "-grad", "-3/2*hess(grad)", memory={"m": "2*grad"}))


def test_the_previous_point_is_held_as_a_difference() -> None:
    equation = modified_equation("bdf2", 0)
    claim = claim_of(equation)
    sample = random_sample(claim, {}, random.Random(1), 2, 2)
    assert memory_values(claim, values_at(sample)) == {"theta_prev": [0, 0]}
    with_sum = ClaimedField(claim.configuration, claim.terms, {"theta_prev": [(parse_expression("2", ""), parse_expression("theta", ""))]})
    assert memory_values(with_sum, values_at(sample)) == {"theta_prev": list(sample.problem.point)}


def test_a_claim_about_some_of_the_variables() -> None:
    equation = modified_equation("momentum", 1, regime="inertial")
    whole = claim_of(equation)
    part = ClaimedField(whole.configuration, {"theta": whole.terms["theta"]}, whole.memory, whole.slow)
    assert whole.complete
    assert not part.complete
    found = compare(part)
    assert not found.refuted
    assert found.step.first_nonzero_power is None
    assert part.through(0).order == 0
    assert part.through(0).slow == whole.slow


def test_roots_and_times_of_a_claim() -> None:
    claim = says(GD, "-grad*sqrt(1 + grad**2)/abs(grad)**3", "norm(grad)*(1 + t)**(1/3)")
    assert [unparse(r) for r in claim.roots] == ["sqrt(1 + grad**2)", "norm(grad)", "(1 + t)**(1/3)"]
    assert claim.timed
    assert not says(GD, "-grad").timed
    assert claim_of(modified_equation("nesterov-convex", 0)).timed
    assert claim_of(modified_equation("gd-schedule", 0)).timed


# ------------------------------------------------------------------------------------------ small and in words


def test_a_small_counterexample_is_about_the_origin_in_one_variable() -> None:
    claim = claim_of(modified_equation("momentum", 2), ("theta", 1, 0, " + 1"))
    first = compare(claim).mismatches[0]
    small = smaller(claim, first)
    assert (small.variable, small.power) == ("theta", 1)
    assert small.sample.problem.point == (0,)
    assert max(sum(e) for e in small.sample.problem.potential or {}) == 2
    assert small.sample.values == first.sample.values
    assert small.claimed - small.true == claimed_values(claim, small.sample)["theta"][1][0] - small.true
    assert any(m.true == small.true for m in examine(claim, small.sample, 2).mismatches)


def test_what_one_variable_hides_is_shown_in_two() -> None:
    """grad*hess(hess(grad)) = hess(grad)^2 in one dimension."""
    claim = says(GD, "-grad", "-hess(grad)/2 + grad*hess(hess(grad)) - hess(grad)*hess(grad)")
    small = smaller(claim, compare(claim).mismatches[0])
    assert small.sample.problem.dimension == 2
    assert small.sample.problem.point == (0, 0)


def test_a_claim_that_is_right_at_the_origin_is_refuted_elsewhere() -> None:
    claim = says(GD, "-grad + theta")
    small = smaller(claim, compare(claim).mismatches[0])
    assert small.sample.problem.dimension == 1
    assert small.sample.problem.point != (0,)
    assert small.claimed - small.true == small.sample.problem.point[0]


def test_the_words_can_be_checked_by_hand() -> None:
    """Gradient descent on -3 x + 9/2 x^2 at 0: g = -3, Hg = -27; f_1 = -Hg/2 = 27/2."""
    claim = says(GD, "-grad", "hess(grad)/2")
    small = smaller(claim, compare(claim).mismatches[0])
    assert counterexample_text(small) == (
        "loss -3*x + 9/2*x**2 at x = 0 (no free parameters): component x of the gamma^1 part of theta' is 27/2, "
        "the claim gives -27/2"
    )
    assert counterexample_json(small) == {
        "variable": "theta", "power": 1, "component": "x", "loss": "-3*x + 9/2*x**2", "point": {"x": "0"}, "parameters": {},
        "slow": {}, "claimed": "-27/2", "true": "27/2",
    }  # fmt: skip


def test_the_words_name_slow_variables_time_and_schedules() -> None:
    equation = modified_equation("gd-schedule", 1)
    claim = claim_of(equation, ("theta", 1, 0, " + 1"))
    small = smaller(claim, compare(claim).mismatches[0])
    r, dr = small.sample.functions["r"][:2]
    assert f"x = 0, t = {small.sample.t}, r = {r}, dr = {dr} (" in counterexample_text(small)
    data = counterexample_json(small)
    assert (data["t"], data["functions"]) == (str(small.sample.t), {"r": str(r), "dr": str(dr)})
    h, g = (small.sample.problem.potential or {})[2,] * 2, (small.sample.problem.potential or {})[1,]
    assert small.true == dr * g / 2 - r**2 * h * g / 2
    inertial = claim_of(modified_equation("momentum", 1, regime="inertial"), ("theta", 1, 0, " + 1"))
    found = smaller(inertial, compare(inertial).mismatches[0])
    assert f"at x = 0, eta = ({found.sample.slow['eta'][0]}) (lam = " in counterexample_text(found)
    scalar = claim_of(modified_equation("adagrad-norm", 1), ("theta", 1, 0, " + 1"))
    found = smaller(scalar, compare(scalar).mismatches[0])
    assert f"S = {found.sample.slow['S']} (" in counterexample_text(found)
    assert counterexample_json(found)["slow"] == {"S": str(found.sample.slow["S"])}


def test_fields_and_points_in_words() -> None:
    claim = says("theta = theta - gamma*field(theta)", "-field + theta")
    found = compare(claim).mismatches[0]
    x, y = found.sample.problem.point
    assert counterexample_text(found).count("; ") == 1
    assert f"(x {'-' if x > 0 else '+'} {abs(x)})" in counterexample_text(found)
    assert f" at x = {x}, y = {y} (" in counterexample_text(found)


# ------------------------------------------------------------------------------------------ named losses


@pytest.mark.parametrize("name, loss, exact", [
    ("momentum", "x**4/4 + x*y**2", True),  # polynomial, no root
    ("adam", "x**3/3 + x*y", True),  # the root is |grad|
    ("rmsprop", "x**4/4 + x*y**2", False),  # irrational roots: balls
    ("momentum", "exp(x)*cos(y) + log(3 + x*y)", False),
])  # fmt: skip
def test_a_named_loss_is_compared_exactly_or_in_balls(name: str, loss: str, exact: bool) -> None:
    equation = modified_equation(name, 2)
    values = {n: fmpq(1, 3 + i) for i, n in enumerate(equation.configuration.free)}
    found = check_given_loss(claim_of(equation), loss, digits=40, values=values)
    assert found.confirmed
    assert (found.radius is None) == exact
    assert exact or (found.radius or 1) < 1e-40
    assert found.to_json()["exact"] == exact
    assert ("exactly" in found.text) == exact
    wrong = check_given_loss(claim_of(equation, ("theta", 2, -1, " + 1/1000")), loss, digits=40, values=values)
    assert [m.power for m in wrong.mismatches][:1] == [2]
    assert not wrong.to_json()["confirmed"]
    assert f"f_2 of theta is {wrong.mismatches[0].true}, not {wrong.mismatches[0].claimed}" in wrong.text
    assert found.variables == ("x", "y")
    assert all(f"{v} = {x}" in found.text for v, x in zip("xy", found.point, strict=True))


def test_a_named_loss_with_slow_variables_a_schedule_and_a_field() -> None:
    for name, options in (("momentum", {"regime": "inertial"}), ("adagrad-norm", {}), ("gd-schedule", {}),
                          ("gd-schedule", {"settings": {"r(t)": "1/(1+t)"}}), ("gd-schedule", {"settings": {"r(t)": "cos(t)"}})):  # fmt: skip
        equation = modified_equation(name, 1, **options)
        assert check_given_loss(claim_of(equation), "x**4 + x*y - y**3", digits=20).confirmed, (name, options)
        wrong = claim_of(equation, ("theta", 1, 0, " + 1/1000"))
        assert not check_given_loss(wrong, "x**4 + x*y - y**3", digits=20).confirmed, (name, options)
    field = says("theta = theta + gamma*field(theta)", "field", "-dfield(field)/2")
    assert check_given_loss(field, "y + x**2; -sin(x)").confirmed
    assert check_given_loss(field, "y + x**2; -x").radius is None


def test_a_named_loss_without_an_expansion() -> None:
    with pytest.raises(ArithmeticError, match="no point tried"):
        check_given_loss(says("g = grad(theta); theta = theta - gamma*g/abs(g)", "-grad/abs(grad)"), "x*0 + 3")


# ------------------------------------------------------------------------------------------ one step against the flow


def test_step_and_flow_see_a_wrong_field() -> None:
    """The literal comparison by itself: a wrong f_1 shows at gamma^2."""
    equation = modified_equation("rmsprop", 1)
    claim, wrong = claim_of(equation), claim_of(equation, ("theta", 1, 0, " + 1/1000"))
    values = {"rho": fmpq(16, 25), "eps": fmpq(9, 4)}
    e = examine_random(claim, values, random.Random(1), 2, 4, 2)
    assert step_order(claim, [(e.sample, e.orbit)]).first_nonzero_power == 3
    found = step_order(wrong, [(e.sample, e.orbit)])
    assert found.first_nonzero_power == 2
    assert found.remark == "one step and the flow differ already at gamma^2"


def test_a_field_that_vanishes_beyond_the_order_is_remarked() -> None:
    """The leapfrog's odd orders vanish; sign descent follows theta' = -sign(grad) exactly."""
    leapfrog = compare(claim_of(modified_equation("momentum", 0, regime="leapfrog", settings={"lam": "0"})))
    assert leapfrog.step.first_nonzero_power is not None
    even = compare(claim_of(modified_equation("implicit-midpoint", 0)))
    assert even.step.first_nonzero_power == 3
    assert even.step.remark == "f_1 vanishes too: the next non-zero part of the field is f_2"
    sign = compare(claim_of(modified_equation("sign-descent", 1)))
    assert sign.step.first_nonzero_power is None
    assert sign.step.remark == "f_2 to f_6 vanish too: the truncated field is as good as exact here"


def test_step_and_flow_with_a_schedule() -> None:
    """r moves along the step: at t + gamma tau, not at t."""
    equation = modified_equation("momentum-schedule", 2)
    assert compare(claim_of(equation)).step.first_nonzero_power == 4


def test_a_comparison_keeps_its_samples() -> None:
    claim = claim_of(modified_equation("gd", 0))
    with precision(100):
        e = examine_random(claim, {}, random.Random(1), 1, 2, 1, balls=True)
    assert e.radius is not None
    assert Comparison(claim, (e,)).radius == e.radius
    exact = examine(claim, e.sample, 1)
    assert exact.radius is None
    assert not exact.mismatches
