"""Modifying integrators, initial layers and comparisons: proofs put back, published coefficients, numerical slopes, refusals."""

from __future__ import annotations

from fractions import Fraction
from math import log2

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from strategies import tree_schemes

from derive import modified_equation
from derive.algebra.calculus import Transfer, gradient, same
from derive.algebra.coefficients import Ring
from derive.algebra.rooted import rooted_trees, symmetry
from derive.algebra.sequences import Sequences, value_at
from derive.algebra.sums import Sum
from derive.algebra.terms import Term
from derive.engine.composition import Given, Workspace, composed
from derive.engine.run import Derivation
from derive.errors import ReductionError, UsageError
from derive.readings.change import derivatives_along, residual
from derive.readings.compare import compare
from derive.readings.initial_layer import initial_layer, run_from_rest
from derive.readings.loss import modified_loss
from derive.readings.modifying import corrected_run, modifying_field
from derive.scheme import configure, inline_scheme, load_scheme

# ---------------------------------------------------------------------------------------------- modifying integrators


def density(tree: Term) -> int:
    """gamma(tau) = |tau| prod gamma(children)."""
    result = tree.size
    for child in tree.factors[0][0].children:
        result *= density(child)
    return result


def test_gradient_descent_needs_the_taylor_series_of_the_flow() -> None:
    """Chartier, Hairer & Vilmart 2007: for explicit Euler the modifying field's b is 1/gamma(tau), that of the exact flow."""
    m = modifying_field("gd", 4)
    algebra = m.field[0].algebra
    for k in range(5):
        for tree in rooted_trees(algebra, k + 1):
            expected = Fraction((-1) ** (k + 1), symmetry(tree) * density(tree))
            assert m.field[k].sum[tree].number() == expected
    assert [str(s) for s in m.loss] == ["L", "-1/4*dot(grad, grad)"]


def test_counter_term_is_minus_the_implicit_penalty() -> None:
    names = {"beta": sympy.Symbol("beta"), "nu": sympy.Symbol("nu")}
    for scheme in ("gd", "momentum", "nesterov", "qhm"):
        penalty, counter = modified_loss(scheme, 1), modifying_field(scheme, 1)
        a, b = (x.coefficient("dot(grad, grad)") for x in (penalty.potential[1], counter.loss[1]))
        a, b, scale = (sympy.sympify(str(x), locals=names) for x in (a, b, penalty.potential[0].coefficient("L")))
        assert sympy.simplify(a + b * scale) == 0, scheme


@pytest.mark.parametrize(
    "scheme", ["momentum", "nesterov", "rmsprop", "adam", "implicit-midpoint", "momentum-weight-decay", "bdf2"]
)
def test_a_wrong_correction_is_caught(scheme: str) -> None:
    """The corrected scheme follows the limit; with a coefficient changed it does not."""
    m = modifying_field(scheme, 2)
    algebra = m.field[0].algebra
    right = [(algebra, {t: -c for t, c in s.sum.items()}) for s in m.field[1:]]
    configuration = configure(load_scheme(scheme))
    proof = corrected_run(configuration, 2, right)
    assert all(proof.algebra.is_zero(proof.fields["theta"][k]) for k in (1, 2))
    wrong = corrected_run(configuration, 2, [right[0], (algebra, algebra.add(right[1][1], algebra.node_sum("L", [])))])
    assert not wrong.algebra.is_zero(wrong.fields["theta"][2])


@given(tree_schemes())
def test_random_schemes_follow_their_limit_with_the_corrected_field(update: str) -> None:
    """Where the limit field can be inverted componentwise, the corrected scheme reproduces it (checked in the function)."""
    scheme = inline_scheme(update)
    try:
        m = modifying_field(scheme, 1)
    except ReductionError as error:
        reason = str(error)
    else:
        reason = ""
    if reason:
        assert "componentwise" in reason or "does not change with the size" in reason
        return
    assert same(m.field[0].algebra, m.field[0].sum, {t: -c for t, c in m.field[0].algebra.node_sum("L", []).items()})


@pytest.mark.parametrize("beta", ["0", "1/2", "9/10"])
def test_heavy_ball_on_quadratics(beta: str) -> None:
    """The root exp(-q/(1-b)) of z^2 - (1 + b - q a) z + b requires q a(q) = 1 + b - z - b/z, q = gamma h: f~'s tall trees."""
    m = modifying_field("momentum", 4, settings={"beta": beta})
    q, b = sympy.Symbol("q"), sympy.Rational(beta)
    z = sympy.exp(-q / (1 - b))
    series = sympy.series((1 + b - z - b / z) / q, q, 0, 5).removeO()
    for k in range(5):
        tall = "hess(" * k + "grad" + ")" * k
        assert sympy.Rational(str(m.field[k].coefficient(tall))) == -series.coeff(q, k)


def test_corrected_steps_follow_the_gradient_flow_to_the_order() -> None:
    """x' = -x^3, L = x^4/4: errors of the corrected gradient descent at t = 1 have slope N + 1."""
    target = 1 / (1 + 2 * 1.0) ** 0.5
    for order in range(4):
        blocks = [float(Fraction(v[0])) for v in modifying_field("gd", order).evaluate("x**4/4", {"x": 1})]
        errors = []
        for steps in (40, 80):
            h, x = 1 / steps, 1.0
            for _ in range(steps):
                x += h * sum(c * h**k * x ** (3 + 2 * k) for k, c in enumerate(blocks))  # f~_k is homogeneous of degree 3 + 2k
            errors.append(abs(x - target))
        assert abs(log2(errors[0] / errors[1]) - (order + 1)) < 0.2


@pytest.mark.parametrize(
    ("scheme", "regime", "reason"),
    [("normalised-gd", None, "componentwise"), ("sign-descent", None, "sign"), ("momentum", "inertial", "slow variables"),
     ("gd-schedule", None, "time")],
)  # fmt: skip
def test_modifying_refusals(scheme: str, regime: str | None, reason: str) -> None:
    with pytest.raises(ReductionError, match=reason):
        modifying_field(scheme, 1, regime=regime)


# ---------------------------------------------------------------------------------------------- initial layer


def test_shift_of_momentum_methods() -> None:
    """Heavy ball and Nesterov from rest: theta_0 + gamma beta/(1-beta)^2 grad L (references, 2.6)."""
    for scheme in ("momentum", "nesterov"):
        assert {str(t): str(c) for c, t in initial_layer(scheme, 1).shift[1]} == {"grad": "beta/(1 - beta)**2"}
    assert not any(initial_layer("gd", 2).shift)


@pytest.mark.parametrize(
    "scheme", ["momentum", "nesterov-keras", "qhm", "aggmo", "bdf2", "momentum-weight-decay", "nesterov-implicit"]
)
def test_settled_part_is_the_slow_solution_from_the_shifted_point(scheme: str) -> None:
    """sum_j S_j(n) at theta_0 + c = settled part of theta_n, as polynomials in n, for S the solution on the slow manifold."""
    configuration = configure(load_scheme(scheme))
    run, slow = run_from_rest(configuration, 2), Derivation(configuration, 2)
    layer = initial_layer(scheme, 3)
    a = run.algebra
    move, back = Transfer(slow.algebra, a), Transfer(layer.shift[1].algebra, a)
    workspace = Workspace(a)
    point = Given(workspace, [a.state("theta"), *(back(s.sum) for s in layer.shift[1:])])
    for k in range(4):
        total: Sum = {}
        for j in range(k + 1):
            total = a.add(total, composed(workspace, move(slow.solution["theta"][j]), {"theta": point}).at(k - j))
        settled = {t: x for t, c in run.solution["theta"][k].items() if (x := run.sequences.settled(c))}
        assert same(a, total, settled)


@given(tree_schemes())
def test_random_schemes_from_rest(update: str) -> None:
    """The solution starts at rest, and solves the scheme exactly (the residual is checked where it is derived)."""
    scheme = inline_scheme(update)
    try:
        run = run_from_rest(configure(scheme), 1)
    except ReductionError as error:
        reason = str(error)
    else:
        reason = ""
    if reason:
        assert "factor" in reason or "relax together" in reason
        return
    for state, blocks in run.solution.items():
        for k in (0, 1):
            if state in ("theta_next", "theta_prev", "theta") and not k:
                continue
            assert all(not run.sequences.at_zero(c) for c in blocks.get(k, {}).values()), (update, state, k)


def test_first_iterates_from_rest_are_exact() -> None:
    """n = 1, 2 of heavy ball from rest: theta_1 = theta_0 - gamma g, theta_2 = theta_1 - gamma (beta g + g(theta_1))."""
    run = run_from_rest(configure(load_scheme("momentum")), 1)
    ring = run.ring
    beta = ring.symbol("beta")

    def at(k: int, n: int) -> dict[str, str]:
        """The coefficients at gamma^k of theta_n."""
        values = {"z": beta**n, "beta": beta}
        images = {t: value_at(c.substitute(values, ring), n) for t, c in run.solution["theta"][k].items()}
        return {str(t): str(c) for t, c in images.items() if c}

    assert at(1, 1) == {"grad": "-1"}
    assert at(1, 2) == {"grad": "-(2 + beta)"}
    assert at(2, 1) == {}
    assert at(2, 2) == {"hess(grad)": "1"}


@given(st.integers(0, 3), st.integers(0, 2), st.fractions(min_value=-2, max_value=2, max_denominator=5).filter(bool))
def test_sequences_with_transients(power: int, z_power: int, start: Fraction) -> None:
    ring = Ring(["beta", "z"])
    beta, z = ring.symbol("beta"), ring.symbol("z")
    solver = Sequences(ring, {"z": beta})
    right = ring.n**power * z**z_power
    total = solver.sum(right)
    assert solver.shift(total) - total == right
    assert not solver.at_zero(total)
    memory = solver.relax(beta, right, ring.constant(start))
    assert solver.shift(memory) - beta * memory == right
    assert solver.at_zero(memory) == ring.constant(start)


def test_runs_from_rest_converge_faster_with_every_term_of_the_shift() -> None:
    """Heavy ball from rest against its flow through gamma^3 from theta_0 + ... + gamma^k c_k: slope k + 1."""
    loss = "x**4/4 + y**2/2 + x*y/3 + x**2/2"
    settings = {"beta": "1/2"}
    x, y = sympy.symbols("x y", real=True)
    powers = modified_equation("momentum", 3, settings=settings).on_loss(loss)["theta"]
    fields = [sympy.lambdify((x, y), block) for block in powers]
    layer = initial_layer("momentum", 2, settings=settings)
    start = (Fraction(4, 5), Fraction(-1, 2))
    shifts = [[float(Fraction(v)) for v in block] for block in layer.evaluate(loss, {"x": start[0], "y": start[1]})]
    errors: list[list[float]] = []
    for steps in (64, 128):
        h = 1 / steps
        end = _heavy_ball(float(start[0]), float(start[1]), h, steps)
        row = []
        for k in range(3):
            z = [float(start[i]) + sum(h**j * shifts[j][i] for j in range(k + 1)) for i in range(2)]
            flow = _integrate(lambda p, h=h: [sum(h**j * f(*p)[i] for j, f in enumerate(fields)) for i in range(2)], z, 1.0, 400)
            row.append(max(abs(a - b) for a, b in zip(end, flow, strict=True)))
        errors.append(row)
    for k in range(3):
        assert abs(log2(errors[0][k] / errors[1][k]) - (k + 1)) < 0.35, errors


def _heavy_ball(x: float, y: float, h: float, steps: int) -> list[float]:
    u = w = 0.0
    for _ in range(steps):
        gx, gy = x**3 + y / 3 + x, y + x / 3
        u, w = u / 2 - h * gx, w / 2 - h * gy
        x, y = x + u, y + w
    return [x, y]


def _integrate(f: object, z: list[float], time: float, steps: int) -> list[float]:
    """Classical Runge-Kutta."""
    h = time / steps
    for _ in range(steps):
        a = f(z)  # type: ignore[operator]
        b = f([p + h / 2 * q for p, q in zip(z, a, strict=True)])  # type: ignore[operator]
        c = f([p + h / 2 * q for p, q in zip(z, b, strict=True)])  # type: ignore[operator]
        d = f([p + h * q for p, q in zip(z, c, strict=True)])  # type: ignore[operator]
        z = [p + h / 6 * (q + 2 * r + 2 * s + t) for p, q, r, s, t in zip(z, a, b, c, d, strict=True)]
    return z


@pytest.mark.parametrize(
    ("scheme", "reason"),
    [("adam", "under a root"), ("rmsprop", "under a root"), ("adam-bias-corrected", "under a root"), ("lion", "under a root"),
     ("ogda", "factor 0"), ("leapfrog-two-step", "does not decay")],
)  # fmt: skip
def test_initial_layer_refusals(scheme: str, reason: str) -> None:
    with pytest.raises(ReductionError, match=reason):
        initial_layer(scheme, 1)


# ---------------------------------------------------------------------------------------------- comparisons


def test_nesterov_in_its_two_variables() -> None:
    """The same through gamma^1, different at gamma^2 (references, 2.5), and one a change of variables of the other."""
    c = compare("nesterov", "nesterov-keras", 4)
    assert c.same_through == 1
    assert c.change_through == 4
    assert c.change is not None
    assert not c.change[0]
    assert c.change[1]
    inertial = compare("nesterov", "nesterov-keras", 3, regimes=("inertial", "inertial"))
    assert inertial.second_order
    assert inertial.change is not None


def test_change_of_variables_put_back() -> None:
    """D phi [f] - g(phi) vanishes with the change, and not with a coefficient of it changed."""
    c = compare("nesterov", "nesterov-keras", 3)
    assert c.change is not None
    algebra = c.change[0].algebra
    f = [Transfer(c.first.algebra, algebra)(s.sum) for s in c.first["theta"]]
    g = [Transfer(c.second.algebra, algebra)(s.sum) for s in c.second["theta"]]
    change = [s.sum for s in c.change]
    along = derivatives_along(algebra, {"theta": f}, None)
    assert all(algebra.is_zero(residual(algebra, {"theta": g}, {"theta": change}, k, along, None)["theta"]) for k in range(4))
    t, x = next(iter(change[1].items()))
    change[1] = change[1] | {t: x.scaled(2)}
    assert not algebra.is_zero(residual(algebra, {"theta": g}, {"theta": change}, 2, along, None)["theta"])


def test_the_shifted_variable_itself_is_such_a_change() -> None:
    """theta_keras = theta + beta v on the slow manifold: put into the equation it leaves no residual."""
    c = compare("nesterov", "nesterov-keras", 3)
    algebra = c.difference.algebra
    move = Transfer(c.first.algebra, algebra)
    f = [move(s.sum) for s in c.first["theta"]]
    g = [Transfer(c.second.algebra, algebra)(s.sum) for s in c.second["theta"]]
    beta = algebra.ring.symbol("beta")
    change = [algebra.scale(move(s.sum), beta) for s in c.first["v"][1:]]
    along = derivatives_along(algebra, {"theta": f}, None)
    assert all(algebra.is_zero(residual(algebra, {"theta": g}, {"theta": change}, k, along, None)["theta"]) for k in range(4))


@pytest.mark.parametrize(
    ("a", "b", "same_through", "change"),
    [("momentum", "momentum", 2, True), ("adam", "adam-bias-corrected", 2, True), ("gd", "heun", 0, False),
     ("momentum", "nesterov", 0, False), ("gd", "momentum", -1, False), ("heun", "midpoint", 1, True),
     ("adam", "adam-inside", -1, False)],
)  # fmt: skip
def test_comparisons(a: str, b: str, same_through: int, change: bool) -> None:
    c = compare(a, b, 2)
    assert c.same_through == same_through
    assert (c.change is not None) == change


def test_step_ratio() -> None:
    """ema-momentum is heavy ball with gamma (1-beta)."""
    c = compare("momentum", "ema-momentum", 3)
    assert str(c.step_ratio) == "1/(1 - beta)"
    assert c.same_rescaled == 3
    assert c.same_through == -1


@given(st.fractions(min_value=-1, max_value=1, max_denominator=3), st.fractions(min_value=-1, max_value=1, max_denominator=3))
def test_conjugate_schemes_are_recognised(a: Fraction, b: Fraction) -> None:
    """x = theta + gamma^2 a hess(grad) + ..., written as two gradient evaluations, carried through a gradient step."""
    there = f"gamma*({a})*(grad(theta) - grad(theta + gamma*({b})*grad(theta)))"
    update = f"y = theta - {there}; y = y - gamma*grad(y); theta = y + gamma*({a})*(grad(y) - grad(y + gamma*({b})*grad(y)))"
    c = compare("gd", inline_scheme(update), 2)
    # the inverse of the change is only approximate: y = x - ... has an error at gamma^4 in y, so at gamma^3 in the field
    assert c.same_through >= 1
    assert c.change is not None


def test_compare_refusals() -> None:
    with pytest.raises(UsageError, match="same kind"):
        compare("gd", "momentum", regimes=(None, "inertial"))
    with pytest.raises(UsageError, match="neither"):
        compare("gd", "heun", settings={"mu": "1"})
    with pytest.raises(UsageError, match="vector field"):
        compare("gd", inline_scheme("theta = theta + gamma*field(theta)"))


def test_corrected_loss_differentiates_back() -> None:
    m = modifying_field("momentum-weight-decay", 2)
    algebra = m.field[0].algebra
    for k, v in enumerate(m.loss):
        assert same(algebra, {t: -c for t, c in gradient(algebra, v.sum).items()}, m.field[k].sum)
