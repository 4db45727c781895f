"""What is printed of a scheme speaks of its own problem, a loss or a field, and of reasons in the words of the theory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from derive.commands.main import main as derive
from derive.errors import DeriveError
from verify.certificate import checker
from verify.commands.main import main as verify

FIELD, LOSS = "theta = theta + gamma*field(theta)", "theta = theta - gamma*grad(theta)"


def output(command: Any, *arguments: str) -> str:
    """Standard output; refutations are answers too."""
    result = CliRunner().invoke(command, list(arguments), standalone_mode=False)
    assert result.exception is None, result.exception
    return result.stdout


@pytest.mark.parametrize("update, problem, quadratic, other", [
    (FIELD, "every smooth vector field", "Linear fields", "loss"),
    (LOSS, "every smooth loss", "Quadratic losses", "vector field"),
])  # fmt: skip
def test_a_verification_speaks_of_its_own_problem(update: str, problem: str, quadratic: str, other: str) -> None:
    text = output(verify, "scheme", "--update", update, "--order", "1")
    assert problem in text
    assert f"\n{quadratic}: the field agrees" in text
    assert other not in text
    assert "runs\n" in text  # no parameters, no empty brackets


def test_a_counterexample_is_a_field_where_the_problem_is_one() -> None:
    claimed = output(verify, "formula", "--update", FIELD, "--order", "1", "--says", "theta: field - gamma/3*dfield(field)")
    assert "counterexample: field " in claimed
    assert "loss" not in claimed
    assert "counterexample: loss " in output(verify, "formula", "--update", LOSS, "--order", "1", "--says", "theta: -grad")


@pytest.mark.parametrize("update, problem", [(FIELD, "every smooth vector field,"), (LOSS, "every smooth loss,")])
def test_a_certificate_is_proved_for_its_own_problem(update: str, problem: str, tmp_path: Path, capsys: Any) -> None:
    path = str(tmp_path / "c.json")
    output(verify, "scheme", "--update", update, "--order", "1", "-o", path)
    assert json.loads(Path(path).read_text())["label"] == problem[13:14].replace("v", "f").replace("l", "L")
    assert problem in output(verify, "certificate", path)
    capsys.readouterr()
    assert checker.main([path]) == 0
    assert problem in capsys.readouterr().out


@pytest.mark.parametrize("options, said", [
    (["--update", FIELD], "theta' = f(theta)"),
    (["--tableau", "rk4"], "theta' = f(theta)"),
    (["--update", LOSS], "f = -grad L"),
    (["momentum"], "f = -grad L"),
])  # fmt: skip
def test_a_table_of_trees_says_what_f_is(options: list[str], said: str) -> None:
    first = output(derive, "trees", *options, "--order", "2").split("\n")[0]
    assert [s for s in ("theta' = f(theta)", "f = -grad L") if f"F(tau), {s};" in first] == [said]


@pytest.mark.parametrize("beta, factor", [("3/2", "1.5"), ("11/10", "1.1"), ("-3/2", "1.5")])
def test_growing_memory_is_the_reason_why_no_slopes_are_measured(beta: str, factor: str) -> None:
    text = output(verify, "scheme", "momentum", "--order", "1", "--set", f"beta={beta}")
    assert f"\nslopes: not run: the memory grows by the factor {factor} a step" in text
    assert "slopes" not in output(verify, "scheme", "momentum", "--order", "1", "--set", "beta=1/2")


def test_a_file_of_another_kind_is_named_as_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "scheme.toml").write_text(f'name = "mine"\nupdate = "{LOSS}"\n')
    (tmp_path / "tableau.toml").write_text('name = "mine"\nA = [[0, 0], ["2/3", 0]]\nb = ["1/4", "3/4"]\n')
    (tmp_path / "formula.toml").write_text('update = "' + LOSS + '"\norder = 0\nsays = "theta: -grad"\n')
    scheme, tableau, formula = (str(tmp_path / f"{n}.toml") for n in ("scheme", "tableau", "formula"))
    for command, arguments, said in (
        (verify, ("formula", scheme), f"is a scheme file, where a formula file is asked for; write --scheme {scheme}"),
        (
            derive,
            ("modified-eq", tableau),
            f"is a tableau, and a scheme is asked for here; write derive trees --tableau {tableau}",
        ),
        (verify, ("scheme", tableau), "is a tableau"),
        (
            derive,
            ("trees", "--tableau", scheme),
            f"is a scheme file, and a tableau is asked for here; write derive trees --scheme {scheme}",
        ),
        (verify, ("certificate", scheme), "is not a certificate"),
    ):
        result = CliRunner().invoke(command, list(arguments), standalone_mode=False)
        assert isinstance(result.exception, DeriveError)
        assert said in str(result.exception)
    for command, arguments in (
        (verify, ("formula", formula)),
        (derive, ("modified-eq", scheme)),
        (derive, ("trees", "--tableau", tableau)),
    ):
        assert output(command, *arguments)


@pytest.mark.parametrize("command", ["modified-eq", "explain", "modified-loss", "trees", "stability"])
def test_a_setting_declares_the_name_that_it_sets(command: str) -> None:
    """What the refusal of a step without gamma advises, --set lr=gamma, can be typed; a typo stays one."""
    update = ("--update", "m = beta*m + grad(theta); theta = theta - lr*m")
    text = output(derive, command, *update, "--set", "lr=gamma")
    assert text == output(derive, command, *update, "--parameter", "lr", "--set", "lr=gamma")
    for pairs in (["lr=gama"], ["lr=gamma", "beta=gama"], ["lt=gamma"], ["lr=gamma", "bta=1/2"]):
        options = [x for p in pairs for x in ("--set", p)]
        assert CliRunner().invoke(derive, [command, *update, *options], standalone_mode=False).exception is not None


@pytest.mark.parametrize("regime, lam, line", [
    ("inertial", "0", "v = v - γ^2 ∇L(θ)"),
    ("leapfrog", "0", "v = v - γ^2 ∇L(θ)"),
    ("leapfrog", "1", "v = (1 - γ/2)/(1 + γ/2) v - γ^2/(1 + γ/2) ∇L(θ)"),
    ("memory", "", "v = β v - γ ∇L(θ)"),
])  # fmt: skip
def test_numbers_in_a_printed_update_are_worked_out(regime: str, lam: str, line: str) -> None:
    options = ["--set", f"lam={lam}"] if lam else []
    assert f"\n    {line}\n" in output(derive, "modified-eq", "momentum", "--regime", regime, *options)
