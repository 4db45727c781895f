"""`verify` sees the public data of `derive` and none of its algebra; its help imports nothing heavy."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import verify

#: data, parsing and errors; console and options are plumbing of the command lines without mathematics
ALLOWED = {"derive", "derive.language", "derive.scheme", "derive.scheme.schedule", "derive.errors",
           "derive.commands.console", "derive.commands.options"}  # fmt: skip
PUBLIC = {
    "ModifiedEquation", "Relaxation", "TermSum", "modified_equation", "DeriveError", "Configuration", "Scheme", "catalogue",
    "configure", "inline_scheme", "load_scheme", "__version__",
}  # fmt: skip
#: pages for people may read derived sentences; they take no part in any verdict on an equation
PRESENTATION = "report"
#: claims are judged by the readings of `derive` (loss, accuracy, stability, ...), by design; they are no route of `verify`
STATEMENTS = "statements"
PACKAGE = Path(verify.__file__).parent
FILES = sorted(p for p in PACKAGE.rglob("*.py") if not {PRESENTATION, STATEMENTS} & set(p.parts))
ENGINE = ("derive.engine.run", "derive.engine.translation", "derive.engine.coupling")


def imports(path: Path) -> list[tuple[str, list[str]]]:
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found += [(a.name, []) for a in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.append((node.module, [a.name for a in node.names]))
    return found


@pytest.mark.parametrize("path", FILES, ids=[p.name for p in FILES])
def test_only_public_data_of_derive(path: Path) -> None:
    for module, names in imports(path):
        if module.split(".")[0] != "derive":
            continue
        assert module in ALLOWED or (module == "derive.equation" and set(names) <= PUBLIC), f"{path.name} imports {module}"
        if module == "derive":
            assert set(names) <= PUBLIC, f"{path.name} imports {names}"


@pytest.mark.parametrize("folder", [PRESENTATION, STATEMENTS])
def test_not_even_the_others_run_the_engine(folder: str) -> None:
    for path in (PACKAGE / folder).rglob("*.py"):
        assert not any(module.startswith(ENGINE) for module, _ in imports(path)), path.name


def test_no_import_by_name() -> None:
    """importlib would get round the rule above."""
    for path in FILES:
        assert not any(m.startswith("importlib") for m, _ in imports(path)), path.name


def loaded_by(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_the_help_imports_nothing_heavy() -> None:
    code = "from click.testing import CliRunner\nfrom verify.commands.main import main\n"
    code += "assert CliRunner().invoke(main, ['--help']).exit_code == 0"
    heavy = {"sympy", "mpmath", "matplotlib", "flint", "torch", "numpy"}
    assert not heavy & loaded_by(code)


def test_the_exact_route_needs_no_engine() -> None:
    """Checking a claim about an inline scheme, with its slow variables given, never loads the derivation."""
    code = (
        "from derive import configure, inline_scheme\n"
        "from verify.exact.proof import claim_of, verify_exactly\n"
        "c = configure(inline_scheme('theta = theta - gamma*grad(theta)'))\n"
        "terms = [[('-1', 'grad')], [('-1/2', 'hess(grad)')]]\n"
        "blocks = [{'power': k, 'terms': [{'coefficient': a, 'term': b} for a, b in p]} for k, p in enumerate(terms)]\n"
        "assert verify_exactly(c, claim_of({'theta': blocks})).proved"
    )
    engine = {"derive.engine.run", "derive.engine.series", "derive.algebra", "derive.algebra.sums", "derive.equation"}
    assert not engine & loaded_by(code)
