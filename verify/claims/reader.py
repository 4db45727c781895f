"""Claim files: TOML -> validated, frozen claims.

One claim a file (keys at the top), or many under [[claim]].  Every claim has

    id, statement, source, kind, and the keys of its kind

where the kind's keys are the fields of a frozen dataclass (`judge.KINDS`): its annotations are the format.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from derive.errors import DeriveError, UsageError, nearest
from derive.language import sources
from verify.claims.claim import Claim
from verify.claims.judge import KINDS

HEAD = ("id", "statement", "source", "kind")


def build(cls: type, table: Mapping[str, Any], where: str) -> Any:
    """An instance of the dataclass from a TOML table.

    Raises UsageError for an unknown or missing key and for a value of the wrong type.

    >>> from verify.claims.scheme_data import SchemeData
    >>> build(SchemeData, {"scheme": "gd"}, "example").scheme
    'gd'
    """
    names = {f.name.rstrip("_"): f for f in fields(cls)}
    types = get_type_hints(cls)
    for key in table:
        if key not in names:
            raise UsageError(f"{where}: unknown key '{key}'{nearest(key, names)} (known: {', '.join(names)})")
    values: dict[str, Any] = {}
    for key, f in names.items():
        if key in table:
            values[f.name] = _value(types[f.name], table[key], f"{where}, {key}")
        elif f.default is MISSING and f.default_factory is MISSING:
            raise UsageError(f"{where}: the key '{key}' is missing (this kind takes {', '.join(names)})")
    try:
        return cls(**values)
    except DeriveError as error:
        raise UsageError(f"{where}: {error}") from None
    except ZeroDivisionError:
        raise UsageError(f"{where}: a division by zero") from None
    except RecursionError:
        raise UsageError(f"{where}: a formula is nested too deeply") from None


def _value(kind: Any, value: Any, where: str) -> Any:
    origin = get_origin(kind)
    if is_dataclass(kind):
        if not isinstance(value, dict):
            raise UsageError(f"{where}: must be a table")
        return build(kind, value, where)  # type: ignore[arg-type]
    if origin is tuple:
        if not isinstance(value, list):
            raise UsageError(f"{where}: must be a list")
        return tuple(_value(get_args(kind)[0], v, where) for v in value)
    if origin is not None and origin is not Mapping and type(None) in get_args(kind):
        return _value(next(a for a in get_args(kind) if a is not type(None)), value, where)
    if origin is not None:
        if not isinstance(value, dict):
            raise UsageError(f"{where}: must be a table")
        return {k: _value(get_args(kind)[1], v, f"{where}, {k}") for k, v in value.items()}
    if not isinstance(value, kind) or (kind is int and (isinstance(value, bool) or not 0 <= value <= 12)):
        expected = {str: "a text in quotes", int: "a whole number from 0 to 12", bool: "true or false"}[kind]
        raise UsageError(f"{where}: must be {expected}")
    if isinstance(value, str) and not value.strip():
        raise UsageError(f"{where}: must not be empty; leave the key out")
    return value


def read_claims(paths: Iterable[str | Path]) -> list[Claim]:
    """The claims of files and folders (every .toml in a folder, by name), in order.

    Raises UsageError for what cannot be read, for two claims with one id, and for anything outside the format.
    """
    found = read_each(paths)
    for x in found:
        if isinstance(x, Unreadable):
            raise x.error
    return [x for x in found if isinstance(x, Claim)]


@dataclass(frozen=True)
class Unreadable:
    """A file without claims, and why."""

    file: str
    error: DeriveError


def read_each(paths: Iterable[str | Path]) -> list[Claim | Unreadable]:
    """The same, with every file that cannot be read in its place; one is the later of two with one id."""
    found: list[Claim | Unreadable] = []
    seen: dict[str, str] = {}
    for file in _files(paths):
        try:
            claims = _claims_of(file)
            for c in claims:
                if c.id in seen:
                    raise UsageError(f"{c.file}: the id '{c.id}' is used twice (also in {seen[c.id]})")
                seen[c.id] = c.file
            found += claims
        except DeriveError as error:
            found.append(Unreadable(str(file), error))
    return found


def _files(paths: Iterable[str | Path]) -> Iterator[Path]:
    for path in map(Path, paths):
        files = sorted(path.glob("*.toml")) if path.is_dir() else [path]
        if not files:
            raise UsageError(f"{path}: no claim files (*.toml) in this folder")
        yield from files


def toml_data(path: Path) -> dict[str, Any]:
    """The data of a TOML file; UsageError for one that cannot be read."""
    return sources.toml_data(sources.read_text(path), str(path))


def _claims_of(file: Path) -> list[Claim]:
    data = toml_data(file)
    if "claim" not in data:
        return [claim_of(data, str(file))]
    for key in data:
        if key not in ("claim", "title"):
            raise UsageError(f"{file}: unknown key '{key}' beside [[claim]] (known: title)")
    tables = data["claim"]
    if not isinstance(tables, list) or not tables or not all(isinstance(t, dict) for t in tables):
        raise UsageError(f"{file}: write each claim under a heading [[claim]]")
    return [claim_of(t, str(file)) for t in tables]


def claim_of(table: Mapping[str, Any], file: str) -> Claim:
    """One claim from its table."""
    where = f"{file}, claim {table.get('id', '?')}"
    for key in HEAD:
        if not isinstance(table.get(key), str) or not table[key].strip():
            raise UsageError(f"{where}: the key '{key}' is missing; every claim has {', '.join(HEAD)}, each a text")
    kind = table["kind"]
    if kind not in KINDS:
        raise UsageError(f"{where}: unknown kind '{kind}'{nearest(kind, KINDS)} (known: {', '.join(KINDS)})")
    rest = {k: v for k, v in table.items() if k not in HEAD}
    data = build(KINDS[kind].data, rest, where)
    return Claim(table["id"], " ".join(table["statement"].split()), table["source"], kind, data, file)
