"""Optimizers of torch.optim on modules of torch against their flows: slopes, starts, losses that are no functions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra 'torch')")
pytest.importorskip("scipy", reason="scipy is not installed (extra 'network')")
pytest.importorskip("sklearn", reason="scikit-learn is not installed (extra 'network')")

import numpy as np  # noqa: E402
from click.testing import CliRunner  # noqa: E402

from derive.errors import UsageError  # noqa: E402
from verify.commands.main import main  # noqa: E402
from verify.network.pictures import save_picture  # noqa: E402
from verify.network.pytorch.along import diagnose  # noqa: E402
from verify.network.pytorch.experiment import compare, paths  # noqa: E402
from verify.network.pytorch.module import TorchModel, loaded, mlp  # noqa: E402
from verify.network.pytorch.rows import OPTIMIZERS, READ  # noqa: E402
from verify.network.pytorch.runs import Runs, checkpoint  # noqa: E402

F64 = torch.float64
X = torch.tensor([[1.0, -0.5, 0.25], [0.5, 2.0, -1.0]], dtype=F64)


def toy(dtype: Any = F64, module: Any = None) -> TorchModel:
    """A tanh layer of three weights, two rows of data, targets 0.3."""
    if module is None:
        module = torch.nn.Sequential(torch.nn.Linear(3, 1, bias=False, dtype=dtype), torch.nn.Tanh())
        with torch.no_grad():
            module[0].weight.copy_(torch.tensor([[0.8, -0.4, 0.6]]))
    return TorchModel("toy", module, lambda m: ((m(X.to(dtype)) - 0.3) ** 2).mean())


STEPS = {"gd": 0.05, "momentum": 0.01, "nesterov": 0.005, "rmsprop": 5e-4, "adam": 1e-3, "adamw": 1e-3}
OFTEN = ("gd", "adam")


@pytest.mark.parametrize("optimizer", [n if n in OFTEN else pytest.param(n, marks=pytest.mark.slow) for n in STEPS])
def test_slopes_of_the_optimizers_of_torch(optimizer: str) -> None:
    found = compare(optimizer, toy(), gamma=STEPS[optimizer], order=1, hyper={"beta": 0.5} if optimizer == "nesterov" else {})
    assert (found.verdict, found.library) == ("verified", "torch"), found
    assert found.errors[0][-1] > 3 * found.errors[1][-1]


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", STEPS)
def test_slopes_at_default_settings_through_the_second_power(optimizer: str) -> None:
    # the ratio of memory is 0.09 on this network, just below the tenth from which it is not taken
    regime = "inertial" if optimizer == "rmsprop" else "auto"
    found = compare(optimizer, mlp(width=4, images=30), regime=regime)
    assert found.verdict == "verified", found


@pytest.mark.slow
def test_another_optimizer_than_the_scheme_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Heavy ball is no Nesterov: the limit flow is the same, the correction is not."""
    row = OPTIMIZERS["nesterov"]
    monkeypatch.setitem(OPTIMIZERS, "momentum", row.__class__(**{**vars(OPTIMIZERS["momentum"]), "make": row.make}))
    found = compare("momentum", toy(), gamma=0.01, hyper={"beta": 0.5}, order=1, regime="memory")
    assert found.verdict != "verified"
    assert abs(found.slopes[0][-1] - 1) < 0.3
    assert abs(found.slopes[1][-1] - 1) < 0.3


@pytest.mark.slow
def test_from_rest_with_the_layer_and_without() -> None:
    found = compare("momentum", toy(), start="rest", gamma=0.02, hyper={"beta": 0.5}, order=1, regime="memory", halvings=3)
    assert found.verdict == "verified", found
    assert found.slopes[1][-1] > 1.7 > 1.3 > found.slopes_without_layer[1][-1]


def test_memory_goes_into_the_state_and_comes_back() -> None:
    model, values = (
        toy(),
        {"alpha": 0.01, "gamma": 0.01, "beta": 0.9, "rho": 0.9, "eps": 1e-8, "beta1": 0.9, "beta2": 0.99, "lam": 0},
    )
    memory = {v: {"0.weight": torch.tensor([[1.0, 2.0, k]], dtype=F64)} for k, v in enumerate("vGm")}
    for name, row in OPTIMIZERS.items():
        back = READ[name][1](row.place(memory, values), values)
        for v, tree in back.items():
            assert tree["0.weight"].tolist()[0] == pytest.approx(memory[v]["0.weight"].tolist()[0])
    with pytest.raises(UsageError, match="has a state for each of the 1 parameters"):
        checkpoint("adam", model, {"state": {7: {}}})


@pytest.mark.slow
def test_a_run_goes_on_from_a_state_dict(tmp_path: Path) -> None:
    """At the checkpoint's own step, one step of the restored optimizer is the next step of the one that was saved."""
    model = toy()
    optimizer = torch.optim.SGD(model.module.parameters(), lr=0.02, momentum=0.9)

    def step() -> None:
        optimizer.zero_grad()
        model.loss(model.module).backward()
        optimizer.step()

    for _ in range(5):
        step()
    saved = {"model": model.module.state_dict(), "optimizer": optimizer.state_dict()}
    torch.save(saved, tmp_path / "a.pt")
    fresh = toy()
    state = loaded(fresh, str(tmp_path / "a.pt"))
    found = compare("momentum", fresh, gamma=0.02, start=state, order=1)
    assert (found.verdict, found.start, found.regime) == ("verified", "checkpoint", "leapfrog"), found
    runs = Runs(OPTIMIZERS["momentum"], "leapfrog", 1, fresh, checkpoint("momentum", fresh, state))
    gamma, free = runs.settings({"gamma": 0.02, "beta": 0.9})
    end, _ = runs.iterates(gamma, free, 1, runs.start(gamma, free))
    step()
    assert end.tolist() == pytest.approx(model.module[0].weight.detach()[0].tolist(), rel=1e-12)
    with pytest.raises(UsageError, match="adam has exp_avg for every parameter"):
        compare("adam", fresh, start=state)


def test_a_file_that_is_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_text("nothing")
    with pytest.raises(UsageError, match=r"--start .*a.pt: a checkpoint is torch.save"):
        loaded(toy(), str(tmp_path / "a.pt"))
    torch.save({"model": torch.nn.Linear(1, 1).state_dict(), "optimizer": {}}, tmp_path / "b.pt")
    with pytest.raises(UsageError, match="this cannot be taken: Error"):
        loaded(toy(), str(tmp_path / "b.pt"))


@pytest.mark.slow
def test_shared_weights_are_one_parameter() -> None:
    class Twice(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.a = torch.nn.Linear(3, 3, bias=False, dtype=F64)
            self.b = torch.nn.Linear(3, 3, bias=False, dtype=F64)
            self.b.weight = self.a.weight

        def forward(self, x: Any) -> Any:
            return torch.tanh(self.b(torch.tanh(self.a(x)))).sum(1)

    torch.manual_seed(0)
    model = toy(module=Twice())
    assert model.size == 9
    assert compare("gd", model, gamma=0.05, order=1).verdict == "verified"


def test_losses_that_are_no_functions_of_the_parameters() -> None:
    dropout = torch.nn.Sequential(torch.nn.Linear(3, 8, dtype=F64), torch.nn.Dropout(0.5), torch.nn.Linear(8, 1, dtype=F64))
    running = torch.nn.Sequential(torch.nn.Linear(3, 2, dtype=F64), torch.nn.BatchNorm1d(2, dtype=F64))
    for module, message in ((dropout, "another value each time"), (running, "changes the module's buffers")):
        with pytest.raises(UsageError, match=message):
            compare("gd", toy(module=module), order=1)
        toy(module=module.eval()).check()
    with pytest.raises(UsageError, match=r"must be one number, and its value has the shape \(2, 1\)"):
        compare("gd", TorchModel("rows", toy().module, lambda m: m(X)))
    with pytest.raises(UsageError, match="is nan at the start"):
        compare("gd", TorchModel("nan", toy().module, lambda m: m(X).sum() * float("nan")))


def test_a_loss_that_has_one_derivative_alone() -> None:
    class Square(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(x: Any) -> Any:
            return x**2

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return 2 * g * ctx.saved_tensors[0]

    with pytest.raises(UsageError, match="cannot be differentiated often enough"):
        compare("gd", TorchModel("square", toy().module, lambda m: Square.apply(m(X)).sum()), order=1)


def test_a_run_that_leaves_the_numbers() -> None:
    module = torch.nn.Linear(3, 1, dtype=F64)
    with pytest.raises(UsageError, match=r"gd leaves the numbers within \d+ steps of 1e\+06"):
        compare("gd", TorchModel("far", module, lambda m: (m(X) ** 4).sum()), gamma=1e6, order=0, count=16)


@pytest.mark.slow
def test_kinks_are_said_and_smooth_losses_have_none() -> None:
    relu = mlp(width=8, images=30, activation=torch.nn.ReLU)
    assert compare("gd", relu, gamma=0.2, order=1, halvings=1).jumps > 0.01
    smooth = compare("gd", toy(), gamma=3.0, order=1, halvings=1)
    assert (smooth.verdict == "verified", smooth.jumps) == (False, 0.0)


def test_float32_rounds_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    found = compare("gd", toy(torch.float32), gamma=1e-3, order=1)
    assert found.rounded
    assert not compare("gd", toy(), gamma=1e-3, order=1).rounded
    monkeypatch.setattr("verify.network.pytorch.experiment.compare", lambda *a, **k: found)
    ran = CliRunner().invoke(main, ["network", "gd", "--backend", "torch", "--dtype", "float32"], standalone_mode=False)
    assert ran.exception is None, ran.exception
    assert "warning: float32 rounds by about" in ran.stderr
    assert "gd of torch on toy" in ran.stdout
    assert "warning" not in ran.stdout


# ---------------------------------------------------------------------- pictures, and along a run


def parabola(start: float = 1.0) -> TorchModel:
    """3 x^2."""
    module = torch.nn.Linear(1, 1, bias=False, dtype=F64)
    with torch.no_grad():
        module.weight.fill_(start)
    return TorchModel("parabola", module, lambda m: 3 * m.weight.square().sum())


def test_along_a_parabola_everything_is_known() -> None:
    """f_1 = -H grad L/2: |gamma f_1|/|f_0| = gamma h/2, theta_n = (1 - gamma h)^n, the flows are exponentials."""
    found = diagnose("gd", parabola(), gamma=0.1, steps=6, points=4)
    n = np.array(found.steps)
    x = (1 - 0.6) ** n
    assert found.library == "torch"
    assert found.sharpness == pytest.approx([6] * len(n))
    assert found.edge == pytest.approx(20)
    assert found.ratio == pytest.approx([0.3] * len(n))
    assert found.loss == pytest.approx(list(3 * x**2))
    assert found.modified == pytest.approx(list(3 * x**2 + 0.1 / 4 * (6 * x) ** 2))
    assert found.distance[0] == pytest.approx(list(abs(np.exp(-0.6 * n) - x)), abs=1e-6)
    assert found.distance[1] == pytest.approx(list(abs(np.exp(-0.6 * (1 + 0.3) * n) - x)), abs=1e-6)
    assert found.to_json()["library"] == "torch"


def test_from_rest_the_ratio_is_that_of_the_velocity() -> None:
    """Nesterov, inertial, h = 6: (1 - beta)/2 at rest, (1 - beta)/2 + gamma h/(2 beta) a step later; of theta 1.35 there."""
    runs = Runs(OPTIMIZERS["nesterov"], "inertial", 1, parabola())
    assert runs.ratio(*runs.settings({"gamma": 0.003, "beta": 0.9})) == pytest.approx(0.05 + 0.003 * 6 / 1.8)


def test_paths_are_those_of_the_optimizer_and_of_the_flows(tmp_path: Path) -> None:
    model = parabola()
    result = compare("gd", model, gamma=0.05, order=1, count=4)
    found = paths(result, model)
    assert found.iterates[:, 0].tolist() == pytest.approx([0.7**n for n in range(5)])
    times = 0.05 / found.finer * np.arange(found.flows.shape[1])
    assert found.flows[1, :, 0].tolist() == pytest.approx(list(np.exp(-6 * (1 + 0.15) * times)), rel=1e-6)
    save_picture(tmp_path / "a.png", result, found)
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_slow_averages_along_a_run_are_those_of_torch() -> None:
    found = diagnose("adam", toy(), steps=40, points=5)
    assert (found.regime, found.modified) == ("inertial", ())
    assert found.distance[1][-1] < found.distance[0][-1] / 3


def test_a_flow_that_cannot_be_followed_ends_in_the_picture_alone() -> None:
    """x' = x^2 from 1 has no numbers beyond the time 1."""
    model = TorchModel("blow-up", parabola().module, lambda m: -(m.weight**3).sum() / 3)
    runs = Runs(OPTIMIZERS["gd"], "", 1, model)
    rows = runs.flow_points(0.25, {}, 1, 5, 0, runs.start(0.25, {}))[:, 0]
    assert rows[:4].tolist() == pytest.approx([1, 4 / 3, 2, 4], rel=1e-6)
    assert np.isnan(rows[5])


@pytest.mark.slow
def test_the_command_draws_a_run_of_torch(tmp_path: Path) -> None:
    for options in (["--order", "1"], ["--along", "--steps", "10"]):
        picture = tmp_path / "torch.png"
        args = ["network", "gd", "--backend", "torch", "--images", "20", *options, "--plot", str(picture)]
        ran = CliRunner().invoke(main, args, standalone_mode=False)
        assert ran.exception is None, ran.exception
        assert "gd of torch on mlp" in ran.stdout
        assert picture.read_bytes().startswith(b"\x89PNG")
        picture.unlink()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--backend", "torch", "--sweep", "gamma=1,2"], "leave --backend and --start out"),
        (["--backend", "torch", "--model", "transformer"], "--model transformer is one of jax"),
        (["--backend", "torch", "--plot", "a.pdf"], "must end in .png or .svg"),
        (["--along", "--sweep", "gamma=1,2"], "leave --sweep out"),
        (["--dtype", "float32"], "is one of torch's runs"),
    ],
)
def test_options_that_do_not_go_together(args: list[str], message: str) -> None:
    pytest.importorskip("optax", reason="optax is not installed (extra 'network')")
    with pytest.raises(UsageError, match=message):
        main(["network", "gd", *args], standalone_mode=False)
