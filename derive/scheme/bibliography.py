"""The bibliography: every work that the package cites, once, and how texts name it.

A `reference` of a data file stays the sentence that it is ("Polyak 1964; fixed beta: Ghosh, ..."); `cited` finds the works in it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).with_name("bibliography.toml")
_PLACES = ("journal", "booktitle", "publisher", "volume", "number", "pages", "edition", "note")
_IDENTIFIERS = ("doi", "arxiv", "isbn", "url")
_LINKS = {"doi": "https://doi.org/", "arxiv": "https://arxiv.org/abs/", "isbn": "ISBN ", "url": ""}


@dataclass(frozen=True)
class Work:
    """One entry; `places` and `identifiers` have the keys of BibTeX that are there, `without` says why there is no identifier."""

    key: str
    cited_as: tuple[str, ...]
    authors: tuple[str, ...]
    title: str
    year: int
    places: Mapping[str, str] = field(default_factory=dict)
    identifiers: Mapping[str, str] = field(default_factory=dict)
    without: str = ""

    def __post_init__(self) -> None:
        assert self.authors, self.key
        assert self.title, self.key
        assert bool(self.identifiers) != bool(self.without), self.key

    def __str__(self) -> str:
        """Authors: title. Where, year. Identifier."""
        return self.in_full(_LINKS)

    def in_full(self, prefixes: Mapping[str, str]) -> str:
        """The same with the identifiers of these kinds alone, each behind its prefix."""
        known = "".join(f" {prefixes[k]}{v}" for k, v in self.identifiers.items() if k in prefixes)
        return f"{', '.join(self.names)}: {self.title}. {', '.join([*self._where(), str(self.year)])}.{known}"

    @property
    def names(self) -> tuple[str, ...]:
        """The authors; 'others' stands for those who are not named."""
        return tuple("et al." if a == "others" else a for a in self.authors)

    def _where(self) -> list[str]:
        p = self.places
        volume = p.get("volume", "") + (f"({p['number']})" if "number" in p else "")
        found = [p.get("journal") or p.get("booktitle") or "", volume, p.get("publisher", "")]
        found += [f"{p['edition']} edition" if "edition" in p else "", p.get("pages", ""), p.get("note", "")]
        return [x for x in found if x]

    def to_json(self) -> dict[str, Any]:
        return {"key": self.key, "authors": list(self.authors), "title": self.title, "year": self.year,
                **self.places, **self.identifiers}  # fmt: skip


@cache
def works() -> Mapping[str, Work]:
    """The bibliography by key.

    >>> works()["polyak"].identifiers["doi"]
    '10.1016/0041-5553(64)90137-5'
    """
    return {key: _work(key, data) for key, data in tomllib.loads(_FILE.read_text("utf-8")).items()}


def _work(key: str, data: Mapping[str, Any]) -> Work:
    known = {"cited_as", "authors", "title", "year", "without", *_PLACES, *_IDENTIFIERS}
    assert data.keys() <= known, (key, data.keys() - known)
    return Work(
        key, tuple(data["cited_as"]), tuple(data["authors"]), data["title"], data["year"],
        {k: data[k] for k in _PLACES if k in data}, {k: data[k] for k in _IDENTIFIERS if k in data}, data.get("without", ""),
    )  # fmt: skip


def cited(text: str) -> tuple[Work, ...]:
    """The works that a text names, in its order; of two names at one place the longer counts.

    >>> [w.key for w in cited("Su 2018, part 2, eq. (14); Polyak 1964")]
    ['su-dynamics-2', 'polyak']
    """
    names = _names()
    found = re.finditer("|".join(map(re.escape, sorted(names, key=len, reverse=True))), text)
    return tuple(works()[key] for key in dict.fromkeys(names[m.group()] for m in found))


@cache
def _names() -> Mapping[str, str]:
    return {name: work.key for work in works().values() for name in work.cited_as}


# ---------------------------------------------------------------------------------------------- BibTeX

NUMBERS = {"doi": "doi:", "arxiv": "arXiv:", "isbn": "ISBN "}  # for places that name no addresses
_KINDS = {"journal": "article", "booktitle": "inproceedings", "publisher": "book"}
_TEX = {"&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_"}


def bibtex(found: Iterable[Work]) -> str:
    """A BibTeX file; its keys are those of the bibliography."""
    return "\n".join(map(_entry, found))


def _entry(work: Work) -> str:
    kind = next((_KINDS[p] for p in _KINDS if p in work.places), "misc")
    authors = " and ".join(_author(a) for a in work.authors)
    fields = {"author": authors, "title": f"{{{_escaped(work.title)}}}", "year": str(work.year)}
    fields |= {k: _escaped(v).replace("-", "--") if k == "pages" else _escaped(v) for k, v in work.places.items()}
    fields |= {k: v for k, v in work.identifiers.items() if k != "arxiv"}
    if "arxiv" in work.identifiers:
        fields |= {"eprint": work.identifiers["arxiv"], "archiveprefix": "arXiv"}
    lines = "".join(f"  {k} = {{{v}}},\n" for k, v in fields.items())
    return f"@{kind}{{{work.key},\n{lines}}}\n"


def _author(name: str) -> str:
    """One word is a name as it stands; 'others' is BibTeX's own."""
    return name if " " in name or name == "others" else f"{{{name}}}"


def _escaped(text: str) -> str:
    return "".join(_TEX.get(c, c) for c in re.sub(r"\^(\w+)", r"$^{\1}$", text))


__all__ = ["NUMBERS", "Work", "bibtex", "cited", "works"]
