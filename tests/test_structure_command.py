"""The nine commands: every format, the documented JSON keys, values at a point, and bad input on one line with status 2."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from plain_schemes import PLAIN

from derive.commands.console import CANNOT_RUN, run
from derive.commands.main import main

MECHANICAL = ["--scheme", "momentum", "--regime", "leapfrog"]
COMMANDS: list[list[str]] = [
    ["modified-loss", "--scheme", "momentum", "--order", "2"],
    ["modified-loss", "--scheme", "rmsprop"],
    ["modified-loss", "--scheme", "momentum", "--form", "map", "--order", "3"],
    ["second-order", *MECHANICAL, "--order", "2"],
    ["accuracy", *MECHANICAL, "--target", "theta'' + lam*theta' + grad"],
    ["accuracy", "--scheme", "rk4", "--target", "theta' + grad", "--order", "2"],
    ["stability", "--scheme", "nesterov"],
    ["stability", "--scheme", "rk4"],
    ["energy", *MECHANICAL, "--order", "2"],
    ["energy", "--scheme", "nesterov", "--order", "2"],
    ["modifying", "--scheme", "gd", "--order", "2"],
    ["initial-layer", "--scheme", "momentum", "--order", "2"],
    ["initial-layer", "--scheme", "gd"],
    ["finite-step", "--scheme", "adam-bias-corrected"],
    ["compare", "nesterov", "nesterov-keras"],
    ["compare", "momentum", "ema-momentum"],
    ["compare", "gd", "heun"],
    ["explain", "momentum"],
    ["explain", "adam"],
]
KEYS = {
    "modified-loss": {"exists_through", "potential", "obstruction"}, "second-order": {"equation"},
    "accuracy": {"order", "defect"}, "stability": {"interval"},
    "energy": {"energy", "conserved"}, "modifying": {"equations"}, "initial-layer": {"shift"}, "finite-step": {"maps", "excess"},
    "compare": {"same_through", "change_of_variables"}, "explain": {"modified_loss", "stability", "regimes"},
}  # fmt: skip


def call(arguments: list[str]) -> str:
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def data(*arguments: str) -> Any:
    return json.loads(call([*arguments, "--format", "json"]))


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_every_command_in_every_format(arguments: list[str]) -> None:
    found = json.loads(call([*arguments, "--format", "json"]))
    assert found.keys() >= KEYS[arguments[0]]
    latex = call([*arguments, "--format", "latex"])
    assert "\\begin{align*}" in latex or "\n" not in latex.strip()
    assert latex.count("{") == latex.count("}")
    text = call([*arguments, "--ascii"])
    assert text.isascii()
    assert max(map(len, text.splitlines())) < 700


@pytest.mark.parametrize("scheme", PLAIN)
def test_explain_every_scheme(scheme: str) -> None:
    text = call(["explain", scheme])
    assert len(text.splitlines()) < 70
    assert "internal" not in text


@pytest.mark.parametrize("scheme, unknown", [("novograd", "layers"), ("shampoo", "matrices"), ("galore", "matrices")])
def test_layers_and_matrices_are_explained(scheme: str, unknown: str) -> None:
    """The equation as modified-eq prints it, and for what is not read of it the reason."""
    text = call(["explain", scheme])
    lines = call(["modified-eq", scheme, "--order", "1"]).splitlines()
    equation = [line.strip() for line in lines if "γ" in line and "∇²L" in line]
    assert equation
    assert all(line in text for line in equation)
    assert f"modified loss: modified_loss knows no {unknown}" in text
    assert f"stability: stability knows no {unknown}" in text


def test_values() -> None:
    point = ["--loss", "x**4/4 + x*y**2", "--at", "x=1/2,y=1/3"]
    moving = [*point[:3], "x=1/2,y=1/3,eta_x=1,eta_y=2"]
    # f~ = -grad + gamma/2 hess grad: the negative of gradient descent's own f_1 at the point of the design's example
    assert data("modifying", "--scheme", "gd", *point)["values"]["theta"] == [["-17/72", "-1/3"], ["115/576", "53/216"]]
    assert data("initial-layer", "--scheme", "momentum", "--set", "beta=1/2", *point)["values"]["theta"] == [
        ["0", "0"],
        ["17/36", "2/3"],
    ]
    values = data("second-order", *MECHANICAL, "--set", "lam=1/2", *moving)["values"]["theta"]
    assert values == [["-53/72", "-4/3"], ["0", "0"]]
    energy = data("energy", *MECHANICAL, "--set", "lam=0", *moving)
    assert energy["conserved"] is True
    assert energy["values"]["energy"][0] == ["1481/576"]
    assert "gamma^1" in call(["modifying", "--scheme", "gd", *point])


def test_documented_answers() -> None:
    assert data("modified-loss", "--scheme", "gd", "--order", "3")["exists_through"] == 1
    assert data("modified-loss", "--scheme", "momentum", "--form", "map", "--order", "4")["obstruction"] is None
    assert data("accuracy", *MECHANICAL, "--target", "theta'' + lam*theta' + grad")["order"] == 2
    assert data("stability", "--scheme", "momentum")["interval"] == ["0", "2*(1 + beta)"]
    assert data("stability", "--scheme", "nesterov")["interval"] == ["0", "2*(1 + beta)/(1 + 2*beta)"]
    assert data("energy", "--set", "lam=0")["conserved"] is True
    assert data("energy")["conserved"] is False
    assert data("initial-layer", "--scheme", "momentum")["shift"][1] == {
        "power": 1, "terms": [{"coefficient": "beta/(1 - beta)**2", "term": "grad"}]
    }  # fmt: skip
    assert data("compare", "nesterov", "nesterov-keras")["change_of_variables"][0] == {"power": 1, "terms": []}


def test_plot_from_the_command_line(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "gd.svg"
    call(["stability", "--scheme", "gd", "--plot", str(path)])
    assert path.exists()


BAD: list[list[str]] = [
    ["modified-loss"],
    ["modified-loss", "--scheme", "nosuch"],
    ["modified-loss", "--scheme", "gd", "--order", "-1"],
    ["modified-loss", "--scheme", "momentum", "--regime", "inertial"],
    ["second-order", "--scheme", "gd"],
    ["second-order", *MECHANICAL, "--loss", "x**2"],
    ["second-order", *MECHANICAL, "--loss", "x**2", "--at", "x=1"],
    ["accuracy", "--scheme", "gd"],
    ["accuracy", "--scheme", "gd", "--target", "theta' + mu*grad"],
    ["accuracy", "--scheme", "gd", "--target", "theta' @ 2"],
    ["accuracy", "--scheme", "gd", "--target", "theta' + grad", "--order", "-2"],
    ["stability", "--scheme", "adam"],
    ["stability", "--scheme", "qhm", "--plot", "a.png"],
    ["stability", "--scheme", "gd", "--plot", "a.txt"],
    ["energy", "--scheme", "gd"],
    ["energy", "--damping", "mu"],
    ["modifying", "--scheme", "normalised-gd"],
    ["modifying", "--scheme", "gd", "--order", "60"],
    ["initial-layer", "--scheme", "adam"],
    ["initial-layer", "--scheme", "gd", "--order", "-1"],
    ["compare", "gd"],
    ["compare", "gd", "nosuch"],
    ["compare", "gd", "momentum", "--regime-b", "inertial"],
    ["explain", "nosuch"],
]


@pytest.mark.parametrize("arguments", BAD, ids=" ".join)
def test_bad_input_is_one_line_and_status_two(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["derive", *arguments])
    with pytest.raises(SystemExit) as stop:
        run(main, "derive")
    assert stop.value.code == CANNOT_RUN
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.strip().splitlines()) == 1
    assert "internal error" not in captured.err
