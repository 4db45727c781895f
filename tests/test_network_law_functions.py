"""A law as functions agrees with its exact values, on JAX, torch and numpy, for every scheme of the catalogue that has one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import pytest

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


def _jax() -> Callable[[Any], Any]:
    jax = pytest.importorskip("jax", reason="jax is not installed (extra 'jax')")
    jax.config.update("jax_enable_x64", True)
    return lambda values: jax.numpy.array(values)


def _torch() -> Callable[[Any], Any]:
    torch = pytest.importorskip("torch", reason="torch is not installed (extra 'torch')")
    return lambda values: torch.tensor(values, dtype=torch.float64)


BACKENDS: dict[str, Callable[[], Callable[[Any], Any]]] = {"jax": _jax, "torch": _torch, "numpy": lambda: np.array}


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
    found = {n: v for n, v in parameter_values(eq.configuration).items()}
    symbols = {s for power in eq.generator.powers for c in power.values() for s in c.symbols()}
    return found | ({eq.batch: Fraction(5)} if eq.batch in symbols else {})


def slow_values(eq: WeakEquation) -> dict[str, list[Fraction]]:
    return {x: [Fraction(3 + 2 * i + j, 5) for j in range(2)] for i, x in enumerate(eq.generator.slow) if x != "theta"}


def exact_values(eq: WeakEquation, numbers: Mapping[str, Fraction], slow: Mapping[str, list[Fraction]]) -> list[dict[tuple[str, ...], float]]:
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
            row = [sum(second(values, c, d) * float(v) for y in names for d, v in zip(names[y], vectors[y], strict=True)) for c in own]
            assert close(spread[x][k], row), (x, k)


CASES = [(name, r) for name in catalogue(branches=False) for r in [None, *list(load_scheme(name).regimes)[1:]]]


@pytest.mark.parametrize(("name", "regime"), CASES)
def test_every_scheme(name: str, regime: str | None, backend: str) -> None:
    scheme = load_scheme(name)
    if scheme.losses or scheme.maps or scheme.layered:
        pytest.skip("x")
    eq = equation(name, regime)
    if eq is None:
        pytest.skip("no")
    check(eq, backend)
