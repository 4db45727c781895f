"""Statements that were printed once and were false: each command, and what is true."""

from __future__ import annotations

import pytest

from derive import configure, inline_scheme, modified_equation
from derive.errors import ReductionError
from derive.readings.accuracy import accuracy
from derive.readings.initial_layer import initial_layer
from derive.readings.loss import modified_loss
from derive.scheme import scheme_from_toml


def field(update: str, order: int = 0) -> list[str]:
    return [str(s) for s in modified_equation(inline_scheme(update), order)["theta"]]


def test_a_root_in_a_schedule_stays_in_it() -> None:
    """r = (1+t)^(-1/3): at t = 0, x = 1 on x^2/2 the field is -r x + gamma (r' - r^2) x/2 = -1 - 2/3 gamma."""
    eq = modified_equation("gd-schedule", 1, settings={"r(t)": "(1+t)**(-1/3)"})
    assert [str(s) for s in eq["theta"]] == ["-r*grad", "dr/2*grad - r**2/2*hess(grad)"]
    assert eq.evaluate("x**2/2", {"x": "1", "t": "0"}).values["theta"] == [["-1"], ["-2/3"]]


def test_a_start_from_rest_moves_every_slow_variable() -> None:
    """m relaxes, v = gamma eta: eta_n = eta_0 - gamma sum m_j, m_j = g (1 - beta^(j+1)): it starts at gamma beta/(1-beta) g."""
    text = (
        'update = """\nm = beta*m+(1-beta)*grad(theta)\nv = mu*v-gamma**2*m\ntheta = theta+v\n"""\n'
        '[parameters]\nbeta = "b"\nmu = "c"\nlam = "d"\n[regimes.x]\nmu = "1-lam*gamma"\nv = "gamma*eta"\n'
    )
    layer = initial_layer(scheme_from_toml(text), 2)
    assert [str(s) for s in layer.shifts["eta"][:2]] == ["0", "beta/(1 - beta)*grad"]
    assert [str(s) for s in layer.shift] == ["0", "0", "-beta**2/(1 - beta)**2*grad"]


@pytest.mark.parametrize(
    "target", ["gamma*theta'+gamma*grad", "theta'/gamma + grad/gamma", "theta'+grad", "gamma**2*(theta'+grad)"]
)
def test_accuracy_does_not_depend_on_a_power_of_gamma_in_front(target: str) -> None:
    found = accuracy("gd", target)
    assert (found.order, str(found.defect)) == (1, "-1/2*hess(grad)")


def test_a_target_reads_the_schedule_that_was_set() -> None:
    found = accuracy("gd-schedule", "theta'+r*grad", settings={"r(t)": "1/(1+t)"})
    assert found.order == 1
    better = "theta' + r*grad - gamma*(dr/2*grad - r**2/2*hess(grad))"
    assert accuracy("gd-schedule", better, settings={"r(t)": "1/(1+t)"}).order == 2


def test_small_memory_is_small_whatever_it_is_divided_by() -> None:
    """Momentum before the second moment: m = -gamma g/(1-beta) to leading order, so the step tends to the identity."""
    update = "g = grad(theta); m = beta*m - gamma*g; s = rho*s + (1-rho)*g*g; theta = theta + m/(sqrt(s)+eps)"
    assert field(update) == ["-1/(1 - beta)*grad*(abs(grad) + eps)**(-1)"]
    divided = "m = beta*m + gamma*grad(theta); v = sqrt(m*m/gamma**2 + eps); theta = theta - gamma*grad(theta)/v"
    assert field(divided) == ["-grad*(1/(1 - beta)**2*grad**2 + eps)**(-1/2)"]


def test_differences_divided_by_gamma() -> None:
    update = "h = (grad(theta + 2*gamma*grad(theta)) - grad(theta))/gamma; theta = theta - gamma*grad(theta) + gamma*h"
    assert field(update) == ["-grad + 2*hess(grad)"]


def test_what_needs_a_later_power_is_refused_and_never_counted_as_zero() -> None:
    """w at gamma^k needs m at gamma^(k+1)."""
    with pytest.raises(ReductionError, match="divides by gamma"):
        field("theta = theta - gamma*w; w = w/2 + m/gamma; m = m/2 + gamma*grad(theta)")


def test_slow_memory_as_people_write_it() -> None:
    adagrad = scheme_from_toml(
        'update = """\nS = S + grad(theta)*grad(theta)\ntheta = theta - sqrt(gamma)*grad(theta)/sqrt(S)\n"""\n'
        '[regimes.x]\nS = "R/gamma"\n'
    )
    found, known = modified_equation(adagrad, 2), modified_equation("adagrad", 2, settings={"eps": "0"})
    assert [str(s).replace("R", "S") for s in found["theta"]] == [str(s) for s in known["theta"]]
    counter = scheme_from_toml('update = """\nn = n + 1\ntheta = theta - grad(theta)/n\n"""\n[regimes.x]\nn = "k/gamma"\n')
    assert [str(s) for s in modified_equation(counter, 0)["theta"]] == ["-k**(-1)*grad"]


@pytest.mark.parametrize("update", [
    "theta = theta - sqrt(gamma)*grad(theta)", "theta = theta - gamma*grad(theta)*(1 + sqrt(gamma))",
    "theta = theta - gamma*grad(theta + sqrt(gamma)*grad(theta))", "theta = theta - gamma**(4/3)*grad(theta)",
])  # fmt: skip
def test_fractional_powers_that_stay_are_refused(update: str) -> None:
    with pytest.raises(ReductionError, match="only whole powers of gamma"):
        field(update, 1)


def test_fractional_powers_that_cancel_are_not() -> None:
    assert configure(inline_scheme("theta = theta - gamma*grad(theta)")).free == ()
    assert field("theta = theta - sqrt(gamma)*sqrt(gamma)*grad(theta)", 1) == field("theta = theta - gamma*grad(theta)", 1)
    conjugate = "theta = theta - gamma*(1 + sqrt(gamma))*(1 - sqrt(gamma))*grad(theta)"
    assert field(conjugate, 1) == field("theta = theta - gamma*(1 - gamma)*grad(theta)", 1)


def test_irrational_coefficients_on_a_concrete_loss() -> None:
    """AdaBelief at beta2 = 4/5, eps = 1/100: its field on x^2 has square roots of numbers in it."""
    eq = modified_equation("adabelief", 1, settings={"beta2": "4/5", "eps": "1/100"})
    explicit = eq.on_loss("x**2")["theta"]
    at = {str(s): 1 for s in explicit[0][0].free_symbols if str(s) == "x"}
    exact = eq.subs(beta1="1/2").evaluate("x**2", {"x": "1"}, 20).values["theta"]
    half = eq.subs(beta1="1/2").on_loss("x**2")["theta"]
    assert at
    for k in (0, 1):
        assert abs(float(half[k][0].subs(dict.fromkeys(half[k][0].free_symbols, 1))) - float(exact[k][0])) < 1e-12


def test_values_in_threads_at_different_precisions() -> None:
    """flint's working precision is global: every thread still gets the digits it asked for."""
    from concurrent.futures import ThreadPoolExecutor

    eq = modified_equation("rmsprop", 1, settings={"rho": "9/10", "eps": "1/100"})

    def digits(n: int) -> list[list[str]]:
        return eq.evaluate("x**2/2 + x*y**2", {"x": "1/2", "y": "1/3"}, n).values["theta"]

    asked = [15, 40, 80, 200] * 30
    alone = {n: digits(n) for n in set(asked)}
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(digits, asked)) == [alone[n] for n in asked]


@pytest.mark.parametrize(
    ("point", "second"),
    [
        ("theta + gamma*theta", ["-L + dot(theta, grad) + 1/4*dot(grad, grad)"]),
        ("(1 - gamma*lam)*theta", ["lam*L - lam*dot(theta, grad) + 1/4*dot(grad, grad)"]),
    ],
)
def test_potentials_with_theta_in_them(point: str, second: list[str]) -> None:
    """grad(<theta, grad L> - L) = hess(theta): the gradient at a shrunk or stretched point."""
    found = modified_loss(inline_scheme(f"theta = theta - gamma*grad({point})"), 1)
    assert found.unwritten == ()
    assert [str(s) for s in found.potential[1:]] == second
