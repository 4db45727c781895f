"""Closed forms on quadratics, against the derived field and against published series."""

from __future__ import annotations

import copy
from fractions import Fraction

import pytest

from derive import configure, load_scheme, modified_equation
from verify.numeric.affine import Affine, NotLinear, series, series_length
from verify.numeric.quadratic import check_quadratic, closed_form
from verify.numeric.system import chosen_parameters

HALF = {"beta": Fraction(1, 2)}


def _scalar(name: str, parameters: dict[str, Fraction], order: int) -> list[Fraction]:
    matrices, _ = closed_form(configure(load_scheme(name)), parameters, ["theta"], order)
    return [m[0][0] for m in matrices]


@pytest.mark.slow
def test_gradient_descent_is_the_logarithm_to_order_twelve() -> None:
    """log(1 - gamma h)/gamma; the field's chains, derived through gamma^12, agree."""
    configuration = configure(load_scheme("gd"))
    check = check_quadratic(configuration, modified_equation("gd", order=12, force=True).to_json(), {})
    assert check.confirmed
    assert len(check.field) == 13
    assert [m[0][0] for m in check.closed] == [Fraction(-1, k + 1) for k in range(13)]


def test_heavy_ball_at_one_half() -> None:
    """log r_+ of r^2 - (1 + beta - z) r + beta at beta = 1/2: -2z - 6z^2 - (104/3)z^3 - 252z^4 (references, section 2.4)."""
    assert _scalar("momentum", HALF, 3) == [-2, -6, Fraction(-104, 3), -252]


@pytest.mark.parametrize("name", ["nesterov", "nesterov-keras"])
def test_nesterov_at_one_half(name: str) -> None:
    """r^2 - (1 + beta)(1 - z) r + beta (1 - z) at beta = 1/2: -2z - 4z^2 - (50/3)z^3 - 92z^4 (references, section 2.5)."""
    assert _scalar(name, HALF, 3) == [-2, -4, Fraction(-50, 3), -92]


def test_the_characteristic_polynomial_comes_from_the_update_text() -> None:
    _, polynomial = closed_form(configure(load_scheme("momentum")), HALF, ["theta"], 2)
    assert polynomial == ["1/2", "-3/2 + (1)*gamma**1", "1"]


def test_runge_kutta_is_the_logarithm_of_the_truncated_exponential() -> None:
    """log(1 - z + z^2/2 - z^3/6 + z^4/24) = -z + z^5/120 + ... : nothing before gamma^4, then 1/120."""
    assert _scalar("rk4", {}, 4) == [-1, 0, 0, 0, Fraction(1, 120)]


LINEAR = [
    ("momentum", None), ("nesterov", None), ("ema-momentum", None), ("aggmo", None), ("qhm", None), ("ogda", None),
    ("bdf2", None), ("adams-bashforth-2", None), ("leapfrog-two-step", None), ("implicit-midpoint", None), ("sgdw", None),
    ("momentum", "inertial"),
    ("nesterov", "strongly-convex"), ("ema-momentum", "inertial"), ("extragradient", None),
]  # fmt: skip


@pytest.mark.parametrize(("name", "regime"), LINEAR)
def test_linear_schemes_agree_through_order_four(name: str, regime: str | None) -> None:
    scheme = load_scheme(name)
    configuration = configure(scheme, regime)
    order = 4 if scheme.label == "L" else 3
    equation = modified_equation(scheme, order, regime=regime).to_json()
    check = check_quadratic(configuration, equation, chosen_parameters(configuration))
    assert check.applicable
    assert check.confirmed
    assert len(check.closed) == 13


@pytest.mark.parametrize("power", [0, 1, 2, 3])
def test_a_chain_off_by_a_thousandth_is_found_at_its_power(power: int) -> None:
    configuration = configure(load_scheme("momentum"))
    wrong = copy.deepcopy(modified_equation("momentum", order=3).to_json())
    chain = next(t for t in wrong["equations"]["theta"][power]["terms"] if "d3" not in t["term"] and "d4" not in t["term"])
    chain["coefficient"] = f"({chain['coefficient']})*1001/1000"
    check = check_quadratic(configuration, wrong, HALF)
    assert check.first_difference == power


@pytest.mark.parametrize(("name", "why"), [("adam", "multiplies"), ("sign-descent", "sign"), ("adagrad-mean", "time")])
def test_other_schemes_say_why_there_is_no_closed_form(name: str, why: str) -> None:
    scheme = load_scheme(name)
    check = check_quadratic(configure(scheme), modified_equation(scheme, 1).to_json(), chosen_parameters(configure(scheme)))
    assert not check.applicable
    assert "applicable" not in check.reason  # whoever prints it says so
    assert why in check.reason


def test_affine_forms_refuse_products_of_states() -> None:
    with series_length(4):
        x = Affine(series(Fraction(0)), {0: series(Fraction(1))})
        assert (2 * x - x).linear[0].coeffs() == [1]
        with pytest.raises(NotLinear):
            _ = x * x
        with pytest.raises(NotLinear):
            _ = 1 / x
