"""docs/optimizers.md says what tests/measured.json says, that file is about the schemes as they are, and what it says is so."""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random

import pytest
from measured import ORDERS, Measured, brief, entry_of, in_words, key, measured, missing, orders_text, proved, schemes
from reference import references

from derive.commands.points import Derivations, Point, points

ROOT = Path(__file__).parents[1]
RUN = "run: python scripts/optimizers.py --prove"
SAMPLE = 8


@pytest.fixture(scope="module")
def known() -> Measured:
    return measured()


def regimes() -> list[Point]:
    return points(schemes(), None, ORDERS)


def test_the_page_is_what_the_rows_and_the_measurements_make_it() -> None:
    sys.path.insert(0, str(ROOT / "scripts"))
    from optimizers import page

    assert (ROOT / "docs" / "optimizers.md").read_text("utf-8") == page(), RUN


def test_every_row_with_a_scheme_says_what_was_measured(known: Measured) -> None:
    lines = [x for x in (ROOT / "docs" / "optimizers.md").read_text("utf-8").splitlines() if x.startswith("| `")]
    for line, reference in zip(lines, references(), strict=True):
        if reference.scheme in known:
            assert f" | {orders_text(known[reference.scheme])} | " in line, line


def test_every_scheme_is_measured_as_it_is_now(known: Measured) -> None:
    assert [*known] == schemes(), RUN
    assert [(p.scheme, key(p)) for p in missing(schemes(), Derivations(True)) if "stopped" not in _said(known, p)] == [], RUN
    assert all(entry["correction"] for entry in known.values())


def _said(known: Measured, point: Point) -> dict[str, object]:
    found: dict[str, object] = entry_of(known, point)["proofs"].get(key(point), {})
    return found


def test_nothing_is_refuted_and_what_is_not_proved_says_why(known: Measured) -> None:
    for name, entry in known.items():
        for result in entry["proofs"].values():
            assert result.get("verdict") in ("verified", "not proved", None), name
            assert result.get("verdict") == "verified" or result.get("error") or result["reasons"], name


def test_another_text_is_not_measured_and_another_verdict_is_another_line(known: Measured) -> None:
    (point,) = points(["gd"], None, [1])
    changed = Point("gd", point.text.replace("gamma*grad(theta)", "2*gamma*grad(theta)"), "", 1)
    assert changed.text != point.text
    assert _said(known, point)
    assert not _said(known, changed)
    entry = known["gd"] | {"proofs": {"1": {"verdict": "refuted", "seconds": 1.0}}}
    assert orders_text(entry) == "(1: refuted)"
    assert not proved(entry, 1)


@pytest.mark.slow
def test_a_sample_is_measured_again(known: Measured) -> None:
    cheap = [p for p in regimes() if _said(known, p).get("seconds", 99.0) < 3]
    plan = Derivations(True, 120)
    for p in Random(16).sample(cheap, SAMPLE):
        (again,) = plan.run([p])
        assert brief(again)["verdict"] == _said(known, p)["verdict"], p
    for p in Random(17).sample(points(schemes(), "first", [1]), SAMPLE):
        assert in_words(p)["said"] == known[p.scheme]["correction"], p
