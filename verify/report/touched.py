"""The claims that come with the package and speak of the page's scheme, with their recorded verdicts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from derive.errors import DeriveError
from derive.scheme import Scheme
from verify import claims
from verify.claims.claim import Claim
from verify.claims.lock import lock_of, read_lock
from verify.claims.reader import read_claims
from verify.claims.scheme_data import SchemeData

FOLDERS = ("seeds", "literature")


def claims_about(scheme: Scheme) -> list[tuple[Claim, str]]:
    """Claims whose scheme has this name or this very update text, with the verdict of the lock file.

    >>> from derive import load_scheme
    >>> dict((c.id, v) for c, v in claims_about(load_scheme("momentum")))["hb-map-as-flow"]
    'refuted'
    """
    found = []
    for folder in FOLDERS:
        path = Path(claims.__path__[0]) / folder
        records = read_lock(lock_of(path))
        for claim in read_claims([path]):
            if any(_is_about(data, scheme) for data in _schemes_of(claim.data)):
                found.append((claim, records[claim.id].verdict if claim.id in records else "not recorded"))
    return found


def _schemes_of(data: Any) -> Iterator[SchemeData]:
    """The schemes that a claim's data name, at any depth."""
    if isinstance(data, SchemeData):
        yield data
    if is_dataclass(data):
        for f in fields(data):
            yield from _schemes_of(getattr(data, f.name))


def _is_about(data: SchemeData, scheme: Scheme) -> bool:
    if data.scheme:
        return data.scheme == scheme.name
    try:
        return data.chosen()[0].written == scheme.written
    except DeriveError:
        return False
