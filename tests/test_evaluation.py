"""Values at a point, two ways: jets with exact numbers, and sympy's derivatives of the explicit formulas."""

from __future__ import annotations

from fractions import Fraction

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf

from derive import inline_scheme, modified_equation
from derive.concrete.explicit import expression_text
from derive.errors import DeriveError, LimitError

LOSS = "x**4/4 + x*y**2 - y/3 + exp(x*y)/2"


@pytest.mark.parametrize("name", ["gd", "momentum", "rk4", "adam", "rmsprop", "rmsprop-scalar", "normalised-gd", "adabelief"])
def test_two_routes_agree_to_40_digits(name: str) -> None:
    settings = {"beta": "9/10", "beta1": "2/3", "beta2": "4/5", "rho": "3/4", "eps": "1/7"}
    free = modified_equation(name, 0).configuration.free
    eq = modified_equation(name, 2, settings={n: settings[n] for n in free})
    values = eq.evaluate(LOSS, "x=1/2, y=-1/3", 40).values["theta"]
    explicit = eq.on_loss(LOSS)["theta"]
    x, y = sp.Symbol("x"), sp.Symbol("y")
    point = {x: sp.Rational(1, 2), y: sp.Rational(-1, 3)}
    for block, formulas in zip(values, explicit, strict=True):
        for text, formula in zip(block, formulas, strict=True):
            expected = sp.N(formula.subs(point), 60)
            assert abs(sp.Rational(text) - expected) <= abs(expected) * sp.Float("1e-38") + sp.Float("1e-38")


def test_the_example_of_the_documentation() -> None:
    """L = x^4/4 + x y^2 at (1/2, 1/3), by hand: g = (17/72, 1/3), H = [[3/4, 2/3], [2/3, 1]], f_1 = -Hg/2."""
    values = modified_equation("gd", 1).evaluate("x**4/4 + x*y**2", {"x": "1/2", "y": "1/3"}).values
    assert values["theta"] == [["-17/72", "-1/3"], ["-115/576", "-53/216"]]


def test_rational_where_rational_else_decimals() -> None:
    eq = modified_equation("rmsprop", 0, settings={"rho": "1/2", "eps": "1"})
    assert eq.evaluate("3*x/4 + y**2/2", "x=0, y=1", 30).values["theta"] == [["-3/5", "-0.707106781186547524400844362105"]]


def test_digits_are_right_to_the_last() -> None:
    eq = modified_equation("rmsprop", 1, settings={"rho": "9/10", "eps": "1/100"})
    short, long = (eq.evaluate(LOSS, "x=1/2, y=1/5", d).values["theta"] for d in (25, 60))
    with mp.workdps(70):
        for a, b in zip(short, long, strict=True):
            for s, t in zip(a, b, strict=True):
                assert abs(mpf(s) - mpf(t)) <= abs(mpf(t)) * mpf(10) ** -24


def test_parameters_stay_symbols_where_the_rest_is_rational() -> None:
    values = modified_equation("momentum", 1).evaluate("x**2", "x=1").values["theta"]
    assert values == [["-2/(1 - beta)"], ["-2*(1 + beta)/(1 - beta)**3"]]


def test_slow_variables_and_time() -> None:
    eq = modified_equation("momentum", 0, regime="inertial", settings={"lam": "2"})
    assert eq.evaluate("x**2/2 + x*y", "x=1, y=2, eta_x=3, eta_y=5").values == {"theta": [["3", "5"]], "eta": [["-9", "-11"]]}
    scheduled = modified_equation("gd-schedule", 1, settings={"r(t)": "decay(10, 1/10)"})
    # r = 1 - 9/100 t: at t = 5, r = 11/20, r' = -9/100; f_1 = r'/2 g - r^2/2 H g on x^2/2 at x = 1
    assert scheduled.evaluate("x**2/2", "x=1, t=5").values["theta"] == [["-11/20"], [str(Fraction(-9, 200) - Fraction(121, 800))]]


@pytest.mark.parametrize(
    ("loss", "at", "words"),
    [
        ("x**2 +", "x=1", "syntax error"), ("x.real", "x=1", "attribute"), ("open(x)", "x=1", "unknown function"),
        ("3", "x=1", "no variables"), ("x**2", "y=1", "'x' has no value"), ("x**2", "x=1, y=2", "unknown name 'y'"),
        ("x**2", "x=1, x=2", "given twice"), ("x**2", "x=z", "not a rational number"), ("x**2", "x", "name=value"),
        ("log(x)", "x=0", "singular"), ("1/x", "x=0", "singular"), ("x**x", "x=1", "exponent"), ("sqrt(x)", "x=-1", "root"),
    ],
)  # fmt: skip
def test_bad_losses_and_points(loss: str, at: str, words: str) -> None:
    with pytest.raises(DeriveError, match=words):
        modified_equation("gd", 1).evaluate(loss, at)


def test_singular_points_are_refused() -> None:
    eq = modified_equation("normalised-gd", 1)
    with pytest.raises(DeriveError, match="singular"):
        eq.evaluate("x**2 + y**2", "x=0, y=0")
    with pytest.raises(DeriveError, match="singular"):
        modified_equation(inline_scheme("theta = theta - gamma*sign(grad(theta))"), 0).evaluate("x**2", "x=0")


def test_floats_are_refused() -> None:
    eq = modified_equation("momentum", 1)
    with pytest.raises(DeriveError, match="not exact"):
        eq.subs(beta=0.9)
    with pytest.raises(DeriveError, match="not exact"):
        eq.evaluate("x**2", {"x": 0.5})


def test_subs_is_the_equation_with_the_value() -> None:
    eq = modified_equation("momentum", 2).subs(beta="9/10")
    # 1/(1-beta) = 10 and (1+beta)/(2 (1-beta)^3) = 950; (1+10 beta+beta^2)/12 10^5 = 90083 + 1/3 - ..., exactly 540500/6
    assert [str(f) for f in eq["theta"][:2]] == ["-10*grad", "-950*hess(grad)"]
    assert eq["theta"][2].coefficient("d3(grad, grad)").number() == -(1 + 9 + Fraction(81, 100)) * 10**5 / 12


@settings(max_examples=20)
@given(st.lists(st.fractions(min_value=-2, max_value=2, max_denominator=3), min_size=3, max_size=3))
def test_explicit_formulas_on_random_cubics(c: list[Fraction]) -> None:
    loss = f"({c[0]})*x**3 + ({c[1]})*x*y + ({c[2]})*y**2 + x"
    eq = modified_equation("gd", 2)
    values = eq.evaluate(loss, "x=1/2, y=2/3").values["theta"]
    names = dict(zip("xy", sp.symbols("x y"), strict=True))
    for k in range(3):
        for i in range(2):
            formula = eq.on_loss(loss)["theta"][k][i]
            assert sp.Rational(values[k][i]) == formula.subs({names["x"]: sp.Rational(1, 2), names["y"]: sp.Rational(2, 3)})


def test_numbers_longer_than_python_writes_are_refused() -> None:
    with pytest.raises(LimitError, match="4,300 digits"):
        expression_text(sp.Integer(10) ** 5000)
    assert expression_text(sp.Integer(10) ** 3) == "1000"
