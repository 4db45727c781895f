"""Lock files: the verdicts as they were recorded, one line a claim, so that a change is seen.

    "001-9" = "refuted"
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from derive.errors import UsageError
from verify.claims.claim import Claim
from verify.claims.judgment import VERDICTS, Judgment

NAME = "claims.lock"
Results = Sequence[tuple[Claim, Judgment]]


@dataclass(frozen=True)
class Difference:
    """A claim whose verdict is not the recorded one; '' where there is none."""

    id: str
    recorded: str
    found: str

    def __str__(self) -> str:
        if not self.recorded:
            return f"{self.id}: {self.found}, not recorded"
        if not self.found:
            return f"{self.id}: recorded as {self.recorded}, no longer claimed"
        return f"{self.id}: {self.found}, recorded as {self.recorded}"


def lock_of(path: Path) -> Path:
    """The lock file of a folder, or of the folder in which a file lies.

    >>> str(lock_of(Path("paper/claims.toml")))
    'paper/claims.lock'
    """
    return (path if path.is_dir() else path.parent) / NAME


def read_lock(path: Path) -> dict[str, str]:
    """id -> verdict; UsageError for a file that is not a lock file."""
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read '{path}': {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not a lock file: {error}") from None
    for key, value in data.items():
        if value not in VERDICTS:
            raise UsageError(f"{path}: '{key}' has no verdict among {', '.join(VERDICTS)}")
    return data


def write_lock(path: Path, results: Results, whole: bool) -> None:
    """Record verdicts; those of claims not judged are kept unless the whole folder was."""
    kept = {} if whole or not path.exists() else read_lock(path)
    found = kept | {c.id: j.verdict for c, j in results}
    lines = [f"{_key(k)} = {_key(v)}" for k, v in found.items()]
    text = "# verdicts, written by: verify claims --record\n" + "\n".join(lines) + "\n"
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise UsageError(f"cannot write '{path}': {error.strerror}") from None


def _key(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def differences(recorded: Mapping[str, str], results: Results, whole: bool) -> list[Difference]:
    """What differs from the record; claims that are gone count where the whole folder was judged."""
    found = {c.id: j.verdict for c, j in results}
    result = [Difference(i, recorded.get(i, ""), v) for i, v in found.items() if recorded.get(i, "") != v]
    if whole:
        result += [Difference(i, v, "") for i, v in recorded.items() if i not in found]
    return result
