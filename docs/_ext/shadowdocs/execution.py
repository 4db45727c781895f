"""Command lines of `derive` and `verify`, run as child processes; equal runs are remembered.

A run depends on its words, on the sources of the two packages and on the files that its words name, and on nothing else; these
are its key, so that two pages with the same command run it once.  What a run
writes into its folder is part of its outcome, so that the next command of a page finds it there.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PROGRAMS = ("derive", "verify")
SECONDS = 300  # far above any command of the pages; a hanging command must not hang the build


class Refused(ValueError):
    """A command line that these pages do not run."""


@dataclass(frozen=True)
class Outcome:
    """What a run printed, its exit status, and the files it left in its folder."""

    stdout: str
    stderr: str
    status: int
    files: dict[str, bytes] = field(default_factory=dict)


def words_of(line: str) -> list[str]:
    """The arguments of a command line; only our two programs, and no shell.

    >>> words_of("derive modified-eq --set 'r(t)=1/(1+t)'")
    ['derive', 'modified-eq', '--set', 'r(t)=1/(1+t)']
    >>> words_of("rm -r docs")
    Traceback (most recent call last):
    ...
    shadowdocs.execution.Refused: pages run derive and verify, not 'rm'
    """
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise Refused(f"{error}: {line}") from None
    if not words or words[0] not in PROGRAMS:
        raise Refused(f"pages run {' and '.join(PROGRAMS)}, not '{words[0] if words else ''}'")
    return words


@cache
def source_hash() -> str:
    """Of every file of the two packages: an edit of the program makes every command run again."""
    digest = hashlib.sha256(sys.version.encode())
    for package in PROGRAMS:
        for path in sorted((ROOT / package).rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def contents(folder: Path) -> dict[str, bytes]:
    """The files of a folder, by relative path."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def key_of(words: list[str], files: dict[str, bytes]) -> str:
    digest = hashlib.sha256(source_hash().encode())
    for text in (*words, *(f"{name} {hashlib.sha256(data).hexdigest()}" for name, data in files.items())):
        digest.update(text.encode() + b"\0")
    return digest.hexdigest()[:32]


def run(line: str, folder: Path, store: Path) -> Outcome:
    """Run one command line in `folder`; `store` holds the outcomes of earlier runs."""
    words = words_of(line)
    before = contents(folder)
    named = {name: data for name, data in before.items() if any(name in word for word in words)}
    path = store / f"{key_of(words, named)}.run"
    outcome = pickle.loads(path.read_bytes()) if path.exists() else None
    if not isinstance(outcome, Outcome):
        outcome = _executed(words, folder, before)
        remember(path, pickle.dumps(outcome))
    for name, data in outcome.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return outcome


def _executed(words: list[str], folder: Path, before: dict[str, bytes]) -> Outcome:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("DERIVE_", "VERIFY_", "SPHINX"))}
    environment = inherited | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", "COLUMNS": "100", "NO_COLOR": "1"}
    try:
        done = subprocess.run(
            [sys.executable, "-m", f"{words[0]}.commands.main", *words[1:]],
            cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8", timeout=SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Outcome("", f"no end within {SECONDS} seconds", 124)
    after = contents(folder)
    return Outcome(done.stdout, done.stderr, done.returncode, {n: d for n, d in after.items() if before.get(n) != d})


def remember(path: Path, data: bytes) -> None:
    """Write a file that appears whole or not at all: pages are read in parallel."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    partial.write_bytes(data)
    partial.replace(path)
