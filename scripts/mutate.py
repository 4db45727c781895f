"""Mutation testing: small changes to a module, each of which its nearest tests must notice.

    python scripts/mutate.py derive/algebra/powers.py derive/engine/*.py --sample 30 --seed 1
    python scripts/mutate.py                                  every module with nearest tests

A mutant swaps an operator, moves a whole number by one, negates a condition, drops a guard, a call's keyword or a result, and so
on (`variants`).  Each runs in a process of its own with the mutated tree in the module's place, so no file is touched.  Mutants
that no test can notice are listed in equivalent_mutants.txt with the reason; the others that survive are printed.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib.abc
import importlib.util
import os
import random
import resource
import signal
import sys
import time
from collections.abc import Iterator
from fnmatch import fnmatch
from importlib.machinery import SourceFileLoader
from itertools import islice
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
EQUIVALENT = Path(__file__).with_name("equivalent_mutants.txt")

#: pattern of a module -> its nearest tests, the first match counts
NEAREST = {
    "derive/algebra/coefficients.py": ["test_coefficients.py"],
    "derive/algebra/linear.py": ["test_coefficients.py"],
    "derive/algebra/sequences.py": ["test_sequences.py"],
    "derive/algebra/powers.py": ["test_powers.py"],
    "derive/algebra/normal.py": ["test_powers.py", "test_algebra_laws.py"],
    "derive/algebra/*.py": ["test_algebra_laws.py", "test_trees_as_terms.py", "test_powers.py"],
    "derive/engine/series.py": ["test_engine_series.py", "test_engine_laws.py", "test_once_false.py"],
    "derive/engine/calls.py": ["test_engine_series.py", "test_known_functions.py", "test_maps.py", "test_loss_calls.py"],
    "derive/engine/translation.py": ["test_engine_series.py", "test_engine_laws.py"],
    "derive/engine/composition.py": ["test_engine_series.py"],
    "derive/engine/*.py": ["test_engine_laws.py", "test_once_false.py"],
    "verify/counterexample/normal_form.py": ["test_normal_form.py"],
    "verify/counterexample/corrections.py": ["test_normal_form.py"],
    "verify/counterexample/specialise.py": ["test_verify_specialise.py"],
    "verify/counterexample/*": ["test_counterexample_samples.py", "test_counterexample.py"],
    "verify/proof/*": ["test_proof_parts.py", "test_proof_real.py", "test_proof_bounds.py"],
    "verify/*checker.py": ["test_checker.py", "test_proof_certificates.py"],
}


class Mutant(NamedTuple):
    line: int
    function: str
    old: str
    new: str
    place: int  # among the nodes `inside` the module
    count: int  # among the variants of the node


SWAPS: dict[type, list[type]] = {
    ast.Add: [ast.Sub], ast.Sub: [ast.Add], ast.Mult: [ast.Div], ast.Div: [ast.Mult], ast.FloorDiv: [ast.Div],
    ast.Mod: [ast.FloorDiv], ast.Pow: [ast.Mult], ast.BitAnd: [ast.BitOr], ast.BitOr: [ast.BitAnd],
    ast.Lt: [ast.LtE], ast.LtE: [ast.Lt], ast.Gt: [ast.GtE], ast.GtE: [ast.Gt], ast.Eq: [ast.NotEq], ast.NotEq: [ast.Eq],
    ast.Is: [ast.IsNot], ast.IsNot: [ast.Is], ast.In: [ast.NotIn], ast.NotIn: [ast.In], ast.And: [ast.Or], ast.Or: [ast.And],
}  # fmt: skip
NAMES = {"min": "max", "max": "min", "any": "all", "all": "any"}
LEAVES = (ast.Return, ast.Raise, ast.Continue, ast.Break)


def variants(node: ast.AST) -> Iterator[ast.AST]:
    """What may stand in the place of a node."""

    def changed(**fields: object) -> ast.AST:
        new = copy.copy(node)
        for name, value in fields.items():
            setattr(new, name, value)
        return new

    match node:
        case ast.BinOp(op=op) | ast.AugAssign(op=op) | ast.BoolOp(op=op):
            yield from (changed(op=new()) for new in SWAPS.get(type(op), ()))
        case ast.Compare(ops=[op]):
            yield from (changed(ops=[new()]) for new in SWAPS[type(op)])
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield operand
        case ast.Constant(value=bool(value)):
            yield changed(value=not value)
        case ast.Constant(value=int(value)):
            yield changed(value=value + 1)
        case ast.Name(id=name, ctx=ast.Load()) if name in NAMES:
            yield changed(id=NAMES[name])
        case ast.Call(keywords=keywords) if keywords:
            yield from (changed(keywords=[k for k in keywords if k is not out]) for out in keywords if out.arg != "strict")
        case ast.If(test=test, body=body, orelse=orelse):
            if not orelse and isinstance(body[-1], LEAVES):
                yield ast.copy_location(ast.Pass(), node)
            yield changed(test=ast.copy_location(ast.UnaryOp(ast.Not(), test), test))
        case ast.Return(value=value) if value is not None and not (isinstance(value, ast.Constant) and value.value is None):
            yield changed(value=None)
    match node:
        case ast.Expr(value=ast.Call()) | ast.AugAssign() | ast.Assign(targets=[ast.Subscript() | ast.Attribute(), *_]):
            yield ast.copy_location(ast.Pass(), node)


def inside(node: ast.AST) -> Iterator[ast.AST]:
    """Every node that runs: no annotations, no assertions, no names of types."""
    yield node
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns") or isinstance(node, ast.Assert | ast.ImportFrom | ast.Import):
            continue
        if isinstance(node, ast.keyword) and node.arg == "strict":  # zip(..., strict=True) is an assertion too
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from inside(child)


class Put(ast.NodeTransformer):
    def __init__(self, place: ast.AST, new: ast.AST) -> None:
        self.place, self.new = place, new

    def visit(self, node: ast.AST) -> ast.AST:
        return self.new if node is self.place else self.generic_visit(node)


def mutants(source: str) -> Iterator[Mutant]:
    tree = ast.parse(source)
    functions = [f for f in ast.walk(tree) if isinstance(f, ast.FunctionDef)]
    for place, node in enumerate(inside(tree)):
        around = [f.name for f in functions if f.lineno <= getattr(node, "lineno", 0) <= (f.end_lineno or 0)]
        for count, new in enumerate(variants(node)):
            yield Mutant(node.lineno, around[-1] if around else "", _text(node), _text(new), place, count)


def planted(source: str, mutant: Mutant) -> ast.Module:
    """The module with the mutant in it."""
    tree = ast.parse(source)
    node = next(islice(inside(tree), mutant.place, None))
    new = next(islice(variants(node), mutant.count, None))
    return ast.fix_missing_locations(Put(node, new).visit(tree))


def _text(node: ast.AST) -> str:
    """The first line of a node: bodies do not matter."""
    return "nothing" if isinstance(node, ast.Pass) else ast.unparse(node).partition("\n")[0]


class InPlace(importlib.abc.MetaPathFinder, SourceFileLoader):
    """Imports one module from a tree instead of its file."""

    def __init__(self, path: str, tree: ast.Module) -> None:
        self.module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        SourceFileLoader.__init__(self, self.module, str(ROOT / path))
        self.tree = tree

    def find_spec(self, fullname: str, path: object, target: object = None) -> object:
        return importlib.util.spec_from_file_location(fullname, self.path, loader=self) if fullname == self.module else None

    def get_code(self, fullname: str) -> object:
        return compile(self.tree, self.path, "exec")


def passes(path: str, tree: ast.Module, tests: list[str], limit: float) -> bool:
    """Whether the tests pass with the tree in the place of the module: in a forked process, within `limit` processor seconds."""
    child = os.fork()
    if not child:
        for stream in (1, 2):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
        resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
        resource.setrlimit(resource.RLIMIT_CPU, (int(limit) + 1, int(limit) + 1))
        sys.meta_path.insert(0, InPlace(path, tree))
        import pytest

        options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--assert=plain", "--hypothesis-profile=mutation"]
        os._exit(int(pytest.main([*options, *tests])))
    end = time.monotonic() + 20 * limit  # the machine may be busy
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status == 0
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def equivalent() -> set[tuple[str, ...]]:
    """The mutants that no test can notice, one a line: `module | function | line of code | old | new | reason`."""
    lines = EQUIVALENT.read_text().splitlines() if EQUIVALENT.exists() else []
    rows = [[part.strip() for part in line.split(" | ")] for line in lines if line.strip() and not line.startswith("#")]
    return {tuple(row[:5]) for row in rows}


def examine(path: str, tests: list[str], sample: int, seed: int) -> tuple[int, int]:
    """(killed, tried), with the survivors printed."""
    source = (ROOT / path).read_text()
    lines, known = source.splitlines(), equivalent()
    start = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    if not passes(path, ast.parse(source), tests, 600):
        raise SystemExit(f"{path}: its tests {' '.join(tests)} fail as it is")
    limit = 5 + 3 * (resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - start)
    found = [m for m in mutants(source) if (path, m.function, lines[m.line - 1].strip(), m.old, m.new) not in known]
    chosen = random.Random(seed).sample(found, min(sample, len(found)))
    killed = 0
    for m in sorted(chosen, key=lambda m: m.line):
        if passes(path, planted(source, m), tests, limit):
            print(f"{path}:{m.line} ({m.function}): {m.old}  ->  {m.new}\n    {lines[m.line - 1].strip()}", flush=True)
        else:
            killed += 1
    print(f"{path}: {killed} of {len(chosen)} killed ({len(found)} mutants in all)", flush=True)
    return killed, len(chosen)


def main() -> None:
    parser = argparse.ArgumentParser(description="mutants of a module against its nearest tests")
    parser.add_argument("paths", nargs="*")
    parser.add_argument("--sample", type=int, default=20, help="mutants a module (20)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    os.chdir(ROOT)
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    sys.dont_write_bytecode = True
    for name in ("pytest", "hypothesis", "sympy", "mpmath", "flint"):  # loaded once; what is tested is loaded by each child
        importlib.import_module(name)
    rooms = (ROOT / room for room in ("derive", "verify"))
    paths = options.paths or sorted(str(p.relative_to(ROOT)) for room in rooms for p in room.rglob("*.py"))
    total = [0, 0]
    for path in paths:
        tests = next((t for pattern, t in NEAREST.items() if fnmatch(path, pattern)), [])
        if tests:
            result = examine(path, [f"tests/{t}" for t in tests], options.sample, options.seed)
            total = [a + b for a, b in zip(total, result, strict=True)]
    print(f"{total[0]} of {total[1]} killed")


if __name__ == "__main__":
    main()
