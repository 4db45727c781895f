"""Claims against exact orbits at random points: the comparison, what is small, what is said, and one step."""

from __future__ import annotations

import random
from typing import Any

import pytest
from claims_about import GD, claim_of, says
from flint import arb, fmpq

from derive import configure, inline_scheme, load_scheme, modified_equation
from derive.language import parse_expression, unparse
from verify.counterexample.claimed import ClaimedField, claimed_values, memory_values, values_at
from verify.counterexample.comparison import Comparison, Examined, Mismatch, compare, examine, examine_random
from verify.counterexample.given import GivenLoss, check_given_loss
from verify.counterexample.one_step import StepOrder, step_order
from verify.counterexample.parameters import parameter_values
from verify.counterexample.samples import random_sample
from verify.counterexample.smaller import smaller
from verify.counterexample.wording import counterexample_json, counterexample_text, loss_text
from verify.numbers.precision import precision
from verify.orbits.slow_series import NotSlow, Sample
from verify.problems.problem import Problem

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
    twice = [(parse_expression("2", "coefficient"), parse_expression("theta", "term"))]
    moved = ClaimedField(claim.configuration, claim.terms, {"theta_prev": twice})
    assert memory_values(moved, values_at(sample)) == {"theta_prev": list(sample.problem.point)}


def test_scalar_memory() -> None:
    """One averaged number for all components: G = |g|^2 at gamma = 0."""
    equation = modified_equation("rmsprop-scalar", 1)
    claim = claim_of(equation)
    sample = random_sample(claim, next(parameter_values(equation.configuration, 0)), random.Random(1), 2, 2)
    (g,) = memory_values(claim, values_at(sample)).values()
    assert g == sum((x * x for x in sample.problem.gradient(sample.problem.point)), fmpq(0))
    assert not compare(claim).refuted


@pytest.mark.parametrize("kind", [ClaimedField, Mismatch, Examined, Comparison, GivenLoss, StepOrder])
def test_what_was_found_does_not_change(kind: Any) -> None:
    assert kind.__dataclass_params__.frozen


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
    assert ClaimedField(whole.configuration, whole.terms).memory == {}


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


def test_what_no_small_loss_shows_stays_as_it_was_found() -> None:
    """The fourth derivative of a quadratic vanishes."""
    claim = says(GD, "-grad", "-hess(grad)/2 + d4(grad, grad, grad)")
    mismatch = compare(claim).mismatches[0]
    assert smaller(claim, mismatch) is mismatch


def test_a_point_where_the_text_has_no_value_is_not_moved_to() -> None:
    claim = says("theta = theta - gamma*grad(theta)/theta", "-2*grad/theta")
    small = smaller(claim, compare(claim).mismatches[0])
    assert small.sample.problem.dimension == 1
    assert small.claimed == 2 * small.true != 0


def test_losses_are_written_from_their_point() -> None:
    loss = lambda x: loss_text(Mismatch("theta", 0, 0, 1, 2, Sample(Problem((fmpq(x),), {(1,): fmpq(2), (2,): fmpq(1)}), {})))
    assert [loss(x) for x in (0, 1, -1)] == ["2*x + x**2", "2*(x - 1) + (x - 1)**2", "2*(x + 1) + (x + 1)**2"]


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
    cases: list[tuple[str, dict[str, Any]]] = [("momentum", {"regime": "inertial"}), ("adagrad-norm", {}), ("gd-schedule", {})]
    cases += [("gd-schedule", {"settings": {"r(t)": r}}) for r in ("1/(1+t)", "cos(t)")]
    for name, options in cases:
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
    late = compare(claim_of(modified_equation("rk4", 0)))
    assert late.step.remark == "f_3 vanishes too: the next non-zero part of the field is f_4"
    mixed = inline_scheme("S = S + gamma; theta = theta - gamma*grad((theta + theta_next)/2)")
    assert compare(claim_of(modified_equation(mixed, 0))).step.first_nonzero_power == 3  # S follows S' = 1 exactly
    sign = compare(claim_of(modified_equation("sign-descent", 1)))
    assert sign.step.first_nonzero_power is None
    assert sign.step.remark == "f_2 to f_6 vanish too: the truncated field is as good as exact here"


def test_step_and_flow_of_a_constant() -> None:
    """theta' = 2 + gamma (-grad - 3): the flow moves by the constants alone at first."""
    update = "theta = theta + gamma*(2 - gamma*(grad(theta) + 3))"
    right = compare(says(update, "2", "-grad - 3"))
    assert right.step.first_nonzero_power == 3
    assert compare(says(update, "2 - 1/1000", "-grad - 3")).step.first_nonzero_power == 1


def test_step_and_flow_with_a_schedule() -> None:
    """r moves along the step: at t + gamma tau, not at t."""
    equation = modified_equation("momentum-schedule", 2)
    assert compare(claim_of(equation)).step.first_nonzero_power == 4


def test_a_comparison_keeps_its_samples() -> None:
    claim = claim_of(modified_equation("gd", 0))
    with precision(100):
        e = examine_random(claim, {}, random.Random(1), 1, 2, 1, balls=True)
    assert e.radius is not None
    wide = Examined(e.claim, e.sample, e.orbit, {"theta": [[arb(0, 0.5)]]})
    assert Comparison(claim, (e,)).radius == e.radius
    assert Comparison(claim, (wide, e)).radius == wide.radius > e.radius
    exact = examine(claim, e.sample, 1)
    assert exact.radius is None
    assert not exact.mismatches
