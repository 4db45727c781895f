"""The law from rest against all sequences of samples of the first steps, in exact polynomials in gamma."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction as F
from itertools import product
from math import comb, factorial

import pytest
from flint import fmpq, fmpq_poly

from derive import configure, initial_law, initial_layer, inline_scheme, modified_sde
from derive.errors import ReductionError
from derive.noise.builder import one_step
from derive.noise.enumeration import Enumeration
from derive.noise.forests import symmetry
from derive.noise.generator import Generator
from derive.noise.start import FromRest
from derive.readings.law_witness import BATCHES, Jets, draws, forest_value

ORDER, BETA = 3, F(1, 2)
#: p + xi q at 0: derivatives of both, of orders 1, 2, 3, 4
P, Q = (F(2), F(3), F(-5), F(7)), (F(1), F(2), F(3), F(-1))

Poly = fmpq_poly
State = list[Poly]


def cut(x: Poly) -> Poly:
    """Through gamma^ORDER."""
    return Poly([x[k] for k in range(min(x.degree(), ORDER) + 1)]) if x else x


def number(x: F) -> fmpq:
    return fmpq(x.numerator, x.denominator)


def gradient(x: Poly, xi: F) -> Poly:
    """p' + xi q' at x."""
    total, power = Poly([0]), Poly([1])
    for k, (p, q) in enumerate(zip(P, Q, strict=True)):
        total, power = total + power * number((p + xi * q) / factorial(k)), cut(power * x)
    return cut(total)


GAMMA = Poly([0, 1])


def heavy(s: State, xi: F) -> State:
    v = number(BETA) * s[1] + gradient(s[0], xi)
    return [cut(s[0] - GAMMA * v), v]


def ahead(s: State, xi: F) -> State:
    v = number(BETA) * s[1] + gradient(cut(s[0] - GAMMA * s[1] * number(BETA)), xi)
    return [cut(s[0] - GAMMA * v), v]


def twice(s: State, xi: F) -> State:
    """A second memory, fed by the first, with the factor 1/3."""
    v = number(BETA) * s[1] + gradient(s[0], xi)
    w = fmpq(1, 3) * s[2] + v
    return [cut(s[0] - GAMMA * w), v, w]


STEPS: dict[str, tuple[str, Callable[[State, F], State], int]] = {
    "heavy": ("v = beta*v + sgrad(theta); theta = theta - gamma*v", heavy, 2),
    "ahead": ("v = beta*v + sgrad(theta - gamma*beta*v); theta = theta - gamma*v", ahead, 2),
    "twice": ("v = beta*v + sgrad(theta); w = w/3 + v; theta = theta - gamma*w", twice, 3),
}


def cumulants(step: Callable[[State, F], State], size: int, n: int) -> list[list[F]]:
    """[r][k]: the coefficient of gamma^k in the cumulant of order r of theta_n, from rest at 0."""
    moments = [Poly([0]) for _ in range(ORDER + 1)]
    for drawn in product(draws(BATCHES), repeat=n):
        state, weight = [Poly([0])] * size, F(1)
        for xi, probability in drawn:
            state, weight = step(state, xi), weight * probability
        power = Poly([1])
        for r in range(ORDER + 1):
            moments[r] += number(weight) * power
            power = cut(power * state[0])
    found = [Poly([0])]
    for r in range(1, ORDER + 1):
        found.append(cut(moments[r] - sum((comb(r - 1, j - 1) * found[j] * moments[r - j] for j in range(1, r)), Poly([0]))))
    return [[F(int(c[k].p), int(c[k].q)) if c and k <= c.degree() else F(0) for k in range(ORDER + 1)] for c in found]


def jets() -> Jets:
    orders = [("L", ("theta",) * k) for k in range(1, 5)]
    return Jets(dict(zip(orders, P, strict=True)), dict(zip(orders, Q, strict=True)))


def predicted(text: str, n: int) -> list[list[F]]:
    """The same from the weights of forests, their powers rho^n included."""
    step = one_step(configure(inline_scheme(text), None, {"beta": "1/2"} if "beta" in text else {}, noise=True), ORDER)
    rest, given = FromRest(step), jets()
    spaces = Generator(step.forms.configuration, step.slow, (), step.spaces, {})
    found = [[F(0)] * (ORDER + 1) for _ in range(ORDER + 1)]
    for cost in range(1, 2 * ORDER + 1):
        for forest in Enumeration(step).forests(cost):
            if len(forest) > ORDER:
                continue
            value = forest_value(forest, given, spaces, F(0)) * factorial(len(forest)) / symmetry(forest)
            for k in range((cost + 1) // 2, ORDER + 1):
                at = {"n": F(n)} | {z: F(rho.number()) ** n for z, rho in rest.factors.items()}
                found[len(forest)][k] += value * F(rest.weight(forest, k).at(at, F))
    return found


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("n", [0, 1, 2, 4])
def test_cumulants_after_n_steps_from_rest_over_all_sequences_of_samples(name: str, n: int) -> None:
    """E phi(theta_n), decaying parts included, through gamma^3 on a quartic loss."""
    text, step, size = STEPS[name]
    assert predicted(text, n) == cumulants(step, size, n)


def test_an_update_that_is_another_one_has_other_cumulants() -> None:
    assert predicted(STEPS["heavy"][0], 3) != cumulants(ahead, 2, 3)


@pytest.mark.parametrize(("name", "order"), [("momentum", 3), ("ema-momentum", 2)])
def test_trees_without_ties_are_the_initial_layer_without_noise(name: str, order: int) -> None:
    law, layer = initial_law(name, order), initial_layer(name, order)
    said = {"grad": "g", "hess(grad)": "g[g]", "d3(grad, grad)": "g[g,g]", "hess(hess(grad))": "g[g[g]]"}
    for k in range(order + 1):
        plain = {f: str(c) for c, f in law.mean[k] if "1" not in f}
        assert plain == {said[t]: str(c) for t, c in layer.shift[k].by_text.items()}


def test_a_slow_average_starts_elsewhere_too() -> None:
    text = "v = beta*v + {}(theta); a = a + gamma*(theta - a); theta = theta - gamma*v"
    law, layer = initial_law(inline_scheme(text.format("sgrad")), 2), initial_layer(inline_scheme(text.format("grad")), 2)
    assert law.mean[2].coefficient("a:g") == layer.shifts["a"][2].coefficient("grad") != 0


def test_the_covariance_of_heavy_ball_by_hand() -> None:
    """theta_n = -gamma sum_m (1 - beta^m)/(1 - beta) xi_m, and in the end sum (1 - beta^m)^2 is n - 2 b/(1-b) + b^2/(1-b^2)."""
    found = initial_law("momentum", 2).covariance[2].coefficient("g1 g1")
    b = F(1, 3)
    assert found.at({"beta": b}, F) == (-2 * b / (1 - b) + b**2 / (1 - b**2)) / (1 - b) ** 2  # type: ignore[union-attr]


def test_there_is_no_layer_without_memory() -> None:
    assert not any(initial_law("gd", 2).settled.powers)
    assert not any(initial_law("gd", 2).decaying.powers)


def test_averages_of_points_start_at_rest_too() -> None:
    """An average that starts at 0 does not move theta: the same layer."""
    text = "v = beta*v + sgrad(theta); theta = theta - gamma*v"
    averaged = inline_scheme(f"{text}; a = mu*a + (1 - mu)*theta", ("mu",))
    assert initial_law(averaged, 2).settled.powers == initial_law(inline_scheme(text), 2).settled.powers


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("v = sgrad(theta) - gamma*v; theta = theta - gamma*v - gamma*u; u = v", "factor 0"),
        ("v = 2*v + sgrad(theta); theta = theta - gamma*v", "does not decay"),
    ],
)
def test_what_does_not_settle_is_refused(text: str, says: str) -> None:
    with pytest.raises(ReductionError, match=says):
        initial_law(inline_scheme(text), 1)


def test_j_acts_last() -> None:
    """E theta_n is the flow from theta_0 + m: at gamma^2 the coefficient of n^1 is that of G and H m times the limit's."""
    step = one_step(configure(inline_scheme(STEPS["heavy"][0]), noise=True), 2)
    rest = FromRest(step)
    g = modified_sde("momentum", 1)
    forest = next(f for f in Enumeration(step).forests(4) if len(f) == 1 and f[0].tree.children and not f[0].tree.tie
                  and f[0].tree.children[0].label == "g")  # fmt: skip
    settled = rest.sequences.settled(rest.weight(forest, 2))
    slope = settled.derivative("n").at({"n": F(0), "beta": BETA, "gamma": F(0)} | {z: F(0) for z in rest.factors}, F)
    f1 = g.coefficient("g[g]").at({"beta": BETA}, F)  # type: ignore[union-attr]
    shift = initial_law("momentum", 1).mean[1].coefficient("g").at({"beta": BETA}, F)  # type: ignore[union-attr]
    limit = g.coefficient("g").at({"beta": BETA}, F)  # type: ignore[union-attr]
    assert slope == f1 + shift * limit


