"""`derive trees`: formats, one-line refusals, memory, files that appear whole or not at all."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

import derive.trees.output as output
from derive.commands.trees import trees_command
from derive.errors import DeriveError, LimitError
from derive.sizes import parse_size
from derive.trees import load_tableau, method_of_scheme, tableau_names, tree_series
from derive.trees.bounds import bounds_of
from derive.trees.memory import predicted_bytes
from derive.trees.series import _Plan


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(trees_command, list(arguments))


def data(*arguments: str) -> list[dict[str, object]]:
    result = invoke(*arguments, "--format", "json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)  # type: ignore[no-any-return]


def stored(path: Path) -> dict[str, Any]:
    with np.load(path) as archive:
        return {name: archive[name] for name in archive.files}


def test_json_has_the_promised_form() -> None:
    rows = data("--scheme", "gd", "--order", "3")
    assert rows[2] == {"level_sequence": [1, 2, 3], "order": 3, "symmetry": 1, "b": "1/3"}
    assert rows[3] == {"level_sequence": [1, 2, 2], "order": 3, "symmetry": 2, "b": "1/6"}


def test_json_of_large_and_symbolic_tables() -> None:
    rows = data("--tableau", "rk4", "--order", "9")
    assert sum(Fraction(str(r["b"])) for r in rows) == Fraction("123587/120960")
    assert data("--scheme", "momentum", "--order", "2")[1]["b"] == "-(1 + beta)/(2*(1 - beta)**3)"
    assert data("--scheme", "momentum", "--set", "beta=9/10", "--order", "2")[1]["b"] == "-950"
    assert data("--tableau", "symplectic-euler", "--order", "2")[2]["colours"] == [0, 0]


def test_every_format_says_how_it_is_normalised(tmp_path: Path) -> None:
    words = "b is not divided by the symmetry"
    assert words in invoke("--scheme", "gd").stdout
    assert words in invoke("--scheme", "gd", "--format", "json").stderr
    invoke("--scheme", "gd", "--format", "npz", "--output", str(tmp_path / "x.npz"))
    assert words in str(stored(tmp_path / "x.npz")["normalisation"])


def test_more_columns() -> None:
    row = data("--scheme", "gd", "--order", "3", "--with", "density,bracket,differential,latex,divided")[3]
    assert (row["density"], row["bracket"], row["differential"], row["b/sigma"]) == (3, "[**]", "f''(f, f)", "1/12")
    assert str(row["latex"]).startswith("\\tikz")


def test_other_kinds() -> None:
    assert [r["a"] for r in data("--tableau", "rk4", "--order", "3", "--kind", "map")] == ["1", "1/2", "1/6", "1/3"]
    rows = data("--tableau", "explicit-euler", "--order", "3", "--kind", "integrator")
    assert [r["c"] for r in rows] == ["1", "1/2", "1/6", "1/3"]
    text = invoke("--tableau", "rk4", "--kind", "conditions", "--order", "5").stdout
    assert "order 4, effective order 4" in text
    assert "fails  f'f'f'f'f  a = 0, 1/density = 1/120" in text
    found = json.loads(invoke("--tableau", "rk4", "--kind", "conditions", "--order", "5", "--format", "json").stdout)
    assert (found["order"], sum(not c["holds"] for c in found["conditions"])) == (4, 9)


@pytest.mark.parametrize("tableau, order", [("rk4", 9), ("symplectic-euler", 4), ("rk2", 5)])
def test_npz_holds_the_same_numbers(tableau: str, order: int, tmp_path: Path) -> None:
    target = tmp_path / "table.npz"
    assert invoke("--tableau", tableau, "--order", str(order), "--format", "npz", "--output", str(target)).exit_code == 0
    series, found = tree_series(load_tableau(tableau), order), stored(target)
    for m in range(1, order + 1):
        assert (found[f"level_sequence_{m}"] == series.trees.level_sequences(m)).all()
        assert found[f"b_numerator_{m}"].astype(object).tolist() == series.numerators[m].astype(object).tolist()
    assert list(found["symbols"]) == list(series.method.symbols)
    if not series.method.symbols:
        sums = [int(found[f"b_numerator_{m}"].sum()) for m in range(1, order + 1)]
        total = sum(Fraction(x, int(d)) for x, d in zip(sums, found["b_denominator"], strict=True))
        assert total == series.total()


def test_long_numerators_are_stored_as_text(tmp_path: Path) -> None:
    target = tmp_path / "table.npz"
    invoke("--scheme", "momentum", "--set", "beta=9/10", "--order", "9", "--format", "npz", "--output", str(target))
    found = stored(target)
    numbers = found["b_numerator_9"]
    assert numbers.dtype.kind == "S"
    rows = data("--scheme", "momentum", "--set", "beta=9/10", "--order", "9")
    assert Fraction(int(numbers[0, 0]), int(found["b_denominator"][8])) == Fraction(str(rows[-286]["b"]))


@pytest.mark.parametrize("form", ["npz", "json", "table"])
def test_interruption_leaves_nothing_behind(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "table.out"
    target.write_text("old")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(output, "denominator_text", interrupt)
    monkeypatch.setattr(output, "_texts", interrupt)
    result = invoke("--scheme", "gd", "--format", form, "--output", str(target))
    assert result.exit_code != 0
    assert [p.name for p in tmp_path.iterdir()] == ["table.out"]
    assert target.read_text() == "old"


REFUSALS = [
    (["--scheme", "momentm"], "did you mean 'momentum'"),
    (["--scheme", "adam"], "line 3, column 19: not a pure tree scheme"),
    (["--scheme", "weight-decay"], "mixes powers of gamma"),
    (["--scheme", "momentum", "--regime", "inertial"], "mixes powers of gamma"),
    (["--scheme", "gd", "--order", "0"], "must be 1 to 20"),
    (["--scheme", "gd", "--order", "21"], "must be 1 to 20"),
    (["--scheme", "gd", "--tableau", "rk4"], "--tableau stands alone"),
    ([], "give --scheme NAME"),
    (["--tableau", "rk5"], "unknown tableau 'rk5'"),
    (["--tableau", "missing.toml"], "cannot read"),
    (["--scheme", "gd", "--format", "npz"], "--output"),
    (["--scheme", "gd", "--with", "colour"], "unknown column"),
    (["--scheme", "gd", "--order", "18", "--memory-limit", "200M"], "MiB of memory"),
    (["--scheme", "gd", "--memory-limit", "much"], "write for example 500M"),
    (["--scheme", "gd", "--order", "13", "--kind", "integrator"], "at most 8000 trees"),
    (["--scheme", "gd", "--output", "/nowhere/x"], "cannot write"),
    (["--scheme", "momentum", "--set", "beta=1"], "Jordan block"),
    (["--tableau", "rk2", "--set", "alpha=0"], "division by zero"),
    (["--tableau", "rk2", "--set", "beta=1"], "unknown symbol"),
]


@pytest.mark.parametrize("arguments, words", REFUSALS, ids=[" ".join(a) or "nothing" for a, _ in REFUSALS])
def test_refusals_are_one_line(arguments: Sequence[str], words: str) -> None:
    result = invoke(*arguments)
    assert isinstance(result.exception, DeriveError), result.output
    message = str(result.exception)
    assert words in message
    assert "\n" not in message


BAD_TABLEAUX = {
    "A = 1": "'b' is missing",
    "A = [[0]]\nb = [1, 2]": "must have 2 rows",
    "A = [[0]]\nb = []": "1 to 32 numbers",
    "A = [[true]]\nb = [1]": "is not a number",
    "A = [['1/0']]\nb = [1]": "division by zero",
    "A = [['sqrt(3)']]\nb = [1]": "write a symbol for the root",
    "A = [['__import__(\"os\")']]\nb = [1]": "unknown function",
    "A = [[0]]\nb = [1]\nc = [1]": "row 1 of A sums to 0",
    "A = [[0]]\nb = [1]\nd = [1]": "unknown key 'd'",
    "A = [[0]\nb = [1]": "not valid TOML",
    "[[colour]]\nA = [[0]]\nb = [1]\n[[colour]]\nA = [[0, 0], [0, 0]]\nb = [0, 1]": "same number of stages",
}


@pytest.mark.parametrize("text", BAD_TABLEAUX)
def test_bad_tableau_files(text: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(DeriveError) as caught:
        load_tableau(path)
    assert BAD_TABLEAUX[text] in str(caught.value)
    assert "\n" not in str(caught.value)


def test_tableau_files_take_decimals_exactly_and_json(tmp_path: Path) -> None:
    path = tmp_path / "midpoint.json"
    path.write_text(json.dumps({"A": [[0, 0], [0.5, 0]], "b": [0, 1]}))
    assert tree_series(load_tableau(path), 9).total() == Fraction("19063/26880")


@pytest.mark.parametrize("name", tableau_names())
def test_every_tableau_runs(name: str) -> None:
    assert len(data("--tableau", name, "--order", "3")) in (4, 20)


def test_memory_prediction() -> None:
    assert parse_size("4G") == 4 * 2**30
    assert predicted_bytes(18, 1, 1, 1, 1, False) < 4 * 2**30
    assert predicted_bytes(20, 1, 1, 1, 1, False) < 20 * 2**30


@pytest.mark.parametrize("source, order", [("--tableau explicit-euler", 16), ("--tableau rk4", 14), ("--scheme momentum", 11)])
def test_the_prediction_covers_what_a_run_takes(source: str, order: int, tmp_path: Path) -> None:
    if not Path("/proc/self/status").exists():
        pytest.skip("no /proc on this system to read the peak from")
    code = (
        "import sys\n"
        "from derive.commands.trees import trees_command\n"
        "trees_command(sys.argv[1:], standalone_mode=False)\n"
        "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    arguments = [*source.split(), "--order", str(order), "--format", "npz", "--output", str(tmp_path / "x.npz")]
    found = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    method = load_tableau(source.split()[1]) if "tableau" in source else method_of_scheme(source.split()[1])
    predicted = _Plan(method, bounds_of(method, order), order).bytes()
    assert int(found.stdout) * 1024 <= predicted  # VmHWM: getrusage's peak would include the parent's before exec


def test_the_command_alone_imports_nothing_heavy() -> None:
    code = "import sys, derive.trees, derive.commands.trees; "
    code += "print(sorted({'numpy', 'flint', 'sympy', 'rich'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_pictures_compile(tmp_path: Path) -> None:
    """The TikZ picture of every tree with at most five nodes, and of a two-coloured one, in one article."""
    from derive.paper.compile import compile_latex, has_tex

    if not has_tex():
        pytest.skip("no pdflatex on this machine")
    from derive.trees.shape import Tree

    levels = [entry["level_sequence"] for entry in data("--tableau", "rk4", "--order", "5")]
    pictures = [Tree.from_levels(s).latex() for s in levels] + [Tree.of([Tree((), 1), Tree()], 1).latex()]
    body = "\n\n".join(pictures)
    pdf, overfull = compile_latex(rf"\documentclass{{article}}\usepackage{{tikz}}\begin{{document}}{body}\end{{document}}")
    assert pdf.startswith(b"%PDF")
    assert not overfull


def test_a_tableau_of_long_numbers_is_refused_before_the_work(tmp_path: Path) -> None:
    """Every digit of the result takes primes."""
    file = tmp_path / "long.toml"
    for digits, refused in ((61, True), (12, False)):
        file.write_text(f'A = [["{"9" * digits} - alpha"]]\nb = ["1"]', "utf-8")
        method = load_tableau(file)
        if refused:
            with pytest.raises(LimitError, match=r"beyond 10\^60"):
                tree_series(method, 2)
        else:
            assert tree_series(method, 2)
