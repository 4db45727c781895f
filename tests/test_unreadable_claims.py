"""A folder with a claim file that cannot be read: the others are judged, the file has its row, and the exit status is 2."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from derive.errors import DeriveError
from verify.commands.main import main

GOOD = """id = "{id}"
statement = "s"
source = "s"
kind = "modified-equation"
scheme = "gd"
through = 1
says = {{ theta = "-grad - gamma/2*hess(grad)" }}
"""
BAD = {
    "syntax": ("id = [", "syntax"),
    "unknown-scheme": (GOOD.format(id="u").replace('"gd"', '"gdd"'), "did you mean 'gd'?"),
    "no-statement": (GOOD.format(id="n").replace("statement", "sentence"), "'statement' is missing"),
    "twice": (GOOD.format(id="a"), "the id 'a' is used twice"),
}


def claims(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["claims", str(folder), *options], standalone_mode=False)


def folder_with(folder: Path, *bad: str) -> Path:
    (folder / "a.toml").write_text(GOOD.format(id="a"))
    for name in bad:
        (folder / f"{name}.toml").write_text(BAD[name][0])
    (folder / "z.toml").write_text(GOOD.format(id="z").replace("gamma/2", "gamma/3"))
    return folder


@pytest.mark.parametrize("name", BAD)
def test_the_others_are_judged(name: str, tmp_path: Path) -> None:
    found = claims(folder_with(tmp_path, name), "--format", "json")
    assert found.return_value == 2
    rows = {row["id"]: row for row in json.loads(found.stdout)}
    verdicts = sorted(row["verdict"] for row in rows.values())
    assert verdicts == ["cannot be read", "proved", "refuted"]
    row = next(row for row in rows.values() if row["verdict"] == "cannot be read")
    if name != "syntax":
        assert BAD[name][1] in row["evidence"][0]
    assert f"{name}.toml" in row["evidence"][0]


def test_the_table_has_its_row_and_counts_it(tmp_path: Path) -> None:
    folder_with(tmp_path, *BAD)
    text = claims(tmp_path, "--brief").stdout
    assert "6 claims: 1 proved, 1 refuted, 4 cannot be read" in text


def test_a_folder_that_can_be_read_ends_with_zero(tmp_path: Path) -> None:
    found = claims(folder_with(tmp_path))
    assert found.return_value == 0
    assert "cannot be read" not in found.stdout


def test_nothing_is_recorded_of_a_folder_that_is_read_in_part(tmp_path: Path) -> None:
    found = claims(folder_with(tmp_path, "twice"), "--record")
    assert isinstance(found.exception, DeriveError)
    assert not (tmp_path / "claims.lock").exists()
