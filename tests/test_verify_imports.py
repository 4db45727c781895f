"""What each wing of `verify` may know: the public data of `derive`, the wings below it, and no algebra; its help is light."""

from __future__ import annotations

import ast
import pkgutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import derive
import verify

#: what every route may know of derive; "derive" itself means its public names
ROUTE = {"derive", "derive.language", "derive.scheme", "derive.errors", "derive.files"}
#: claims are judged by readings
JUDGE = {"derive.readings", "derive.reals", "derive.equation", "derive.concrete.explicit", "derive.writing.escape"}
#: a page shows derived sentences and formulas
PAGE = {"derive.readings", "derive.writing", "derive.concrete.names"}
CONSOLE = {"derive.commands.helping", "derive.commands.console", "derive.commands.options", "derive.commands.limits"}
EXACT = {"numbers", "problems", "orbits"}
#: wing, or a module on its own -> (floors of derive, wings of verify below it)
WINGS: dict[str, tuple[set[str], set[str]]] = {
    "verify": (set(), set()),
    "verify.numbers": (ROUTE, set()),
    "verify.problems": (ROUTE, {"numbers"}),
    "verify.orbits": (ROUTE, {"numbers", "problems"}),
    "verify.proof": (ROUTE, set()),
    "verify.counterexample": (ROUTE, EXACT),
    "verify.numeric": (ROUTE, EXACT),
    "verify.network": (ROUTE | {"derive.sweeps"}, {"numeric"}),
    "verify.certificate": (ROUTE, {"proof"}),
    "verify.verification": (ROUTE, EXACT | {"counterexample", "numeric", "proof"}),
    "verify.stated_formula": (ROUTE, {"problems", "counterexample"}),
    "verify.formula_verdict": (ROUTE, EXACT | {"counterexample", "proof", "stated_formula"}),
    "verify.claims": (ROUTE | JUDGE, EXACT | {"proof", "sde"}),
    "verify.report": (ROUTE | PAGE, EXACT | {"numeric", "proof", "certificate", "claims", "sde"}),
    "verify.sde": (ROUTE, EXACT | {"proof", "certificate"}),
    "verify.commands": (
        ROUTE | CONSOLE | {"derive.sweeps"},
        {"verification", "formula_verdict", "counterexample", "certificate", "claims", "report", "sde", "network", "numeric"},
    ),
}
MODULES = ["verify", *sorted(m.name for m in pkgutil.walk_packages(verify.__path__, "verify."))]


def source(module: str) -> str:
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).read_text("utf-8")


def row(module: str) -> str:
    """The row of the table that a module stands on.  Raises KeyError for none."""
    for name in (module, ".".join(module.split(".")[:2])):
        if name in WINGS and (name != "verify" or module == "verify"):
            return name
    raise KeyError(f"{module} is not declared: put its wing into WINGS")


def imported(text: str) -> list[tuple[str, str]]:
    """(module, name) of every import, wherever it stands; name '' for a plain import."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found += [(a.name, "") for a in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            found += [(node.module or "", a.name) for a in node.names]
    return found


def violations(module: str, text: str) -> list[str]:
    """Imports that the module's row does not have."""
    own = row(module)
    floors, below = WINGS[own]
    wrong = []
    for target, name in imported(text):
        package = target.split(".")[0]
        if package == "derive":
            public = target == "derive" and target in floors and name in {*derive.__all__, "__version__"}
            fine = public or any(target == f or target.startswith(f"{f}.") for f in floors - {"derive"})
        elif package == "verify":
            fine = row(f"verify.{name}" if target == "verify" else target) in {own, *(f"verify.{w}" for w in below)}
        else:
            fine = package != "importlib" or (target, name) == ("importlib", "resources")  # which would get round the rule
        if not fine:
            wrong.append(f"{module} imports {target} {name}".strip())
    return wrong


@pytest.mark.parametrize("module", MODULES)
def test_imports_are_those_of_the_table(module: str) -> None:
    assert violations(module, source(module)) == []


def test_the_table_names_nothing_that_is_gone() -> None:
    assert {row(m) for m in MODULES} == set(WINGS)


@pytest.mark.parametrize("module, text", [
    ("verify.counterexample.comparison", "from derive.engine.run import Derivation"),
    ("verify.counterexample.comparison", "def f():\n    from derive.readings.loss import modified_loss"),
    ("verify.claims.kinds.identity", "import derive.algebra.sums"),
    ("verify.claims.judge", "from verify.counterexample.comparison import compare"),
    ("verify.numeric.routes", "from derive import equation"),
    ("verify.problems.problem", "from verify import orbits"),
    ("verify.report.page", "from derive.engine.series import Series"),
    ("verify.orbits.run", "from importlib import import_module"),
])  # fmt: skip
def test_the_rule_can_fail(module: str, text: str) -> None:
    assert violations(module, text)


def test_a_module_without_a_row_is_refused() -> None:
    with pytest.raises(KeyError, match="not declared"):
        row("verify.astray")


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


def test_a_comparison_needs_no_engine() -> None:
    """Comparing a claim about an inline scheme, with its slow variables given, never loads the derivation."""
    code = (
        "from derive import configure, inline_scheme\n"
        "from verify.counterexample.claimed import claimed_field\n"
        "from verify.counterexample.comparison import compare\n"
        "c = configure(inline_scheme('theta = theta - gamma*grad(theta)'))\n"
        "terms = [[('-1', 'grad')], [('-1/2', 'hess(grad)')]]\n"
        "blocks = [{'power': k, 'terms': [{'coefficient': a, 'term': b} for a, b in p]} for k, p in enumerate(terms)]\n"
        "assert not compare(claimed_field(c, {'theta': blocks})).refuted"
    )
    engine = {"derive.engine.run", "derive.engine.series", "derive.algebra", "derive.algebra.sums", "derive.equation"}
    assert not engine & loaded_by(code)
