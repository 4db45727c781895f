"""Attacks on the verdicts of claims: of statements known to be false none is proved, of those known to be true all are.

The slow battery, `pytest -m slow tests/test_claim_controls.py`, has some thousands of them.
"""

from __future__ import annotations

from random import Random

import pytest
from claim_controls import TRUE, Table, false_claims, true_claim

from verify.claims.judge import KINDS, judge
from verify.claims.judgment import LEADING, PROVED, REFUTED, UNDECIDED, Judgment
from verify.claims.reader import claim_of

#: what a false statement may be called; one that holds to leading order has its next term printed
NOT_PROVED = (REFUTED, LEADING, UNDECIDED)


def judged(table: Table) -> Judgment:
    return judge(claim_of({k: v for k, v in table.items() if not k.startswith("_")}, "test"))


def attack(kind: str, seed: str) -> None:
    source = Random(seed)
    true = true_claim(kind, source)
    assert judged(true).verdict == PROVED, true
    for false in false_claims(true, source):
        found = judged(false)
        assert found.verdict in NOT_PROVED, false
        assert found.evidence, false
        assert found.verdict != REFUTED or found.correct, false


def test_every_kind_is_attacked() -> None:
    assert set(TRUE) == set(KINDS) - {"informal"}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", TRUE)
def test_true_and_false_statements(kind: str, seed: int) -> None:
    attack(kind, f"{kind} {seed}")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(150))
@pytest.mark.parametrize("kind", TRUE)
def test_many_true_and_false_statements(kind: str, seed: int) -> None:
    attack(kind, f"many {kind} {seed}")


@pytest.mark.parametrize("kind", TRUE)
def test_a_datum_that_plays_no_part_is_refused(kind: str) -> None:
    """A key of another kind, and a text that is empty."""
    from derive.errors import UsageError

    table = true_claim(kind, Random(kind))
    with pytest.raises(UsageError, match="unknown key 'verdict'"):
        judged(table | {"verdict": "proved"})
    for key, value in table.items():
        if isinstance(value, str) and key not in ("id", "statement", "source", "kind") and not key.startswith("_"):
            with pytest.raises(UsageError, match="must not be empty"):
                judged(table | {key: " "})
