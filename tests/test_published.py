"""Results stated in print that this project exists to reproduce; provenance above each expectation."""

from __future__ import annotations

from fractions import Fraction

from derive import inline_scheme, modified_equation


def coefficients(name: str, order: int, power: int, **options: object) -> dict[str, str]:
    equation = modified_equation(name, order, **options)  # type: ignore[arg-type]
    return {t: str(c) for t, c in equation["theta"][power].by_text.items()}


def test_barrett_and_dherin() -> None:
    # Barrett & Dherin 2020, arXiv:2009.11162: L + gamma/4 |grad L|^2, that is f_1 = -1/2 hess L grad L
    assert coefficients("gd", 1, 1) == {"hess(grad)": "-1/2"}
    # Rosca, Wu, Qin & Dherin 2023, arXiv:2302.01952: f_2 = -1/3 H H g - 1/12 d3L[g, g]
    assert coefficients("gd", 2, 2) == {"hess(hess(grad))": "-1/3", "d3(grad, grad)": "-1/12"}


def test_implicit_euler_and_midpoint() -> None:
    assert coefficients("implicit-euler", 1, 1) == {"hess(grad)": "1/2"}
    # references.md section 1, implicit midpoint: b/sigma = -1/24 (f''(f,f)), 1/12 (f'f'f); signs of f = -grad L
    assert coefficients("implicit-midpoint", 2, 2) == {"d3(grad, grad)": "1/24", "hess(hess(grad))": "-1/12"}


def test_heavy_ball() -> None:
    # Ghosh, Lyu, Zhang & Wang, ICLR 2023, arXiv:2302.00849, in the clock t = n gamma
    assert coefficients("momentum", 1, 0) == {"grad": "-1/(1 - beta)"}
    assert coefficients("momentum", 1, 1) == {"hess(grad)": "-(1 + beta)/(2*(1 - beta)**3)"}
    # Cattaneo & Shigida 2025, arXiv:2509.08483, first correction of the memoryless map
    assert coefficients("momentum", 1, 1, form="map") == {"hess(grad)": "-beta/(1 - beta)**3"}


def test_rmsprop_against_cattaneo_klusowski_shigida() -> None:
    """Cattaneo, Klusowski & Shigida, ICML 2024, arXiv:2309.00079, beta = 0, eps inside the root, n -> infinity:

        theta_j' = -(1/sqrt(g_j^2+eps)) (g_j + gamma/2 { 1 - r + r eps/(g_j^2+eps) } d_j ||grad L||_{1,eps}),  r = (1+rho)/(1-rho)

    with d ||g||_{1,eps} = H (g/sqrt(g^2+eps)). No difference of convention remains: gamma is the step and rho the decay."""
    eq = modified_equation("rmsprop", 1)
    u = "hess(grad*(grad**2 + eps)**(-1/2))"
    assert coefficients("rmsprop", 1, 0) == {"grad*(grad**2 + eps)**(-1/2)": "-1"}
    rho, eps, one = (eq.algebra.ring.symbol("rho"), eq.algebra.ring.symbol("eps"), eq.algebra.ring.one)
    ratio, half = (one + rho) / (one - rho), eq.algebra.ring.constant(Fraction(1, 2))
    assert eq["theta"][1].by_text == {
        f"(grad**2 + eps)**(-1/2)*{u}": -(half * (one - ratio)),
        f"(grad**2 + eps)**(-3/2)*{u}": -(half * ratio * eps),
    }


def test_sam() -> None:
    # references.md section 6: unnormalised, rho = kappa gamma: L + (kappa/2 + 1/4) gamma |g|^2
    assert coefficients("sam", 1, 1) == {"hess(grad)": "-(1 + 2*kappa)/2"}


def test_leapfrog_regime_is_second_order_and_the_plain_one_first() -> None:
    """theta'' + lam theta' = -grad L: with theta' = F, theta'' is the derivative of F along the field.

    On L = theta (a constant force) and on L = theta^2/2 the defect at gamma^1 is visible; checked here on the linear
    system (theta, eta)' = (A_0 + gamma A_1 + ...) (theta, eta) of L = h theta^2/2 with h = lam = 1."""
    for regime, vanishes in (("leapfrog", True), ("inertial", False)):
        eq = modified_equation("momentum", 1, regime=regime, settings={"lam": "1"})
        matrices = []
        for k in range(2):
            rows = []
            for variable in ("theta", "eta"):
                f = eq[variable][k]
                # on h = 1: grad -> theta, hess(x) -> x
                on_theta = f.coefficient("grad").number() + f.coefficient("hess(grad)").number()
                rows.append((on_theta, f.coefficient("eta").number() + f.coefficient("hess(eta)").number()))
            matrices.append(rows)
        # trace and determinant of A_0 + gamma A_1 are those of theta'' - tr theta' + det theta = 0
        (a, b), (c, d) = matrices[0]
        (e, f_), (g, h) = matrices[1]
        trace, determinant = e + h, a * h + e * d - b * g - f_ * c
        assert (a + d, a * d - b * c) == (-1, 1)
        assert ((trace, determinant) == (0, 0)) is vanishes


def test_a_schedule_adds_its_slope() -> None:
    """theta+ = theta - gamma r(t) g: f_1 = r'/2 g - r^2/2 H g (the midpoint of the step has another rate)."""
    assert coefficients("gd-schedule", 1, 1) == {"grad": "dr/2", "hess(grad)": "-r**2/2"}
    concrete = coefficients("gd-schedule", 1, 1, settings={"r(t)": "1/(1+t)"})
    assert concrete == {"grad": "-1/(2*(1 + t)**2)", "hess(grad)": "-1/(2*(1 + t)**2)"}


def test_a_general_vector_field_is_not_symmetric() -> None:
    """Explicit Euler on theta' = field: f_1 = -1/2 field' field; y' = y^2 becomes y^2 - h y^3 + 3/2 h^2 y^4 - ... (HLW IX.1)."""
    eq = modified_equation(inline_scheme("theta = theta + gamma*field(theta)"), 5)
    assert {t: str(c) for t, c in eq["theta"][1].by_text.items()} == {"dfield(field)": "-1/2"}
    values = eq.evaluate("y**2", {"y": "1"}).values["theta"]
    assert [v[0] for v in values] == ["1", "-1", "3/2", "-8/3", "31/6", "-157/15"]  # HLW IX.1
