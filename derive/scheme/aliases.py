"""Other names of the catalogue's schemes, as people and libraries spell them.

A scheme's file lists them, `aliases = ["sgd (without momentum)", "euler"]`: a name, and in parentheses what is chosen where it
means several things.  Spelling is free: heavy-ball, heavy_ball and HeavyBall are one name.  A plain catalogue name is found
without any of this, so that no file is read for it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from derive.errors import SchemeError

_ENTRY = re.compile(r"([\w.-]+)(?: \((.+)\))?", re.DOTALL)
_LIST = re.compile(r"^aliases\s*=\s*\[[^\]]*\]", re.MULTILINE)


def spelling(name: str) -> str:
    """What two spellings of one name share.

    >>> spelling("Heavy_Ball"), spelling("torch.optim.SGD")
    ('heavyball', 'torch.optim.sgd')
    """
    return re.sub(r"[-_ ]", "", name).casefold()


def read_aliases(entries: object, where: str) -> dict[str, str]:
    """name -> what is chosen, '' where there is nothing to choose.

    >>> read_aliases(["sgd (without momentum)", "euler"], "gd")
    {'sgd': 'without momentum', 'euler': ''}
    """
    if not isinstance(entries, list):
        raise SchemeError(f'{where}: \'aliases\' must be a list of texts, such as ["sgd (without momentum)", "euler"]')
    found: dict[str, str] = {}
    for entry in entries:
        parts = _ENTRY.fullmatch(entry) if isinstance(entry, str) else None
        if parts is None:
            raise SchemeError(f"{where}: alias '{entry}' is no name, nor a name with a remark such as 'sgd (without momentum)'")
        found[parts[1]] = parts[2] or ""
    return found


@lru_cache
def alias_table(folder: Path) -> Mapping[str, tuple[str, str, str]]:
    """spelling -> (scheme, alias, remark), from the lists alone; no file is parsed as a whole."""
    table: dict[str, tuple[str, str, str]] = {}
    for path in sorted(folder.glob("*.toml")):
        found = _LIST.search(path.read_text("utf-8"))
        entries = tomllib.loads(found[0])["aliases"] if found else []
        for alias, remark in read_aliases(entries, path.stem).items():
            table.setdefault(spelling(alias), (path.stem, alias, remark))
    return table


def resolve(text: str, names: Sequence[str], folder: Path) -> tuple[str, str] | None:
    """(scheme, what an ambiguous alias was taken to mean) of a name that is not in the catalogue as it stands."""
    wanted = spelling(text)
    for name in names:
        if spelling(name) == wanted:
            return name, ""
    if wanted not in alias_table(folder):
        return None
    scheme, alias, remark = alias_table(folder)[wanted]
    return scheme, f"{alias} {remark}" if remark else ""
