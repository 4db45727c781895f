"""A modified equation as a function agrees with its exact values, on JAX and torch, for every scheme of the catalogue."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import pytest

from derive import ModifiedEquation, catalogue, modified_equation
from derive.errors import UsageError
from derive.scheme import configure, load_scheme
from derive.scheme.catalogue import scheme_from_toml
from verify.sde.moments import parameter_values

LOSS = "x**4/4 + x**2*y/3 - x*y**2/2 + y**4/5 + x**2 + 2*y**2"
POINT = {"x": Fraction(7, 5), "y": Fraction(-3, 5)}
DIGITS = 1e-12


def plain_loss(p: Any) -> Any:
    x, y = p[0], p[1]
    return x**4 / 4 + x**2 * y / 3 - x * y**2 / 2 + y**4 / 5 + x**2 + 2 * y**2


def plain_field(p: Any) -> list[Any]:
    x, y = p[0], p[1]
    return [y - x**3 / 3, -x + x * y - y**2 / 2]


def _number(text: str) -> float:
    return float(Fraction(text)) if "/" in text else float(text)


def _jax() -> tuple[Callable[[list[float]], Any], Callable[[list[Any]], Any]]:
    jax = pytest.importorskip("jax", reason="jax is not installed (extra 'jax')")
    jax.config.update("jax_enable_x64", True)
    return (lambda values: jax.numpy.array(values)), jax.numpy.stack


def _torch() -> tuple[Callable[[list[float]], Any], Callable[[list[Any]], Any]]:
    torch = pytest.importorskip("torch", reason="torch is not installed (extra 'torch')")
    return (lambda values: torch.tensor(values, dtype=torch.float64)), torch.stack


BACKENDS = {"jax": _jax, "torch": _torch}


def plain(name: str) -> bool:
    """One loss or field of one unknown, no layers, no maps."""
    scheme = load_scheme(name)
    return not (scheme.losses or scheme.maps or scheme.layered)


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def slow_values(equation: ModifiedEquation) -> dict[str, list[Fraction]]:
    """Numbers for the slow variables besides theta, two for a vector."""
    others = [x for x in equation.equations if x != "theta"]
    sizes = {x: 1 if equation.scheme_kind(x) == "scalar" else 2 for x in others}
    return {x: [Fraction(3 + 2 * i + j, 5) for j in range(sizes[x])] for i, x in enumerate(others)}


def at_point(slow: Mapping[str, list[Fraction]]) -> dict[str, Fraction]:
    named = {x: [x] if len(v) == 1 else [f"{x}_x", f"{x}_y"] for x, v in slow.items()}
    return POINT | {n: value for x, v in slow.items() for n, value in zip(named[x], v, strict=True)}


@pytest.mark.parametrize("name", [n for n in catalogue(noise=False, branches=False) if plain(n)])
def test_every_scheme_of_the_catalogue_through_gamma(name: str, backend: str) -> None:
    array, stack = BACKENDS[backend]()
    scheme = load_scheme(name)
    settings = {f"{r}(t)": "1/(2+t)" for r in scheme.functions} | ({"k": "3"} if "k" in scheme.parameters else {})
    equation = modified_equation(name, 1, settings=settings)
    values = parameter_values(configure(scheme, None, settings))
    slow = slow_values(equation)
    with_time = {"t": Fraction(1, 3)} if "t" in equation.algebra.ring.symbols else {}
    loss = LOSS if scheme.label == "L" else "x' = y - x**3/3; y' = -x + x*y - y**2/2"
    expected = equation.subs(**{n: str(v) for n, v in values.items()}).evaluate(loss, at_point(slow) | with_time)
    f = equation.function(plain_loss, backend=backend, field=lambda p: stack(plain_field(p)))
    hyper = {n: float(v) for n, v in values.items()}
    given = {x: array([float(c) for c in v]) if len(v) == 2 else float(v[0]) for x, v in slow.items()}
    found = f(array([float(x) for x in POINT.values()]), hyper, given | {n: float(v) for n, v in with_time.items()})
    for x, powers in expected.values.items():
        for power, value in zip(powers, found[x], strict=True):
            exact = [_number(text) for text in power]
            floats = [float(v) for v in value] if getattr(value, "ndim", 0) else [float(value)]
            assert floats == pytest.approx(exact, rel=DIGITS, abs=DIGITS * max(map(abs, exact)))


@pytest.mark.parametrize(("name", "order"), [("gd", 4), ("momentum", 3), ("adam", 2), ("nesterov", 3), ("rmsprop", 2)])
def test_collected_derivatives_are_the_derivatives_one_by_one(name: str, order: int, backend: str) -> None:
    """Powers at which many trees are collected; the numbers are exact values rounded once."""
    array, _ = BACKENDS[backend]()
    equation = modified_equation(name, order)
    values = parameter_values(equation.configuration)
    exact = equation.subs(**{n: str(v) for n, v in values.items()}).evaluate(LOSS, POINT).values["theta"]
    point = array([float(x) for x in POINT.values()])
    found = equation.function(plain_loss, backend=backend)(point, {n: float(v) for n, v in values.items()})["theta"]
    for power, value in zip(exact, found, strict=True):
        assert [float(v) for v in value] == pytest.approx([_number(text) for text in power], rel=DIGITS)
    wrong = equation.function(lambda p: plain_loss(p) + p[0] ** 5 / 10**9, backend=backend)
    changed = wrong(point, {n: float(v) for n, v in values.items()})["theta"]
    assert float(changed[order][0]) != pytest.approx(_number(exact[order][0]), rel=DIGITS)


def test_a_game_is_a_function_of_its_players(backend: str) -> None:
    array, _ = BACKENDS[backend]()
    equation = modified_equation("game-simultaneous", 2, settings={"mu": "1"})
    texts = "f = x**3*y + x*y**2; g = x**2 - y**3*x"
    exact = equation.evaluate(texts, {"x": "1/2", "y": "-3/4"}).values
    losses = {"f": lambda x, y: (x**3 * y + x * y**2)[0], "g": lambda x, y: (x**2 - y**3 * x)[0]}
    found = equation.function(losses, backend=backend)({"x": array([0.5]), "y": array([-0.75])})
    for x, powers in exact.items():
        for power, value in zip(powers, found[x], strict=True):
            assert float(value[0]) == pytest.approx(_number(power[0]), rel=DIGITS)


def test_every_array_is_a_layer(backend: str) -> None:
    array, _ = BACKENDS[backend]()
    equation = modified_equation("lars", 1)
    values = {"beta": Fraction(1, 2), "eta": Fraction(2, 3), "lam": Fraction(1, 7)}
    free = equation.subs(**{n: str(v) for n, v in values.items()})
    exact = free.evaluate("x**2*y + y**2*z - x*z**3 + x**2", {"x": 1, "y": 2, "z": "1/2"}, variables="a = x, y; b = z").values
    loss = lambda p: p[0][0] ** 2 * p[0][1] + p[0][1] ** 2 * p[1][0] - p[0][0] * p[1][0] ** 3 + p[0][0] ** 2
    found = equation.function(loss, backend=backend)([array([1.0, 2.0]), array([0.5])], {n: float(v) for n, v in values.items()})
    for power, value in zip(exact["theta"], found["theta"], strict=True):
        floats = [float(v) for leaf in value for v in leaf]
        assert floats == pytest.approx([_number(text) for text in power], rel=DIGITS)


def test_maps_are_functions_too(backend: str) -> None:
    array, _ = BACKENDS[backend]()
    equation = modified_equation("muon", 1)
    exact = equation.subs(**{"mu": "1/2", "P(x, y)": "x + y**2; y*x"}).evaluate(LOSS, POINT).values["theta"]
    stack = BACKENDS[backend]()[1]
    polar = lambda u: stack([u[0] + u[1] ** 2, u[0] * u[1]])
    f = equation.function(plain_loss, backend=backend, maps={"P": polar})
    found = f(array([float(x) for x in POINT.values()]), {"mu": 0.5})["theta"]
    for power, value in zip(exact, found, strict=True):
        assert [float(v) for v in value] == pytest.approx([_number(text) for text in power], rel=DIGITS)


@pytest.mark.parametrize("name", ["muon-newton-schulz", "normuon"])
def test_lines_of_maps_are_carried_out_on_matrices(backend: str, name: str) -> None:
    """By automatic differentiation, beside Taylor series of the lines at the point."""
    array, _ = BACKENDS[backend]()
    equation = modified_equation(name, 1)
    values = {n: Fraction(1, k) for k, n in enumerate(equation.configuration.free, 2)}
    text, at = "x**4/4 + x*y**2 + z*w + z**2 + x*w", {"w": "2", "x": "1", "y": "1/2", "z": "1/3"}
    exact = equation.subs(**{n: str(v) for n, v in values.items()}).evaluate(text, at).values["theta"]
    loss = lambda p: p[0, 1] ** 4 / 4 + p[0, 1] * p[1, 0] ** 2 + p[1, 1] * p[0, 0] + p[1, 1] ** 2 + p[0, 1] * p[0, 0]
    f = equation.function(loss, backend=backend)
    found = f(array([[2.0, 1.0], [0.5, 1 / 3]]), {n: float(v) for n, v in values.items()})["theta"]
    for power, value in zip(exact, found, strict=True):
        assert [float(v) for v in value.flatten()] == pytest.approx([_number(text) for text in power], rel=1e-9)
    with pytest.raises(UsageError, match="P is a map of matrices, and a parameter has the shape"):
        equation.function(plain_loss, backend=backend)(array([1.0, 2.0]), {n: float(v) for n, v in values.items()})


def test_the_largest_component_on_arrays(backend: str) -> None:
    """By automatic differentiation, beside Taylor series; there is no number where two components are the largest."""
    array, _ = BACKENDS[backend]()
    lines = "P = X*largest(X, row) + smallest(X, column)**2 + largest(X**2)*X"
    equation = modified_equation(
        scheme_from_toml(
            'name = "s"\nupdate = "theta = theta - gamma*P(grad(theta))"\n[functions]\nP = "map, extrema"\n'
            f'[maps]\n"P(X)" = "{lines}"'
        ),
        1,
    )
    text, at = "x**4/4 + x*y**2 + z*w + z**2 + x*w", {"w": "2", "x": "1", "y": "1/2", "z": "1/3"}
    loss = lambda p: p[0, 1] ** 4 / 4 + p[0, 1] * p[1, 0] ** 2 + p[1, 1] * p[0, 0] + p[1, 1] ** 2 + p[0, 1] * p[0, 0]
    f = equation.function(loss, backend=backend)
    found = f(array([[2.0, 1.0], [0.5, 1 / 3]]))["theta"]
    for power, value in zip(equation.evaluate(text, at).values["theta"], found, strict=True):
        assert [float(v) for v in value.flatten()] == pytest.approx([_number(text) for text in power], rel=1e-12)
    tied = equation.function(lambda p: (p**2).sum() / 2, backend=backend)(array([[2.0, 2.0], [0.5, 1.0]]))["theta"]
    assert all(math.isnan(float(v)) for v in tied[0].flatten())


def test_where_a_component_of_the_gradient_is_zero_a_quotient_is_its_sign(backend: str) -> None:
    array, _ = BACKENDS[backend]()
    equation = modified_equation("sign-descent", 1)
    found = equation.function(lambda p: (p[0] - 1) ** 2 + p[1] ** 2, backend=backend)(array([1.0, 2.0]))["theta"]
    assert [float(v) for v in found[0]] == [0.0, -1.0]


def test_memory_and_the_truncated_field(backend: str) -> None:
    array, _ = BACKENDS[backend]()
    f = modified_equation("momentum", 1).function(lambda p: (p**2).sum() / 2, backend=backend)
    point = array([2.0, -1.0])
    v0, v1 = f.memory(point, {"beta": 0.5})["v"]
    assert ([float(x) for x in v0], [float(x) for x in v1]) == ([0.0, 0.0], [-4.0, 2.0])
    assert [float(x) for x in f.truncated(point, 0.1, {"beta": 0.5})["theta"]] == pytest.approx([-4 - 1.2, 2 + 0.6])
    assert [float(x) for x in f.truncated(point, 0.1, {"beta": 0.5}, order=0)["theta"]] == [-4.0, 2.0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda f, a: f(a([1.0, 2.0])), "beta needs a value"),
        (lambda f, a: f(a([1.0, 2.0]), {"bta": 0.5}), "the equation knows no bta"),
        (lambda f, a: f(a([1.0, 2.0]), {"beta": 0.5}, {"v": a([1.0])}), "another structure"),
    ],
)
def test_what_is_missing_or_does_not_fit_is_said(call: Any, message: str, backend: str) -> None:
    array, _ = BACKENDS[backend]()
    f = modified_equation("momentum", 1).function(plain_loss, backend=backend)
    with pytest.raises(UsageError, match=message):
        call(f, array)


def test_a_loss_that_is_no_number(backend: str) -> None:
    array, _ = BACKENDS[backend]()
    f = modified_equation("gd", 1).function(lambda p: p**2, backend=backend)
    with pytest.raises(UsageError, match=r"must be one number, and its value has the shape \(2,\)"):
        f(array([1.0, 2.0]))


def test_unknown_backends_and_missing_functions() -> None:
    equation = modified_equation("gd", 1)
    with pytest.raises(UsageError, match="backend 'tf': write jax or torch, or numpy with a loss that is a text"):
        equation.function(plain_loss, backend="tf")
    with pytest.raises(UsageError, match="loss: a function"):
        equation.function(None)
    with pytest.raises(UsageError, match=r"numpy takes a loss that is a text, .* not function; write backend='jax' or 'torch'"):
        equation.function(plain_loss, backend="numpy")


def test_a_gradient_that_cannot_be_taken_is_one_line_at_order_zero_too() -> None:
    """A loss that turns its parameters into a number of Python."""
    array, _ = BACKENDS["jax"]()
    with pytest.raises(UsageError, match="the loss cannot be differentiated often enough"):
        modified_equation("gd", 0).function(lambda p: (p * float(p[0])).sum())(array([1.0, 2.0]))


def test_parameters_that_are_whole_numbers(backend: str) -> None:
    BACKENDS[backend]()
    with pytest.raises(UsageError, match=r"params: floating-point numbers, not .*int64; write 1\.0 in the place of 1"):
        modified_equation("gd", 0).function(lambda p: (p * p).sum() * 1.0, backend=backend)([1, 2])


def test_jax_compiles_maps_and_traces_hyperparameters() -> None:
    array, _ = _jax()
    import jax

    f = modified_equation("adam", 1).function(plain_loss, backend="jax")
    point = array([float(x) for x in POINT.values()])
    hyper = {"beta1": 0.9, "beta2": 0.99, "eps": 0.1}
    whole = jax.jit(lambda b: f(point, hyper | {"beta1": b})["theta"][1])
    many = jax.vmap(lambda b: f(point, hyper | {"beta1": b})["theta"][1])(array([0.5, 0.9]))
    assert many.tolist() == [pytest.approx(whole(b).tolist(), rel=DIGITS) for b in (0.5, 0.9)]
    slope = jax.jacfwd(lambda b: f(point, hyper | {"beta1": b})["theta"][1])(0.9)
    assert slope.tolist() == pytest.approx(((whole(0.9 + 1e-6) - whole(0.9 - 1e-6)) / 2e-6).tolist(), rel=1e-6)


def test_a_module_of_torch_is_its_parameters() -> None:
    array, _ = _torch()
    import torch

    model = torch.nn.Linear(2, 1, dtype=torch.float64)
    x, y = array([[1.0, 2.0], [0.5, -1.0]]), array([[1.0], [2.0]])
    loss = lambda p: ((torch.func.functional_call(model, p, (x,)) - y) ** 2).mean() / 2
    f1 = modified_equation("gd", 1).function(loss, backend="torch")(model)["theta"][1]
    flat = torch.cat([p.detach().reshape(-1) for p in model.parameters()])
    design = torch.cat([x, torch.ones(2, 1, dtype=torch.float64)], 1)
    hessian = design.T @ design / 2
    expected = -hessian @ (hessian @ flat - design.T @ y[:, 0] / 2) / 2
    assert torch.cat([f1["weight"].reshape(-1), f1["bias"]]).tolist() == pytest.approx(expected.tolist(), rel=DIGITS)


def test_points_of_an_explicit_loss_all_at_once() -> None:
    import numpy as np

    equation = modified_equation("adam", 1)
    values = parameter_values(equation.configuration)
    points = np.array([[7 / 5, -3 / 5], [0.5, 2.0], [-1.25, 0.75]])
    hyper = {n: float(v) for n, v in values.items()}
    found = equation.function(LOSS, backend="numpy")(points, hyper)["theta"]
    exact = equation.subs(**{n: str(v) for n, v in values.items()})
    for i, (x, y) in enumerate([("7/5", "-3/5"), ("1/2", "2"), ("-5/4", "3/4")]):
        for k, power in enumerate(exact.evaluate(LOSS, {"x": x, "y": y}).values["theta"]):
            assert found[k][i].tolist() == pytest.approx([_number(text) for text in power], rel=DIGITS)
    with pytest.raises(UsageError, match="the last axis has the 2 components x, y"):
        equation.function(LOSS, backend="numpy")(np.zeros((3, 4)), hyper)
    with pytest.raises(UsageError, match="needs a value: hyper"):
        equation.function(LOSS, backend="numpy")(points)
