"""Every command's help: two examples that run, the formats of its files; and what a shell is offered to complete."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner, Result

from derive.commands.main import main as derive
from derive.scheme import catalogue, load_scheme, spellings
from verify.commands.main import main as verify

PROGRAMS = {"derive": derive, "verify": verify}


def commands(group: click.Group) -> Iterator[str]:
    context = click.Context(group)
    for name in group.list_commands(context):
        assert not isinstance(group.get_command(context, name), click.Group)
        yield name


COMMANDS = [(p, *words) for p, group in PROGRAMS.items() for words in ([], *([c] for c in commands(group)))]


def call(words: list[str]) -> Result:
    program, *rest = words
    return CliRunner().invoke(PROGRAMS[program], rest, prog_name=program)


def examples(text: str) -> list[str]:
    """The lines below 'Examples:'."""
    block = re.search(r"^  Examples:\n((?:    .+\n)+)", text, re.MULTILINE)
    return [line.strip() for line in block[1].splitlines()] if block else []


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_help_has_two_examples(words: tuple[str, ...]) -> None:
    short, long = call([*words, "-h"]), call([*words, "--help"])
    assert short.exit_code == long.exit_code == 0
    assert short.stdout == long.stdout
    assert short.stderr == ""
    found = examples(long.stdout)
    assert len(found) >= 2
    assert all(line.startswith(words[0] + " ") for line in found)
    if len(words) > 1:
        assert any(line.startswith(" ".join(words)) for line in found)


def takes(words: tuple[str, ...]) -> set[str]:
    group = PROGRAMS[words[0]]
    command = group.get_command(click.Context(group), words[1])
    assert command is not None
    return {p.name or "" for p in command.params}


@pytest.mark.parametrize("words", [w for w in COMMANDS if len(w) > 1], ids=" ".join)
def test_every_help_says_what_its_files_are(words: tuple[str, ...]) -> None:
    names, text = takes(words), " ".join(call([*words, "--help"]).stdout.split())
    kinds = {
        "scheme file": {"named", "scheme", "schemes", "a", "name"}, "tableau file": {"tableau"},
        "formula file": {"says"}, "claim file": {"paths"},
    }  # fmt: skip
    for kind, parameters in kinds.items():
        assert (f"A {kind} is TOML" in text) == bool(names & parameters), kind
    assert ("A certificate is JSON" in text) == (words in {("verify", "scheme"), ("verify", "certificate")})


LINES = list(dict.fromkeys(line for words in COMMANDS for line in examples(call([*words, "--help"]).stdout)))
MAKES = {
    "verify certificate momentum.json": "verify scheme momentum --order 0 -o momentum.json",
    "verify claims literature --lock": "verify claims literature --record --lock verdicts.lock",
}
SLOW = (
    "derive sweep --", "verify network", "verify claims  ", "verify claims literature", "verify report adam",
    "verify report momentum",
)  # fmt: skip


@pytest.mark.parametrize("line", [pytest.param(x, marks=pytest.mark.slow) if x.startswith(SLOW) else x for x in LINES])
def test_every_example_runs(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = shlex.split(line, comments=True)
    for before in (made for start, made in MAKES.items() if line.startswith(start)):
        CliRunner().invoke(PROGRAMS["verify"], before.split()[1:], standalone_mode=False, catch_exceptions=False)
    if "--plot" in words:
        pytest.importorskip("matplotlib")
    if words[1] == "report":
        pytest.importorskip("ziamath")
    if "torch" in words:
        pytest.importorskip("torch", reason="torch is not installed (extra 'torch')")
    if words[1] == "network":
        for library in ("optax", "sklearn", "joblib"):
            pytest.importorskip(library, reason=f"{library} is not installed (extra 'sweep')")
    if "--jobs" in words:
        pytest.importorskip("joblib", reason="joblib is not installed (extra 'sweep')")
    result = CliRunner().invoke(PROGRAMS[words[0]], words[1:], standalone_mode=False, catch_exceptions=False)
    said = re.search(r"# refuted, exit status (\d)", line)
    assert (result.return_value or 0) == (int(said[1]) if said else 0), result.output
    for option in ("-o", "--plot"):
        if option in words:
            assert Path(words[words.index(option) + 1]).stat().st_size


# ------------------------------------------------------------------------------------------ completion


def offered(line: str) -> list[str]:
    """What a shell is offered behind this line; files are there as 'file'."""
    program, *words = line.split(" ")
    shell = ShellComplete(PROGRAMS[program], {}, program, f"_{program.upper()}_COMPLETE")
    found = shell.get_completions(words[:-1], words[-1])
    return [item.value if item.type == "plain" else item.type for item in found]


def test_commands_are_offered() -> None:
    assert set(commands(derive)) == set(offered("derive "))
    assert offered("derive modi") == ["modified-eq", "modified-sde", "modified-loss", "modifying"]
    assert {"scheme", "formula", "claims"} <= set(offered("verify "))


@pytest.mark.parametrize("line", [
    "derive modified-eq ", "derive explain --scheme ", "derive compare gd ", "derive schemes ", "derive trees ", "derive paper ",
    "verify scheme ", "verify report ", "verify formula --scheme ",
])  # fmt: skip
def test_schemes_are_offered_with_their_other_names(line: str) -> None:
    assert set(offered(line)) == set(spellings()) > set(catalogue())
    assert offered(line + "heavy") == ["heavy-ball"]
    assert offered(line + "./my") == ["file"]


@pytest.mark.parametrize("line", [
    "derive modified-eq momentum --regime ", "derive modified-eq --scheme Heavy_Ball --regime ",
    "derive explain polyak --regime ", "verify scheme momentum --regime ",
    "verify formula --scheme momentum --regime ", "derive compare momentum gd --regime-a ",
])  # fmt: skip
def test_regimes_of_the_given_scheme_are_offered(line: str) -> None:
    assert offered(line) == list(load_scheme("momentum").regimes)
    assert offered(line + "in") == ["inertial"]


def test_without_a_scheme_no_regime_is_offered() -> None:
    assert offered("derive modified-eq --regime ") == []
    assert offered("derive modified-eq nosuch --regime ") == []


def test_formats_tableaux_and_folders_of_claims_are_offered() -> None:
    assert offered("derive modified-eq gd --format ") == ["text", "latex", "json"]
    assert "rk4" in offered("derive trees --tableau ")
    assert offered("verify claims ") == ["seeds", "literature", "file"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize("program", PROGRAMS)
def test_the_shell_is_told(program: str, shell: str, tmp_path: Path) -> None:
    printed = call([program, "completion", shell])
    assert f"_{program.upper()}_COMPLETE={shell}_complete" in printed.stdout
    call([program, "completion", shell, "-o", str(tmp_path / "x")])
    assert (tmp_path / "x").read_text() == printed.stdout.removesuffix("\n")


def test_a_shell_asks_the_program() -> None:
    """What the script of bash calls, through the console script's own entry."""
    for program, words, wanted in (("derive", "explain heavy", "plain,heavy-ball"), ("verify", "cert", "plain,certificate")):
        environment = {f"_{program.upper()}_COMPLETE": "bash_complete", "COMP_WORDS": f"{program} {words}",
                       "COMP_CWORD": str(len(words.split()))}  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", f"{program}.commands.main"], env=environment, capture_output=True, text=True, timeout=60
        )
        assert (done.stdout, done.stderr) == (f"{wanted}\n", "")
