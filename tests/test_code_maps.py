"""Printed code of schemes with declared maps, matrices and layers: executed, it has the exact values."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from derive import modified_equation, modifying_field
from derive.commands.main import main
from derive.equation import ModifiedEquation
from derive.errors import UsageError
from derive.scheme.catalogue import scheme_from_toml
from derive.writing.code import Wanted, source
from verify.sde.moments import parameter_values

#: L = sum_j c_j (a_j . p)^3/6, which has d^kL[u, ...] = sum_j c_j (a_j . p)^(3-k)/(3-k)! (a_j . u) ...
CUBES = ((2, (1, 2, 0, -1)), (1, (0, 1, 1, 1)), (-3, (1, 0, -1, 1)), (1, (1, 1, 0, 2)), (2, (2, -1, 1, 0)))
LETTERS = ("x1", "x2", "x3", "x4")
LOSS = " + ".join(f"({c})*({' + '.join(f'({a})*{x}' for a, x in zip(w, LETTERS, strict=True))})**3/6" for c, w in CUBES)
POINT = dict(zip(LETTERS, (Fraction(7, 5), Fraction(-3, 5), Fraction(1, 2), Fraction(4, 5)), strict=True))
START = [float(v) for v in POINT.values()]
GAMMA = 0.125
DIGITS = 1e-12
TARGETS = ("jax", "torch", "python")
SCHEME = """
name = "s"
update = "m = beta*m + (1 - beta)*grad(theta); theta = theta - gamma*P(m)"
[parameters]
beta = "0 <= beta < 1"
a = "a > 0"
[functions]
P = "{}"
[maps]
"P(X)" = "{}"
"""
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")  # inside of torch


def loss(p: Any) -> Any:
    weights, factors = (as_array(p, np.array([x[k] for x in CUBES], float)) for k in (1, 0))
    return ((weights @ p.reshape(-1)) ** 3) @ factors / 6


def as_array(like: Any, values: Any) -> Any:
    return like.new_tensor(values) if hasattr(like, "new_tensor") else values


def derivative_at(x: Any, *directions: Any) -> Any:
    """d^(k+1)L[v_1, ..., v_k] at x, of its shape."""
    flat, rest = np.asarray(x).reshape(-1), 2 - len(directions)
    total = np.zeros(4)
    for c, w in CUBES:
        factor = c * (w @ flat) ** rest / max(1, rest) if rest >= 0 else 0.0
        for v in directions:
            factor = factor * (w @ np.broadcast_to(v, np.shape(x)).reshape(-1))
        total = total + factor * np.array(w, float)
    return total.reshape(np.shape(x))


def array(target: str, values: Any) -> Any:
    if target == "python":
        return np.array(values)
    module = pytest.importorskip(target, reason=f"{target} is not installed (extra '{target}')")
    if target == "torch":
        return module.tensor(values, dtype=module.float64)
    module.config.update("jax_enable_x64", True)
    return module.numpy.array(values)


def run(code: str, target: str, shape: tuple[int, ...], given: Mapping[str, Any]) -> list[list[float]]:
    """What the printed function returns at the point."""
    names: dict[str, Any] = {}
    theta = np.array(START).reshape(shape)
    point = array(target, theta)
    exec(compile(code, "printed code", "exec"), names)
    first = (lambda *v: derivative_at(theta, *v)) if target == "python" else loss
    found = names.get("modified_field", names.get("corrected_gradient"))(first, point, GAMMA, **given)
    return [np.asarray(x).reshape(-1).tolist() for x in (found if isinstance(found, tuple) else (found,))]


def printed(equation: ModifiedEquation, target: str) -> str:
    return source(equation, Wanted("modified_field", "theta'", equation.equations), target, "", "")


def exact(equation: ModifiedEquation, values: Mapping[str, Fraction]) -> list[float]:
    found = equation.subs(**{n: str(v) for n, v in values.items()}).evaluate(LOSS, POINT).values["theta"]
    return [sum(GAMMA**k * number(p[i]) for k, p in enumerate(found)) for i in range(4)]


def number(text: str) -> float:
    return float(Fraction(text)) if "/" in text else float(text)


def agree(equation: ModifiedEquation, target: str, shape: tuple[int, ...] = (2, 2)) -> bool:
    values = parameter_values(equation.configuration)
    (found,) = run(printed(equation, target), target, shape, {n: float(v) for n, v in values.items()})
    expected = exact(equation, values)
    return found == pytest.approx(expected, rel=DIGITS, abs=DIGITS * max(map(abs, expected)))


KIN = [("muon-newton-schulz", "torch"), ("adamuon", "python"), ("normuon", "python")]
SLOW_KIN = [("muon-newton-schulz", "jax"), ("normuon", "jax"), ("normuon", "torch"), ("adamuon", "torch")]


@pytest.mark.parametrize(("name", "target"), [*KIN, *(pytest.param(*pair, marks=pytest.mark.slow) for pair in SLOW_KIN)])
def test_muon_and_its_kin(name: str, target: str) -> None:
    """With every parameter a number of its own, the shape 2 x 2."""
    assert agree(modified_equation(name, 1), target)


LINES = [
    ("map", "X = X/2; repeat 2: {A = X @ X.T; X = 3.4445*X + (-4.775*A + 2.0315*A @ A) @ X}; P = X"),
    ("map", "P = X @ X.T @ X/(1 + dot(X, X)) - 2*trace(X @ X.T)*X"),
    ("map", "P = max(X, X.T.T/2) + X**3*mean(X, row) + clip(X, -1, 1)*abs(X) + min(a, 2)*X"),
    ("map", "c = mean(X); repeat 2: {X = X/(c + 5); c = c*c}; P = X + eye(X @ X.T) @ X"),
    ("map", "P = where(X < 1/3, X**2, 1/(X + 20)) + dot(X, X, column)*X - a*norm(X, row)"),
    ("map", "jax = sqrt(1 + dot(X, X)); repeat 3: {np = X/jax; X = -np}; P = X - np"),
    ("map", "P = norm(X)"),
    ("componentwise", "P = tanh(X) + exp(-X*X)*sin(X) + log(2 + X**2)/cos(X/9) + X*sigmoid(X) + softplus(atan(X)) + sign(X)"),
]  # fmt: skip


def slow_but_for(target: str, marked: bool) -> Any:
    return pytest.param(target, marks=[pytest.mark.slow] if marked else [])


@pytest.mark.parametrize("target", [slow_but_for(t, t != "python") for t in TARGETS])
@pytest.mark.parametrize(("kind", "lines"), LINES)
def test_every_line_that_may_stand_in_a_map(kind: str, lines: str, target: str) -> None:
    """Through gamma^2, with P, dP and d2P."""
    assert agree(modified_equation(scheme_from_toml(SCHEME.format(kind, lines)), 2), target)


@pytest.mark.parametrize("target", ["jax", "torch"])
def test_eigenvectors(target: str) -> None:
    """GaLore with values and derivatives of eigenvectors; against the function of the equation.  Python and Julia have none."""
    jax = pytest.importorskip("jax", reason="jax is not installed (extra 'jax')")
    jax.config.update("jax_enable_x64", True)
    equation = modified_equation("galore", 1)
    hyper = {n: float(v) for n, v in parameter_values(equation.configuration).items()}
    (found,) = run(printed(equation, target), target, (2, 2), hyper)
    wanted = equation.function(loss).truncated(jax.numpy.array(START).reshape(2, 2), GAMMA, hyper)["theta"]
    assert found == pytest.approx(wanted.ravel().tolist(), rel=1e-10)
    with pytest.raises(UsageError, match="eigenvectors, which Q is made of, has no name in that language"):
        printed(equation, "python")


def test_a_line_that_is_changed_is_seen() -> None:
    equation = modified_equation("muon-newton-schulz", 1)
    code = printed(equation, "python")
    assert code.count("2.0315") == 1
    values = parameter_values(equation.configuration)
    (found,) = run(code.replace("2.0315", "2.0316"), "python", (2, 2), {n: float(v) for n, v in values.items()})
    assert found != pytest.approx(exact(equation, values), rel=1e-6)


@pytest.mark.slow  # jax compiles every operation of the loops
def test_on_a_tree_every_array_is_a_matrix_of_its_own() -> None:
    jax = pytest.importorskip("jax", reason="jax is not installed (extra 'jax')")
    jax.config.update("jax_enable_x64", True)
    equation = modified_equation("muon-newton-schulz", 1)
    hyper = {n: float(v) for n, v in parameter_values(equation.configuration).items()}
    params = {"a": jax.numpy.array(START).reshape(2, 2), "b": jax.numpy.array([[0.5, -0.25, 1.0]])}
    on_tree = lambda p: loss(p["a"]) + jax.numpy.sum(p["b"] ** 3) * p["a"][0, 1] + p["b"][0, 0] * p["a"][1, 0] ** 2
    names: dict[str, Any] = {}
    exec(compile(printed(equation, "jax"), "printed code", "exec"), names)
    found = names["modified_field"](on_tree, params, GAMMA, **hyper)
    wanted = equation.function(on_tree).truncated(params, GAMMA, hyper)["theta"]
    for x in params:
        assert found[x].ravel().tolist() == pytest.approx(wanted[x].ravel().tolist(), rel=DIGITS)
    with pytest.raises(ValueError, match="P is a map of matrices"):
        names["modified_field"](lambda p: p @ p, jax.numpy.ones(3), GAMMA, **hyper)


@pytest.mark.parametrize("target", TARGETS)
def test_products_of_matrices(target: str) -> None:
    """Shampoo's averaged products are slow variables, of shapes 2 x 2; against the function of the equation."""
    jax = pytest.importorskip("jax", reason="jax is not installed (extra 'jax')")
    jax.config.update("jax_enable_x64", True)
    equation = modified_equation("shampoo", 1)
    slow = {"A": [[3.0, 1.0], [1.0, 2.0]], "B": [[2.5, 0.5], [0.5, 2.0]]}
    given = {x: array(target, v) for x, v in slow.items()}
    found = run(printed(equation, target), target, (2, 2), given)
    theta = jax.numpy.array(START).reshape(2, 2)
    wanted = equation.function(loss).truncated(theta, GAMMA, {}, {x: jax.numpy.array(v) for x, v in slow.items()})
    for values, x in zip(found, equation.equations, strict=True):
        assert values == pytest.approx(wanted[x].ravel().tolist(), rel=1e-11), x


@pytest.mark.parametrize("target", TARGETS)
def test_sums_over_rows_and_columns(target: str) -> None:
    """RACS by hand: theta' = -lam theta - alpha g/(sqrt(R + eps) sqrt(C + eps)), R and C the means of g^2 by row and column."""
    given = {"alpha": 0.75, "eps": 0.25, "lam": 0.5}
    (found,) = run(printed(modified_equation("racs", 0), target), target, (2, 2), given)
    theta = np.array(START).reshape(2, 2)
    g = derivative_at(theta)
    rows, columns = (np.broadcast_to((g * g).mean(axis=k, keepdims=True), (2, 2)) for k in (1, 0))
    wanted = -0.5 * theta - 0.75 * g / np.sqrt((rows + 0.25) * (columns + 0.25))
    assert found == pytest.approx(wanted.ravel().tolist(), rel=DIGITS)


@pytest.mark.parametrize("target", TARGETS)
def test_layers(target: str) -> None:
    """LAMB with the layers (x1, x2, x3) and x4: leaves of a tree, or a number for every component."""
    equation = modified_equation("lamb", 1)
    values = parameter_values(equation.configuration)
    at = equation.subs(**{n: str(v) for n, v in values.items()})
    exactly = at.evaluate(LOSS, POINT, variables="a = x1, x2, x3; b = x4").values["theta"]
    expected = [sum(GAMMA**k * number(p[i]) for k, p in enumerate(exactly)) for i in range(4)]
    code, hyper = printed(equation, target), {n: float(v) for n, v in values.items()}
    if target == "jax":
        params = {"a": array("jax", START[:3]), "b": array("jax", START[3:])}
        names: dict[str, Any] = {}
        exec(compile(code, "printed code", "exec"), names)
        both = __import__("jax").numpy.concatenate
        tree = names["modified_field"](lambda p: loss(both([p["a"], p["b"]])), params, GAMMA, **hyper)
        found = [*tree["a"].tolist(), *tree["b"].tolist()]
    else:
        number_of = array(target, [0, 0, 0, 1])
        (found,) = run(code, target, (4,), {"layer": number_of.long() if target == "torch" else number_of, **hyper})
    assert found == pytest.approx(expected, rel=DIGITS)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", ["sam-fixed", "asam-fixed"])
def test_gradients_at_other_points(name: str, target: str) -> None:
    equation = modified_equation(name, 1)
    values = parameter_values(equation.configuration)
    given: dict[str, Any] = {n: float(v) for n, v in values.items()}
    if target == "python":
        given["derivative_at"] = derivative_at
    (found,) = run(printed(equation, target), target, (4,), given)
    assert found == pytest.approx(exact(equation, values), rel=DIGITS)


@pytest.mark.parametrize("target", TARGETS)
def test_a_map_without_lines_is_given(target: str) -> None:
    """theta' of Muon with P(u) = u^3 at each component, by the lines and as an argument; numpy's with its derivatives."""
    lines = scheme_from_toml(SCHEME.format("map", "P = X**3"))
    stated = modified_equation(lines, 1)
    (expected,) = run(printed(stated, target), target, (4,), {"beta": 0.25})
    open_map = modified_equation(scheme_from_toml(SCHEME.partition("[maps]")[0].format("map, of some kind")), 1)
    falling = {0: lambda x: x**3, 1: lambda x, v: 3 * x**2 * v}
    cube = (lambda x, *v: falling[len(v)](x, *v)) if target == "python" else (lambda x: x**3)
    code = printed(open_map, target)
    assert "P is a map" in code or "is a map at x" in code
    (found,) = run(code, target, (4,), {"P": cube, "beta": 0.25})
    assert found == pytest.approx(expected, rel=DIGITS)


def test_the_corrected_gradient() -> None:
    """By hand: with P(u) = u + u^3 the limit flow is -P(g), and g is replaced by g - gamma (1+beta)/(2 (1-beta)) H P(g)."""
    scheme = scheme_from_toml(SCHEME.format("componentwise", "P = X + X**3"))
    corrected = modifying_field(scheme, 1)
    code = source(corrected.equation, Wanted("corrected_gradient", "", {"theta": corrected.field}, True), "python", "", "")
    (found,) = run(code, "python", (4,), {"beta": 0.5})
    g = derivative_at(np.array(START))
    wanted = g - GAMMA * 1.5 * derivative_at(np.array(START), g + g**3)
    assert found == pytest.approx(wanted.tolist(), rel=DIGITS)


def test_muon_has_no_corrected_gradient_and_says_why() -> None:
    result = CliRunner().invoke(main, ["code", "muon-newton-schulz", "--what", "modifying"])
    assert "no componentwise function of the gradient" in str(result.exception)


def test_julia_is_written_with_its_own_operators() -> None:
    code = printed(modified_equation("muon-newton-schulz", 1), "julia")
    assert "        X = 3.4445 .* X .+ (-4.775 .* A .+ 2.0315 .* A * A) * X\n" in code
    for line in ("for _ in 1:5\n", "local A\n", "A = X * permutedims(X)\n"):
        assert line in code
