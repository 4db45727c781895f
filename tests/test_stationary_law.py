"""Stationary laws: variances against the Lyapunov equation of updates written out by hand, and against the truncated generator;
the density against the Fokker-Planck equation of one step expanded by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction as F
from itertools import product

import pytest
import sympy as sp

from derive import configure, initial_law, inline_scheme, stationary_law
from derive.algebra.coefficients import Ratio
from derive.errors import ReductionError, UsageError
from derive.noise.forests import NORMAL, Forest, nodes
from derive.noise.generator import generator
from derive.noise.quadratic import QuadraticStep
from derive.noise.sampling import with_samples
from derive.readings.stationary_density import density_of, stationary_density

H, K, S, W = F(3, 2), F(2, 3), F(5, 7), F(1, 9)
GAMMA, BETA = F(1, 8), F(2, 5)
ULA = "theta = theta - gamma*grad(theta) + sqrt(2*gamma)*normal()"

State = tuple[F, ...]
Step = Callable[[State, F, F, F], State]  # state, curvature of the sample, its error, a normal number over sqrt(gamma)


def sgd(x: State, h: F, xi: F, z: F) -> State:
    return (x[0] - GAMMA * (h * x[0] + xi),)


def heavy(x: State, h: F, xi: F, z: F) -> State:
    v = BETA * x[1] - GAMMA * (h * x[0] + xi)
    return x[0] + v, v


def nesterov(x: State, h: F, xi: F, z: F) -> State:
    y = x[0] + BETA * (x[0] - x[1])
    return y - GAMMA * (h * y + xi), x[0]


def extragradient(x: State, h: F, xi: F, z: F) -> State:
    y = x[0] - GAMMA * (h * x[0] + xi)
    return (x[0] - GAMMA * (h * y + xi),)


def langevin(x: State, h: F, xi: F, z: F) -> State:
    return (x[0] - GAMMA * h * x[0] + z,)


def trapezoid(x: State, h: F, xi: F, z: F) -> State:
    return ((x[0] * (1 - GAMMA * h / 2) + z) / (1 + GAMMA * h / 2),)


TEXTS: Mapping[str, tuple[str, Step, int, F]] = {  # the variance of z, with sqrt(gamma) in it
    "sgd": ("theta = theta - gamma*sgrad(theta)", sgd, 1, F(0)),
    "heavy": ("v = beta*v - gamma*sgrad(theta); theta = theta + v", heavy, 2, F(0)),
    "nesterov": ("y = theta + beta*(theta - theta_prev); theta = y - gamma*sgrad(y)", nesterov, 2, F(0)),
    "extragradient": ("y = theta - gamma*sgrad(theta); theta = theta - gamma*sgrad(y)", extragradient, 1, F(0)),
    "langevin": (ULA, langevin, 1, 2 * GAMMA),
    "trapezoid": ("theta = theta - gamma*(grad(theta) + grad(theta_next))/2 + sqrt(2*gamma)*normal()", trapezoid, 1, 2 * GAMMA),
}


def at_numbers(c: Ratio, **more: F) -> F:
    return F(c.at({"gamma": GAMMA, "beta": BETA, "h": H, "k": K, "s": S, "w": W} | more, F))


def matrix(step: Step, size: int, h: F) -> list[list[F]]:
    columns = [step(tuple(F(int(i == j)) for i in range(size)), h, F(0), F(0)) for j in range(size)]
    return [[columns[j][i] for j in range(size)] for i in range(size)]


def settled(a: list[list[F]], b: list[list[F]], added: list[list[F]], spread: list[list[F]] | None = None) -> F:
    """The first entry of S = A S B^T + E A' S A'^T + added, by sympy."""
    size = len(a)
    unknown = sp.Matrix(size, size, sp.symbols(f"x:{size * size}"))
    left, right, noise = (sp.Matrix([[sp.Rational(x.numerator, x.denominator) for x in row] for row in m]) for m in (a, b, added))
    residual = unknown - left * unknown * right.T - noise
    if spread is not None:
        m = sp.Matrix([[sp.Rational(x.numerator, x.denominator) for x in row] for row in spread])
        residual -= sp.Rational(W.numerator, W.denominator) * m * unknown * m.T
    found = sp.solve(list(residual), list(unknown))[unknown[0, 0]]
    return F(int(found.p), int(found.q))


def kicks(step: Step, size: int, h: F, noise: F, of_z: F) -> list[list[F]]:
    zero = (F(0),) * size
    b, c = step(zero, h, F(1), F(0)), step(zero, h, F(0), F(1))
    return [[noise * b[i] * b[j] + of_z * c[i] * c[j] for j in range(size)] for i in range(size)]


@pytest.mark.parametrize("name", TEXTS)
def test_the_variance_solves_the_lyapunov_equation_of_the_update_written_by_hand(name: str) -> None:
    text, step, size, of_z = TEXTS[name]
    law = stationary_law(inline_scheme(text))
    expected = settled(matrix(step, size, H), matrix(step, size, H), kicks(step, size, H, S, of_z))
    assert at_numbers(law.variance) == expected
    assert at_numbers(law.variance, h=K) != expected


@pytest.mark.parametrize("name", ["sgd", "heavy", "nesterov", "extragradient"])
def test_two_modes(name: str) -> None:
    text, step, size, _ = TEXTS[name]
    one, other = step((F(0),) * size, H, F(1), F(0)), step((F(0),) * size, K, F(1), F(0))
    added = [[S * one[i] * other[j] for j in range(size)] for i in range(size)]
    expected = settled(matrix(step, size, H), matrix(step, size, K), added)
    law = stationary_law(inline_scheme(text))
    assert at_numbers(law.covariance) == expected
    assert at_numbers(law.covariance, k=H) == at_numbers(law.variance)


@pytest.mark.parametrize("name", ["sgd", "heavy", "nesterov"])
def test_where_curvatures_are_sampled_too(name: str) -> None:
    text, step, size, _ = TEXTS[name]
    a, more = matrix(step, size, H), matrix(step, size, H + 1)
    slope = [[y - x for x, y in zip(p, q, strict=True)] for p, q in zip(a, more, strict=True)]
    law = stationary_law(inline_scheme(text))
    assert law.spread is not None
    assert at_numbers(law.spread) == settled(a, a, kicks(step, size, H, S, F(0)), slope)
    assert at_numbers(law.spread, w=F(0)) == at_numbers(law.variance)


def test_the_second_moment_of_sgd_over_four_samples_is_left_as_it_is() -> None:
    """chi = +-1/3 and xi = +-a independent: E x+^2 = E x^2."""
    law = stationary_law(inline_scheme(TEXTS["sgd"][0]))
    assert law.spread is not None
    variance = at_numbers(law.spread)

    def after(v: F) -> F:
        signs = [*product((1, -1), repeat=2)]
        return sum(((1 - GAMMA * (H + F(i, 3))) ** 2 * v + GAMMA**2 * S for i, _ in signs), F(0)) / len(signs)

    assert after(variance) == variance
    assert after(variance + F(1, 100)) != variance + F(1, 100)


def test_one_sample_at_two_points_brings_in_moments_that_are_not_given() -> None:
    law = stationary_law(inline_scheme(TEXTS["extragradient"][0]))
    assert law.spread is None
    assert "sgrad(x, 2)" in law.no_spread
    two = stationary_law(inline_scheme("y = theta - gamma*sgrad(theta); theta = theta - gamma*sgrad(y, 2)"))
    assert two.spread is not None


# ------------------------------------------------------------------------------------------------ the truncated generator


def on_quadratic(forests: Mapping[Forest, Ratio], roots: int, ring_h: sp.Symbol, s: sp.Symbol) -> sp.Expr:
    """The factor of theta (one root), or the number (two), of chains on h theta^2/2 with additive errors."""
    total = sp.Integer(0)
    for f, c in forests.items():
        if len(f) != roots:
            continue
        listed = list(nodes(r.tree for r in f))
        tied = [t for t in listed if t.tie]
        if any(len(t.children) > 1 or (t.tie and t.children) for t in listed) or len(tied) > 2:
            continue
        gradients = [t for t in listed if t.label == "g"]
        curvatures = sum(1 for t in gradients if not t.tie)
        total += c.sympy() * ring_h**curvatures * (s if tied and tied[0].label != NORMAL else 1)
    return total


def truncated_variance(text: str, order: int) -> list[sp.Expr]:
    """a(gamma) V + D(gamma) = 0, D = half the diffusion: coefficients of gamma^0, ..., gamma^order of the quotient."""
    g = generator(configure(with_samples(inline_scheme(text)), noise=True), order)
    gamma, h, s = sp.symbols("gamma h s")
    drift, half = (sum(gamma**k * on_quadratic(p, roots, h, s) for k, p in enumerate(g.powers)) for roots in (1, 2))
    series = sp.series(sp.cancel(-half / drift), gamma, 0, order + 1).removeO()
    return [sp.factor(series.coeff(gamma, k)) for k in range(order + 1)]


@pytest.mark.parametrize("name", ["sgd", "heavy", "extragradient", "langevin"])
def test_the_truncated_generator_has_the_same_variance_as_far_as_it_goes(name: str) -> None:
    order = 3
    law = stationary_law(inline_scheme(TEXTS[name][0]), 3)
    found = truncated_variance(TEXTS[name][0], order)
    exact = [law.series[k].sympy() if k in law.series else sp.Integer(0) for k in range(order + 2)]
    assert all(sp.simplify(a - b) == 0 for a, b in zip(found, exact, strict=False))
    wrong = [e * (1 + int(k == 2) * sp.Symbol("h")) for k, e in enumerate(exact)]
    assert any(sp.simplify(a - b) != 0 for a, b in zip(found, wrong, strict=False))


# ------------------------------------------------------------------------------------------------ known values, refusals


def test_known_values() -> None:
    assert str(stationary_law("gd").variance) == "gamma*s/(h*(2 - gamma*h))"
    heavy_ball = stationary_law("momentum", 1)
    assert str(heavy_ball.temperature[1]) == "s/(2*(1 - beta))"  # gamma/(B (1 - beta)), over 2, for s = Sigma/B
    assert heavy_ball.stability.interval == ("0", "2*(1 + beta)")
    assert str(stationary_law(inline_scheme(TEXTS["trapezoid"][0])).variance) == "1/h"  # exact for every step


def test_baoab_has_the_exact_variance_of_positions() -> None:
    """Leimkuhler & Matthews 2013: for every step, c = exp(-lam gamma) any number."""
    text = (
        "v = v - gamma*grad(theta)/2; theta = theta + gamma*v/2; v = c*v + sqrt(1 - c**2)*normal(); "
        "theta = theta + gamma*v/2; v = v - gamma*grad(theta)/2"
    )
    assert str(QuadraticStep(configure(inline_scheme(text, ("c",)), noise=True)).variance()) == "1/h"
    half = text.replace("v = v - gamma*grad(theta)/2; theta = theta + gamma*v/2; ", "v = v - gamma*grad(theta)/2; ")
    assert str(QuadraticStep(configure(inline_scheme(half, ("c",)), noise=True)).variance()) != "1/h"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("theta = theta - gamma*sgrad(theta)/norm(sgrad(theta))", "not linear"),
        ("theta = theta - gamma*t*sgrad(theta)", "changes with the time"),
        ("theta = theta + gamma*(sgrad(theta) - sgrad(theta))", "grow for ever"),
        ("theta = theta - gamma*grad(theta) + gamma**9*normal()", "zero through"),
        ("z = normal(); theta = theta - gamma*grad(theta + sqrt(beta)*z) + sqrt(2*gamma)*z", "different roots"),
        ("v = v + sgrad(theta); theta = theta - gamma*sgrad(theta)", "grow for ever"),
    ],
)
def test_what_has_no_stationary_variance_is_refused(text: str, says: str) -> None:
    with pytest.raises(ReductionError, match=says):
        stationary_law(inline_scheme(text))


def test_epochs_are_no_independent_samples() -> None:
    epochs = replace(inline_scheme(TEXTS["sgd"][0]), sampling="reshuffled")
    for read in (stationary_law, stationary_density, initial_law):
        with pytest.raises(UsageError, match="independent of all others"):
            read(epochs)


# ------------------------------------------------------------------------------------------------ the density


def one_step_operators(increment: Callable[[sp.Expr, sp.Expr], sp.Expr]) -> list[Callable[[sp.Expr], sp.Expr]]:
    """p -> the adjoint of A_1 and of A_2 on p, E phi(x + d) = phi + gamma A_1 phi + gamma^2 A_2 phi + ..., d a polynomial in
    root = sqrt(gamma) and z, z standard normal."""
    x, z, root = sp.symbols("x z root")
    moments = {0: 1, 2: 1, 4: 3, 6: 15, 8: 105}
    d = sp.expand(increment(z, root))
    coefficients: dict[int, list[sp.Expr]] = {2: [], 4: []}
    for r in range(1, 5):
        poly = sp.Poly(sp.expand(d**r / sp.factorial(r)), z, root)
        for power, found in coefficients.items():
            found.append(sum((c * moments.get(i, 0) for (i, j), c in poly.terms() if j == power), sp.Integer(0)))

    def adjoint(of: list[sp.Expr]) -> Callable[[sp.Expr], sp.Expr]:
        return lambda p: sum((-1) ** r * sp.diff(c * p, x, r) for r, c in enumerate(of, 1))

    return [adjoint(coefficients[2]), adjoint(coefficients[4])]


def leaves_it_as_it_is(increment: Callable[[sp.Expr, sp.Expr], sp.Expr], v0: sp.Expr, v1: sp.Expr) -> bool:
    """A_1^* p_0 = 0 and A_2^* p_0 + A_1^* p_1 = 0 for p = exp(-v0) (1 - gamma v1)."""
    first, second = one_step_operators(increment)
    p = sp.exp(-v0)
    residuals = first(p), second(p) + first(-v1 * p)
    return all(sp.simplify(sp.expand(r / p)) == 0 for r in residuals)


X, Z, ROOT = sp.symbols("x z root")
L = sp.Function("L")(X)


def gradient(k: int = 0) -> sp.Expr:
    return sp.diff(L, X, k + 1)


def expanded_gradient(d: sp.Expr) -> sp.Expr:
    """L'(x + d) through sqrt(gamma)^2, all that d^2 in it needs."""
    return sum(gradient(k) * d**k / sp.factorial(k) for k in range(3))


def euler(z: sp.Expr, root: sp.Expr) -> sp.Expr:
    return -(root**2) * gradient() + sp.sqrt(2) * root * z


def trapezoidal(z: sp.Expr, root: sp.Expr) -> sp.Expr:
    """d = sqrt(2) root z - root^2 (L' + L'(x + d))/2, through root^4."""
    d = sp.sqrt(2) * root * z
    for _ in range(3):
        d = sp.expand(sp.sqrt(2) * root * z - root**2 * (gradient() + expanded_gradient(d)) / 2)
        d = sum(d.coeff(root, k) * root**k for k in range(5))
    return d


def noisy_point(z: sp.Expr, root: sp.Expr) -> sp.Expr:
    """The gradient at x + sqrt(gamma/2) z, the same z."""
    return -(root**2) * expanded_gradient(root * z / sp.sqrt(2)) + sp.sqrt(2) * root * z


DENSITIES = {
    "euler": (ULA, euler),
    "trapezoid": (TEXTS["trapezoid"][0], trapezoidal),
    "noisy point": ("z = normal(); theta = theta - gamma*grad(theta + sqrt(gamma/2)*z) + sqrt(2*gamma)*z", noisy_point),
}


@pytest.mark.parametrize("name", DENSITIES)
def test_the_density_is_left_as_it_is_by_a_step_expanded_by_hand(name: str) -> None:
    """In one dimension, for every loss."""
    text, increment = DENSITIES[name]
    first = stationary_density(inline_scheme(text)).potential[1]
    means = {"L": L, "|grad L|^2": gradient() ** 2, "Lap L": gradient(1)}
    v1 = sum((means[f] * c.sympy() for f, c in first.items()), sp.Integer(0))
    assert leaves_it_as_it_is(increment, L, v1)
    assert not leaves_it_as_it_is(increment, L, v1 + gradient(1) / 7)


def test_the_density_on_a_quadratic_has_the_variance_of_the_closed_form() -> None:
    """exp(-(1 + c gamma) h x^2/2): |grad L|^2 = h^2 x^2 = 2 h L."""
    density, law = (f(inline_scheme(ULA)) for f in (stationary_density, stationary_law))
    h = sp.Symbol("h")
    c = 2 * h * density.potential[1]["|grad L|^2"].sympy()
    assert sp.simplify(law.series[1].sympy() + c / h) == 0


def test_balance() -> None:
    sgld = stationary_density(inline_scheme("theta = theta - gamma*sgrad(theta) + sqrt(2*gamma)*normal()"))
    assert (sgld.balance, sgld.balance_power, str(sgld.curl)) == ("fails", 1, "1/2")
    assert len(sgld.potential) == 1
    euler_scheme = stationary_density(inline_scheme(ULA))
    assert (euler_scheme.balance, euler_scheme.next_power) == ("holds", "fails")
    assert euler_scheme.witness is not None


def test_modes_of_sgd_turn_as_the_exact_chain_does() -> None:
    """E(y x+ - x y+) = gamma (k - h) Cov for theta+ = theta - gamma (H theta + xi), over gamma^2 at gamma = 0."""
    found = stationary_density("gd")
    covariance = stationary_law("gd").covariance.sympy()
    h, k, s, gamma = sp.symbols("h k s gamma")
    turned = (gamma * (k - h) * covariance / gamma**2).subs({h: 1, k: 2, s: 1})
    assert found.curl is not None
    assert sp.limit(turned, gamma, 0) == found.curl.sympy()


def test_a_density_is_refused_where_it_is_not_read() -> None:
    for text in ("theta = theta - gamma*grad(theta) - gamma*theta + sqrt(2*gamma)*normal()",
                 "theta = theta - gamma*sgrad(theta)/norm(sgrad(theta)) + sqrt(2*gamma)*normal()"):  # fmt: skip
        with pytest.raises(ReductionError, match="no stationary density"):
            stationary_density(inline_scheme(text))
    plain = generator(configure(inline_scheme("theta = theta - gamma*grad(theta)"), noise=True), 2)
    with pytest.raises(ReductionError, match="no noise"):
        density_of(plain)
