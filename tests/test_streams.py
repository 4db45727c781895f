"""Standard output that is full, closed, ascii, or read by somebody who leaves: one line at most, and never a verdict."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

DERIVE, VERIFY = (f"{sys.executable} -m {p}.commands.main" for p in ("derive", "verify"))
ROOT = Path(__file__).parents[1]
#: one of them refutes, which a failing stream must not look like
FEW = [
    (DERIVE, "modified-eq --scheme momentum --order 5"), (DERIVE, "schemes --format json"), (DERIVE, "--help"),
    (DERIVE, "paper --preamble"), (DERIVE, "trees gd --order 8"),
    (VERIFY, "formula --scheme gd --order 1 --says theta:-2*grad"), (VERIFY, "scheme gd --order 1"),
]  # fmt: skip


def bash(command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=env, timeout=120, cwd=ROOT)


@pytest.mark.parametrize("program, command", FEW, ids=[c for _, c in FEW])
def test_a_reader_that_leaves_is_no_refutation(program: str, command: str) -> None:
    result = bash(f"{program} {command} | true; exit ${{PIPESTATUS[0]}}")
    assert result.returncode in (0, 141)
    assert result.stderr == ""


def test_a_reader_that_leaves_after_a_line() -> None:
    result = bash(f"{DERIVE} trees --tableau rk4 --order 11 | head -1; exit ${{PIPESTATUS[0]}}")
    assert result.stdout.count("\n") == 1
    assert (result.returncode, result.stderr) == (141, "")


@pytest.mark.parametrize("program, command", FEW, ids=[c for _, c in FEW])
def test_a_full_or_closed_output_is_one_line(program: str, command: str) -> None:
    full, closed = bash(f"{program} {command} >/dev/full"), bash(f"{program} {command} >&-")
    assert full.returncode == closed.returncode == 2
    name = "derive" if program == DERIVE else "verify"
    assert full.stderr == f"{name}: cannot write to standard output: No space left on device\n"
    assert closed.stderr == f"{name}: standard output is closed; nothing can be printed\n"


def test_nobody_hears_the_error_either() -> None:
    for where in (">&- 2>&-", ">/dev/full 2>/dev/full", "--order x 2>&-", "--order x 2>/dev/full"):
        result = bash(f"{DERIVE} modified-eq gd {where}")
        assert (result.returncode, result.stderr) == (2, ""), where


@pytest.mark.parametrize("program, command, status", [
    (DERIVE, "explain momentum", 0), (DERIVE, "modified-loss adam", 0), (DERIVE, "stability momentum", 0),
    (DERIVE, "modified-eq strange.toml", 0), (DERIVE, "schemes strange.toml", 0), (DERIVE, "paper strange.toml --order 0", 0),
    (DERIVE, "modified-eq strange.toml --format latex", 0), (DERIVE, "explain strange.toml --ascii", 0),
    (DERIVE, "modified-eq gd --set ∇=1", 2), (DERIVE, "modified-eq ∇", 2), (DERIVE, "trees --tableau ∇", 2),
    (DERIVE, "compare gd strange.toml", 0), (VERIFY, "claims c.toml", 0),
    (VERIFY, "scheme strange.toml --order 0 --from-rest", 0),
    (VERIFY, "formula --scheme strange.toml --order 0 --says 'theta: -2*grad'", 1), (VERIFY, "claims c.toml --format latex", 0),
])  # fmt: skip
def test_ascii_output_shows_what_it_can(program: str, command: str, status: int, tmp_path: Path) -> None:
    (tmp_path / "strange.toml").write_text(
        'title = "Größe ∇ 漢"\nreference = "Łojasiewicz"\nupdate = "theta = theta - gamma*grad(theta)"\n', "utf-8"
    )
    (tmp_path / "c.toml").write_text(
        'id = "∇"\nstatement = "Größe ∇ 漢"\nsource = "Ł"\nkind = "identity"\nleft = "grad"\nright = "grad"\n', "utf-8"
    )
    result = bash(f"cd {tmp_path} && {program} {command}", PYTHONIOENCODING="ascii", LC_ALL="C")
    assert result.returncode == status, result.stderr
    assert result.stdout.isascii()
    assert "Error" not in result.stderr
    if status == 2:
        assert (result.stdout, result.stderr.count("\n")) == ("", 1)


def test_json_is_the_same_in_ascii() -> None:
    for command in ("modified-eq momentum --format json", "explain adam --format json"):
        texts = [bash(f"{DERIVE} {command}", PYTHONIOENCODING=e).stdout for e in ("ascii", "utf-8")]
        assert json.loads(texts[0]) == json.loads(texts[1])


@pytest.mark.parametrize("program, words", [(DERIVE, "modified-eq"), (VERIFY, "certificate")])
def test_asked_for_nothing_the_help_is_the_answer(program: str, words: str) -> None:
    bare, asked = bash(program), bash(f"{program} --help")
    assert (bare.returncode, bare.stderr, bare.stdout) == (0, "", asked.stdout)
    assert words in bare.stdout
