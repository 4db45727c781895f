"""What was measured about the schemes of the battery: the orders that `verify scheme` proves, and the first correction in words.

    python scripts/optimizers.py --prove        carries out what is missing, and writes tests/measured.json

An entry is known to be of a scheme by the text of its file; a proof that was stopped is tried again in more time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from reference import battery

from derive import DeriveError
from derive.commands.points import Derivations, Point, digest, points
from derive.equation import ModifiedEquation, modified_equations
from derive.files import write_whole
from derive.readings.loss import loss_of
from derive.sweeps import apart, sweep
from derive.writing.correction import correction_text
from derive.writing.notation import UNICODE
from derive.writing.regions import where
from derive.writing.series import for_equation

FILE = Path(__file__).with_name("measured.json")
ORDERS = (1, 2)
REGIONS = 3  # in words; of more their number is said

#: {"text": of its file, "proofs": {"regime order": {"verdict", "seconds"} or {"error", ...}}, "correction": in words}
Entry = dict[str, Any]
Measured = dict[str, Entry]


def measured() -> Measured:
    found: Measured = json.loads(FILE.read_text("utf-8")) if FILE.exists() else {}
    return found


def schemes() -> list[str]:
    return sorted({r.scheme for r in battery()})


def key(point: Point) -> str:
    return f"{point.regime} {point.order}".strip()


def entry_of(known: Mapping[str, Entry], point: Point) -> Entry:
    """The entry of a point's scheme, an empty one where its file has another text now."""
    text = digest(point.text)[:16]
    found = known.get(point.scheme, {})
    return found if found.get("text") == text else {"text": text, "proofs": {}}


def settled(known: Mapping[str, Entry], point: Point, plan: Derivations) -> bool:
    found = entry_of(known, point)["proofs"].get(key(point))
    return found is not None and plan.settles(found)


def missing(names: Iterable[str], plan: Derivations) -> list[Point]:
    """What is not known, or was of another text, or was stopped after less time."""
    known = measured()
    return [p for p in points(names, None, ORDERS) if not settled(known, p, plan)]


def measure(
    names: Sequence[str], plan: Derivations, folder: Path | None, scheduler: str = "joblib", jobs: int = 1,
    advance: Callable[[int], None] = lambda done: None,
) -> Measured:  # fmt: skip
    """What is known of these schemes with what was missing, and of no other ones."""
    known, left = measured(), missing(names, plan)
    found = {p.scheme: entry_of(known, p) for p in points(names, "first", ORDERS[:1])}
    said = dict(zip(left, sweep(plan, left, folder, scheduler, jobs, advance), strict=True))
    for p in points(names, None, ORDERS):  # in this order, whatever was known before
        proofs = found[p.scheme]["proofs"]
        before = proofs.pop(key(p), None)
        proofs[key(p)] = brief(said[p]) if p in said else before
    for p in points(names, "first", ORDERS[:1]):
        if "correction" not in found[p.scheme]:
            found[p.scheme]["correction"] = (said := apart(in_words, p, plan.seconds)).get("said") or said["error"]
    return found


def brief(result: Mapping[str, Any]) -> dict[str, Any]:
    """A result of `derive sweep --prove` less what changes from run to run, but for its seconds."""
    if "error" in result:
        return {k: result[k] for k in ("error", "stopped") if k in result}
    why = {"reasons": result["reasons"]} if "reasons" in result else {}
    return {"verdict": result["verdict"], "seconds": round(sum(result["seconds"].values()), 1)} | why


def write(found: Measured) -> None:
    lines = [f"{json.dumps(name)}: {json.dumps(found[name], ensure_ascii=False)}" for name in sorted(found)]
    write_whole(FILE, "{\n" + ",\n".join(lines) + "\n}\n")


# ------------------------------------------------------------------------------------------ in words


def in_words(point: Point) -> dict[str, str]:
    """{"said": the first correction of every region}."""
    found = modified_equations(point.load(), 1, regime=point.regime or None)
    if len(found) > REGIONS:
        return {"said": f"one in each of {len(found)} regions"}
    return {"said": "; ".join(filter(None, (_region(e) + _correction(e) for e in found)))}


def _region(equation: ModifiedEquation) -> str:
    place = where(equation, for_equation(UNICODE, equation), "`{}`")
    return f"{place}: " if place else ""


def _correction(equation: ModifiedEquation) -> str:
    try:
        loss = loss_of(equation)
    except DeriveError:
        loss = None
    return correction_text(equation, loss, for_equation(UNICODE, equation))


def proved(entry: Entry, order: int) -> bool:
    """Whether `verify scheme` says "verified" in every regime through this order."""
    of_order = [r for k, r in entry["proofs"].items() if k.split()[-1] == str(order)]
    return bool(of_order) and all(r.get("verdict") == "verified" for r in of_order)


def orders_text(entry: Entry) -> str:
    """1, 2; by regime where they differ; with the reason where an order is not proved.

    >>> right, late = {"verdict": "verified", "seconds": 1.0}, {"error": "stopped after 60 s of processor time", "stopped": 60}
    >>> orders_text({"proofs": {"memory 1": right, "memory 2": right, "inertial 1": right, "inertial 2": late}})
    'memory: 1, 2; inertial: 1 (2: stopped after 60 s of processor time)'
    >>> orders_text({"proofs": {"1": right, "2": {"verdict": "not proved", "seconds": 1.0}}})
    '1 (2: not proved)'
    >>> orders_text({"proofs": {"1": {"verdict": "not proved", "seconds": 1.0, "reasons": ["undecided: too large"]}}})
    '(1: not proved, undecided: too large)'
    """
    regimes: dict[str, dict[str, Mapping[str, Any]]] = {}
    for k, result in entry["proofs"].items():
        *regime, order = k.split()
        regimes.setdefault(" ".join(regime), {})[order] = result
    said = {regime: _orders(results) for regime, results in regimes.items()}
    if len({*said.values()}) == 1:
        return next(iter(said.values()))
    return "; ".join(f"{regime}: {text}" for regime, text in said.items())


def _orders(results: Mapping[str, Mapping[str, Any]]) -> str:
    right = ", ".join(o for o, r in results.items() if r.get("verdict") == "verified")
    wrong = "; ".join(f"{o}: {_why(r)}" for o, r in results.items() if r.get("verdict") != "verified")
    return " ".join(filter(None, (right, f"({wrong})" if wrong else "")))


def _why(result: Mapping[str, Any]) -> str:
    said: str = result.get("error") or ", ".join((result["verdict"], *result.get("reasons", ())))
    return said
