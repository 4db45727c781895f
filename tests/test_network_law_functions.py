"""A law as functions agrees with its exact values, on JAX, torch and numpy, for every scheme of the catalogue that has one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import pytest
from extras import jax_array, torch_array

from derive import WeakEquation, catalogue, modified_sde
from derive.errors import ReductionError, UsageError
from derive.scheme import load_scheme
from verify.sde.moments import parameter_values

DIGITS = 1e-12
#: a x^4 + b x^2 y + c x y^2 + d y^4 + e x^2 + f y^2 of every sample, with their probabilities
SAMPLES = [
    ("1/4", "1/3", "-1/2", "1/5", "1", "2"), ("1/2", "-1/3", "1/4", "1/5", "2", "1"), ("1/8", "1/5", "-1/7", "1/3", "1/2", "3"),
]  # fmt: skip
WEIGHTS = ("1/2", "1/3", "1/6")
MONOMIALS = ("x**4", "x**2*y", "x*y**2", "y**4", "x**2", "y**2")
POINT = {"x": Fraction(7, 5), "y": Fraction(-3, 5)}
VECTOR = (Fraction(2), Fraction(-1, 3))


def loss_text(sample: tuple[str, ...]) -> str:
    return " + ".join(f"{c}*{m}" for c, m in zip(sample, MONOMIALS, strict=True)).replace("+ -", "- ")


def plain_loss(p: Any, c: Any) -> Any:
    x, y = p[0], p[1]
    return c[0] * x**4 + c[1] * x**2 * y + c[2] * x * y**2 + c[3] * y**4 + c[4] * x**2 + c[5] * y**2


def floats(values: Any) -> list[float]:
    return [float(Fraction(v)) for v in values]


BACKENDS: dict[str, Callable[[], Callable[[Any], Any]]] = {"jax": jax_array, "torch": torch_array, "numpy": lambda: np.array}


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def function(eq: WeakEquation, backend: str) -> Any:
    """The functions of the law on the samples."""
    array = BACKENDS[backend]()
    if backend == "numpy":
        return eq.function([loss_text(s) for s in SAMPLES], weights=WEIGHTS, backend="numpy")
    return eq.function(plain_loss, array([floats(s) for s in SAMPLES]), weights=array(floats(WEIGHTS)), backend=backend)


# ---------------------------------------------------------------------- exact values


def settings_of(name: str) -> dict[str, str]:
    scheme = load_scheme(name)
    return {f"{r}(t)": "1/(2+t)" for r in scheme.functions} | ({"k": "3"} if "k" in scheme.parameters else {})


@cache
def equation(name: str, regime: str | None, order: int = 1, **options: Any) -> WeakEquation | None:
    try:
        return modified_sde(name, order, regime=regime, settings=settings_of(name), **options)
    except ReductionError:
        return None


def numbers_of(eq: WeakEquation) -> dict[str, Fraction]:
    """Of every symbol, and of what functions of samples name."""
    symbols = {s for power in eq.generator.powers for c in power.values() for s in c.symbols()}
    found = parameter_values(eq.configuration) | {eq.batch: Fraction(5)}
    return {n: v for n, v in found.items() if n in symbols or (eq.generator.opaque and n in eq.configuration.free)}


def slow_values(eq: WeakEquation) -> dict[str, list[Fraction]]:
    return {x: [Fraction(3 + 2 * i + j, 5) for j in range(2)] for i, x in enumerate(eq.generator.slow) if x != "theta"}


def exact_values(
    eq: WeakEquation, numbers: Mapping[str, Fraction], slow: Mapping[str, list[Fraction]]
) -> list[dict[tuple[str, ...], float]]:
    """By power of gamma the coefficient of every derivative of phi, by the components of its directions."""
    memory = {f"{v}_{c}": x for v, xs in slow.items() for c, x in zip("xy", xs, strict=True)}
    time = {"t": Fraction(1, 3)}
    data = eq.on_losses([loss_text(s) for s in SAMPLES], weights=WEIGHTS)
    try:
        found = data.evaluate({**POINT, **numbers, **memory, **time})
    except UsageError:
        found = data.evaluate({**POINT, **numbers, **memory})
    split = (lambda i: tuple(i.split())) if slow else tuple
    return [{split(i): float(v) for i, v in power.items()} for power in (found[k] for k in range(eq.order + 1))]


def components(eq: WeakEquation) -> dict[str, list[str]]:
    return {x: ["x", "y"] if x == "theta" else [f"{x}_x", f"{x}_y"] for x in eq.generator.slow}


def close(found: Any, exact: list[float]) -> bool:
    got = [float(v) for v in found]
    return got == pytest.approx(exact, rel=DIGITS, abs=DIGITS * max(1.0, *map(abs, exact)))


def second(values: Mapping[tuple[str, ...], float], a: str, b: str) -> float:
    """The entry of the diffusion matrix."""
    return (2 if a == b else 1) * values.get(tuple(sorted((a, b))), 0.0)


def check(eq: WeakEquation, backend: str) -> None:
    array, numbers, slow = BACKENDS[backend](), numbers_of(eq), slow_values(eq)
    exact = exact_values(eq, numbers, slow)
    f, names = function(eq, backend), components(eq)
    hyper = {n: float(v) for n, v in numbers.items()}
    given = {x: array(floats(v)) for x, v in slow.items()} | {"t": 1 / 3}
    params = array(floats(POINT.values()))
    vectors = {x: array([float(c) + i for c in VECTOR]) for i, x in enumerate(names)}
    drift = f.drift(params, hyper, given)
    spread = f.covariance(params, vectors if len(names) > 1 else vectors["theta"], hyper, given)
    for x, own in names.items():
        for k, values in enumerate(exact):
            assert close(drift[x][k], [values.get((c,), 0.0) for c in own]), (x, k)
            row = [
                sum(second(values, c, d) * float(v) for y in names for d, v in zip(names[y], vectors[y], strict=True))
                for c in own
            ]
            assert close(spread[x][k], row), (x, k)


def plain(name: str) -> bool:
    """One loss of one unknown, no layers, no maps."""
    scheme = load_scheme(name)
    return not (scheme.losses or scheme.maps or scheme.layered)


REGIMES = [(n, r) for n in catalogue(branches=False) if plain(n) for r in [None, *list(load_scheme(n).regimes)[1:]]]
#: one of each kind: two gradients of one sample, a stale one, added noise, slow memory, functions of a sample, schedules
FEW = [
    ("sgd", None), ("momentum", None), ("extragradient", None), ("ogda", None), ("langevin-baoab", None), ("rk4", None),
    ("momentum", "inertial"), ("rmsprop", "inertial"), ("sam-normalised", None), ("momentum-schedule", None),
]  # fmt: skip


@pytest.mark.slow
def test_every_scheme_and_regime_that_has_a_law_on_points() -> None:
    checked = 0
    for name, regime in REGIMES:
        if (eq := equation(name, regime)) is not None:
            check(eq, "numpy")
            checked += 1
    assert checked > 50


@pytest.mark.parametrize(("name", "regime"), FEW)
def test_schemes_of_every_kind_on_trees(name: str, regime: str | None) -> None:
    eq = equation(name, regime)
    assert eq is not None
    check(eq, "torch")


@pytest.mark.slow
@pytest.mark.parametrize("library", ["jax", "torch"])
def test_every_scheme_and_regime_that_has_a_law_on_trees(library: str) -> None:
    for name, regime in REGIMES:
        if (eq := equation(name, regime)) is not None:
            check(eq, library)


def slow_on(*libraries: str, cases: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Every case on every library; some compile much for them."""
    found = [(*case, b) for case in cases for b in BACKENDS]
    return [pytest.param(*case, marks=pytest.mark.slow) if case[-1] in libraries else case for case in found]


@pytest.mark.parametrize(
    ("name", "order", "backend"), slow_on("jax", "torch", cases=[("sgd", 3), ("momentum", 2), ("extragradient", 2)])
)
def test_higher_powers(name: str, order: int, backend: str) -> None:
    """With batches; at gamma^3 a tie has four members, whose cumulant is no central moment."""
    eq = equation(name, None, order, batch="B")
    assert eq is not None
    check(eq, backend)


@pytest.mark.parametrize(
    ("name", "options", "backend"),
    slow_on("jax", cases=[("momentum", {"sampling": "reshuffled"}), ("adam", {"batch_order": 1})]),
)
def test_epochs_and_powers_of_the_batch(name: str, options: Any, backend: str) -> None:
    """In an epoch the number of batches is that of the samples; Adam's functions are taken at the mean gradient."""
    eq = modified_sde(name, 1, **options)
    if options.get("sampling"):
        texts, weights = [loss_text(s) for s in SAMPLES], None
    else:
        texts, weights = [loss_text(s) for s in SAMPLES], WEIGHTS
    numbers = numbers_of(eq)
    exact = eq.on_losses(texts, weights=weights).evaluate({**POINT, **numbers})
    array = BACKENDS[backend]()
    if backend == "numpy":
        f = eq.function(texts, weights=weights, backend="numpy")
    else:
        given = None if weights is None else array(floats(weights))
        f = eq.function(plain_loss, array([floats(s) for s in SAMPLES]), weights=given, backend=backend)
    drift = f.drift(array(floats(POINT.values())), {n: float(v) for n, v in numbers.items()})["theta"]
    for k in range(2):
        assert close(drift[k], [float(exact[k].get(c, 0.0)) for c in "xy"])


@pytest.mark.parametrize("backend", ["torch", pytest.param("jax", marks=pytest.mark.slow)])
def test_the_generator_of_a_polynomial(backend: str) -> None:
    """With three derivatives of phi, which no drift and no covariance has."""
    eq = equation("sgd", None, 2)
    assert eq is not None
    exact = exact_values(eq, {}, {})
    f = function(eq, backend)
    found = f.on(lambda p: p[0] ** 3 + p[0] * p[1] ** 2, BACKENDS[backend]()(floats(POINT.values())))
    x, y = floats(POINT.values())
    phi = {("x",): 3 * x**2 + y**2, ("y",): 2 * x * y, ("x", "x"): 6 * x, ("x", "y"): 2 * y, ("y", "y"): 2 * x,
           ("x", "x", "x"): 6.0, ("x", "y", "y"): 2.0}  # fmt: skip
    for k, values in enumerate(exact):
        assert float(found[k]) == pytest.approx(sum(phi.get(i, 0.0) * c for i, c in values.items()), rel=DIGITS)
    assert abs(exact[2][("x", "x", "x")]) > 0.1


def test_two_steps_of_sgd_follow_the_generator() -> None:
    """E phi(theta_2) over all sequences of samples, against phi + 2 gamma G phi + 2 gamma^2 G G phi, to gamma^2: the rest falls
    as gamma^3, and is small beside what the noise contributes."""
    array = torch_array()
    import torch

    eq = equation("sgd", None, 1)
    assert eq is not None
    f, start = function(eq, "torch"), array(floats(POINT.values()))
    pairs = list(zip([array(floats(s)) for s in SAMPLES], floats(WEIGHTS), strict=True))
    phi = lambda p: p[0] ** 2 * p[1] + p[1] ** 2
    g0 = lambda p: f.on(phi, p)[0]
    first, second_ = f.on(phi, start)
    exact = [phi(start), 2 * first, 2 * second_ + 2 * f.on(g0, start)[0]]
    step = lambda p, c, gamma: p - gamma * torch.func.grad(plain_loss)(p, c)

    def error(gamma: float) -> float:
        mean = sum(u * v * phi(step(step(start, a, gamma), b, gamma)) for a, u in pairs for b, v in pairs)
        return float(mean - exact[0] - gamma * exact[1] - gamma**2 * exact[2])

    h = 2e-4
    assert 7.5 < error(2 * h) / error(h) < 8.5
    drift = f.drift(start)["theta"][1]
    noise = 2 * float(second_ - torch.func.jvp(phi, (start,), (drift,))[1])
    assert h**2 * abs(noise) > 10 * abs(error(h))


@pytest.mark.parametrize(
    ("name", "regime", "backend"),
    slow_on("jax", cases=[("sgd", None), ("rmsprop", "inertial"), ("sgld", None), ("langevin-baoab", None)]),
)
def test_noise_has_the_covariance_of_its_first_power(name: str, regime: str | None, backend: str) -> None:
    """S S^T from the images of unit draws."""
    eq = equation(name, regime)
    assert eq is not None
    array, numbers, slow = BACKENDS[backend](), numbers_of(eq), slow_values(eq)
    f, hyper = function(eq, backend), {n: float(v) for n, v in numbers.items()}
    params, given = array(floats(POINT.values())), {x: array(floats(v)) for x, v in slow.items()}
    exact, names = exact_values(eq, numbers, slow)[f.power], components(eq)
    sizes = [len(SAMPLES) if c.kind == "samples" else 2 for c in f.columns]
    images = []
    for i, size in enumerate(sizes):
        for unit in np.eye(size):
            draws = [array(unit.tolist() if j == i else [0.0] * n) for j, n in enumerate(sizes)]
            noise = f.noise(params, draws, hyper, given)
            images.append([float(v) for x in names for v in noise[x]])
    flat = [c for own in names.values() for c in own]
    found = np.array(images).T @ np.array(images)
    expected = np.array([[second(exact, a, b) for b in flat] for a in flat])
    assert found == pytest.approx(expected, rel=DIGITS, abs=DIGITS)
    assert np.abs(expected).max() > 0.1


@pytest.mark.parametrize("backend", ["numpy", "torch", pytest.param("jax", marks=pytest.mark.slow)])
def test_players_and_their_samples(backend: str) -> None:
    eq = modified_sde("game-alternating", 1, settings={"mu": "1"})
    texts = {"f": ["x**3*y + x*y**2", "x*y"], "g": ["x**2 - y**3*x", "x*y**2"]}
    exact = eq.on_losses(texts).evaluate({"x": "1/2", "y": "-3/4"})
    array = BACKENDS[backend]()
    vector = {"x": array([2.0]), "y": array([3.0])}
    if backend == "numpy":
        f, params = eq.function(texts, backend="numpy"), array([0.5, -0.75])
    else:
        losses = {
            "f": lambda x, y, s: (s * (x**3 * y + x * y**2) + (1 - s) * x * y)[0],
            "g": lambda x, y, s: (s * (x**2 - y**3 * x) + (1 - s) * x * y**2)[0],
        }
        f, params = eq.function(losses, array([1.0, 0.0]), backend=backend), {"x": array([0.5]), "y": array([-0.75])}
    drift, spread = f.drift(params), f.covariance(params, vector)
    for k in range(2):
        values = {tuple(i): float(v) for i, v in exact[k].items()}
        for x in "xy":
            assert float(drift[x][k][0]) == pytest.approx(values.get((x,), 0.0), rel=DIGITS)
            expected = 2 * second(values, x, "x") + 3 * second(values, x, "y")
            assert float(spread[x][k][0]) == pytest.approx(expected, rel=DIGITS)


# ---------------------------------------------------------------------- controls and refusals


@pytest.mark.parametrize("backend", ["numpy", "torch", pytest.param("jax", marks=pytest.mark.slow)])
def test_another_loss_of_one_sample_has_another_covariance(backend: str) -> None:
    eq = equation("sgd", None, 1)
    assert eq is not None
    array = BACKENDS[backend]()
    changed = [(*SAMPLES[0][:-1], "2000000001/1000000000"), *SAMPLES[1:]]
    if backend == "numpy":
        wrong = eq.function([loss_text(s) for s in changed], weights=WEIGHTS, backend="numpy")
    else:
        data = array([floats(s) for s in changed])
        wrong = eq.function(plain_loss, data, weights=array(floats(WEIGHTS)), backend=backend)
    right, point, v = function(eq, backend), array(floats(POINT.values())), array(floats(VECTOR))
    a, b = (f.covariance(point, v)["theta"][1] for f in (right, wrong))
    assert not close(a, [float(x) for x in b])


def test_jax_compiles_traces_batches_and_samples() -> None:
    array = jax_array()
    import jax

    eq = equation("sgd", None, 1, batch="B")
    assert eq is not None
    f, point, v = function(eq, "jax"), array(floats(POINT.values())), array(floats(VECTOR))
    one = jax.jit(lambda b, data: f.of(data, f.weights).covariance(point, v, {"B": b})["theta"][1])
    assert (4 * one(8.0, f.samples)).tolist() == pytest.approx(one(2.0, f.samples).tolist(), rel=DIGITS)
    slope = jax.jacfwd(lambda b: one(b, f.samples))(2.0)
    assert slope.tolist() == pytest.approx((-one(2.0, f.samples) / 2).tolist(), rel=DIGITS)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda f, a: f.covariance(a([1.0, 2.0]), a([1.0, 2.0])), "B needs a value"),
        (lambda f, a: f.drift(a([1.0, 2.0]), {"B": 2.0}, {"v": a([1.0, 2.0])}), "the equation knows no v"),
        (lambda f, a: f.noise(a([1.0, 2.0]), [], {"B": 2.0}), r"draws: 0 entries, and the noise has 1 \(samples\)"),
    ],
)
def test_what_is_missing_is_said(call: Any, message: str, backend: str) -> None:
    eq = equation("sgd", None, 1, batch="B")
    assert eq is not None
    f = function(eq, backend)
    with pytest.raises(UsageError, match=message):
        call(f, BACKENDS[backend]())


def test_refusals_of_samples_and_of_noise() -> None:
    array = torch_array()
    eq = modified_sde("sgd", 1)
    for samples in (None, array(1.0), {"x": array([1.0, 2.0]), "y": array([1.0])}):
        with pytest.raises(UsageError, match="samples: "):
            eq.function(plain_loss, samples, backend="torch")
    with pytest.raises(UsageError, match="weights: one a sample, 2 in all"):
        eq.function(plain_loss, array([1.0, 2.0]), weights=array([1.0]), backend="torch")
    with pytest.raises(UsageError, match="must be one number, and its value has the shape"):
        eq.function(lambda p, s: p * s, array([1.0, 2.0]), backend="torch").drift(array([1.0, 2.0]))
    with pytest.raises(UsageError, match="no noise through the order"):
        modified_sde("sgd", 0).function(plain_loss, array([1.0]), backend="torch").columns  # noqa: B018
    few = modified_sde("sgd", 1, sampling="reshuffled").function(["x**2", "x**3"], backend="numpy")
    with pytest.raises(UsageError, match="too few"):
        few.drift([1.0])
