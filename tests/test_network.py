"""Optimizers of optax on small networks: slopes of truncations, the regime that is chosen, refusals, sweeps, the command."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from math import inf, nan
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

jax = pytest.importorskip("jax", reason="jax is not installed (extra 'network')")
pytest.importorskip("optax", reason="optax is not installed (extra 'network')")
pytest.importorskip("sklearn", reason="scikit-learn is not installed (extra 'network')")
jax.config.update("jax_enable_x64", True)

from derive.errors import UsageError  # noqa: E402
from derive.network.function import FieldFunction  # noqa: E402
from derive.sweeps import file_of, sweep  # noqa: E402
from verify.commands.main import main  # noqa: E402
from verify.network import sweep as sweeps  # noqa: E402
from verify.network.comparison import Comparison  # noqa: E402
from verify.network.experiment import compare, compare_many  # noqa: E402
from verify.network.flow import flow  # noqa: E402
from verify.network.models import Model, built, digits  # noqa: E402
from verify.network.runs import runs_of  # noqa: E402
from verify.network.sweep import Plan, grid  # noqa: E402
from verify.network.sweep_picture import save_sweep_picture  # noqa: E402

SMALL = {"width": 3, "images": 20}
DEFAULTS = ["gd", "momentum", "nesterov", "adam", "lion", "sam"]


@pytest.fixture(scope="module")
def model() -> Model:
    return built("mlp", **SMALL)


def table(errors: Sequence[Sequence[float]], ratio: float = 0.01) -> Comparison:
    steps = tuple(0.1 / 2**i for i in range(len(errors[0])))
    return Comparison("gd", "mlp", 1, "", {"": ratio}, steps, (8, 16, 32), tuple(map(tuple, errors)), 1.0)


# ---------------------------------------------------------------------- the flow and the table


def test_the_flow_of_a_rotation_is_of_order_eight() -> None:
    turn = lambda x: jax.numpy.stack([-x[1], x[0]])
    end = jax.numpy.array([jax.numpy.cos(2.0), jax.numpy.sin(2.0)])
    coarse, fine = (float(jax.numpy.abs(flow(turn, jax.numpy.array([1.0, 0.0]), 2.0, n) - end).max()) for n in (2, 4))
    assert 2**7.5 < coarse / fine < 2**9.5


def test_slopes_of_powers_are_their_exponents_and_the_verdict_reads_the_last() -> None:
    right = table([[3 * 0.5**i for i in range(3)], [2 * 0.25**i for i in range(3)]])
    assert right.slopes == ((1.0, 1.0), (2.0, 2.0))
    assert right.verdict == "verified"
    assert table([[1, 1 / 2, 1 / 4], [1, 1 / 4, 1 / 8]]).verdict == "undecided"
    assert table([[1, 1 / 2, 1 / 4], [1, 1 / 4, 1 / 8]], ratio=3.0).verdict == "of no use"
    assert table([[1, 1 / 2, inf]]).slopes[0][1] != table([[1, 1 / 2, inf]]).slopes[0][1]  # nan: no number


def test_json_has_no_infinity_and_comes_back() -> None:
    found = table([[1.0, inf, 0.5]], ratio=inf)
    text = json.dumps(found.to_json(), allow_nan=False)
    assert Comparison.from_json(json.loads(text)) == found


def test_the_convolution_by_patches_is_that_of_the_library() -> None:
    """With zeros round the image; a kernel that is turned over is another one."""
    model, x = built("convolutional", images=4), digits(4)[0]

    def logits(kernel: Any) -> Any:
        names = ("NHWC", "HWIO", "NHWC")
        maps = jax.lax.conv_general_dilated(x.reshape(-1, 8, 8, 1), kernel, (1, 1), "SAME", dimension_numbers=names)
        pooled = jax.nn.softplus(maps).reshape(-1, 4, 2, 4, 2, maps.shape[-1]).mean((2, 4))
        return pooled.reshape(4, -1) @ model.params["dense"] + model.params["bias"]

    assert model.logits is not None
    found = model.logits(model.params, x).ravel().tolist()
    assert found == pytest.approx(logits(model.params["kernel"]).ravel().tolist(), rel=1e-12)
    assert found != pytest.approx(logits(model.params["kernel"][::-1]).ravel().tolist(), rel=1e-2)


# ---------------------------------------------------------------------- optimizers


def test_slopes_of_gradient_descent_at_two_learning_rates_at_once(model: Model) -> None:
    found = compare_many("gd", model, [{"gamma": 0.1}, {"gamma": 0.05}])
    for r in found:
        assert isinstance(r, Comparison)
        assert r.verdict == "verified", r
        assert r.errors[0][-1] > 5 * r.errors[1][-1] > 25 * r.errors[2][-1]
    one, half = found
    assert isinstance(one, Comparison)
    assert isinstance(half, Comparison)
    assert 1.8 < one.ratios[""] / half.ratios[""] < 2.5


def test_errors_in_another_norm(model: Model) -> None:
    """The largest component is at least the root mean square and at most that times the root of their number."""
    largest = compare("gd", model, order=1, halvings=1, norm=lambda x: jax.numpy.abs(x).max(-1))
    usual = compare("gd", model, order=1, halvings=1)
    for a, b in zip(largest.errors, usual.errors, strict=True):
        assert all(x < y < model.size**0.5 * x for x, y in zip(b, a, strict=True))


@pytest.mark.parametrize(
    "norm, shape", [(lambda x: jax.numpy.abs(x).max(), r"\(\)"), (lambda x: x, r"\(2, \d+\)")], ids=["whole", "each"]
)
def test_a_norm_is_one_number_a_row(model: Model, norm: Any, shape: str) -> None:
    with pytest.raises(UsageError, match=f"one number a row, of the shape .* not {shape}; write axis=-1"):
        compare("gd", model, norm=norm)


def test_a_wrong_correction_has_the_slope_of_the_limit_flow(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """1.1 f_1 in the place of f_1: its error falls as gamma."""
    right = FieldFunction.__call__

    def wrong(self: FieldFunction, *args: Any) -> dict[str, list[Any]]:
        return {x: [f[0], jax.tree.map(lambda v: 1.1 * v, f[1])] for x, f in right(self, *args).items()}

    runs_of.cache_clear()  # of what is compiled with the right one
    monkeypatch.setattr(FieldFunction, "__call__", wrong)
    found = compare("gd", model, order=1, halvings=4)
    runs_of.cache_clear()
    assert found.verdict == "undecided"
    assert found.slopes[1][-1] < 1.6


@pytest.mark.slow
def test_adam_is_run_with_slow_averages_since_the_series_at_fixed_betas_is_of_no_use(model: Model) -> None:
    row = {"gamma": 1e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
    ratio = {}
    for regime in ("memory", "inertial"):
        runs = runs_of("adam", regime, 1, model)
        ratio[regime] = float(runs.ratio(*runs.settings([row]))[0])
    assert ratio["memory"] > 10
    assert ratio["inertial"] < 0.1


@pytest.mark.slow
def test_negative_averages_of_squares_are_counted_and_refused(model: Model) -> None:
    with pytest.raises(UsageError, match=r"averages of squares are negative there, and have no root"):
        compare("adam", model, regime="memory", order=1, halvings=1)


def test_a_run_that_leaves_the_numbers_is_one_error_and_spoils_no_other(model: Model) -> None:
    far, near = compare_many("gd", model, [{"gamma": 1e308}, {"gamma": 0.05}], order=0, halvings=1, count=4)
    assert "leaves the numbers" in str(far)
    assert isinstance(near, Comparison)


@pytest.mark.parametrize(
    "optimizer, given, message",
    [
        ("adamm", {}, "no optimizer adamm"),
        ("gd", {"regime": "inertial"}, "has the regimes"),
        ("gd", {"hyper": {"beta": 0.9}}, "no hyperparameter beta"),
        ("gd", {"gamma": -1.0}, "above zero"),
        ("gd", {"gamma": nan}, "finite"),
        ("muon", {}, "one of matrices"),
    ],
)
def test_refusals(model: Model, optimizer: str, given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        compare(optimizer, model, **given)


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", DEFAULTS)
def test_slopes_at_default_settings(optimizer: str) -> None:
    found = compare(optimizer, built("mlp", width=16, images=100))
    assert found.verdict == "verified", found


@pytest.mark.slow
@pytest.mark.parametrize("name", ["convolutional", "transformer"])
def test_slopes_on_other_networks(name: str) -> None:
    found = compare("momentum", built(name, images=50))
    assert found.verdict == "verified", found


# ---------------------------------------------------------------------- sweeps

PLAN = Plan("gd", "mlp", SMALL, count=2, halvings=1, order=0)
POINTS = grid("gamma=0.1,0.05", lambda name, text: float(text))


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Sizes of the tasks that are run."""
    sizes: list[int] = []

    def task(plan: Plan, points: Any) -> Any:
        sizes.append(len(points))
        return [{"value": p["gamma"]} for p in points]

    monkeypatch.setattr(sweeps, "run_task", task)
    return sizes


def test_widths_and_seeds_are_models_of_their_own() -> None:
    """64 w + w + 10 w + 10 parameters."""
    points = [{"width": 2}, {"width": 3, "gamma": 0.1}, {"width": 0.5}, {"width": 2, "seed": 1}]
    narrow, wide, bad, other = sweeps.run_task(PLAN, points)
    assert [r["parameters"] for r in (narrow, wide, other)] == [160, 235, 160]
    assert bad == {"error": "width = 0.5: a whole number from 1 to 1797"}
    assert other["moved"] != narrow["moved"]
    alone = compare("gd", built("mlp", **{**SMALL, "width": 3}), gamma=0.1, count=2, halvings=1, order=0)
    assert wide == alone.to_json()


@pytest.mark.slow
def test_sizes_of_batches_are_in_law() -> None:
    found = sweeps.run_task(replace(PLAN, options={"images": 4, "width": 2}), [{"batch": 1}, {"batch": 2}])
    assert [(r["batch"], r["images"]) for r in found] == [(1, 4), (2, 4)]


def test_a_grid_is_every_combination_and_bad_texts_are_refused() -> None:
    assert len(grid("a=1,2;b=3,4,5", lambda n, v: float(v))) == 6
    for text in ("", "a", "a=", "a=1;a=2"):
        with pytest.raises(UsageError):
            grid(text, lambda n, v: float(v))


def test_a_sweep_goes_on_where_it_was_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("joblib")
    sizes = counted(monkeypatch)
    first = sweep(PLAN, POINTS[:1], tmp_path)
    again = sweep(PLAN, POINTS, tmp_path)
    assert sizes == [1, 1]
    assert again == [first[0], {"value": 0.05}]
    file_of(PLAN, tmp_path, POINTS[0]).write_text('{"request": ')  # half a file
    assert sweep(PLAN, POINTS, tmp_path) == again
    assert sizes == [1, 1, 1]
    sweep(replace(PLAN, order=1), POINTS, tmp_path)  # another question
    assert sizes == [1, 1, 1, 2]


def test_the_picture_of_a_sweep(tmp_path: Path) -> None:
    tables = [table([[r, r / 2, r / 4], [r * r, r * r / 4, r * r / 16]], ratio=r) for r in (0.01, 0.03, 0.1)]
    save_sweep_picture(tmp_path / "sweep.png", [*tables, table([[1.0, inf, 0.5], [inf, 0.2, 0.1]], ratio=0.2)])
    assert (tmp_path / "sweep.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(UsageError, match="no setting"):
        save_sweep_picture(tmp_path / "none.png", [table([[1.0, inf, 0.5]], ratio=inf)])
    assert not (tmp_path / "none.png").exists()


def test_a_dask_scheduler_gives_what_one_process_gives() -> None:
    distributed = pytest.importorskip("distributed", reason="dask is not installed (extra 'sweep')")
    options = {"n_workers": 1, "threads_per_worker": 1, "processes": False, "dashboard_address": None}
    with distributed.LocalCluster(**options, protocol="tcp://") as cluster:
        far = sweep(PLAN, POINTS, scheduler=cluster.scheduler_address, jobs=1)
    assert far == sweeps.run_task(PLAN, POINTS)
    assert far[0]["orders"][0]["errors"][0] > 0


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("scheduler", ["dask", "joblib"])
def test_processes_give_what_one_process_gives(scheduler: str) -> None:
    pytest.importorskip("distributed", reason="dask is not installed (extra 'sweep')")
    far = sweep(PLAN, POINTS, scheduler=scheduler, jobs=2)
    assert [r["orders"][0]["errors"] for r in far] == pytest.approx(
        [r["orders"][0]["errors"] for r in sweeps.run_task(PLAN, POINTS)]
    )


def test_no_scheduler_there_is_one_line() -> None:
    pytest.importorskip("joblib")
    with pytest.raises(UsageError, match="write joblib, dask, or the address"):
        sweep(PLAN, POINTS, scheduler="slurm")


# ---------------------------------------------------------------------- the command


def test_the_command_prints_a_table_and_draws(tmp_path: Path) -> None:
    picture = tmp_path / "gd.png"
    ran = CliRunner().invoke(
        main, ["network", "gd", "--images", "20", "--order", "1", "--plot", str(picture)], standalone_mode=False
    )
    assert ran.exception is None, ran.exception
    assert ran.return_value == 0
    assert "verdict: verified" in ran.output
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_missing_extra_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optax", None)
    with pytest.raises(UsageError, match=r"needs optax: pip install 'shadowflow\[network\]'"):
        main(["network", "gd"], standalone_mode=False)


@pytest.mark.parametrize(
    "args, message",
    [
        (["--gamma", "small"], "--gamma: 'small' is no number"),
        (["--set", "beta1=x"], "--set beta1: 'x' is no number"),
        (["--output-dir", "results"], "add --sweep"),
        (["--sweep", "gamma=1e-3", "--plot", "a.pdf"], "must end in .png or .svg"),
        (["--plot", "a.pdf"], "must end in .png or .svg"),
    ],
)
def test_bad_options_are_refused_before_anything_runs(args: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        main(["network", "adam", *args], standalone_mode=False)
