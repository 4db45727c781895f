"""The points of `derive sweep`, a scheme in a regime through an order, and what a worker does there."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Any, ClassVar

from derive import __version__
from derive.errors import ReductionError
from derive.language.sources import toml_data
from derive.scheme import Scheme, catalogue, load_scheme
from derive.scheme.catalogue import scheme_from_toml, scheme_source
from derive.sweeps import Result, apart

FIRST = "first"
_DESCRIBES = ("name", "title", "reference", "notes", "aliases")


@dataclass(frozen=True)
class Point:
    """A scheme by its text, so that it travels, in a regime (empty: the one it has), through gamma^order; or why it has none."""

    scheme: str
    text: str
    regime: str
    order: int
    refused: str = ""

    @property
    def named(self) -> dict[str, Any]:
        return {"scheme": self.scheme, "regime": self.regime, "order": self.order}

    def load(self) -> Scheme:
        if self.refused:
            raise ReductionError(self.refused)
        return _loaded(self.text, self.scheme)


def digest(text: str) -> str:
    """By which a scheme is known to be the same: its file less what describes it.

    >>> digest('title = "A"\\nupdate = "x"') == digest('update = "x"  # B') != digest('update = "y"')
    True
    """
    read = {k: v for k, v in toml_data(text, "scheme").items() if k not in _DESCRIBES}
    return sha256(json.dumps(read, sort_keys=True, default=str).encode()).hexdigest()


@cache
def _loaded(text: str, name: str) -> Scheme:
    return scheme_from_toml(text, name)


def points(sources: Iterable[str], regimes: str | None, orders: Sequence[int]) -> list[Point]:
    """Every scheme in its regimes (all of them, or 'first', or one by name where a scheme has it) through every order.

    >>> [(p.scheme, p.regime, p.order) for p in points(["gd", "qhm"], None, [1])]
    [('gd', '', 1), ('qhm', '', 1)]
    >>> [p.regime for p in points(["momentum"], "first", [0])]
    ['memory']
    """
    found = []
    for source in sources or catalogue():
        try:
            name, text, _ = scheme_source(source)
        except ReductionError as error:
            found += [Point(source, "", "", order, str(error)) for order in orders]
            continue
        named = list(load_scheme(source).regimes) or [""]
        chosen = named if regimes is None else named[:1] if regimes == FIRST else [r for r in named if r == regimes]
        found += [Point(name, text, regime, order) for regime in chosen for order in orders]
    return found


@dataclass(frozen=True)
class Derivations:
    """Derive at every point, and verify where `verify`; `seconds` of processor time for each, without a limit where None."""

    verify: bool = False
    seconds: float | None = None
    task: ClassVar[int] = 1

    def request(self, point: Point) -> dict[str, Any]:
        return {**point.named, "text": digest(point.text), "verify": self.verify, "version": __version__}

    def label(self, point: Point) -> str:
        return "-".join(filter(None, (point.scheme, point.regime, str(point.order))))

    def settles(self, result: Result) -> bool:
        """What was stopped after less time than there is now does not, nor does what failed."""
        if "stopped" in result:
            return self.seconds is not None and self.seconds <= result["stopped"]
        return "failed" not in result

    def run(self, points: Sequence[Point]) -> list[Result]:
        _import_once(self.verify)
        return [apart(self._work, p, self.seconds) for p in points]

    def _work(self, point: Point) -> Result:
        return _law(point, self.verify) if point.load().stochastic else _equations(point, self.verify)


def _import_once(verify: bool) -> None:
    """What every process of a point finds loaded."""
    from derive import modified_equations

    modified_equations("gd", 1)
    if verify:
        from verify.verification import Options, verify_scheme

        verify_scheme(modified_equations("gd", 0)[0], Options())


def _equations(point: Point, verify: bool) -> Result:
    """Of every region: its equation, and the verdict of `verify scheme`."""
    from derive import modified_equations

    begin = time.process_time()
    found = modified_equations(point.load(), point.order, regime=point.regime or None)
    derived = time.process_time()
    said: Result = {
        "regions": len(found),
        "terms": sum(len(s.sum) for e in found for sums in e.equations.values() for s in sums),
        "seconds": {"derive": round(derived - begin, 3)},
    }
    if not verify:
        return said
    from verify.verification import Options, overall, verify_scheme

    reports = [verify_scheme(e, Options()) for e in found]
    seconds = said["seconds"] | {"verify": round(time.process_time() - derived, 3)}
    proved = all(r.proof is not None and r.proof.proved for r in reports)
    why = [text for r in reports if r.verdict != "verified" for text in _reasons(r)]
    return said | {"seconds": seconds, "verdict": overall(reports), "proved": proved, **({"reasons": why} if why else {})}


def _reasons(report: Any) -> list[str]:
    """Why a report does not say 'verified'."""
    if report.refuted_by:
        return [f"refuted by {', '.join(report.refuted_by)}"]
    said = [str(report.proof)] if report.proof is not None and not report.proof.proved else []
    return said + [f"{route}: {reason}" for route, reason in report.skipped.items() if route in ("proof", "region")]


def _law(point: Point, verify: bool) -> Result:
    """Of a text that draws at random: the generator of its law, and the verdict of `verify sde`."""
    from derive import modified_sde

    begin = time.process_time()
    equation = modified_sde(point.load(), point.order, regime=point.regime or None)
    derived = time.process_time()
    said: Result = {
        "regions": 1, "terms": sum(map(len, equation.powers)), "seconds": {"derive": round(derived - begin, 3)}, "law": True,
    }  # fmt: skip
    if not verify:
        return said
    from verify.sde.verification import verify_generator

    report = verify_generator(equation.configuration, equation.to_json())
    seconds = said["seconds"] | {"verify": round(time.process_time() - derived, 3)}
    why = [] if report.verdict == "verified" else [str(report.proof)]
    proved = report.proof.verdict == "proved"
    return said | {"seconds": seconds, "verdict": report.verdict, "proved": proved, **({"reasons": why} if why else {})}
