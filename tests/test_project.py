"""Tests about the project: its architecture, its documentation, its catalogue."""

from __future__ import annotations

import ast
import pkgutil
import re
import runpy
from pathlib import Path

import pytest
from extras import imported

import derive
from derive import catalogue, load_scheme

ROOT = Path(__file__).parents[1]


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
        elif isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
    return found


def test_the_algebra_knows_no_optimizer() -> None:
    """It reads expressions; of schemes, and of the engine above it, it knows nothing."""
    for path in (ROOT / "derive" / "algebra").glob("*.py"):
        ours = {m for m in imports(path) if m.startswith(("derive", "verify"))}
        known = ("derive.algebra", "derive.errors", "derive.language")
        assert all(any(f"{m}.".startswith(f"{k}.") for k in known) for m in ours), (path.name, ours)


def test_derive_never_imports_verify() -> None:
    for path in (ROOT / "derive").rglob("*.py"):
        if path.parent.name != "commands":  # `derive paper` prints what was verified
            assert not any(m.split(".")[0] == "verify" for m in imports(path)), path


def test_no_text_is_ever_evaluated() -> None:
    for folder in ("derive", "verify"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call):
                    name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                    plain = isinstance(node.func, ast.Name)
                    assert not (plain and name in ("eval", "exec", "compile")), (path, node.lineno)
                    assert name not in ("sympify", "parse_expr"), (path, node.lineno)


def public_modules() -> list[str]:
    return [m.name for m in pkgutil.walk_packages(derive.__path__, "derive.")]


@pytest.mark.parametrize("name", public_modules())
def test_every_public_class_is_documented(name: str) -> None:
    module = imported(name)
    assert module.__doc__, name
    for attribute, value in vars(module).items():
        if not attribute.startswith("_") and getattr(value, "__module__", None) == name and isinstance(value, type):
            assert value.__doc__, f"{name}.{attribute}"


@pytest.mark.parametrize("name", catalogue())
def test_catalogue_files_say_what_they_are(name: str) -> None:
    scheme = load_scheme(name)
    assert scheme.name == name
    assert scheme.title
    assert scheme.reference
    for parameter in scheme.parameters.values():
        assert parameter.description
        assert parameter.range, f"{name}: {parameter.name} has no range"


def readme_blocks(language: str) -> list[str]:
    return [b.strip() for b in re.findall(rf"```{language}\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.S)]


def test_the_quick_start_has_two_commands_and_ci_runs_the_second() -> None:
    section = (ROOT / "README.md").read_text("utf-8").split("## Quick start", 1)[1].split("\n## ", 1)[0]
    blocks = re.findall(r"```sh\n(.*?)```", section, re.S)
    assert len(blocks) == 2
    assert all(len(b.strip().splitlines()) == 1 for b in blocks)
    assert "derive modified-eq --scheme momentum --order 2" in blocks[0]
    assert "scripts/readme_command.py 2" in (ROOT / ".ci" / "run").read_text("utf-8")


def test_the_readme_speaks_of_files_that_exist() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    for path in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("block", readme_blocks("console") if (ROOT / "README.md").exists() else [])
def test_readme_console_examples(block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every `$ derive ...` or `$ verify ...` of the README prints what stands below it."""
    import shlex

    from click.testing import CliRunner

    from derive.commands.main import main as derive_main

    monkeypatch.chdir(tmp_path)
    for example in [ROOT / "examples"]:
        if example.exists():
            (tmp_path / "examples").symlink_to(example)
    for chunk in re.split(r"^\$ ", block, flags=re.M)[1:]:
        command, _, expected = chunk.partition("\n")
        words = shlex.split(command)
        if words[0] == "derive":
            main = derive_main
        elif words[0] == "verify":
            from verify.commands.main import main as verify_main

            main = verify_main
        else:
            continue
        result = CliRunner().invoke(main, words[1:], prog_name=words[0])
        assert result.exception is None or isinstance(result.exception, SystemExit), (command, result.exception)
        if "..." in expected:
            for part in expected.split("...\n"):
                assert part.strip() in result.stdout, command
        else:
            assert result.stdout.strip() == expected.strip(), command


@pytest.mark.parametrize("block", readme_blocks("python"))
def test_readme_python_examples_run_and_say_what_their_comments_say(block: str) -> None:
    names: dict[str, object] = {}
    exec(block, names)
    assert str(names["c"]) == re.search(r"coefficient\(.*# (.*), exact", block)[1]  # type: ignore[index]
    assert str(names["stability"]("nesterov").interval) == re.search(r"interval +# (.*)", block)[1]  # type: ignore[index, operator]


# ------------------------------------------------------------------------------------------------- packaging


def test_the_version_is_one() -> None:
    """What the package says of itself, how to cite it, and the newest release of the changelog."""
    cited = re.search(r"^version: (\S+)$", (ROOT / "CITATION.cff").read_text("utf-8"), re.M)
    released = re.search(r"^## (\d\S*)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)
    assert cited is not None
    assert released is not None
    assert derive.__version__ == cited[1] == released[1]


def test_lowest_pins_every_dependency_and_refuses_one_without_a_bound() -> None:
    pins = runpy.run_path(str(ROOT / "scripts" / "lowest.py"))["pins"]
    assert pins(["click>=8.1", "mpmath>=1.3,<1.4"]) == ["click==8.1", "mpmath==1.3"]
    with pytest.raises(SystemExit, match="rich"):
        pins(["rich"])
