"""The command line as a person meets it: what is printed where, and how it stops."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from derive import catalogue
from derive.commands.main import main
from derive.scheme.schedule import schedules


def derive(*args: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "derive.commands.main", *args],
        capture_output=True, text=True, encoding="utf-8", env={**os.environ, "PYTHONIOENCODING": "utf-8", **env}, timeout=120,
    )  # fmt: skip


def test_the_momentum_equation() -> None:
    result = derive("modified-eq", "--scheme", "momentum", "--order", "1")
    assert result.returncode == 0
    assert result.stderr == ""
    assert result.stdout == (
        "Heavy-ball momentum (Polyak 1964), regime memory: fixed β, flow form, through γ^1\n"
        "    v = β v - γ ∇L(θ)\n"
        "    θ = θ + v\n"
        "θ' = - 1/(1-β) ∇L\n"
        "     - γ (1+β)/(2 (1-β)^3) ∇²L[∇L]\n"
        "memory relaxes with factor β (decays for |β| < 1); residual: zero through γ^2\n"
    )


def test_ascii_where_the_terminal_has_no_unicode() -> None:
    result = derive("modified-eq", "--scheme", "momentum", "--order", "1", PYTHONIOENCODING="ascii")
    assert result.stdout.isascii()
    assert "theta' = - 1/(1-beta) grad L\n         - gamma (1+beta)/(2 (1-beta)^3) hess L[grad L]" in result.stdout


def test_json_has_the_documented_keys() -> None:
    result = derive("modified-eq", "--scheme", "momentum", "--order", "1", "--format", "json", "--set", "beta=1/2",
                    "--loss", "x**2/2 + x*y**2", "--at", "x=1/2,y=1/3")  # fmt: skip
    data = json.loads(result.stdout)
    assert {"scheme", "regime", "order", "parameters", "equations", "values"} <= set(data)
    assert (data["scheme"], data["regime"], data["order"]) == ("momentum", "memory", 1)
    assert data["parameters"] == {"alpha": "gamma", "beta": "1/2"}
    assert data["equations"]["theta"][1] == {"power": 1, "terms": [{"coefficient": "-6", "term": "hess(grad)"}]}
    # by hand: g = (x + y^2, 2xy) = (11/18, 1/3), H g = (g_x + 2y g_y, 2y g_x + 2x g_y) = (5/6, 20/27)
    assert data["values"]["theta"] == [["-11/9", "-2/3"], ["-5", "-40/9"]]
    without = json.loads(derive("modified-eq", "--scheme", "momentum", "--format", "json").stdout)
    assert "values" not in without


def test_explicit_formulas_map_memory_and_latex() -> None:
    explicit = derive("modified-eq", "--scheme", "gd", "--loss", "x**4/4")
    assert "x' = -x**3\n   + gamma*(-3*x**5/2)" in explicit.stdout
    memory = derive("modified-eq", "--scheme", "momentum", "--form", "map", "--show-memory")
    assert "θ⁺ = θ - γ/(1-β) ∇L\n     - γ^2 β/(1-β)^3 ∇²L[∇L]" in memory.stdout
    assert "v = - γ/(1-β) ∇L" in memory.stdout
    latex = derive("modified-eq", "--scheme", "momentum", "--format", "latex")
    assert latex.stdout.startswith("\\begin{align*}\n\\dot{\\theta} ={}& - \\frac{1}{1-\\beta}\\, \\nabla L\\\\")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["modified-eq", "--scheme", "momentun"], "did you mean 'momentum'"),
        (["modified-eq", "--scheme", "momentum", "--set", "beta=1"], "gamma*eta"),
        (["modified-eq", "--scheme", "momentum", "--set", "beta"], "name=value"),
        (["modified-eq", "--scheme", "momentum", "--set", "beta=1/2", "--set", "beta=1/3"], "twice"),
        (["modified-eq", "--scheme", "momentum", "--order", "-1"], ">= 0"),
        (["modified-eq", "--scheme", "momentum", "--order", "1000000"], "--force"),
        (["modified-eq", "--scheme", "momentum", "--order", "two"], "integer"),
        (["modified-eq", "--scheme", "momentum", "--form", "flux"], "flow"),
        (["modified-eq"], "either --scheme"),
        (["modified-eq", "--scheme", "gd", "--update", "theta = theta"], "either --scheme"),
        (["modified-eq", "--update", "theta = theta - gamma*grad(theta).x"], "attribute access"),
        (["modified-eq", "--update", "theta = theta - gamma*__import__('os').system('true')"], "unknown function '__import__'"),
        (["modified-eq", "--update", "theta = theta - gama*grad(theta)"], "did you mean 'gamma'"),
        (["modified-eq", "--scheme", "gd", "--loss", "x**2 +"], "syntax error"),
        (["modified-eq", "--scheme", "gd", "--at", "x=1"], "needs a --loss"),
        (["modified-eq", "--scheme", "gd", "--loss", "1/x", "--at", "x=0"], "singular"),
        (["modified-eq", "--scheme", "gd", "--loss", "x**2", "--at", "x=1", "--digits", "0"], "digits"),
        (["modified-eq", "--scheme", "gd", "--field", "x"], "--loss"),
        (["modified-eq", "--update", "theta = theta + gamma*field(theta)", "--loss", "x"], "--field"),
        (["schemes", "nonsense"], "unknown scheme"),
        (["modified"], "did you mean"),
        (["--nonsense"], "No such option"),
    ],
)
def test_bad_input_is_one_line_and_status_2(args: list[str], words: str) -> None:
    result = derive(*args)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("derive: ")
    assert result.stderr.count("\n") == 1
    assert words in result.stderr


def test_every_scheme_is_listed_and_shown() -> None:
    listed = derive("schemes").stdout
    assert [line.split()[0] for line in listed.splitlines()] == list(catalogue())
    shown = derive("schemes", "momentum").stdout
    assert "v     = beta*v - alpha*grad(theta)" in shown
    assert "momentum, 0 <= beta < 1" in shown


@pytest.mark.parametrize("name", schedules())
def test_every_schedule_is_usable(name: str) -> None:
    values = {
        "decay": "10,1/10", "warmup-decay": "5,10,1/10", "periodic": "5,10,15,1/10", "warmup-periodic": "5,10,15,20,1/10",
        "cosine": "10,1/10", "cosine-restarts": "10,1/10", "exponential": "1/10", "inverse-sqrt": "5",
        "one-cycle": "5,10,1/10,1/20", "polynomial": "10,2,1/10", "warmup-cosine": "5,10,1/10",
        "warmup-stable-decay": "5,10,15,1/10",
    }  # fmt: skip
    setting = f"r(t)={name}({values[name]})"
    result = derive("modified-eq", "--scheme", "gd-schedule", "--set", setting, "--loss", "x**2", "--at", "x=1,t=3")
    assert result.returncode == 0, result.stderr


def test_ranges_are_noted_on_stderr() -> None:
    result = derive("modified-eq", "--scheme", "momentum", "--set", "beta=2")
    assert result.returncode == 0
    assert result.stderr == (
        "derive: note: beta = 2 is outside the scheme's range 0 <= beta < 1: the formulas still solve the scheme's equation, "
        "but its iterates need not follow them\n"
    )
    assert "grows: unstable" in result.stdout


@pytest.mark.parametrize("name", sorted(main.list_commands(click.Context(main))))
def test_force_is_named_where_it_is_an_option(name: str) -> None:
    """46 million terms of momentum at gamma^20."""
    command = main.get_command(click.Context(main), name)
    assert command is not None
    options = {p.name for p in command.params}
    if "order" not in options:
        return
    result = CliRunner().invoke(main, [name, "momentum", "--order", "20", *(["--target", "jax"] if name == "code" else [])])
    text = f"{result.exception} {result.output}"
    assert ("--force" in text) == ("force" in options), text


def test_nothing_is_executed(tmp_path: Path) -> None:
    """Payloads that sympify and parse_expr are known to run leave no trace."""
    mark = tmp_path / "mark"
    payload = f"__import__('pathlib').Path({str(mark)!r}).write_text('x')"
    attempts = [
        ["--update", f"theta = theta - gamma*{payload}"],
        ["--scheme", "gd", "--loss", payload],
        ["--scheme", "momentum", "--set", f"beta={payload}"],
        ["--scheme", "gd", "--loss", "x", "--at", f"x={payload}"],
    ]
    for args in attempts:
        assert derive("modified-eq", *args).returncode == 2
    assert not mark.exists()


def test_interruption_is_clean() -> None:
    command = [sys.executable, "-m", "derive.commands.main", "modified-eq", "--scheme", "adam", "--order", "8", "--force"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    try:
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (out, err.strip(), process.returncode) == ("", "derive: interrupted", 130)


def test_a_reader_that_leaves_early() -> None:
    command = f"{sys.executable} -m derive.commands.main modified-eq --scheme gd --order 9 --format json | head -1"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert (result.stdout, result.stderr) == ("{\n", "")


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom derive.commands.main import main\n"
        "try: main(['--help'], standalone_mode=False)\nexcept SystemExit: pass\n"
        "print(sorted({'sympy','mpmath','matplotlib','numpy','flint','rich'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert result.stdout.splitlines()[-1] == "[]"


def test_deriving_does_not_import_sympy() -> None:
    code = "import sys; from derive import modified_equation as m; str(m('momentum', 2)); print('sympy' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert result.stdout == "False\n"


@pytest.mark.parametrize("command", [("modified-eq", "momentum"), ("initial-layer", "momentum")])
def test_values_of_a_point_are_judged_too(command: tuple[str, ...]) -> None:
    on = (*command, "--loss", "beta*x**2/2", "--at")
    assert "derive: note: beta = 2 is outside the scheme's range" in derive(*on, "x=1,beta=2").stderr
    assert "outside" not in derive(*on, "x=2,beta=1/2").stderr  # x has no range


@pytest.mark.parametrize("command", [
    ("modified-loss", "momentum"), ("stability", "momentum"), ("explain", "momentum", "--regime", "memory"),
    ("trees", "momentum"), ("compare", "momentum", "nesterov"), ("paper", "momentum"),
])  # fmt: skip
def test_every_reading_notes_a_value_outside_its_range_once(command: tuple[str, ...]) -> None:
    result = derive(*command, "--set", "beta=3/2")
    assert result.returncode == 0, result.stderr
    assert result.stderr.count("derive: note: beta = 3/2 is outside the scheme's range 0 <= beta < 1: ") == 1
    assert "note" not in derive(*command, "--set", "beta=1/2").stderr
