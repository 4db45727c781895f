"""The house: every module stands on a declared floor, imports go down, and no import runs in a circle.

Imports inside functions count; those under TYPE_CHECKING, which never run, do not.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

#: from the ground up; a room is a package with all its modules, or one module.  `derive` itself only names what is public.
FLOORS = (
    "derive", "derive.errors", "derive.files", "derive.sizes", "derive.sweeps",
    "derive.language", "derive.algebra", "derive.reals", "derive.scheme", "derive.engine", "derive.noise",
    "derive.result", "derive.concrete", "derive.network", "derive.writing", "derive.equation",
    "derive.weak_equation", "derive.readings", "derive.trees", "derive.paper",
    "derive.commands.helping", "derive.commands.console", "derive.commands.options",
    "derive.commands.limits",
    "verify", "verify.numbers", "verify.problems", "verify.orbits", "verify.proof", "verify.counterexample",
    "verify.numeric", "verify.network", "verify.certificate", "verify.verification", "verify.stated_formula",
    "verify.formula_verdict", "verify.sde", "verify.claims", "verify.report",
    "derive.commands", "verify.commands",
)  # fmt: skip

Graph = Mapping[str, set[str]]


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def running(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node that runs: not what stands under `if TYPE_CHECKING:`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        yield node
        yield from running(node)


def imported(tree: ast.AST, modules: set[str]) -> set[str]:
    found: set[str] = set()
    for node in running(tree):
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert not node.level, "relative imports hide where a module stands"
            found |= {full if (full := f"{node.module}.{a.name}") in modules else node.module for a in node.names}
    return found & modules


def import_graph() -> Graph:
    paths = {module_name(p): p for package in ("derive", "verify") for p in (ROOT / package).rglob("*.py")}
    trees = {name: ast.parse(p.read_text("utf-8")) for name, p in paths.items()}
    return {name: imported(tree, set(paths)) - {name} for name, tree in trees.items()}


def room(module: str, rooms: tuple[str, ...]) -> str | None:
    """The room that holds the module: itself, or the nearest package above it; `derive` holds nothing but itself."""
    holds = [r for r in rooms if module == r or (module.startswith(r + ".") and "." in r)]
    return max(holds, key=len, default=None)


def circles(graph: Graph) -> list[str]:
    """Modules from which imports lead back to themselves."""
    reach = {m: set(found) for m, found in graph.items()}
    while True:
        larger = {m: found.union(*(reach[x] for x in found)) for m, found in reach.items()}
        if larger == reach:
            return sorted(m for m, found in reach.items() if m in found)
        reach = larger


def upwards(graph: Graph, rooms: tuple[str, ...]) -> list[str]:
    """Arrows to a higher floor, and modules without a floor."""
    wrong = [m for m in graph if room(m, rooms) is None]
    height = {r: k for k, r in enumerate(rooms)}
    for module, found in graph.items():
        here = room(module, rooms)
        for other in found:
            there = room(other, rooms)
            if here is not None and there is not None and height[there] > height[here]:
                wrong.append(f"{module} -> {other}")
    return sorted(wrong)


@pytest.fixture(scope="module")
def graph() -> Graph:
    return import_graph()


def test_no_import_runs_in_a_circle(graph: Graph) -> None:
    assert not circles(graph)


def test_every_module_stands_on_a_floor_and_imports_go_down(graph: Graph) -> None:
    assert not upwards(graph, FLOORS)


def test_only_the_commands_bring_derive_and_verify_together(graph: Graph) -> None:
    for module, found in graph.items():
        if module.startswith("derive") and not module.startswith("derive.commands"):
            assert not any(m.startswith("verify") for m in found), module


def test_a_circle_a_stranger_and_an_arrow_upwards_are_found() -> None:
    house = {"derive.errors": set(), "derive.algebra.a": {"derive.errors"}, "derive.engine.run": {"derive.algebra.a"}}
    assert not circles(house)
    assert not upwards(house, FLOORS)
    assert circles(house | {"derive.errors": {"derive.engine.run"}}) == sorted(house)
    assert upwards(house | {"derive.errors": {"derive.engine.run"}}, FLOORS) == ["derive.errors -> derive.engine.run"]
    assert upwards(house | {"derive.cellar": set()}, FLOORS) == ["derive.cellar"]


def test_imports_inside_functions_count_and_those_for_types_do_not() -> None:
    text = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import a\ndef f():\n    from b import c\n    import d.e\n"
    assert imported(ast.parse(text), {"a", "b", "b.c", "d", "d.e"}) == {"b.c", "d.e"}
