"""The fuzzer: a short run in which nothing fails, and runs with planted faults, each of which it reports."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))

import fuzz
from fuzzing.children import Case, Limits, Outcome, run_cases
from fuzzing.surfaces import SURFACES, case
from fuzzing.texts import Texts


@pytest.mark.parametrize("count", [600, pytest.param(3000, marks=pytest.mark.slow)])
def test_nothing_fails_and_most_is_read(count: int) -> None:
    figures = fuzz.Figures()
    for c, outcome in run_cases(map(case, range(count)), fuzz.programs(), Limits(), fuzz.refusals()):
        figures.count(c, outcome)
    found = [f"{key}: {fuzz.command_of(cases[0])}" for key, cases in figures.failures.items()]
    assert not found, "\n".join(found)
    assert figures.kinds["inputs"] == count
    assert figures.share_read > 0.5
    assert figures.surfaces.keys() == SURFACES.keys()


# ---------------------------------------------------------------------------------------------- it can fail


def _runs_for_ever() -> None:
    while True:
        pass


def _says_two_lines() -> None:
    print("derive: one\nderive: two", file=sys.stderr)
    sys.exit(2)


def _raises() -> None:
    raise ValueError("planted")


def _allocates() -> None:
    bytearray(Limits().memory)


#: what the planted program does at the word of its argument -> what is reported
FAULTS: dict[str, tuple[Callable[[], object], str]] = {
    "raise": (_raises, "internal error"),
    "memory": (_allocates, "internal error"),
    "hang": (_runs_for_ever, "hang"),
    "abort": (os.abort, "abort"),
    "leave": (lambda: os._exit(0), "abort"),
    "status": (lambda: sys.exit(7), "exit status"),
    "text": (lambda: sys.exit("a text"), ""),
    "lines": (_says_two_lines, "several lines"),
    "long": (lambda: sys.exit(print("x" * 900, file=sys.stderr) or 2), "unreadable line"),
    "escape": (lambda: sys.exit(print("\x1b[31mred", file=sys.stderr) or 2), "unreadable line"),
    "execute": (lambda: os.system("true"), "executed"),
    "canary": (lambda: Path("canary").touch(), "executed"),
    "file": (lambda: Path("left").touch(), "files left behind"),
    "half": (lambda: (Path("out").touch(), sys.exit(2)), "files left behind"),
    "output": (lambda: Path("out").touch(), ""),
    "right": (lambda: sys.exit(0), ""),
}


def planted() -> None:
    FAULTS[sys.argv[1]][0]()


def outcomes(words: list[str], jobs: int = 1) -> Iterator[tuple[str, Outcome]]:
    drawn = (Case(i, "planted", ("planted", word), {"case.toml": b""}, ("out",)) for i, word in enumerate(words))
    for c, outcome in run_cases(drawn, {"planted": planted}, Limits(seconds=0.5), fuzz.refusals(), jobs):
        yield c.arguments[1], outcome


@pytest.mark.parametrize("jobs", [1, 3])
def test_every_planted_fault_is_reported_and_the_run_goes_on(jobs: int) -> None:
    words = [*FAULTS, *reversed(FAULTS), "right"]
    found = list(outcomes(words, jobs))
    assert sorted(w for w, _ in found) == sorted(words)
    for word, outcome in found:
        assert outcome.failure == FAULTS[word][1], word


def test_an_internal_error_is_shown_with_its_place() -> None:
    ((_, outcome),) = outcomes(["raise"])
    assert outcome.key.startswith("ValueError at ")
    assert "test_fuzz.py:" in outcome.key
    assert "planted" in outcome.key


def test_an_error_of_the_parser_is_counted_as_not_read() -> None:
    texts = {"theta = theta - gamma*grad(theta)": True, "theta = = theta": False, "theta = 2*theta": True}
    drawn = (Case(i, "update", ("derive", "modified-eq", "--update", t)) for i, t in enumerate(texts))
    found = [o.parsed for _, o in run_cases(drawn, fuzz.programs(), Limits(), fuzz.refusals())]
    assert found == list(texts.values())


def test_a_failure_is_shortened_to_what_fails(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that fails at one word of its text; the report has a command with that word alone, and exit status 1."""

    def program() -> None:
        if any("beta" in word for word in sys.argv[2:]):
            raise KeyError("beta")

    monkeypatch.setattr(fuzz, "programs", lambda: {"derive": program, "verify": program})
    assert fuzz.main(["--surface", "set", "--count", "60"]) == 1
    report = capsys.readouterr().out
    assert "60 inputs" in report
    assert "internal error, " in report
    assert report.splitlines()[-1] in ("    derive modified-eq beta", "    derive modified-eq beta1")
    monkeypatch.setattr(fuzz, "programs", lambda: {"derive": sys.exit, "verify": sys.exit})
    assert fuzz.main(["--count", "20"]) == 0


def test_a_seed_draws_one_case() -> None:
    """So that a run is resumed by the range of its seeds, and a failure reproduced by its seed."""
    assert [case(i) for i in range(50)] == [case(i) for i in range(50)]
    assert len({fuzz.command_of(case(i)) for i in range(300)}) > 280
    assert {case(i, "loss").surface for i in range(9)} == {"loss"}
    assert list(islice(fuzz.cases(7, 3, None, None), 9)) == [case(7), case(8), case(9)]


def test_texts_are_mostly_of_the_grammar() -> None:
    from derive.errors import DeriveError
    from derive.language import parse_update

    def read(text: str) -> bool:
        try:
            return bool(parse_update(text))
        except DeriveError:
            return False

    assert sum(read(Texts(i).update()) for i in range(300)) > 270
    assert sum(read(Texts(i).garbage()) for i in range(300)) < 30
