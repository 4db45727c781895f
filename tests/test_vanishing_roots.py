"""Roots, denominators, signs and absolute values of what vanishes with gamma: first corrections by hand, refusals, proofs."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import mpmath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derive import inline_scheme, load_scheme, modified_equation
from derive.errors import ReductionError
from derive.scheme import Configuration
from verify.proof import prove

DIFFERENCE = "theta = theta - gamma*grad(theta) + mu*gamma*sqrt((theta - theta_prev)**2)"


def field(text: str, order: int, **values: str) -> list[str]:
    equation = modified_equation(inline_scheme(text), order, settings=values)
    return [str(f) for f in equation["theta"]]


def same(name: str, formula: str, **values: str) -> bool:
    """Whether f_1 is the formula, both at numbers: L = 3 x^2 + x y + 2 y^2 + x^3 at (1/2, -1/3)."""
    found = modified_equation(name, 1, settings=values).evaluate("3*x**2 + x*y + 2*y**2 + x**3", {"x": "1/2", "y": "-1/3"})
    g, h = (Fraction(41, 12), Fraction(-5, 6)), ((Fraction(9), Fraction(1)), (Fraction(1), Fraction(4)))
    hg = [sum(a * b for a, b in zip(row, g, strict=True)) for row in h]
    names = {n: Fraction(v) for n, v in values.items()}
    wanted = [FORMULAS[formula](x, y, names) for x, y in zip(g, hg, strict=True)]
    return list(found["theta"][1]) == wanted


#: f_1 from g and Hg, with sqrt(rho) = 1/2 for rho = 1/4:
#: v - m^2 = gamma^2 rho/(1 - rho)^2 (H f_0)^2,  g - m = gamma beta1/(1 - beta1) H f_0
FORMULAS: dict[str, Any] = {
    "centred": lambda g, hg, p: (
        g / p["eps"] ** 2 * Fraction(1, 2) / (1 - p["rho"]) * abs(hg / p["eps"]) - hg / (2 * p["eps"] ** 2)
    ),
    "belief": lambda g, hg, p: (
        g / p["eps"] ** 2 * p["beta1"] / (1 - p["beta1"]) * abs(hg / p["eps"])
        - hg / p["eps"] ** 2 * (1 + p["beta1"]) / (2 * (1 - p["beta1"]))
    ),
}


def test_first_corrections_by_hand() -> None:
    assert same("rmsprop-centred-outside", "centred", rho="1/4", eps="2/3")
    assert same("adabelief-outside", "belief", beta1="1/3", beta2="1/5", eps="2/3")


def test_the_root_of_a_square_is_the_rate_of_the_flow() -> None:
    """sqrt((theta_n - theta_(n-1))^2) = gamma |f_0| + ...: f_1 = -H g/2 + mu |g|."""
    leading, first = field(DIFFERENCE, 1)
    assert leading == "-grad"
    assert first in ("-1/2*hess(grad) + mu*abs(grad)", "mu*abs(grad) - 1/2*hess(grad)")


def test_a_quotient_of_differences() -> None:
    """s.s/s.y with s, y of order gamma is |g|^2/(g.Hg): its unknown rate cancels."""
    text = "s = theta - theta_prev; y = grad(theta) - grad(theta_prev); theta = theta - gamma*grad(theta)*dot(s, s)/dot(s, y)"
    assert field(text, 0) == ["-grad*dot(grad, grad)*dot(grad, hess(grad))**(-1)"]


def test_a_vanishing_numerator_hides_no_denominator() -> None:
    """In grad*(s.s/s.y) and s/|s| the numerator is looked at first, and vanishes too: 0/0 is not 0.

    For L = x^2/2 and x > 0 the second is x+ = (1 - gamma) x + gamma^2: f_1 = -x/2 + 1.
    """
    text = "s = theta - theta_prev; y = grad(theta) - grad(theta_prev); theta = theta - gamma*(grad(theta)*dot(s, s)/dot(s, y))"
    assert field(text, 0) == ["-grad*dot(grad, grad)*dot(grad, hess(grad))**(-1)"]
    text = "s = theta - theta_prev; theta = theta - gamma*grad(theta) - gamma*gamma*(s/norm(s))"
    assert field(text, 1) == ["-grad", "-1/2*hess(grad) + grad*dot(grad, grad)**(-1/2)"]


@pytest.mark.parametrize(
    "text, words",
    [
        ("theta = theta - gamma*grad(theta)/sqrt(theta - theta)", "vanishes"),
        ("v = v/2; theta = theta - gamma*grad(theta)/v", "vanishes in a denominator through gamma"),
        ("v = v/2; theta = theta - gamma*sqrt(gamma*theta)", "only whole powers"),
        ("theta = theta - gamma*sqrt(rho - rho)*theta", "vanishes under a root"),
        ("theta = theta - gamma*grad(theta) - sqrt((theta - theta_prev)**2)", "does not tend to the identity"),
        ("g = grad(theta); m = m/2 + g/2; v = v/3 + 2*g*g/3; theta = theta - gamma*g/(sqrt(v - m*m) + eps)", "even root"),
        ("g = grad(theta); m = m/2 + g/2; s = s/2 + (g - m)**2/2; theta = theta - gamma*m/sqrt(s)", "vanishes"),
        ("theta = theta - gamma*grad(theta) - gamma*gamma*sign(theta - theta)", "vanishes under a sign"),
        ("s = theta - theta_prev; theta = theta - gamma*grad(theta) - gamma*(s/norm(s))", "vanishes under a root"),
        (
            "s = theta - theta_prev; g = grad(theta); theta = theta - gamma*grad(theta + g*dot(s, s)/dot(s, g-grad(theta_prev)))",
            "vanishes in a denominator",
        ),
    ],
)
def test_what_is_still_refused(text: str, words: str) -> None:
    with pytest.raises(ReductionError, match=words) as caught:
        field(text, 1)
    assert "\n" not in str(caught.value)


# ------------------------------------------------------------------------------------------ the proof


def claim(name: str, order: int, **values: str) -> tuple[Configuration, dict[str, Any]]:
    equation = modified_equation(name, order, settings=values)
    return equation.configuration, equation.to_json()


def test_the_equation_is_proved_and_no_coefficient_may_change() -> None:
    configuration, data = claim("rmsprop-centred-outside", 1, rho="1/4", eps="2/3")
    assert prove(configuration, data["equations"], data["memory"], seed=1).verdict == "proved"
    for power in data["equations"]["theta"]:
        for item in power["terms"]:
            right = item["coefficient"]
            item["coefficient"] = f"1001/1000*({right})"
            assert prove(configuration, data["equations"], data["memory"], seed=1).verdict == "refuted", item
            item["coefficient"] = right


def test_the_memory_on_the_slow_manifold_is_proved_too() -> None:
    configuration, data = claim("rmsprop-centred-outside", 1, rho="1/4", eps="2/3")
    item = data["memory"]["G"][1]["terms"][0]
    item["coefficient"] = f"1001/1000*({item['coefficient']})"
    assert prove(configuration, data["equations"], data["memory"], seed=1).verdict == "refuted"


# ------------------------------------------------------------------------------------------ random texts against runs

RATES = st.fractions(min_value=Fraction(1, 5), max_value=Fraction(3, 5), max_denominator=5)


@settings(max_examples=6, deadline=None)
@given(rho=RATES, eps=st.sampled_from([Fraction(1), Fraction(3, 2)]), mu=st.sampled_from([Fraction(1), Fraction(3)]))
def test_random_texts_against_runs(rho: Fraction, eps: Fraction, mu: Fraction) -> None:
    """(theta_(n+1) - theta_n)/gamma = f_0 + gamma (f_1 + f_0' f_0/2) + O(gamma^2) once memory has settled."""
    text = f"g = grad(theta); m = {rho}*m + (1 - {rho})*g; theta = theta - gamma*g/({eps} + {mu}/2*sqrt((g - m)**2))"
    equation = modified_equation(inline_scheme(text), 1)

    def left(gamma: mpmath.mpf) -> mpmath.mpf:
        theta, m, before = mpmath.mpf(1), mpmath.mpf(0), mpmath.mpf(1)
        for _ in range(200):
            g = theta + theta**2
            m = mpmath.mpf(rho.numerator) / rho.denominator * (m - g) + g
            before, theta = theta, theta - gamma * g / (_mpf(eps) + _mpf(mu) / 2 * mpmath.sqrt((g - m) ** 2))
        point = Fraction(int(before * 2**160), 2**160)
        f0, f1 = (_mpf(f[0]) for f in equation.evaluate("x**2/2 + x**3/3", {"x": str(point)})["theta"])
        slope = -(1 + 2 * before) / _mpf(eps)
        return abs((theta - before) / gamma - f0 - gamma * (f1 + slope * f0 / 2))

    with mpmath.workdps(60):
        coarse, fine = left(mpmath.mpf(2) ** -40), left(mpmath.mpf(2) ** -41)
        assert abs(mpmath.log(coarse / fine, 2) - 2) < 0.01


def _mpf(value: Any) -> mpmath.mpf:
    value = Fraction(value)
    return mpmath.mpf(value.numerator) / value.denominator


def test_the_catalogue_says_what_torch_does() -> None:
    scheme = load_scheme("rmsprop-centered-outside")
    assert scheme.name == "rmsprop-centred-outside"
    assert "torch.optim.RMSprop with centered=True" in scheme.notes
