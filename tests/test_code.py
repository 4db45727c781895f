"""Code that people paste: executed, it has the exact values; and what it cannot say is refused."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from derive import inline_scheme, modified_equation, modified_loss, modifying_field
from derive.commands.main import main
from verify.sde.moments import parameter_values

LOSS = "x**4/4 + x**2*y/3 - x*y**2/2 + y**4/5 + x**2 + 2*y**2"
FIELD = "x' = y - x**3/3; y' = -x + x*y - y**2/2"
POINT = {"x": Fraction(7, 5), "y": Fraction(-3, 5)}
START = [float(v) for v in POINT.values()]
GAMMA = 0.125
DIGITS = 1e-11


def loss(p: Any) -> Any:
    x, y = p[0], p[1]
    return x**4 / 4 + x**2 * y / 3 - x * y**2 / 2 + y**4 / 5 + x**2 + 2 * y**2


def printed(*arguments: str) -> str:
    result = CliRunner().invoke(main, ["code", *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def function(code: str) -> Callable[..., Any]:
    """The function that the code defines."""
    names: dict[str, Any] = {}
    exec(compile(code, "printed code", "exec"), names)
    return next(f for n, f in names.items() if n.startswith(("modified", "corrected")))


def exact(name: str, order: int) -> tuple[list[float], dict[str, float]]:
    """theta' at the point, and the numbers of the parameters."""
    equation = modified_equation(name, order)
    values = parameter_values(equation.configuration)
    found = equation.subs(**{n: str(v) for n, v in values.items()}).evaluate(LOSS, POINT)
    powers = [[float(Fraction(x)) for x in power] for power in found.values["theta"]]
    return [sum(GAMMA**k * p[i] for k, p in enumerate(powers)) for i in range(2)], {n: float(v) for n, v in values.items()}


def in_jax(code: str, hyper: dict[str, float]) -> list[float]:
    jax = pytest.importorskip("jax", reason="jax is not installed (extra 'jax')")
    jax.config.update("jax_enable_x64", True)
    params = {"a": jax.numpy.array(START[:1]), "b": jax.numpy.array(START[1:])}
    found = function(code)(lambda p: loss([p["a"][0], p["b"][0]]), params, GAMMA, **hyper)
    return [float(found["a"][0]), float(found["b"][0])]


def in_torch(code: str, hyper: dict[str, float]) -> list[float]:
    torch = pytest.importorskip("torch", reason="torch is not installed (extra 'torch')")
    found = function(code)(loss, torch.tensor(START, dtype=torch.float64), GAMMA, **hyper)
    return [float(v) for v in found]


def in_python(code: str, hyper: dict[str, float]) -> list[float]:
    """The derivatives of the loss by hand."""
    x, y = START
    tensors = {
        1: np.array([x**3 + 2 * x * y / 3 - y**2 / 2 + 2 * x, x**2 / 3 - x * y + 4 * y**3 / 5 + 4 * y]),
        2: np.array([[3 * x**2 + 2 * y / 3 + 2, 2 * x / 3 - y], [2 * x / 3 - y, -x + 12 * y**2 / 5 + 4]]),
        3: np.array([[[6 * x, 2 / 3], [2 / 3, -1]], [[2 / 3, -1], [-1, 24 * y / 5]]]),
    }

    def derivative(*directions: Any) -> Any:
        tensor = tensors[len(directions) + 1]
        for v in directions:
            tensor = tensor @ v
        return tensor

    return [float(v) for v in function(code)(derivative, np.array(START), GAMMA, **hyper)]


pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")  # inside of torch
RUN = {"jax": in_jax, "torch": in_torch, "python": in_python}
SCHEMES = [
    ("gd", 2), ("momentum", 2), ("adam", 1), ("normalised-gd", 1), ("sam", 1), ("lion", 1), ("weight-decay", 2), ("rmsprop", 2),
]  # fmt: skip


@pytest.mark.parametrize("target", RUN)
@pytest.mark.parametrize(("name", "order"), SCHEMES)
def test_executed_it_has_the_exact_values(name: str, order: int, target: str) -> None:
    expected, hyper = exact(name, order)
    code = printed(name, "--order", str(order), "--target", target)
    assert RUN[target](code, hyper) == pytest.approx(expected, rel=DIGITS)


def test_a_coefficient_that_is_changed_is_seen() -> None:
    expected, hyper = exact("gd", 2)
    code = printed("gd", "--order", "2", "--target", "python")
    assert code.count("1/12") == 1
    assert in_python(code.replace("1/12", "1001/12000"), hyper) != pytest.approx(expected, rel=DIGITS)


def test_a_vector_field_and_slow_variables() -> None:
    jax = pytest.importorskip("jax", reason="jax is not installed (extra 'jax')")
    jax.config.update("jax_enable_x64", True)
    update = "theta = theta + gamma*field(theta + gamma/2*field(theta))"
    values = modified_equation(inline_scheme(update), 2).evaluate(FIELD, POINT).values["theta"]
    expected = [sum(GAMMA**k * float(Fraction(p[i])) for k, p in enumerate(values)) for i in range(2)]
    code = printed("--update", update, "--order", "2")
    field = lambda p: jax.numpy.stack([p[1] - p[0] ** 3 / 3, -p[0] + p[0] * p[1] - p[1] ** 2 / 2])
    assert [float(v) for v in function(code)(field, jax.numpy.array(START), GAMMA)] == pytest.approx(expected, rel=DIGITS)
    equation = modified_equation("momentum", 1, regime="leapfrog")
    code = printed("momentum", "--regime", "leapfrog")
    theta, eta = jax.numpy.array(START), jax.numpy.array([0.25, -0.5])
    found = function(code)(loss, theta, GAMMA, lam=0.75, eta=eta)
    wanted = equation.function(loss).truncated(theta, GAMMA, {"lam": 0.75}, {"eta": eta})
    for value, x in zip(found, equation.equations, strict=True):
        assert value.tolist() == pytest.approx(wanted[x].tolist(), rel=DIGITS)


def test_a_modified_loss_and_a_corrected_gradient() -> None:
    code = printed("gd", "--order", "1", "--what", "loss", "--target", "python")
    assert "loss_1 = 1/4*" in code
    assert function(code)(lambda *u: np.array([3.0, 4.0]), np.zeros(2), GAMMA, 2.0) == pytest.approx(2 + GAMMA * 25 / 4)
    torch = pytest.importorskip("torch", reason="torch is not installed (extra 'torch')")
    point = torch.tensor(START, dtype=torch.float64)
    value = function(printed("gd", "--order", "1", "--what", "loss", "--target", "torch"))(loss, point, GAMMA)
    parts = modified_loss("gd", 1).potential
    assert [str(p) for p in parts] == ["L", "1/4*dot(grad, grad)"]
    g = torch.func.grad(loss)(point)
    assert float(value) == pytest.approx(float(loss(point) + GAMMA / 4 * g @ g), rel=DIGITS)
    corrected = function(printed("gd", "--order", "1", "--what", "modifying", "--target", "torch"))(loss, point, GAMMA)
    by_power = modifying_field("gd", 1).evaluate(LOSS, POINT)
    wanted = [-sum(GAMMA**k * float(Fraction(p[i])) for k, p in enumerate(by_power)) for i in range(2)]
    assert [float(v) for v in corrected] == pytest.approx(wanted, rel=DIGITS)


def test_where_the_gradient_is_zero_a_quotient_is_its_sign() -> None:
    code = printed("sign-descent", "--order", "0", "--target", "python")
    assert function(code)(lambda: np.array([0.0, 2.0]), np.zeros(2), GAMMA).tolist() == [0.0, -1.0]


def test_latex_and_what_is_refused() -> None:
    assert printed("gd", "--order", "1", "--target", "latex").startswith(r"\begin{align*}")
    run = CliRunner()
    for arguments, words in (
        (["game-simultaneous"], "one loss of one vector of parameters; eq.function takes several"),
        (["local-gd"], "one loss of one vector of parameters; eq.function takes several"),
        (["sgld"], "draws at random"),
        (["gd-clipped-norm"], "pick it with --assume"),
        (["momentum", "--what", "loss", "--order", "2"], "a modified loss is written through gamma^1 alone"),
    ):
        result = run.invoke(main, ["code", *arguments])
        assert result.exit_code != 0
        assert words in str(result.exception or result.output), (arguments, result.output)


@pytest.mark.skipif(shutil.which("julia") is None, reason="julia is not installed")
def test_julia_runs(tmp_path: Path) -> None:
    expected, hyper = exact("adam", 1)
    numbers = ", ".join(repr(hyper[n]) for n in ("beta1", "beta2", "eps"))
    body = "p -> p[1]^4/4 + p[1]^2*p[2]/3 - p[1]*p[2]^2/2 + p[2]^4/5 + p[1]^2 + 2*p[2]^2"
    script = tmp_path / "run.jl"
    call = f"\nprintln(modified_field({body}, {START!r}, {GAMMA}, {numbers}))\n"
    script.write_text(printed("adam", "--target", "julia") + call, "utf-8")
    found = subprocess.run(["julia", str(script)], capture_output=True, text=True, check=True).stdout
    assert [float(v) for v in found.strip(" \n[]").split(",")] == pytest.approx(expected, rel=DIGITS)


def test_a_corrected_optimizer_follows_its_limit_flow() -> None:
    """Gradient descent on x^2/2: the flow is exp(-t); slopes N + 1 at the time 1, on optax's own sgd."""
    jax = pytest.importorskip("jax", reason="jax is not installed (extra 'jax')")
    optax = pytest.importorskip("optax", reason="optax is not installed (extra 'network')")
    jax.config.update("jax_enable_x64", True)
    from derive.network.corrected import corrected

    def error(order: int, gamma: float) -> float:
        field = modifying_field("gd", order).function(lambda x: x @ x / 2)
        transform = corrected(optax.sgd(gamma), field, gamma)
        x, state = jax.numpy.array([1.0]), transform.init(jax.numpy.array([1.0]))
        for _ in range(round(1 / gamma)):
            updates, state = transform.update(None, state, x)
            x = optax.apply_updates(x, updates)
        return abs(float(x[0]) - np.exp(-1.0))

    for order in (0, 1, 2):
        slope = np.log2(error(order, 1 / 16) / error(order, 1 / 32))
        assert slope == pytest.approx(order + 1, abs=0.1)


def test_the_modified_loss_as_a_function_has_the_modified_field_as_its_gradient() -> None:
    jax = pytest.importorskip("jax", reason="jax is not installed (extra 'jax')")
    jax.config.update("jax_enable_x64", True)
    point = jax.numpy.array(START)
    potential = modified_loss("momentum", 1).function(loss)
    descent = jax.grad(lambda p: potential.truncated(p, GAMMA, {"beta": 0.5})["V"])(point)
    field = modified_equation("momentum", 1).function(loss).truncated(point, GAMMA, {"beta": 0.5})["theta"]
    assert descent.tolist() == pytest.approx((-field).tolist(), rel=DIGITS)
