"""Where optimizers start (the slow manifold, rest with its initial layer, a checkpoint), and what is said along a run."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

jax = pytest.importorskip("jax", reason="jax is not installed (extra 'network')")
optax = pytest.importorskip("optax", reason="optax is not installed (extra 'network')")
pytest.importorskip("sklearn", reason="scikit-learn is not installed (extra 'network')")
jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402

from derive import initial_layer, modified_equation  # noqa: E402
from derive.errors import ReductionError, UsageError  # noqa: E402
from verify.network import checkpoint as checkpoints  # noqa: E402
from verify.network.along import diagnose  # noqa: E402
from verify.network.along_picture import save_diagnosis  # noqa: E402
from verify.network.experiment import compare  # noqa: E402
from verify.network.follow import edge_of  # noqa: E402
from verify.network.kinks import jumps  # noqa: E402
from verify.network.models import Model, hessian_product  # noqa: E402
from verify.network.optimizers import OPTIMIZERS  # noqa: E402
from verify.network.regimes import best_regime  # noqa: E402
from verify.network.runs import runs_of  # noqa: E402
from verify.network.sharpness import sharpness  # noqa: E402

Loss = Callable[[Any], Any]


def quartic(p: Any) -> Any:
    x, y = p["x"][0], p["x"][1]
    return x**4 / 4 + x * y**2 / 3 + 2 * y**2 + x**2


def valley(p: Any) -> Any:
    """Sharpness 10 across, 1 along, everywhere."""
    return (p["x"][0] ** 2 + 10 * p["x"][1] ** 2) / 2


def toy(loss: Loss = quartic, start: Any = (1.2, 0.7)) -> Model:
    return Model("toy", {"x": jnp.asarray(start)}, loss, lambda p, i: loss(p), 1)


# ---------------------------------------------------------------------- rest and the initial layer


def test_the_layer_as_a_function_on_a_parabola_by_hand() -> None:
    """Heavy ball, L = x^2/2, beta = 1/2: c_1 = beta/(1 - beta)^2 x = 2x, c_2 = beta (2 + beta)/(1 - beta)^4 x = 20x."""
    f = initial_layer("momentum", 2).function(lambda x: jnp.sum(x**2) / 2)
    x = jnp.array([1.0, 3.0])
    assert [v.tolist() for v in f.shifts(x, {"beta": 0.5})["theta"]] == [[0, 0], [2, 6], pytest.approx([20, 60])]
    assert f.start(x, 0.1, {"beta": 0.5}, order=1)["theta"].tolist() == pytest.approx([1.2, 3.6])
    assert f.transient(3, x, 0.1, {"beta": 0.5}, order=1)["theta"].tolist() == pytest.approx([-0.2 / 8, -0.6 / 8])


@pytest.mark.parametrize("scheme", ["momentum", "nesterov-keras"])
def test_flow_from_the_shifted_point_and_transient_are_the_iterates(scheme: str) -> None:
    """Three steps from rest, where the layer is far from over; the flow of a linear field is an exponential."""
    beta, count, errors = 0.5, 3, []
    layer = initial_layer(scheme, 2).function(lambda x: jnp.sum(x**2) / 2)
    field = modified_equation(scheme, 2).function(lambda x: jnp.sum(x**2) / 2)
    one = jnp.ones(1)
    for gamma in (0.02, 0.01):
        x, v = 1.0, 0.0
        for _ in range(count):
            g = x
            v = beta * v - gamma * g
            x += v if scheme == "momentum" else beta * v - gamma * g
        rate = float(field.truncated(one, gamma, {"beta": beta})["theta"][0])
        start = float(layer.start(one, gamma, {"beta": beta})["theta"][0])
        left = float(layer.transient(count, one, gamma, {"beta": beta})["theta"][0])
        errors.append(abs(x - start * np.exp(rate * count * gamma) - left))
    assert 6.5 < errors[0] / errors[1] < 9.5


def test_slopes_from_rest_need_the_layer() -> None:
    found = compare("momentum", toy(), start="rest", regime="memory", gamma=0.01, hyper={"beta": 0.5}, order=1, halvings=3)
    assert found.verdict == "verified", found
    assert found.slopes[1][-1] > 1.8 > 1.3 > found.slopes_without_layer[1][-1]
    again = type(found).from_json(json.loads(json.dumps(found.to_json(), allow_nan=False)))
    assert again == found


def test_a_start_at_rest_that_is_singular_is_refused() -> None:
    with pytest.raises(UsageError, match=r"adam in the regime inertial: at rest an average .* is singular there"):
        compare("adam", toy(), start="rest", order=1)
    with pytest.raises(ReductionError, match="stands under a root"):
        compare("adam", toy(), start="rest", regime="memory", order=1)
    with pytest.raises(UsageError, match="write manifold or rest"):
        compare("gd", toy(), start="resting", order=1)


# ---------------------------------------------------------------------- checkpoints


def trained(name: str, model: Model, steps: int, values: dict[str, float]) -> tuple[Any, Any]:
    transform = OPTIMIZERS[name].make({**values, "alpha": values["gamma"]})
    params, state = model.params, transform.init(model.params)
    for _ in range(steps):
        updates, state = transform.update(jax.grad(model.loss)(params), state, params)
        params = optax.apply_updates(params, updates)
    return params, state


@pytest.mark.slow
def test_adam_goes_on_from_a_checkpoint(tmp_path: Path) -> None:
    values = {"gamma": 1e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
    params, state = trained("adam", toy(), 20, values)
    checkpoints.save(tmp_path / "adam.npz", params, state)
    model, start = checkpoints.load(tmp_path / "adam.npz", "adam", toy())
    assert model.params["x"].tolist() == params["x"].tolist()
    found = compare("adam", model, start=start, order=1, halvings=3)
    assert (found.verdict, found.start, found.regime) == ("verified", "checkpoint", "inertial"), found
    half = jax.tree.map(lambda x: x / 2, state)
    other = compare("adam", *checkpoints.checkpoint("adam", toy(), params, half)[:1], order=0, halvings=1,
                    start=checkpoints.checkpoint("adam", toy(), params, half)[1])  # fmt: skip
    assert abs(other.moved / found.moved - 1) > 0.1  # the memory is that of the checkpoint


def test_a_checkpoint_of_something_else_is_one_line(tmp_path: Path) -> None:
    params, state = trained("momentum", toy(), 1, {"gamma": 0.01, "beta": 0.9})
    checkpoints.save(tmp_path / "a.npz", params, state)
    with pytest.raises(UsageError, match=r"a.npz: state\[0\].count is missing, which adam on toy has"):
        checkpoints.load(tmp_path / "a.npz", "adam", toy())
    with pytest.raises(UsageError, match=r"params\['x'\] has the shape \(2,\), not \(3,\)"):
        checkpoints.load(tmp_path / "a.npz", "momentum", toy(start=(1.0, 2.0, 3.0)))
    (tmp_path / "b.npz").write_bytes(b"no archive")
    with pytest.raises(UsageError, match="no checkpoint can be read"):
        checkpoints.load(tmp_path / "b.npz", "momentum", toy())
    with pytest.raises(UsageError, match=r"params\['y'\] is not one"):
        checkpoints.checkpoint("momentum", toy(), {"x": params["x"], "y": params["x"]}, state)


# ---------------------------------------------------------------------- along a run


def test_on_a_parabola_the_ratio_is_the_sharpness_in_units_of_the_edge() -> None:
    """f_1 = -H grad L/2: on one direction |gamma f_1|/|f_0| = gamma h/2, which is 1 at the edge h = 2/gamma."""
    found = diagnose("gd", toy(lambda p: 3 * p["x"][0] ** 2, (1.0,)), gamma=0.1, steps=6, points=4)
    assert found.sharpness == pytest.approx([6] * len(found.steps))
    assert found.edge == pytest.approx(20)
    assert found.ratio == pytest.approx([0.3] * len(found.steps))
    x = (1 - 0.6) ** np.array(found.steps)
    assert found.loss == pytest.approx(list(3 * x**2))
    assert found.modified == pytest.approx(list(3 * x**2 + 0.1 / 4 * (6 * x) ** 2))
    assert found.distance[0] == pytest.approx(list(abs(np.exp(-0.6 * np.array(found.steps)) - x)), abs=1e-6)
    assert found.verdict.startswith("|gamma f_1|/|f_0| is above 0.1 at 4 of 4 points, first at step 0, and at most 0.3")


@pytest.mark.parametrize("gamma, best", [(0.003, "inertial"), (5e-5, "memory")])
def test_from_rest_the_ratio_is_that_of_the_velocity(gamma: float, best: str) -> None:
    """Nesterov's method on h x^2/2 with h = 20, beta = 0.9; at fixed beta gamma h (1 - beta + 2 beta^2)/(2 (1 - beta)^2).

    Inertial, s = sqrt(gamma), lam s = 1 - beta: of eta, s |f_1|/|f_0| is lam s/2 at rest, lam s/2 + s^2 h/(2 (1 - lam s)) a step
    later, eta = -s grad L.  Of theta it would be 3/2 - 3/2 lam s there, for every gamma.
    """
    h, model = 20.0, toy(lambda p: 10 * p["x"][0] ** 2, (1.0,))
    runs = {r: runs_of("nesterov", r, 1, model) for r in ("memory", "inertial")}
    ratios = {r: float(x.ratio(*x.settings([{"gamma": gamma, "beta": 0.9}]))[0]) for r, x in runs.items()}
    assert ratios == pytest.approx({"memory": gamma * h * 1.72 / 0.02, "inertial": 0.05 + gamma * h / 1.8})
    assert best_regime(ratios) == best


@pytest.mark.slow
def test_beyond_the_edge_the_series_is_of_no_use_and_the_sharpness_is_named() -> None:
    found = diagnose("gd", toy(valley, (1.0, 1e-6)), gamma=0.21, steps=300, points=30)
    at = found.first(1.0)
    assert at is not None
    assert 0 < at < len(found.steps)  # along the valley first, until the steep direction has grown
    assert all(r <= 0.21 * 10 / 2 + 1e-9 for r in found.ratio)
    assert "of the edge of stability 9.52" in found.verdict


@pytest.mark.slow
def test_long_memory_is_named_where_it_is_not_the_sharpness() -> None:
    found = diagnose("momentum", toy(valley), regime="memory", gamma=0.02, hyper={"beta": 0.95}, steps=20, points=5)
    assert "memory is long" in found.verdict
    assert found.edge == pytest.approx(2 * 1.95 / 0.02)


def test_edges_are_those_of_the_linear_schemes() -> None:
    assert edge_of(OPTIMIZERS["gd"], {"gamma": 0.5}) == pytest.approx(4)
    assert edge_of(OPTIMIZERS["adam"], {"gamma": 0.5, "beta1": 0.9, "beta2": 0.99, "eps": 1e-8}) is None


@pytest.mark.slow
def test_slow_averages_along_a_run_are_those_of_the_optimizer() -> None:
    found = diagnose("adam", toy(), steps=40, points=5)
    assert found.regime == "inertial"
    assert found.distance[1][-1] < found.distance[0][-1] / 5
    assert found.modified == ()
    json.dumps(found.to_json(), allow_nan=False)


@pytest.mark.slow
def test_a_picture_of_a_run(tmp_path: Path) -> None:
    save_diagnosis(tmp_path / "a.png", diagnose("gd", toy(valley), gamma=0.05, steps=8, points=4))
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_sharpness_is_the_largest_eigenvalue_and_not_the_largest_in_size() -> None:
    diagonal = np.array([-9.0, 1.0, 4.0, 2.0, 3.0, 0.5])
    product = hessian_product(lambda p: jnp.sum(diagonal * p**2) / 2, jnp.zeros(6))
    assert sharpness(product, [np.ones(6), np.full(6, np.nan), np.ones(6)]) == pytest.approx([4, np.nan, 4], nan_ok=True)


# ---------------------------------------------------------------------- what cannot be


def test_jumps_are_the_share_of_the_gradient_that_no_derivative_has() -> None:
    """|x| + x^2 from -1 to 1: the gradient changes by 2 + 4, a third of it a jump."""
    at = lambda x: np.array([float(x)])
    found = jumps(lambda x: np.sign(x) + 2 * x, lambda x, v: 2 * v, at(-1), at(1))
    assert found == pytest.approx(1 / 3)
    assert jumps(lambda x: np.tanh(3 * x), lambda x, v: 3 / np.cosh(3 * x) ** 2 * v, at(-1), at(1)) == 0


@pytest.mark.slow
def test_kinks_of_a_loss_are_said() -> None:
    """A minimum with a kink across which the iterates go to and fro."""
    found = compare("gd", toy(lambda p: jnp.sum(jnp.abs(p["x"] - 1.1)) + p["x"][0] ** 2), gamma=0.1, order=1, halvings=1)
    assert found.verdict != "verified"
    assert found.jumps > 0.3


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (toy(lambda p: p["x"] ** 2), r"must be one number, and its value has the shape \(2,\)"),
        (toy(lambda p: jnp.log(-p["x"][0])), "is nan at the start"),
        (toy(start=jnp.ones(2, jnp.float32)), "type float32, and slopes need float64"),
    ],
)
def test_losses_that_are_refused(model: Model, message: str) -> None:
    for run in (compare, diagnose):
        with pytest.raises(UsageError, match=message):
            run("gd", model, order=1)


def test_a_loss_that_has_one_derivative_alone() -> None:
    @jax.custom_vjp
    def half(x: Any) -> Any:
        return jnp.sum(x**2) / 2

    half.defvjp(lambda x: (half(x), x), lambda x, g: (g * x,))
    with pytest.raises(UsageError, match="cannot be differentiated often enough"):
        compare("gd", toy(lambda p: half(p["x"])), order=1)


def test_the_longest_step_alone_may_leave_the_numbers() -> None:
    """x -> x - gamma x^3 from 1: beyond all numbers in eight steps of 4, and 1, -1, 1, ... in steps of 2."""
    with pytest.raises(UsageError, match="leaves the numbers"):
        compare("gd", toy(lambda p: p["x"][0] ** 4 / 4, (1.0,)), gamma=4.0, count=8, halvings=1, order=0)


def test_a_run_that_leaves_the_numbers_on_the_way() -> None:
    with pytest.raises(UsageError, match=r"gd leaves the numbers within \d+ steps of 2"):
        diagnose("gd", replace(toy(), name="far"), gamma=2.0, steps=30)
