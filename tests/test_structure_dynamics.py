"""Second-order forms, accuracy and modified energies: published equations, independence of the velocity, conservation."""

from __future__ import annotations

from fractions import Fraction
from math import log2

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from derive import modified_equation
from derive.algebra.calculus import same
from derive.algebra.coefficients import Ring
from derive.algebra.sums import Algebra
from derive.engine.composition import Given, Workspace, composed
from derive.errors import ParseError, ReductionError, UsageError
from derive.readings.accuracy import accuracy
from derive.readings.energy import lie_derivative, modified_energy
from derive.readings.second_order import second_order
from derive.readings.weights import scalars_of_weight
from derive.scheme import inline_scheme

VERLET = "v = v - gamma/2*grad(theta); theta = theta + gamma*v; v = v - gamma/2*grad(theta)"
DRIFT_FIRST = "theta = theta + gamma/2*v; v = v - gamma*grad(theta); theta = theta + gamma/2*v"
numbers = st.fractions(min_value=-1, max_value=1, max_denominator=4)


def table(total: object) -> dict[str, str]:
    return {str(t): str(c) for c, t in total}  # type: ignore[attr-defined]


def agrees(total: object, expected: dict[str, str]) -> bool:
    found, names = table(total), {n: sympy.Symbol(n) for n in ("lam", "t")}
    return found.keys() == expected.keys() and all(
        sympy.simplify(sympy.sympify(found[k], locals=names) - sympy.sympify(expected[k], locals=names)) == 0 for k in expected
    )


# ---------------------------------------------------------------------------------------------- second order

HIGH_RESOLUTION = [
    # Shi, Du, Jordan & Su, arXiv:1810.08907, eq. (1.10) and (1.11) with lam = 2 sqrt(mu), gamma = sqrt(s):
    # X'' + 2 sqrt(mu) X' + (1 + sqrt(mu s)) grad f = 0
    ("momentum", {"p": "-lam", "grad": "-1"}, {"grad": "-lam/2"}),
    # X'' + 2 sqrt(mu) X' + sqrt(s) hess f X' + (1 + sqrt(mu s)) grad f = 0
    ("nesterov-keras", {"p": "-lam", "grad": "-1"}, {"grad": "-lam/2", "hess(p)": "-1"}),
    # Sutskever's variable: the same through this order
    ("nesterov", {"p": "-lam", "grad": "-1"}, {"grad": "-lam/2", "hess(p)": "-1"}),
]


@pytest.mark.parametrize(("scheme", "limit", "correction"), HIGH_RESOLUTION)
def test_high_resolution_equations(scheme: str, limit: dict[str, str], correction: dict[str, str]) -> None:
    s = second_order(scheme, 1, regime="strongly-convex")
    assert agrees(s.terms[0], limit)
    assert agrees(s.terms[1], correction)


def test_high_resolution_equation_of_the_convex_method() -> None:
    """Shi et al., eq. (1.12): X'' + 3/t X' + sqrt(s) hess f X' + (1 + 3 sqrt(s)/(2t)) grad f = 0 at t_k = (k + 3/2) sqrt(s).

    The clock here, t_k = k sqrt(s) with (k-1)/(k+2), is theirs less half a step, which is the term 3/(2 t^2) theta'.
    """
    s = second_order("nesterov-convex", 1)
    assert agrees(s.terms[0], {"p": "-3/t", "grad": "-1"})
    assert agrees(s.terms[1], {"p": "3/(2*t**2)", "grad": "-3/(2*t)", "hess(p)": "-1"})


@pytest.mark.parametrize(
    ("scheme", "regime"),
    [("momentum", "inertial"), ("nesterov", "inertial"), ("nesterov-half", "inertial"), ("momentum", "leapfrog")],
)
def test_velocity_put_back_gives_theta_prime(scheme: str, regime: str) -> None:
    """F(theta, E(theta, p)) = p through gamma^order."""
    equation = modified_equation(scheme, 3, regime=regime)
    s = second_order(scheme, 3, regime=regime)
    a = s.equation.algebra
    workspace = Workspace(a)
    states = {"eta": Given(workspace, [v.sum for v in s.velocity])}
    for k in range(4):
        total: dict = {}
        for j in range(k + 1):
            total = a.add(total, composed(workspace, s.equation["theta"][j].sum, states).at(k - j))
        assert same(a, total, a.state("p") if k == 0 else {})
    assert equation.order == 3


@given(numbers, numbers, numbers)
def test_second_order_form_does_not_depend_on_the_velocity_variable(a: Fraction, b: Fraction, c: Fraction) -> None:
    """The same iterates theta_n written with v = w + gamma c grad(theta): another field for w, the same theta''."""
    first = f"v = v - gamma*({a})*v - gamma*grad(theta + gamma*({b})*v); theta = theta + gamma*v"
    second = (
        f"v = w + gamma*({c})*grad(theta); v = v - gamma*({a})*v - gamma*grad(theta + gamma*({b})*v); theta = theta + gamma*v; "
        f"w = v - gamma*({c})*grad(theta)"
    )
    one, two = (second_order(inline_scheme(u), 2) for u in (first, second))
    assert [table(t) for t in one.terms] == [table(t) for t in two.terms]


def test_values_of_the_second_order_form() -> None:
    """L = x^3/3 + x y: theta'' = -lam p - (x^2 + y, x) at gamma^0."""
    s = second_order("momentum", 1, regime="inertial", settings={"lam": "1/2"})
    values = s.evaluate("x**3/3 + x*y", {"x": "2", "y": "3", "p_x": "4", "p_y": "6"})
    assert values[0] == ["-9", "-5"]
    assert values == s.evaluate("x**3/3 + x*y", "x=2,y=3,eta_x=4,eta_y=6")


def test_second_order_refusals() -> None:
    with pytest.raises(ReductionError, match="inertial, leapfrog"):
        second_order("momentum", 1)
    with pytest.raises(ReductionError, match="exactly one velocity"):
        second_order("adam", 1, regime="inertial")
    with pytest.raises(ReductionError, match="cannot be eliminated"):
        second_order(inline_scheme("v = v - gamma*grad(theta); theta = theta + gamma*v*v"), 1)


# ---------------------------------------------------------------------------------------------- accuracy

FRICTION = "theta'' + lam*theta' + grad"
ORDERS = [
    ("momentum", "inertial", FRICTION, 1),
    # Su 2018: centred friction makes the leapfrog second order
    ("momentum", "leapfrog", FRICTION, 2),
    ("nesterov", "inertial", FRICTION, 1),
    # the high-resolution equations are one order better than their limit
    ("momentum", "strongly-convex", "theta'' + lam*theta' = -(1 + lam*gamma/2)*grad", 2),
    ("nesterov-keras", "strongly-convex", "theta'' + lam*theta' + gamma*hess(theta') + (1 + lam*gamma/2)*grad", 2),
    ("gd", None, "theta' + grad", 1),
    ("gd", None, "theta' + grad + gamma/2*hess(grad)", 2),
    ("heun", None, "theta' = -grad", 2),
    ("implicit-midpoint", None, "theta' + grad", 2),
    ("rk4", None, "theta' + grad", 4),
    ("bdf2", None, "theta' + grad", 2),
    ("adams-bashforth-2", None, "theta' + grad", 2),
    # Kovachki & Stuart, arXiv:1906.04285: h alpha u'' + (1-lam) u' = -grad, alpha = (1 + lam - 2a(1-lam))/2, a = 0 and a = lam
    ("momentum", None, "gamma*(1+beta)/2*theta'' + (1-beta)*theta' + grad", 2),
    ("nesterov", None, "gamma*(1-beta+2*beta**2)/2*theta'' + (1-beta)*theta' + grad", 2),
    # another coefficient of theta'' is one order worse
    ("momentum", None, "gamma*(1+2*beta)/2*theta'' + (1-beta)*theta' + grad", 1),
    # a wrong limit has order 0
    ("gd", None, "theta' + 2*grad", 0),
    ("momentum", "inertial", "theta'' + grad", 0),
]


@pytest.mark.parametrize(("scheme", "regime", "target", "order"), ORDERS)
def test_orders(scheme: str, regime: str | None, target: str, order: int) -> None:
    a = accuracy(scheme, target, regime=regime)
    assert a.order == order
    assert a.defect
    assert a.exact_through is None


def test_target_plus_its_defect_is_one_order_better() -> None:
    a = accuracy("gd", "theta' + grad")
    b = accuracy("gd", f"theta' + grad - gamma*({a.defect})")
    assert (a.order, b.order) == (1, 2)
    c = accuracy("gd", f"theta' + grad - gamma*({a.defect}) - gamma**2*({b.defect})")
    assert c.order == 3


def test_denominators_in_targets() -> None:
    """Adam's own first-order equation, its square denominator written in two ways: order 2."""
    u = "grad/(abs(grad) + eps)"
    first = f"(beta2 - beta1)/((1 - beta1)*(1 - beta2))*hess({u})/(abs(grad) + eps)"
    for square in ("(abs(grad) + eps)**2", "(grad**2 + 2*eps*abs(grad) + eps**2)"):
        second = f"eps*(1 + beta2)/(2*(1 - beta2))*hess({u})/{square}"
        assert accuracy("adam", f"theta' = -{u} + gamma*({first} - {second})", 2).order == 2
    assert accuracy("adam", f"theta' + {u}", 2).order == 1


def test_no_defect_is_a_lower_bound() -> None:
    a = accuracy("rk4", "theta' + grad", 2)
    assert (a.order, a.exact_through, bool(a.defect)) == (3, 2, False)


@pytest.mark.parametrize(
    ("target", "error"),
    [("theta' + mu*grad", ParseError), ("grad", UsageError), ("theta''' + grad", UsageError), ("theta' @ 2", ReductionError),
     ("theta' = grad = 0", ParseError), ("", ParseError),
     ("theta1 + grad", UsageError)],
)  # fmt: skip
def test_bad_targets(target: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        accuracy("gd", target)


def test_first_order_target_for_a_second_order_regime() -> None:
    with pytest.raises(UsageError, match="theta''"):
        accuracy("momentum", "theta' + grad", regime="inertial")


# ---------------------------------------------------------------------------------------------- energy


def test_symplectic_euler() -> None:
    """Hairer, Lubich & Wanner, IX.3: H - h/2 H_p H_q + h^2/12 (H_pp H_q^2 + H_qq H_p^2 + 4 H_pq H_p H_q)."""
    e = modified_energy("momentum", 2, settings={"lam": "0"})
    assert e.conserved
    assert e.hamiltonian
    assert table(e.energy[0]) == {"L": "1", "dot(eta, eta)": "1/2"}
    assert table(e.energy[1]) == {"dot(eta, grad)": "-1/2"}
    assert table(e.energy[2]) == {"dot(grad, grad)": "1/12", "dot(eta, hess(eta))": "1/12"}


def test_stoermer_verlet() -> None:
    """Hairer, Lubich & Wanner, IX.10: kick-drift-kick h^2 (p^2 U''/12 - U'^2/24), the other way h^2 (-p^2 U''/24 + U'^2/12)."""
    kick, drift = (modified_energy(inline_scheme(u), 3) for u in (VERLET, DRIFT_FIRST))
    assert table(kick.energy[2]) == {"dot(grad, grad)": "-1/24", "dot(v, hess(v))": "1/12"}
    assert table(drift.energy[2]) == {"dot(grad, grad)": "1/12", "dot(v, hess(v))": "-1/24"}
    for e in (kick, drift):
        assert e.conserved
        assert not e.energy[1]
        assert not e.energy[3]


def test_pendulum_under_stoermer_verlet() -> None:
    """Hairer, Lubich & Wanner, Acta Numerica 2003, eq. (4.8): (v, -sin q) + h^2/12 (2 v cos q, sin q cos q + v^2 sin q)."""
    blocks = modified_equation(inline_scheme(VERLET), 2).on_loss("-cos(q)")
    q, v = sympy.symbols("q v_q")
    expected = {"theta": 2 * v * sympy.cos(q) / 12, "v": (sympy.sin(q) * sympy.cos(q) + v**2 * sympy.sin(q)) / 12}
    for name, value in expected.items():
        assert blocks[name][1][0] == 0
        assert sympy.simplify(blocks[name][2][0] - value) == 0


@pytest.mark.parametrize("order", [0, 1, 4, 6])
def test_energy_is_conserved_identically(order: int) -> None:
    e = modified_energy("momentum", order, settings={"lam": "0"})
    fields = [(f.sum, g.sum) for f, g in zip(e.equation["theta"], e.equation["eta"], strict=True)]
    energies = [s.sum for s in e.energy]
    assert not any(lie_derivative(e.equation.algebra, "eta", energies, fields))
    if order:  # a wrong coefficient is caught
        t, c = next(iter(energies[-1].items()))
        wrong = [*energies[:-1], energies[-1] | {t: c.scaled(2)}]
        assert any(lie_derivative(e.equation.algebra, "eta", wrong, fields))


def test_dissipation_rate() -> None:
    """Without correction dE/dt = -lam |eta|^2; at lam = 0 the whole rate vanishes."""
    e = modified_energy("momentum", 3, regime="leapfrog")
    assert not e.conserved
    assert e.undamped
    assert table(e.rate[0]) == {"dot(eta, eta)": "-lam"}
    zero = {"lam": e.equation.algebra.ring.zero}
    assert all(not c.substitute(zero, e.equation.algebra.ring) for s in e.rate for c, _ in s)


def test_velocity_not_canonical_is_found_by_the_ansatz() -> None:
    """Symplectic Euler with the velocity w = v + gamma grad L(theta + gamma^2 grad L), a shear that is no gradient at gamma^5:
    no Hamiltonian flow in (theta, w), and its energy is conserved all the same."""
    shear = "gamma*grad(theta + gamma**2*grad(theta))"
    e = modified_energy(inline_scheme(f"v = w - {shear}; v = v - gamma*grad(theta); theta = theta + gamma*v; w = v + {shear}"), 5)
    assert not e.hamiltonian
    assert e.conserved
    assert len(e.energy) == 6
    assert table(e.energy[1]) == {"dot(w, grad)": "-3/2"}


def test_explicit_schemes_without_energy() -> None:
    e = modified_energy("nesterov", 2)
    assert not e.undamped
    assert not e.conserved
    assert len(e.energy) == 1
    with pytest.raises(ReductionError, match="theta alone is slow"):
        modified_energy("gd", 1)
    with pytest.raises(ReductionError, match="not mechanical"):
        modified_energy(inline_scheme("v = v - gamma*grad(theta); theta = theta + gamma*v - gamma*grad(theta)"), 1)
    with pytest.raises(UsageError, match="--damping"):
        modified_energy("momentum", 1, damping="mu")


@pytest.mark.parametrize(("weight", "count"), [(2, 2), (3, 1), (4, 2), (5, 2), (6, 4)])
def test_scalars_of_weight(weight: int, count: int) -> None:
    """Counted by hand: 2: L, |eta|^2; 3: eta g; 4: |g|^2, eta H eta; 5: eta H g, T(eta, eta, eta);
    6: g H g, |H eta|^2, T(eta, eta, g), d4(eta, eta, eta, eta)."""
    assert len(scalars_of_weight(Algebra(Ring()), "eta", weight)) == count


def test_iterates_conserve_the_truncated_energy_to_the_predicted_power() -> None:
    """The drift of E_0 + ... + gamma^k E_k along the iterates over a fixed time is O(gamma^(k+1))."""
    loss = "x**4/4 + y**4/4 + x**2/2 + y**2/2 + x*y**2/5 + x**2*y/3"
    e = modified_energy("momentum", 2, settings={"lam": "0"})
    drifts: list[list[float]] = []
    for steps in (32, 64, 128):
        h = 1.0 / steps
        x, y, u, w = 0.7, -0.4, 0.3, 0.5
        start = _energies(e, loss, x, y, u, w)
        for _ in range(steps):
            gx = x**3 + x + y * y / 5 + 2 * x * y / 3
            gy = y**3 + y + 2 * x * y / 5 + x * x / 3
            u, w = u - h * gx, w - h * gy
            x, y = x + h * u, y + h * w
        end = _energies(e, loss, x, y, u, w)
        differences = [b - a for a, b in zip(start, end, strict=True)]
        drifts.append([abs(sum(h**k * differences[k] for k in range(m + 1))) for m in range(3)])
    for m in range(3):
        slope = log2(drifts[1][m] / drifts[2][m])
        assert abs(slope - (m + 1)) < 0.3, (m, drifts)


def _energies(e: object, loss: str, x: float, y: float, u: float, w: float) -> list[float]:
    at = {n: Fraction(v) for n, v in (("x", x), ("y", y), ("eta_x", u), ("eta_y", w))}
    return [float(Fraction(v)) for v in e.evaluate(loss, at)]  # type: ignore[attr-defined]
