"""What a judge returns, and what a kind of claim is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

PROVED = "proved"
REFUTED = "refuted"
LEADING = "holds to leading order"
UNDECIDED = "undecided"
INFORMAL = "not a mathematical statement"
VERDICTS = (PROVED, REFUTED, LEADING, UNDECIDED, INFORMAL)
UNREADABLE = "cannot be read"  # in the verdict's place for a file, or for the data of a claim, that gets none


@dataclass(frozen=True)
class Stated:
    """What is judged, in this program's words, whatever the sentence says: under these hypotheses the conclusion holds."""

    conclusion: str
    hypotheses: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.conclusion + (", for " + "; ".join(self.hypotheses) if self.hypotheses else "")


@dataclass(frozen=True)
class Judgment:
    """A verdict, the computation that led to it in lines of text, and the statement that is true instead.

    `correct` is empty where the claim is proved or undecided; for a claim that holds to leading order it has the next term.
    `stated` is what was judged.
    """

    verdict: str
    evidence: tuple[str, ...] = ()
    correct: str = ""
    stated: Stated = field(default=Stated(""))


@dataclass(frozen=True)
class Kind:
    """A kind of claim: its name in the files, the dataclass of its keys, what they state, and its judge."""

    name: str
    data: type
    states: Callable[[Any], Stated]
    judge: Callable[[Any], Judgment]


def proved(*evidence: str) -> Judgment:
    return Judgment(PROVED, evidence)


def refuted(correct: str, *evidence: str) -> Judgment:
    return Judgment(REFUTED, evidence, correct)


def leading(correct: str, *evidence: str) -> Judgment:
    return Judgment(LEADING, evidence, correct)


def unreadable(error: Exception) -> Judgment:
    return Judgment(UNREADABLE, (str(error),))


def undecided(*evidence: str) -> Judgment:
    return Judgment(UNDECIDED, evidence)
