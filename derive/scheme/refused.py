"""Optimizers that have no modified equation, and why; the data stand in refused.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from derive.scheme.aliases import spelling

_FILE = Path(__file__).with_name("refused.toml")


@dataclass(frozen=True)
class Refused:
    """An optimizer by its title, its other names, and the mathematical reason in one sentence without a full stop."""

    name: str
    title: str
    names: tuple[str, ...]
    reason: str

    def __post_init__(self) -> None:
        assert self.reason, self.name
        assert not self.reason.endswith("."), self.name

    def __str__(self) -> str:
        return f"{self.title} has no modified equation: {self.reason}"


@cache
def refused() -> Mapping[str, Refused]:
    """By name.

    >>> str(refused()["lbfgs"]).partition(":")[0]
    'L-BFGS has no modified equation'
    """
    data = tomllib.loads(_FILE.read_text("utf-8"))
    return {name: Refused(name, entry["title"], tuple(entry["names"]), entry["reason"]) for name, entry in data.items()}


def refusal(text: str) -> Refused | None:
    """The entry of this name in any spelling.

    >>> [refusal(name).name for name in ("Yogi", "torch.optim.LBFGS")], refusal("adam")
    (['yogi', 'lbfgs'], None)
    """
    wanted = spelling(text)
    return next((r for r in refused().values() if wanted in map(spelling, (r.name, *r.names))), None)
