"""Optimizers with batches, in law: slopes with bars, the mean over seeds against all sequences of batches, refusals."""

from __future__ import annotations

import json
from math import inf
from typing import Any

import pytest
from extras import imported

jax, _, _ = imported("jax"), imported("optax"), imported("sklearn")
jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from jax.flatten_util import ravel_pytree  # noqa: E402

from derive.errors import UsageError  # noqa: E402
from derive.network.law import LawFunction  # noqa: E402
from verify.commands.main import main  # noqa: E402
from verify.network.law import LawRuns, compare_law  # noqa: E402
from verify.network.law_comparison import LawComparison, Measured  # noqa: E402
from verify.network.models import Model, built  # noqa: E402
from verify.network.optimizers import OPTIMIZERS  # noqa: E402

TINY: dict[str, Any] = {"batch": 1, "gamma": 0.01, "count": 2}


def table(*functions: Measured) -> LawComparison:
    return LawComparison("gd", "mlp", 1, 3, 1, 100, {}, (0.4, 0.2, 0.1), (2, 4, 8), functions)


def measured(first: tuple[float, ...], deviation: float = 0.0) -> Measured:
    return Measured("x", ((1.0, 0.5, 0.25), first), (deviation,) * 3, 1.0, 0.0)


# ---------------------------------------------------------------------- bars


def test_slopes_are_said_as_far_as_the_bars_let_them() -> None:
    exact = table(measured((0.4, 0.1, 0.025)))
    assert exact.verdict == "verified"
    assert exact.slopes(1) == ((2.0, 2.0), (2.0, 2.0))
    blurred = table(measured((0.4, 0.1, 0.025), 0.006))  # bars 0.012: known of the larger steps alone
    low, high = blurred.resolved(1) or (0.0, 0.0)
    assert 1.7 < low < 2 < high < 2.3
    assert blurred.slopes(1)[1][1] - blurred.slopes(1)[1][0] > 0.6
    assert table(measured((0.4, 0.1, 0.025), 0.1)).verdict == "not resolved"
    assert table(measured((0.4, 0.2, 0.1))).verdict == "undecided"
    assert table(measured((0.4, 0.1, 0.025), 0.5)).slopes(1) == ((-inf, inf), (-inf, inf))


def test_an_error_that_vanishes_by_chance_is_one_among_others() -> None:
    chance = measured((0.04, 1e-9, 0.002))
    assert table(measured((0.4, 0.1, 0.025)), chance).verdict == "verified"
    assert table(chance).verdict == "undecided"


def test_a_tenth_of_the_first_correction_is_seen_where_the_second_is_small() -> None:
    """Errors c_2 gamma^2 and c_1 gamma/10 + c_2 gamma^2 with c_1 = 1, gamma = 1, 1/2, 1/4; at c_2 = 1 the last slope is 1.78."""
    for second, verdict in ((0.1, "undecided"), (1.0, "verified")):
        assert table(measured(tuple(second * h**2 for h in (1.0, 0.5, 0.25)))).verdict == "verified"
        assert table(measured(tuple(0.1 * h + second * h**2 for h in (1.0, 0.5, 0.25)))).verdict_of(1) == verdict


def test_json_has_no_infinity() -> None:
    text = json.dumps(table(measured((0.4, 0.1, 0.025), 0.5)).to_json(), allow_nan=False)
    found = json.loads(text)
    assert found["orders"][1]["slopes"] == [[None, None]] * 2
    assert found["functions"][0]["bars"] == [1.0] * 3


# ---------------------------------------------------------------------- runs


@pytest.mark.slow
def test_the_mean_over_seeds_is_that_over_all_sequences_of_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within four of its standard deviations, which the control variate makes small."""
    runs = LawRuns(OPTIMIZERS["gd"], "", built("mlp", width=2, images=3), 1)
    free = {"B": 1.0}
    exact, none = runs.mean(0.02, free, 4, 4, 0)
    monkeypatch.setattr("verify.network.law.ALL", 0)
    found, deviation = runs.mean(0.02, free, 4, 4, 512)
    assert not none.any()
    assert (np.abs(found - exact) < 4 * deviation + 1e-12).all()
    batches = np.random.default_rng(4).integers(0, 3, (512, 4, 1))
    plain = runs._values(0.02, free, batches, 4).std(0) / 512**0.5
    assert np.median(deviation / plain) < 0.4


@pytest.mark.slow
def test_slopes_over_all_sequences_of_batches_and_of_a_wrong_covariance(monkeypatch: pytest.MonkeyPatch) -> None:
    """No sampling error; 1.1 of the terms at gamma^1 in their place leaves an error that falls as gamma."""
    model = built("mlp", width=16, images=3)
    found = compare_law("gd", model, **TINY)
    assert found.seeds == 0
    assert found.verdict == "verified", found
    right = LawFunction.on

    def wrong(self: LawFunction, *args: Any) -> list[Any]:
        return [x * 1.1**k for k, x in enumerate(right(self, *args))]

    monkeypatch.setattr(LawFunction, "on", wrong)
    assert compare_law("gd", model, **TINY).verdict_of(1) == "undecided"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("optimizer", "options"),
    [
        ("gd", {"width": 16, "images": 100}), ("momentum", {"width": 8, "images": 32}), ("nesterov", {"width": 8, "images": 32}),
    ],
)  # fmt: skip
def test_slopes_over_seeds(optimizer: str, options: dict[str, int]) -> None:
    found = compare_law(optimizer, built("mlp", **options), batch=8)
    assert found.verdict == "verified", found


@pytest.mark.slow
def test_a_sample_is_a_batch_and_averages_start_at_their_means_over_the_batches() -> None:
    model = built("mlp", width=2, images=4)
    runs = LawRuns(OPTIMIZERS["adam"], "inertial", model, 2, whole=True)
    assert (runs.samples.tolist(), runs.drawn, runs.rest) == ([[0, 1], [2, 3]], 1, None)
    a, b = (jax.grad(model.batch_loss)(model.params, jnp.array(i))[0]["b"] for i in runs.samples.tolist())
    assert runs.begin["m"][0]["b"].tolist() == pytest.approx(((a + b) / 2).tolist())
    assert runs.begin["v"][0]["b"].tolist() == pytest.approx(((a**2 + b**2) / 2).tolist())
    gamma, free = runs.settings({"gamma": 1e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8})
    (params, state), step = runs._step(gamma, free)
    g = jax.grad(model.batch_loss)(params, runs.samples[0])
    _, after = step((params, state), g)
    assert after[0].nu[0]["b"].tolist() == pytest.approx((0.999 * (a**2 + b**2) / 2 + 0.001 * a**2).tolist())


@pytest.mark.slow
def test_averages_at_their_means_do_not_drift_and_squares_are_of_batches() -> None:
    """The limit drift of v at the start is zero there, and would not be with squares of single images."""
    runs = LawRuns(OPTIMIZERS["rmsprop"], "inertial", built("mlp", width=2, images=4), 2, whole=True)
    _, free = runs.settings({"gamma": 1e-3, "rho": 0.9, "eps": 1e-8})
    assert "B" not in free
    slow = {"G": runs.begin["G"]}
    drift = ravel_pytree(runs.limit.drift(runs.begin["theta"], free, slow)["G"][0])[0]
    scale = free["lam"] * ravel_pytree(slow["G"])[0].max()
    assert float(jnp.abs(drift).max()) < 1e-9 * float(scale)
    single = LawRuns(OPTIMIZERS["rmsprop"], "inertial", built("mlp", width=2, images=4), 1, whole=True)
    other = ravel_pytree(single.limit.drift(runs.begin["theta"], free, slow)["G"][0])[0]
    assert float(jnp.abs(other).max()) > 0.1 * float(scale)


def four_batches() -> Model:
    """Two parameters and four images, each a batch."""
    centres = jnp.asarray([1.0, -0.5, 2.0, 0.3])

    def batch(p: Any, i: Any) -> Any:
        (x, y), c = p["x"], centres[i]
        return jnp.mean((x - c) ** 2 * (1 + 0.3 * y**2) / 2 + c * x * y / 2 + 0.4 * y**2)

    return Model("four", {"x": jnp.asarray([1.2, 0.7])}, lambda p: batch(p, jnp.arange(4)), batch, 4)


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["adam", "adamw"])
def test_slow_averages_over_all_sequences_of_batches(optimizer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """And 1.1 P_1 in the place of P_1 leaves an error that falls as gamma.

    The step is so small that the error through gamma^1 is a ninth of that through gamma^0: then a tenth of P_1 is seen.
    """
    given: dict[str, Any] = {"batch": 1, "gamma": 6e-5, "count": 1, "halvings": 1, "hyper": {"beta1": 0.994, "beta2": 0.9999}}
    right, known = LawRuns.predicted, []

    def kept(self: LawRuns, *args: Any) -> Any:
        known.append(right(self, *args))
        return known[0]

    monkeypatch.setattr(LawRuns, "predicted", kept)
    found = compare_law(optimizer, four_batches(), **given)
    assert (found.seeds, found.verdict) == (0, "verified"), found
    limit, first, off = known[0]
    monkeypatch.setattr(LawRuns, "predicted", lambda self, *args: (limit, 1.1 * first, off))
    assert compare_law(optimizer, four_batches(), **given).verdict_of(1) == "undecided"


@pytest.mark.parametrize(
    ("optimizer", "given", "message"),
    [
        ("muon", {}, "with batches the optimizers are gd, momentum, nesterov, rmsprop, adam, adamw, not muon"),
        ("adam", {"batch": 2}, "the 3 images are cut into batches once, and 2 is no divisor; write --batch 1, or take 2 images"),
        ("gdd", {}, "no optimizer gdd"),
        ("gd", {"hyper": {"beta": 0.9}}, "no hyperparameter beta"),
        ("gd", {"gamma": -1.0}, "above zero"),
        ("momentum", {"count": 2}, "too few steps: memory at rest"),
    ],
)
def test_refusals(optimizer: str, given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        compare_law(optimizer, built("mlp", width=2, images=3), **given)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["sgd", "--plot", "a.png"], "--plot is not read with batches"),
        (["gd", "--batch", "2", "--sweep", "gamma=1", "--plot", "a.png"], "--plot is not read with batches"),
        (["sgd", "--output-dir", "results"], "--output-dir is not read with batches"),
        (["gd", "--seeds", "10"], "add --batch"),
        (["sgd", "--regime", "memory"], "--regime is not read with batches"),
    ],
)
def test_bad_options_are_refused_before_anything_runs(args: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        main(["network", *args], standalone_mode=False)
