"""A claim: one sentence and the data that decide it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Claim:
    """A statement and what is needed to decide it; `data` is an instance of its kind's dataclass."""

    id: str
    statement: str
    source: str
    kind: str
    data: Any
    file: str = ""
