"""The numerical routes: slopes to three decimals, coefficients recovered, the start from rest; each must be able to fail."""

from __future__ import annotations

import copy
import random
import re
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import mpmath
import pytest
from flint import arb, arb_mat, ctx, fmpq

from derive import configure, load_scheme, modified_equation
from derive.scheme import Configuration, inline_scheme
from verify.numbers.independence import independent
from verify.numbers.precision import precision
from verify.numeric import plane
from verify.numeric.plane import FIELD, LOSS, is_instructive, orbits_for_plot
from verify.numeric.recover import identify
from verify.numeric.routes import check_from_rest, check_slopes, recover_coefficients, rich_loss
from verify.numeric.slopes import SlopeTable, richardson
from verify.numeric.system import chosen_parameters
from verify.orbits.integrate import BlowUpError, Flow, SingularFieldError, integrate
from verify.orbits.slow_balls import NumericError
from verify.problems.landscape import Loss
from verify.verification import Options, verify_scheme

START = (Fraction(2, 5), Fraction(1, 3))


def _case(name: str, order: int, regime: str | None = None) -> tuple[Configuration, dict[str, Any]]:
    scheme = load_scheme(name)
    configuration = configure(scheme, regime, {f"{f}(t)": "1/(1 + t)" for f in scheme.functions})
    return configuration, modified_equation(scheme, order, regime=regime, settings=configuration.settings).to_json()


def _slopes(case: tuple[Configuration, Mapping[str, Any]], loss: Loss | None = None, **options: Any) -> SlopeTable:
    configuration, equation = case
    loss = loss or rich_loss(2, equation["order"] + 3)
    return check_slopes(configuration, equation, chosen_parameters(configuration), loss, START, **options)


def _perturbed(equation: Mapping[str, Any], variable: str, power: int, index: int) -> dict[str, Any]:
    """The equation with one coefficient larger by a thousandth of itself."""
    changed = copy.deepcopy(dict(equation))
    item = changed["equations"][variable][power]["terms"][index]
    item["coefficient"] = f"({item['coefficient']})*1001/1000"
    return changed


# ------------------------------------------------------------------------------------------ the integrator


def _field(x: Any) -> list[Any]:
    root = (x[0] * x[0] + 2) ** Fraction(-1, 3)
    return [x[1] * x[0] - x[0] ** 3 / 3, -x[0] + x[1] ** 2 / 2 + x[0].sin() * x[1].exp() / 9 + root]


def _field_in_mpmath(t: Any, x: Any) -> list[Any]:
    root = 1 / mpmath.cbrt(x[0] ** 2 + 2)
    return [x[1] * x[0] - x[0] ** 3 / 3, -x[0] + x[1] ** 2 / 2 + mpmath.sin(x[0]) * mpmath.exp(x[1]) / 9 + root]


def test_the_integrator_agrees_with_odefun() -> None:
    found = integrate(_field, [Fraction(7, 10), Fraction(3, 10)], Fraction(1, 2), 40)
    with mpmath.workdps(40):
        expected = mpmath.odefun(_field_in_mpmath, 0, [mpmath.mpf(7) / 10, mpmath.mpf(3) / 10])(mpmath.mpf(1) / 2)
        assert max(abs(a - b) for a, b in zip(found, expected, strict=True)) < mpmath.mpf(10) ** -36


@pytest.mark.parametrize("name", ["exp", "log", "sin", "cos", "sinh", "cosh", "tan", "tanh", "atan", "sqrt"])
def test_elementary_functions_by_their_recurrences(name: str) -> None:
    """y' = f(x), x' = 1: the Taylor coefficients of y are those of f, shifted and divided."""
    start = 1
    flow = Flow(lambda x: [[x[0] * 0 + 1, getattr(x[0], name)()]], 2)
    with precision(160):
        series = flow.coefficients([arb(start), arb(0)], 10, (1,))[1]
    with mpmath.workdps(30):
        expected = mpmath.taylor(getattr(mpmath, name), mpmath.mpf(start), 8)
    for k, c in enumerate(expected):
        assert abs(float(series[k + 1].mid()) * (k + 1) - float(c)) < 1e-12, k


def test_time_backwards_undoes_time_forwards() -> None:
    there = integrate(_field, [Fraction(1, 2), Fraction(1, 4)], Fraction(1, 3), 30)
    back = integrate(_field, there, Fraction(-1, 3), 30)
    assert abs(back[0] - 0.5) < 1e-28
    assert abs(back[1] - 0.25) < 1e-28


def test_a_planned_step_ends_where_an_unplanned_one_does() -> None:
    """Whatever the radius is said to be, the solution is the same: a wrong one only costs steps."""
    flow, start, time = Flow(lambda x: [_field(x)], 2), [Fraction(7, 10), Fraction(3, 10)], Fraction(1, 2)
    with precision(200):
        expected = flow.integrate(start, time, 40)
        for radius in (0.05, flow.radius(start), 50.0):
            found = flow.integrate(start, time, 40, radius=radius)
            assert max(abs(a - b) for a, b in zip(found, expected, strict=True)) < arb(10) ** -38, radius


@pytest.mark.parametrize(("field", "start", "time"), [
    (lambda x: [x[0] * x[0]], 1, 1), (lambda x: [x[0] ** 5], 1, Fraction(1, 4)), (lambda x: [x[0].exp()], 0, 1),
    (lambda x: [-x[0] * x[0]], -1, 1),
])  # fmt: skip
def test_a_solution_that_leaves_every_bound(field: Any, start: int, time: Fraction) -> None:
    """x' = x^2, x^5, e^x: the field is finite everywhere, and x is infinite at the time given."""
    with pytest.raises(BlowUpError, match=f"leaves every bound at time {float(time):.4g}$"):
        integrate(lambda x: field(x), [start], 2 * time, 20)


@pytest.mark.parametrize(("field", "start", "time", "place"), [
    (lambda x: [-1 / x[0]], 1, Fraction(1, 2), 0), (lambda x: [-1 / (x[0] - 5) ** 3], 6, Fraction(1, 4), 5),
    (lambda x: [-1 - x[0].sqrt()], 1, Fraction("0.61370563888"), 0), (lambda x: [1 / x[0]], 0, Fraction(0), 0),
])  # fmt: skip
def test_a_field_that_is_singular_on_the_way(field: Any, start: int, time: Fraction, place: int) -> None:
    """-1/x, -1/(x-5)^3 and -1-sqrt(x) (that reaches 0 at 2 - 2 log 2) end at a finite point; 1/x does not begin at 0."""
    with pytest.raises(SingularFieldError, match=f"is at time {float(time):.4g}$") as caught:
        integrate(lambda x: field(x), [start], 1 + 2 * time, 20)
    assert abs(float(re.findall(r"near \((.*?)\)", str(caught.value))[0]) - place) < 0.01


def test_a_figure_says_why_a_flow_ends() -> None:
    """L = -x^4 y^2: the flow runs away; L = log x + y^2: it ends where x = 0."""
    configuration, equation = _case("gd", 1)
    ends = {
        text: orbits_for_plot(configuration, equation, {}, Loss(text), (Fraction(1), Fraction(1)), Fraction(1, 40), steps).ends[0]
        for text, steps in (("-x**4/4 + y**2", 24), ("log(x) + y**2", 24), (LOSS, 24))
    }
    assert list(ends.values()) == ["leaves every bound", "ends where the field is singular", ""]


def test_iterates_that_run_away_and_a_step_that_does_not_exist() -> None:
    configuration, equation = _case("gd", 1)
    for text, gamma, says in (("x**4 + y**2", 2, "leave every bound"), ("x*sqrt(x) + y**2", Fraction(3, 2), "does not exist")):
        with pytest.raises(NumericError, match=says):
            orbits_for_plot(configuration, equation, {}, Loss(text), (Fraction(1), Fraction(1)), Fraction(gamma), 9)


@pytest.mark.parametrize("scheme", ["gd", "momentum", "adam", "implicit-midpoint"])
def test_the_orbits_of_a_figure_stay_and_are_told_apart(scheme: str) -> None:
    configuration, equation = _case(scheme, 2)
    loss = Loss(FIELD if equation["label"] == "f" else LOSS, equation["label"] == "f")
    orbits = orbits_for_plot(configuration, equation, chosen_parameters(configuration), loss, plane.START)
    assert is_instructive(orbits)
    assert max(abs(c) for path in (orbits.limit, orbits.modified, orbits.iterates) for p in path for c in p) <= 2.5


def test_precision_is_restored() -> None:
    before = ctx.prec
    with pytest.raises(ZeroDivisionError), precision(500):
        raise ZeroDivisionError
    assert ctx.prec == before
    integrate(lambda x: [x[0]], [1], 1, 100)
    assert ctx.prec == before


# ------------------------------------------------------------------------------------------ slopes


@pytest.mark.parametrize(
    ("name", "order", "regime", "expected"),
    [
        ("gd", 3, None, [1, 2, 3, 4]),
        ("momentum", 3, None, [1, 2, 3, 4]),
        ("nesterov", 2, None, [1, 2, 3]),
        ("nesterov", 2, "inertial", [1, 2, 3]),
        ("rk4", 5, None, [4, 4, 4, 4, 5, 6]),
        ("implicit-midpoint", 2, None, [2, 2, 4]),
        ("rmsprop", 2, None, [1, 2, 3]),
        ("adam", 2, None, [1, 2, 3]),
        ("adagrad-mean", 1, None, [1, 2]),
        ("gd-schedule", 2, None, [1, 2, 3]),
    ],
)
def test_every_truncation_has_its_slope_to_three_decimals(name: str, order: int, regime: str | None, expected: list[int]) -> None:
    table = _slopes(_case(name, order, regime))
    assert [round(s, 3) for s in table.slopes if s is not None] == expected
    assert table.confirmed
    assert all(table.monotone)


def test_the_first_coefficient_that_was_not_derived_may_vanish() -> None:
    """The implicit midpoint rule is symmetric, f_1 = f_3 = 0: through gamma^2 its slope is 4, where 3 or more is claimed.

    Heun's f_3 does not vanish; a slope below the claim, between whole numbers, or above one that the field settles, is a failure.
    """
    symmetric, heun = (_slopes(_case(name, 2)) for name in ("implicit-midpoint", "heun"))
    assert [symmetric.expected_text(k) for k in range(3)] == ["2", "2", "3 or more"]
    assert [heun.expected_text(k) for k in range(3)] == ["2", "2", "3"]
    assert symmetric.failures == heun.failures == ()
    for slopes, failures in (((2.0, 2.0, 5.0), ()), ((2.0, 2.0, 2.0), (2,)), ((2.0, 2.0, 3.5), (2,)), ((3.0, 2.0, 4.0), (0,))):
        assert replace(symmetric, slopes=slopes).failures == failures


def test_slopes_on_a_loss_that_is_no_polynomial() -> None:
    table = _slopes(_case("momentum", 1), Loss("exp(x*y/2) + cos(x - y) + x**2 + atan(y)/2 + sqrt(1 + x**2)"))
    assert [round(s or 0, 3) for s in table.slopes] == [1, 2]


def test_an_exact_field_has_no_error_to_fit() -> None:
    """Sign descent moves along straight lines: the field is the scheme."""
    table = _slopes(_case("sign-descent", 1))
    assert table.slopes == (None, None)
    assert table.confirmed


def test_digits_asked_for_are_only_a_floor_for_zero() -> None:
    """Errors are carried as far as their slopes need; the slope 4 of implicit midpoint, where f_3 = 0, takes a second look."""
    case = _case("implicit-midpoint", 2)
    few, many = _slopes(case, digits=20), _slopes(case, digits=80)
    for row, other in zip(few.errors, many.errors, strict=True):
        assert max(abs(a / b - 1) for a, b in zip(row, other, strict=True)) < 1e-10
    assert few.digits < 40
    assert many.digits < 80


def test_memory_far_from_the_manifold_spoils_the_slopes() -> None:
    """Negative control of the start: from rest, without the shift, every slope is one."""
    table = _slopes(_case("momentum", 2), from_rest=True, levels=4, time=Fraction(1, 16), coarsest=Fraction(1, 4096))
    assert [round(s or 0, 2) for s in table.slopes] == [1, 1, 1]
    assert table.failures == (1, 2)


@pytest.mark.parametrize(("name", "order"), [("gd", 3), ("momentum", 3), ("nesterov", 3), ("adam", 2)])
def test_a_coefficient_off_by_a_thousandth_breaks_the_slopes(name: str, order: int) -> None:
    configuration, equation = _case(name, order)
    good = _slopes((configuration, equation))
    assert good.confirmed
    for power in range(order + 1):
        for index in range(len(equation["equations"]["theta"][power]["terms"])):
            wrong = _perturbed(equation, "theta", power, index)
            table = _slopes((configuration, wrong), time=good.time, coarsest=good.gammas[0])
            assert power in table.failures, (name, power, index, table.slopes)


def test_richardson_removes_one_power_a_column() -> None:
    h = [Fraction(1, 2**j) for j in range(4)]
    assert richardson([5 + x - 3 * x**2 + x**3 for x in h])[0] == 5


# ------------------------------------------------------------------------------------------ recovery


@pytest.mark.parametrize(
    ("name", "order", "regime"),
    [("momentum", 3, None), ("nesterov", 3, None), ("rk4", 4, None), ("adam", 2, None), ("rmsprop", 2, "inertial"),
     ("bdf2", 2, None), ("nesterov-convex", 1, None)],
)  # fmt: skip
def test_coefficients_are_recovered_from_runs(name: str, order: int, regime: str | None) -> None:
    configuration, equation = _case(name, order, regime)
    recovery = recover_coefficients(configuration, equation, chosen_parameters(configuration))
    assert recovery.confirmed
    assert not any(c.held for c in recovery.coefficients)
    assert min(c.confidence for c in recovery.coefficients) > 10


def test_the_heavy_ball_number() -> None:
    """-(1 + beta)/(2 (1 - beta)^3) at beta = 1/2 is -6, from runs alone."""
    configuration, equation = _case("momentum", 1)
    recovery = recover_coefficients(configuration, equation, {"beta": Fraction(1, 2)})
    assert [c.fraction for c in recovery.coefficients] == [Fraction(-2), Fraction(-6)]


TREES = ("gd", "momentum", "nesterov", "nesterov-keras", "qhm", "ogda", "heun", "midpoint", "implicit-midpoint", "bdf2")


@pytest.mark.parametrize(("name", "order"), [*((n, 3) for n in TREES), ("rmsprop", 2), ("adam", 2), ("lion", 2)])
def test_a_coefficient_off_by_a_thousandth_is_not_recovered(name: str, order: int) -> None:
    configuration, equation = _case(name, order)
    for power in range(order + 1):
        for index in range(len(equation["equations"]["theta"][power]["terms"])):
            wrong = _perturbed(equation, "theta", power, index)
            recovery = recover_coefficients(configuration, wrong, chosen_parameters(configuration))
            refuted = [c for c in recovery.coefficients if not c.agrees]
            assert [c.power for c in refuted] == [power]
            assert refuted[0].fraction is not None
            assert refuted[0].predicted == refuted[0].fraction * Fraction(1001, 1000)


def test_a_missing_term_is_noticed() -> None:
    configuration, equation = _case("gd", 2)
    shorter = copy.deepcopy(equation)
    shorter["equations"]["theta"][2]["terms"].pop()
    recovery = recover_coefficients(configuration, shorter, {})
    assert not recovery.complete
    assert not recovery.confirmed


@pytest.mark.parametrize("large", [10**8, 10**19])
def test_runs_that_move_too_far_refute_nothing(large: int) -> None:
    """gamma f is no small number at the route's gamma, 1e-14; the proof stands alone."""
    scheme = inline_scheme(f"v = -v/3 + theta**2; theta = theta - gamma*{large}*v")
    found = verify_scheme(modified_equation(scheme, 1), Options(loss="x", digits=15))
    assert (found.verdict, "do not move steadily" in found.skipped["recovered"]) == ("verified", True)


def test_terms_that_are_not_there_come_out_as_zero() -> None:
    configuration, equation = _case("rk4", 2)
    extra = {("theta", 2): ["hess(hess(grad))", "d3(grad, grad)"]}
    recovery = recover_coefficients(configuration, equation, {}, extra_terms=extra)
    assert [c.fraction for c in recovery.coefficients if c.power == 2] == [0, 0]
    assert recovery.confirmed


def test_a_number_that_is_no_simple_fraction_is_not_named() -> None:
    assert identify(mpmath.mpf("0.33333333333333333333"), 1e-15)[0] == Fraction(1, 3)
    with mpmath.workdps(40):
        assert identify(mpmath.sqrt(2), 1e-20)[0] is None


def test_dependent_columns_are_found_across_blocks() -> None:
    source = random.Random(5)
    combinations = {7: (2, 5), 20: (0, 9), 38: (30, 37)}
    with precision(400):
        matrix = [[arb(fmpq(source.randint(-99, 99), 97)) for _ in range(40)] for _ in range(45)]
        for j, (p, q) in combinations.items():
            for row in matrix:
                row[j] = row[p] / 3 - row[q] * 2 / 7
        free, rows = independent(matrix, 40)
        assert free == [j for j in range(40) if j not in combinations]
        assert not arb_mat([[matrix[i][j] for j in free] for i in rows]).det().contains(0)
        matrix[4][20] += arb(10) ** -30  # no longer a combination
        assert 20 in independent(matrix, 40)[0]


# ------------------------------------------------------------------------------------------ from rest, figures


def test_the_shift_of_heavy_ball_from_rest() -> None:
    """c_1 = beta/(1 - beta)^2 grad L, that is -beta/(1 - beta) times the limit field -grad L/(1 - beta)."""
    configuration, equation = _case("momentum", 1)
    beta = Fraction(2, 5)
    result = check_from_rest(configuration, equation, {"beta": beta}, rich_loss(2, 4), START)
    assert result.ratio == -beta / (1 - beta)
    assert [round(s or 0, 3) for s in result.without.slopes] == [1, 1]
    assert [round(s or 0, 3) for s in result.with_shift.slopes] == [1, 2]


def test_bias_correction_removes_the_first_shift() -> None:
    configuration, equation = _case("adam-bias-corrected", 1)
    result = check_from_rest(configuration, equation, chosen_parameters(configuration), rich_loss(2, 4), START)
    assert max(abs(x) for x in result.shift[0]) < 1e-20


def test_figures_in_both_formats(tmp_path: Any) -> None:
    from derive.errors import UsageError
    from verify.numeric.plot import save_figure

    configuration, equation = _case("gd", 1)
    loss = Loss("x**4/4 + x*y/2 + y**2 + exp(x)/3")
    table = _slopes((configuration, equation), loss)
    orbits = orbits_for_plot(configuration, equation, {}, loss, START, steps=6)
    for name, start in (("a.png", b"\x89PNG"), ("a.svg", b"<?xml")):
        save_figure(tmp_path / name, table, "gradient descent", orbits)
        assert (tmp_path / name).read_bytes().startswith(start)
    with pytest.raises(UsageError, match="must end in"):
        save_figure(tmp_path / "a.pdf", table, "")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.png", "a.svg"]
