"""Rates and norms beside their averages: at rest a tie, which the first order of gamma decides; and bounds that close in."""

from __future__ import annotations

from derive import modified_equation, modified_equations

U = "grad*(abs(grad) + eps)**(-1)"  # Adam's step
ADAM = str(modified_equation("adam", 1)["theta"][1])


def corrections(scheme: str, **values: str) -> dict[str, str]:
    """' and '-joined conditions -> the first correction there."""
    found = modified_equations(scheme, 1, settings=values)
    return {" and ".join(map(str, e.conditions)): str(e["theta"][1]) for e in found}


def test_adanorm_raises_the_step_where_the_norm_falls() -> None:
    """e - |g| = -gamma rho/(1 - rho) |g|', and |g|' = -<g, H u>/|g|: u grows by the factor 1 + (e - |g|)/|g|."""
    assert corrections("adanorm") == {
        f"dot({U}, hess(grad)) > 0": f"{ADAM} - rho/(1 - rho)*{U}*dot(grad, grad)**(-1)*dot({U}, hess(grad))",
        f"dot({U}, hess(grad)) < 0": ADAM,
    }


def test_adamod_lowers_the_rates_that_grow() -> None:
    """Without averages of g and g^2: l - e = -gamma beta3/(1 - beta3) e', e' = sign(g) H u/(|g| + eps)^2, the step is -g*l."""
    found = corrections("adamod", beta1="0", beta2="0")
    once, twice = f"(abs(grad) + eps)**(-1)*hess({U})", f"(abs(grad) + eps)**(-2)*hess({U})"
    assert found == {
        f"beta3/(1 - beta3)*grad*hess({U}) > 0": f"beta3/(1 - beta3)*{once} - eps*(1 + beta3)/(2*(1 - beta3))*{twice}",
        f"beta3/(1 - beta3)*grad*hess({U}) < 0": f"-eps/2*{twice}",
    }


def test_adabound_is_momentum_with_a_schedule_where_its_bounds_cut() -> None:
    """The rate r = eta lam t/(1 + lam t), read at t + gamma: -(r^2 (1 + beta1)/(2 (1 - beta1)) H g) + (r'/2 - r') g."""
    low = "eta*lam*t/(1 + lam*t)"
    (cut,) = (f for name, f in corrections("adabound").items() if f"(abs(grad) + eps)**(-1) < {low}" in name)
    momentum = "eta**2*lam**2*t**2*(1 + beta1)/(2*(1 - beta1)*(1 + lam*t)**2)*hess(grad)"
    assert cut == f"-eta*lam/(2*(1 + lam*t)**2)*grad - {momentum}"
