"""Weak modified equations on finite data against log T, T one step on polynomials (`sample_steps`), which knows no forest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import permutations, product

import pytest
import sgd_forests
from game_maps import Polynomial, plus, times
from sample_steps import Step, composed, derivative, generator, gradient_step, variable

from derive import WeakEquation, inline_scheme, load_scheme, modified_sde
from derive.noise.forests import parse
from derive.noise.sampling import excess

F = Fraction
Loss = Sequence[tuple[str, tuple[int, ...]]]  # monomials: coefficient, exponents
Values = list[dict[str, Fraction]]

#: three losses of x and y, whose third and fourth cumulants vanish nowhere
LOSSES: Sequence[Loss] = (
    [("1/4", (4, 0)), ("1", (1, 2))], [("1", (2, 1)), ("2", (0, 2))], [("1", (3, 0)), ("-1/3", (0, 3)), ("1", (1, 0))],
)  # fmt: skip
LINE: Sequence[Loss] = ([("1/3", (2,)), ("-1", (1,))], [("1/2", (3,)), ("1", (2,))], [("-1/6", (4,))])
WEIGHTS = (F(1, 2), F(1, 3), F(1, 6))
POINT = (F(1, 2), F(1, 3))
WRONG = F(1001, 1000)


def polynomial(loss: Loss, gap: int = 0) -> Polynomial:
    """In the coordinates, as many others, and gamma."""
    return {(*m, *(0,) * (gap + 1)): F(c) for c, m in loss}


def text(loss: Loss, names: str = "xy") -> str:
    return " + ".join(f"({c})*" + "*".join(f"{n}**{e}" for n, e in zip(names, m, strict=False) if e) for c, m in loss)


def texts(losses: Sequence[Loss], names: str = "xy") -> list[str]:
    return [text(loss, names) for loss in losses]


def named(powers: Sequence[dict[tuple[int, ...], Fraction]], names: Sequence[str]) -> Values:
    """By the index that names the derivative."""
    gap = "" if all(len(n) == 1 for n in names) else " "

    def index(exponents: tuple[int, ...]) -> str:
        return gap.join(sorted(n for n, e in zip(names, exponents, strict=True) for _ in range(e)))

    return [{index(i): c for i, c in power.items()} for power in powers]


def evaluated(equation: WeakEquation, losses: object, weights: Sequence[Fraction], at: str) -> Values:
    return [dict(power) for power in equation.on_losses(losses, weights).evaluate(at).numbers]  # type: ignore[arg-type]


SGD = [gradient_step(polynomial(loss), 2) for loss in LOSSES]


def test_sgd_on_three_losses_of_two_variables() -> None:
    found = evaluated(modified_sde("gd", 2), texts(LOSSES), WEIGHTS, "x=1/2,y=1/3")
    assert found == named(generator(SGD, WEIGHTS, POINT, 2), "xy")
    assert set(found[2]) == {"x", "y", "xx", "xy", "yy", "xxx", "xxy", "xyy", "yyy"}


def test_a_fourth_cumulant() -> None:
    """Its ties of four are no central moments: E X^4 - 3 (E X^2)^2."""
    found = evaluated(modified_sde("gd", 3), texts(LINE, "x"), WEIGHTS, "x=2/3")
    steps = [gradient_step(polynomial(loss), 1) for loss in LINE]
    assert found == named(generator(steps, WEIGHTS, (F(2, 3),), 3), "x")


def test_wrong_weights_and_wrong_coefficients_are_seen() -> None:
    right = evaluated(modified_sde("gd", 2), texts(LOSSES), WEIGHTS, "x=1/2,y=1/3")
    other = evaluated(modified_sde("gd", 2), texts(LOSSES), (F(1, 3), F(1, 2), F(1, 6)), "x=1/2,y=1/3")
    assert all(a != b for a, b in zip(right, other, strict=True))
    equation = modified_sde("gd", 2)
    for k, power in enumerate(equation.generator.powers):
        for forest, c in power.items():
            wrong = dict(power) | {forest: c.scaled(WRONG.numerator) / c.ring.constant(WRONG.denominator)}
            powers = (*equation.generator.powers[:k], wrong, *equation.generator.powers[k + 1 :])
            changed = WeakEquation(replace(equation.generator, powers=powers))
            assert evaluated(changed, texts(LOSSES), WEIGHTS, "x=1/2,y=1/3")[k] != right[k], forest


def test_the_generator_of_sgd_has_the_closed_form() -> None:
    """Order polynomials of quotient posets, over symmetries, against the walk through the lines of a step."""
    for k, power in enumerate(sgd_forests.sgd(3).powers):
        assert dict(modified_sde("gd", 3).generator.powers[k]) == dict(power)


def same_sample(loss: Polynomial) -> Step:
    """theta - gamma g(theta - gamma g(theta)), both g of one sample: ties of a node and what is above it."""
    ahead = gradient_step(loss, 2)
    gamma, minus = variable(2, 3), F(-1)
    return [plus(variable(i, 3), times(gamma, composed(derivative(loss, i), ahead, 9)), minus) for i in range(2)]


def test_the_extragradient_step_with_one_sample_and_with_two() -> None:
    update = "y = theta - gamma*sgrad(theta); theta = theta - gamma*sgrad(y{})"
    at, losses = "x=1/2,y=1/3", [polynomial(loss) for loss in LOSSES]
    one = evaluated(modified_sde(inline_scheme(update.format("")), 2), texts(LOSSES), WEIGHTS, at)
    assert one == named(generator([same_sample(loss) for loss in losses], WEIGHTS, POINT, 2), "xy")
    two = evaluated(modified_sde(inline_scheme(update.format(", 2")), 2), texts(LOSSES), WEIGHTS, at)
    assert one[1] != two[1]


def test_a_batch_of_two_is_the_data_set_of_all_pairs() -> None:
    halves = [{m: c / 2 for m, c in polynomial(loss).items()} for loss in LOSSES]
    steps = [gradient_step(plus(a, b), 2) for a, b in product(halves, repeat=2)]
    pairs = [a * b for a, b in product(WEIGHTS, repeat=2)]
    found = evaluated(modified_sde("gd", 2, batch=2), texts(LOSSES), WEIGHTS, "x=1/2,y=1/3")
    assert found == named(generator(steps, pairs, POINT, 2), "xy")
    symbolic = modified_sde("gd", 2, batch="B").on_losses(texts(LOSSES), WEIGHTS).evaluate("x=1/2,y=1/3")
    assert {i: c.at({"B": F(2)}, F) for i, c in symbolic.numbers[2].items()} == found[2]


def test_epochs_of_three_batches_in_all_orders() -> None:
    """T is the mean over the six orders, and its logarithm 3 gamma G."""
    gradients = [gradient_step(polynomial(loss), 1) for loss in LINE]

    def epoch(order: Sequence[int]) -> Step:
        (x,) = gradients[order[0]]
        for k in order[1:]:
            x = composed(gradients[k][0], [x], 3)
        return [x]

    found = modified_sde("gd", 2, sampling="reshuffled").on_losses(texts(LINE, "x")).evaluate("x=2/3").numbers
    powers = generator([epoch(order) for order in permutations(range(3))], [F(1, 6)] * 6, (F(2, 3),), 2)
    assert [{i: 3 * c for i, c in power.items()} for power in found] == named(powers, "x")


def test_heavy_ball_whose_velocity_is_slow() -> None:
    """eta+ = (1 - gamma/2) eta - gamma g, theta+ = theta + gamma eta+, in the coordinates x, eta_x."""

    def step(loss: Loss) -> Step:
        x, eta, gamma = (variable(i, 3) for i in range(3))
        decay = plus(eta, times(gamma, eta), F(-1, 2))
        velocity = plus(decay, times(gamma, derivative(polynomial(loss, 1), 0)), F(-1))
        return [plus(x, times(gamma, velocity)), velocity]

    equation = modified_sde("momentum", 2, regime="inertial", settings={"lam": "1/2"})
    found = evaluated(equation, texts(LINE, "x"), WEIGHTS, "x=2/3, eta_x=3/4")
    assert found == named(generator([step(loss) for loss in LINE], WEIGHTS, (F(2, 3), F(3, 4)), 2), ["x", "eta_x"])
    assert {"eta_x x", "eta_x eta_x eta_x"} <= set(found[2])


def test_functions_of_gradients_and_slow_memory() -> None:
    """s+ = s + gamma (g^2 - s), theta+ = theta - gamma (s + |g|^2) g, by components: s g is a function of both."""

    def step(loss: Loss) -> Step:
        x, y, r, s, gamma = (variable(i, 5) for i in range(5))
        g, h = (derivative(polynomial(loss, 2), i) for i in range(2))
        square = plus(times(g, g), times(h, h))
        moved = [plus(z, times(times(gamma, plus(m, square)), v), F(-1)) for z, m, v in ((x, r, g), (y, s, h))]
        return [*moved, *(plus(m, times(gamma, plus(times(v, v), m, F(-1)))) for m, v in ((r, g), (s, h)))]

    losses: Sequence[Loss] = ([("1/2", (2, 0)), ("1", (0, 1))], [("1", (1, 1))], [("-1", (1, 0)), ("1/2", (0, 2))])
    update = "g = sgrad(theta); theta = theta - gamma*(s*g + dot(g, g)*g); s = s + gamma*(g*g - s)"
    point = (F(1, 2), F(1, 3), F(2), F(-1, 2))
    found = evaluated(modified_sde(inline_scheme(update), 1), texts(losses), WEIGHTS, "x=1/2,y=1/3,s_x=2,s_y=-1/2")
    assert found == named(generator([step(loss) for loss in losses], WEIGHTS, point, 1), ["x", "y", "s_x", "s_y"])
    assert {"s_x x", "s_y s_y"} <= set(found[1])


def test_functions_with_roots_have_digits_and_with_signs_exact_values() -> None:
    """Gradients (3, 4) and (3, 1) over their norms; |g| g where g is -1/3 and 2/3."""
    normalised = modified_sde("normalised-gd", 0).on_losses("3*x**2/2 + 4*y; x**3 + y").evaluate("x=1,y=0", 12)
    assert normalised.values[0]["x"] == "-0.774341649025"  # -(3/5 + 3/sqrt(10))/2
    signed = modified_sde(inline_scheme("theta = theta - gamma*abs(sgrad(theta))*sgrad(theta)"), 1)
    assert signed.on_losses("x**2/2 - x; x**2/2").evaluate("x=2/3").numbers[0] == {"x": F(-1, 2) * (F(-1, 9) + F(4, 9))}


@pytest.mark.parametrize("turns", ["together", "in turn"])
def test_players_with_losses_of_their_own(turns: str) -> None:
    """x descends f, y ascends g; the first sample of f is the first of g."""
    f, g = LOSSES, (LOSSES[1], LOSSES[2], LOSSES[0])

    def step(k: int) -> Step:
        x, y, gamma = (variable(i, 3) for i in range(3))
        new = plus(x, times(gamma, derivative(polynomial(f[k]), 0)), F(-1))
        slope = derivative(polynomial(g[k]), 1)
        return [new, plus(y, times(gamma, composed(slope, [new, y], 9) if turns == "in turn" else slope))]

    later = "y = y + gamma*sgrad(g, y)"
    update = f"x = x - gamma*sgrad(f, x); {later}" if turns == "in turn" else (
        "u = sgrad(g, y); x = x - gamma*sgrad(f, x); y = y + gamma*u"
    )
    scheme = inline_scheme(update, functions={"f": "loss(x, y)", "g": "loss(x, y)"})
    found = evaluated(modified_sde(scheme, 2), {"f": texts(f), "g": texts(g)}, WEIGHTS, "x=1/2,y=1/3")
    assert found == named(generator([step(k) for k in range(3)], WEIGHTS, POINT, 2), "xy")


def test_samples_of_a_vector_field() -> None:
    """A rotation and a contraction, which are no gradients of one loss."""
    x, y, gamma = (variable(i, 3) for i in range(3))
    fields = [(y, {m: -c for m, c in x.items()}), (times(x, y), plus(y, x, F(2)))]
    steps = [[plus(z, times(gamma, v)) for z, v in zip((x, y), field, strict=True)] for field in fields]
    found = evaluated(modified_sde(inline_scheme("theta = theta + gamma*sfield(theta)"), 2), ["y, -x", "x*y, y + 2*x"],
                      (F(1, 4), F(3, 4)), "x=1/2,y=1/3")  # fmt: skip
    assert found == named(generator(steps, (F(1, 4), F(3, 4)), POINT, 2), "xy")


def test_langevin_dynamics() -> None:
    """Normal noise has the moments of 0, sqrt(3), -sqrt(3) through the fifth; in s, with gamma = s^2/6 and noise 0, s, -s."""
    losses: Sequence[Loss] = (LOSSES[0], LOSSES[2])
    shape = {0: F(2, 3), 1: F(1, 6), -1: F(1, 6)}

    def step(loss: Loss, noise: tuple[int, ...]) -> Step:
        s = variable(2, 3)
        drift = gradient_step(polynomial(loss), 2)
        halved = [{(*m[:2], 2 * m[2]): c / 6 ** m[2] for m, c in p.items()} for p in drift]
        return [plus(p, s, F(z)) for p, z in zip(halved, noise, strict=True)]

    drawn = list(product(zip(losses, (F(1, 4), F(3, 4)), strict=True), product(shape, repeat=2)))
    weights = [w * shape[a] * shape[b] for (_, w), (a, b) in drawn]
    powers = generator([step(loss, noise) for (loss, _), noise in drawn], weights, POINT, 3)  # of s, from s^1
    expected = [{i: c * 6 ** (k + 1) for i, c in powers[2 * k + 1].items()} for k in range(2)]
    assert powers[0] == powers[2] == {}
    equation = modified_sde(inline_scheme("theta = theta - gamma*sgrad(theta) + sqrt(2*gamma)*normal()"), 1)
    found = evaluated(equation, texts(losses), (F(1, 4), F(3, 4)), "x=1/2,y=1/3")
    assert found == named(expected, "xy")


# ---------------------------------------------------------------------------------------------- symbols and roots


def test_symbols_have_the_values_that_numbers_have() -> None:
    """Without a point everything is a rational function of the coordinates, of the loss's and of the scheme's parameters."""
    equation = modified_sde("momentum", 2)
    data = equation.on_losses(["h*x**2/2 + x*y", "x**3 + y**2/(1 + x)"], ["1/3", "2/3"], parameters=["h"])
    formulas = data.evaluate().numbers
    at = {"x": F(1, 2), "y": F(1, 3), "h": F(2), "beta": F(9, 10)}
    fixed = modified_sde("momentum", 2, settings={"beta": "9/10"})
    numbers = fixed.on_losses(["2*x**2/2 + x*y", "x**3 + y**2/(1 + x)"], ["1/3", "2/3"]).evaluate("x=1/2,y=1/3").numbers
    assert [{i: c.at(at, F) for i, c in power.items()} for power in formulas] == [dict(power) for power in numbers]
    half: dict[str, Callable[..., Fraction]] = dict(data.evaluate("h=2, y=1/3").numbers[1])
    assert half["xx"].at(at, F) == numbers[1]["xx"]  # type: ignore[attr-defined]


def test_irrational_values_have_the_digits_asked_for() -> None:
    """g = (2 x, exp(x)) at 0 and at 1: cov = e^2/4 + ... to forty digits, against e in mpmath."""
    import mpmath

    found = modified_sde("gd", 1).on_losses(["x**2", "exp(x)"]).evaluate("x=1", digits=40)
    with mpmath.workdps(60):
        expected = (mpmath.e / 2 - 1) ** 2 / 2
        assert abs(found.numbers[1]["xx"] - expected) < mpmath.mpf(10) ** -39
        assert len(found.values[1]["xx"]) > 38
    zero = modified_sde("gd", 1).on_losses(["x**2", "exp(x)"]).evaluate("x=0").values
    assert (zero[0], zero[1]["xx"]) == ({"x": "-1/2"}, "1/8")


def test_an_irrational_value_that_is_zero_is_left_out() -> None:
    found = modified_sde("gd", 1).on_losses(["exp(x) + y", "exp(x) - y"]).evaluate("x=1,y=0", digits=20).values[1]
    assert set(found) == {"x", "yy"}


def test_a_mean_of_one_sample_has_no_noise() -> None:
    values = modified_sde("gd", 2).on_losses("x**3").evaluate("x=2").numbers
    assert all(set(power) == {"x"} for power in values)
    assert parse("g1 g1") in modified_sde(load_scheme("gd"), 1).generator.powers[1]


@pytest.mark.parametrize(
    ("update", "plain"),
    [
        ("theta = theta - gamma*sgrad(theta)*2", "theta = theta - 2*gamma*sgrad(theta)"),
        ("g = sgrad(theta); theta = theta - gamma*(g*g)/g", "theta = theta - gamma*sgrad(theta)"),
        ("g = sgrad(theta); theta = theta - gamma*g*abs(g)/sqrt(g*g)", "theta = theta - gamma*sgrad(theta)"),
        ("g = sgrad(theta); theta = theta - gamma*(g + grad(theta))*g/g", "theta = theta - gamma*(sgrad(theta) + grad(theta))"),
        ("m = m/2 + sgrad(theta); theta = theta - gamma*(m*c)/c", "m = m/2 + sgrad(theta); theta = theta - gamma*m"),
    ],
)
def test_functions_that_are_gradients_after_all_have_their_values(update: str, plain: str) -> None:
    """A function of gradients, differentiated as such, against the same text without one."""
    texts = ["c = c + gamma*(theta - theta)*c; " * ("c" in update) + update, plain]
    points = ["x=1/2,y=-2" + ",c_x=3,c_y=2" * ("c" in update), "x=1/2,y=-2"]
    losses = ["x**3*y - y**2", "x**2*y**2/3 + x", "y**3 + x*y"]
    found = [
        modified_sde(inline_scheme(t), 2).on_losses(losses, weights="1/2,1/3,1/6").evaluate(p).values
        for t, p in zip(texts, points, strict=True)
    ]
    moved = [{i.replace(" ", ""): v for i, v in power.items() if "c" not in i} for power in found[0]]
    assert moved == [dict(power) for power in found[1]]


def test_rmsprop_with_a_slow_average_by_hand() -> None:
    """With x = 1/2 and v = 1/4 the gradients of the samples are 1/2, 3/4, 1: means 3/4 and 29/48, variance 1/24."""
    text = "g = sgrad(theta); v = (1 - c*gamma)*v + c*gamma*g**2; theta = theta - gamma*g/sqrt(v)"
    equation = modified_sde(inline_scheme(text, parameters=["c"]), 1, settings={"c": "1"})
    values = equation.on_losses(["x**2/2", "x**3", "x"]).evaluate("x=1/2,v_x=1/4").values
    assert values[0] == {"x": "-3/2", "v_x": "17/48"}
    assert values[1]["x x"] == "1/12"


# ------------------------------------------------------------------------------------------ powers of 1/B

SQUARES = "g = sgrad(theta); v = b*v + (1 - b)*g*g; theta = theta - gamma*v"
ROOTS = "g = sgrad(theta); m = a*m + (1 - a)*g; v = b*v + (1 - b)*g*g; theta = theta - gamma*m/(sqrt(v) + eps)"


def test_a_finite_expansion_in_fluctuations_is_the_law_itself() -> None:
    """g*g has cumulants of g through the fourth, so that through B^-3 nothing is left out: at B = 1 both routes agree."""
    scheme, losses = inline_scheme(SQUARES, parameters=["b"]), ["x**3*y - y**2", "x**2*y**2/3 + x", "y**3 + x*y"]
    found = [
        modified_sde(scheme, 1, **how).on_losses(losses, weights="1/2,1/3,1/6").evaluate("x=1/2,y=-2").values
        for how in ({}, {"batch": 1, "batch_order": 3}, {"batch": 1, "batch_order": 2})
    ]
    assert found[0] == found[1]
    assert found[0] != found[2]


def test_adam_with_fixed_betas_by_hand() -> None:
    """E h(m, v) to first order in the variance s/B of g: m and v fluctuate with variances (1-a)/(1+a) and (1-b)/(1+b) (2 g)^2
    and the covariance (1-a)(1-b)/(1-ab) 2 g, and v is s/B too large in the mean; here g = 2, s = 2/3, h = m/sqrt(v)."""
    a, b, size = Fraction(1, 3), Fraction(1, 2), 10
    s = Fraction(2, 3) / size
    by_hand = 1 + s * (
        -(1 - a) * (1 - b) / (1 - a * b) * 4 / 16 + (1 - b) / (1 + b) * 16 * Fraction(3, 128) - Fraction(1, 8)
    )
    equation = modified_sde(inline_scheme(ROOTS, parameters=["a", "b", "eps"]), 0, batch="B", batch_order=1)
    values = equation.on_losses(["x**2", "x**2/2", "3*x"]).evaluate(f"x=1,eps=0,a={a},b={b},B={size}").values
    assert values[0] == {"x": str(-by_hand)}


def test_large_batches_of_a_linear_text_leave_its_forests() -> None:
    text = "v = beta*v + sgrad(theta); theta = theta - gamma*v"
    full, large = (modified_sde(inline_scheme(text), 3, batch="B", **how) for how in ({}, {"batch_order": 1}))
    kept = [{f: c for f, c in power.terms.items() if excess(f) <= 1} for power in full.powers]
    assert [dict(power.terms) for power in large.powers] == kept
    assert len(full[3].terms) > len(large[3].terms)
