"""Messages and titles: one bounded line, and nothing in them that a terminal would obey."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.commands.console import LONGEST_MESSAGE, one_line
from derive.errors import shown
from verify.certificate.writing import certificate_text

ROOT = Path(__file__).parents[1]
ESCAPE = "\x1b[2J\x9b31m\u202e\u2028"


def run(program: str, *args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", f"{program}.commands.main", *args]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", env=env, cwd=cwd, timeout=120)


def obeyed(text: str) -> list[str]:
    return [c for c in text if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]


@given(st.text())
def test_what_is_shown_is_seen(text: str) -> None:
    assert not obeyed(shown(text).replace("\n", "\x00"))
    assert shown(shown(text)) == shown(text)
    assert shown(text, "\n\t").count("\n") == text.count("\n")
    if all(unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in text):
        assert shown(text) == text


@given(st.text(), st.text(min_size=200))
def test_every_message_is_one_bounded_line(before: str, quoted: str) -> None:
    line = one_line(f"{before} '{quoted}' is no number")
    assert len(line) <= LONGEST_MESSAGE + len(" ... ")
    assert "\n" not in line
    assert line.endswith("is no number")


def test_short_messages_stay_and_words_are_not_taken_for_quotes() -> None:
    for text in ("the scheme's v relaxes; write v = gamma*eta", "unknown scheme 'x'; did you mean 'y'?"):
        assert one_line(text) == text
    long = "the scheme's memory " + "and " * 30 + "the loss's gradient"
    assert one_line(long) == long


@pytest.mark.parametrize("args", [
    ["modified-eq", "x" * 5000], ["modified-eq", "gd", "--regime", "y" * 5000], ["modified-eq", "gd", "--set", "z" * 5000 + "=1"],
    ["modified-eq", f"a{ESCAPE}"], ["modified-eq", "gd", "--format", ESCAPE], [f"no{ESCAPE}" * 300],
    ["trees", "--tableau", ESCAPE], ["modified-eq", "gd", "-o", f"/no/{ESCAPE}/" + "w" * 3000],
    ["stability", "gd", "--plot", f"{ESCAPE}.gif"],
    ["modified-eq", "--update", f"theta = theta - {ESCAPE}"], ["modified-eq", "momentum", "--set", "beta\n=1/\n2\x1b"],
])  # fmt: skip
def test_input_in_messages_is_cut_and_escaped(args: list[str], tmp_path: Path) -> None:
    result = run("derive", *args, cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1
    assert len(result.stderr) < 700
    assert not obeyed(result.stderr)
    assert "internal error" not in result.stderr


def test_a_title_is_shown_and_not_obeyed(tmp_path: Path) -> None:
    code = json.dumps(ESCAPE)[1:-1]
    (tmp_path / "s.toml").write_text(
        f'name = "s{code}"\ntitle = "T{code}\\nsecond line"\nreference = "R{code}"\nnotes = "N{code}"\naliases = []\n'
        f'update = """theta = theta - beta*gamma*grad(theta)  # {code}\n"""\n'
        f'[parameters]\nbeta = "b{code}, beta > 0"\n[regimes."r{code}"]\ntitle = "Q{code}"\nbeta = "2"\n'
    )
    (tmp_path / "c.toml").write_text(
        f'id = "i{code}"\nstatement = "S{code}"\nsource = "P{code}"\nkind = "informal"\nwhy = "W{code}"\n'
    )
    (tmp_path / "t.toml").write_text(f'name = "n{code}"\nA = [[0]]\nb = [1]\n')
    for args in (
        ["derive", "modified-eq", "s.toml"], ["derive", "schemes", "s.toml"], ["derive", "explain", "s.toml"],
        ["derive", "compare", "s.toml", "gd"], ["derive", "paper", "s.toml", "--order", "0"], ["derive", "trees", "s.toml"],
        ["derive", "trees", "--tableau", "t.toml", "--order", "2"], ["verify", "scheme", "s.toml", "--order", "0"],
        ["verify", "claims", "c.toml"], ["verify", "claims", "c.toml", "--format", "html"],
    ):  # fmt: skip
        result = run(*args, cwd=tmp_path)
        assert "internal error" not in result.stderr, args
        assert not obeyed(result.stdout + result.stderr), (args, obeyed(result.stdout + result.stderr))
        assert result.stdout or result.returncode == 2, args


def test_a_certificate_is_shown_and_not_obeyed(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    assert run("verify", "scheme", "gd", "--order", "0", "-o", str(path), cwd=tmp_path).returncode == 0
    data = json.loads(path.read_text()) | {"scheme": f"gd{ESCAPE}"}
    path.write_text(certificate_text(data))
    result = run("verify", "certificate", str(path), cwd=tmp_path)
    assert not obeyed(result.stdout + result.stderr)
