"""derive stationary-law, compare-laws and initial-layer --law: what they print, in every format, and what they refuse."""

from __future__ import annotations

import json
import shlex

import pytest
from click.testing import CliRunner, Result

from derive.commands.console import run as run_program
from derive.commands.main import main

LANGEVIN = '--update "theta = theta - gamma*grad(theta) + sqrt(2*gamma)*normal()"'
COMMANDS = (
    "stationary-law momentum", f"stationary-law {LANGEVIN}", "stationary-law nesterov --order 0",
    'stationary-law --update "theta = theta - gamma*sgrad(theta) + sqrt(2*gamma)*normal()"',
    "compare-laws sgd momentum", "compare-laws sgd sgd --linear-scaling --order 2", "compare-laws momentum ema-momentum",
    "compare-laws gd extragradient", "compare-laws langevin sgld", "stationary-law sgld", "initial-layer langevin-baoab",
    "initial-layer momentum --law --order 3", "initial-layer gd --law",
    'initial-layer --update "v = beta*v + sgrad(theta); a = a + gamma*(theta - a); theta = theta - gamma*v" --order 2',
)  # fmt: skip


def run(line: str) -> Result:
    return CliRunner().invoke(main, shlex.split(line), prog_name="derive")


def printed(line: str) -> str:
    result = run(line)
    assert result.exit_code == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize("line", COMMANDS)
def test_every_format(line: str) -> None:
    assert printed(f"{line} --ascii").isascii()
    latex = printed(f"{line} --format latex")
    assert latex.count("\\begin{align*}") == latex.count("\\end{align*}")
    assert latex.count("$") % 2 == 0
    assert "theta**" not in latex
    assert isinstance(json.loads(printed(f"{line} --format json")), dict)
    assert all(len(text) <= 120 for text in printed(line).splitlines())


def test_letters_are_the_readers() -> None:
    text = printed("stationary-law momentum --letters gamma=eta,h=lam")
    assert "γ" not in text
    assert "0 < η λ < 2 (1 + β)" in text


def test_what_is_printed_of_heavy_ball() -> None:
    text = printed("stationary-law momentum --order 0")
    assert "Var θ = γ s (1+β)/(h (1-β) (2+2 β-γ h))" in text
    assert "temperature h Var θ = γ s/(2 (1-β))\n" in text
    assert "detailed balance fails at γ^1" in text
    assert "the second with the step (1-β) γ" in printed("compare-laws sgd momentum")
    assert "Cov = - γ^2 β (2+β)/((1-β)^3 (1+β)) Σ" in printed("initial-layer momentum --law --order 2")


def test_a_text_that_draws_has_its_layer_in_law_without_being_asked() -> None:
    line = 'initial-layer --update "v = beta*v + sgrad(theta); theta = theta - gamma*v" --order 2 --format json'
    data = json.loads(printed(line))
    assert data["covariance"][2]["terms"] == [
        {"coefficient": "-beta*(2 + beta)/((1 - beta)**3*(1 + beta))", "forest": "g1 g1"}
    ]
    assert "shift" in json.loads(printed("initial-layer momentum --format json"))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("stationary-law adam", "not linear"),
        ("stationary-law langevin-baoab", "write a parameter in its place"),
        ("stationary-law gd --order -1", "order must be a whole number"),
        ("compare-laws sgd nobody", "nobody"),
        ("compare-laws sgd momentum --regime-b inertial", "different variables"),
        ('initial-layer momentum --law --loss "x**2" --at x=1', "--loss and --at"),
    ],
)
def test_what_is_refused_in_one_line(
    line: str, says: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["derive", *shlex.split(line)])
    with pytest.raises(SystemExit) as stop:
        run_program(main, "derive")
    shown = capsys.readouterr()
    assert stop.value.code == 2
    assert says in shown.err
    assert len(shown.err.strip().splitlines()) == 1
    assert shown.out == ""
