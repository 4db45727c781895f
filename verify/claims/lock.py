"""Lock files: the verdicts as they were recorded, so that a change is seen: one line a claim.

    "001-9" = { verdict = "refuted", claim = "5be1...", result = "0c77..." }

`claim` is a hash of sentence, kind and data, `result` one of what was judged, the verdict and the correct statement: a
sentence that is changed beside unchanged data, or a correction that comes out otherwise, differs from the record too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from derive.errors import UsageError
from derive.files import write_whole
from verify.claims.claim import Claim
from verify.claims.judgment import VERDICTS, Judgment
from verify.claims.reader import toml_data

NAME = "claims.lock"
DIGITS = 20  # of the hashes, 80 bits: two claims of one folder never meet by accident
Results = Sequence[tuple[Claim, Judgment]]


@dataclass(frozen=True)
class Record:
    """What is kept of one claim."""

    verdict: str
    claim: str = ""
    result: str = ""

    def __str__(self) -> str:
        parts = {"verdict": self.verdict, "claim": self.claim, "result": self.result}
        return "{ " + ", ".join(f"{k} = {_key(v)}" for k, v in parts.items()) + " }"


def record_of(claim: Claim, judgment: Judgment) -> Record:
    """Verdict and hashes of a judged claim."""
    stated = [judgment.stated.conclusion, *judgment.stated.hypotheses]
    return Record(
        judgment.verdict,
        _hash([claim.statement, claim.kind, asdict(claim.data)]),
        _hash([judgment.verdict, stated, judgment.correct]),
    )


def _hash(data: Any) -> str:
    text = json.dumps(data, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


@dataclass(frozen=True)
class Difference:
    """A claim that is not as recorded; None where there is no record, or no claim."""

    id: str
    recorded: Record | None
    found: Record | None

    def __str__(self) -> str:
        if self.found is None:
            assert self.recorded is not None
            return f"{self.id}: recorded as {self.recorded.verdict}, no longer claimed"
        if self.recorded is None:
            return f"{self.id}: {self.found.verdict}, not recorded"
        if self.recorded.verdict != self.found.verdict:
            return f"{self.id}: {self.found.verdict}, recorded as {self.recorded.verdict}"
        if not self.recorded.claim:
            return f"{self.id}: recorded without its data, by an older version; see the table and --record again"
        what = "its sentence or its data" if self.recorded.claim != self.found.claim else "what was judged or the correction"
        return f"{self.id}: {self.found.verdict} as recorded, but {what} changed since"


def lock_of(path: Path) -> Path:
    """The lock file of a folder, or of the folder in which a file lies.

    >>> str(lock_of(Path("paper/claims.toml")))
    'paper/claims.lock'
    """
    return (path if path.is_dir() else path.parent) / NAME


def read_lock(path: Path) -> dict[str, Record]:
    """id -> record; UsageError for a file that is not a lock file."""
    return {key: _record(path, key, value) for key, value in toml_data(path).items()}


def _record(path: Path, key: str, value: Any) -> Record:
    table = {"verdict": value} if isinstance(value, str) else value  # version 0.1.0 kept the verdict alone
    known = {"verdict", "claim", "result"}
    if not isinstance(table, dict) or not known >= set(table) or not all(isinstance(v, str) for v in table.values()):
        raise UsageError(f"{path}: '{key}' is no record of a claim (verdict, claim, result)")
    if table.get("verdict") not in VERDICTS:
        raise UsageError(f"{path}: '{key}' has no verdict among {', '.join(VERDICTS)}")
    return Record(**table)


def write_lock(path: Path, results: Results, whole: bool) -> None:
    """Record verdicts; those of claims not judged are kept unless the whole folder was."""
    kept = {} if whole or not path.exists() else read_lock(path)
    found = kept | {c.id: record_of(c, j) for c, j in results}
    lines = [f"{_key(k)} = {v}" for k, v in found.items()]
    text = "# verdicts, written by: verify claims --record\n" + "\n".join(lines) + "\n"
    write_whole(path, text)


def _key(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def differences(recorded: Mapping[str, Record], results: Results, whole: bool) -> list[Difference]:
    """What differs from the record; claims that are gone count where the whole folder was judged."""
    found = {c.id: record_of(c, j) for c, j in results}
    result = [Difference(i, recorded.get(i), r) for i, r in found.items() if recorded.get(i) != r]
    if whole:
        result += [Difference(i, r, None) for i, r in recorded.items() if i not in found]
    return result
