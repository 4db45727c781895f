"""Fuzzing: every text that `derive` and `verify` read, drawn from the grammars, changed a little, or garbage.

    python scripts/fuzz.py --count 2000                       cases 0 ... 1999 on all surfaces, and what failed
    python scripts/fuzz.py --seed 2000 --count 10000 --jobs 8     the next ones, by eight processes
    python scripts/fuzz.py --surface loss --minutes 5
    python scripts/fuzz.py --seed 4711 --count 1 --show       one case: its command line, its files, its outcome

The case of a seed is always the same.  A case fails by an internal error, an abort, a hang, an exit status beyond 0, 1, 2, more
than one line on stderr, by executing anything, or by files left behind; failures of one place count as one, and each is shown
with its command, made shorter where that keeps the failure.  Exit status: 0 nothing failed, 1 something did.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import import_module
from itertools import count
from pathlib import Path
from pkgutil import walk_packages

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1])]

from fuzzing.children import Case, Entry, Limits, Outcome, run_cases  # noqa: E402
from fuzzing.surfaces import SURFACES, case, certificates, claims, updates  # noqa: E402
from fuzzing.texts import TOKEN  # noqa: E402


def programs() -> dict[str, Entry]:
    """The programs in this process, without the net of limits, and with everything imported that they import late."""
    import click

    from derive.commands.console import run

    modules = {name: import_module(f"{name}.commands.main") for name in ("derive", "verify")}
    for module in modules.values():
        for name in module.main.list_commands(click.Context(module.main)):
            module.main.get_command(click.Context(module.main), name)
    for package in map(import_module, modules):
        for found in walk_packages(package.__path__, f"{package.__name__}."):
            with suppress(ModuleNotFoundError):  # what needs an extra that is not installed
                import_module(found.name)
    updates(), claims(), certificates()
    return {name: partial(run, module.main, name) for name, module in modules.items()}


def refusals() -> tuple[type, ...]:
    """The errors of a text that was not read."""
    import click

    from derive.errors import ParseError

    return ParseError, click.UsageError


@dataclass
class Figures:
    """What was run and what became of it."""

    kinds: Counter[str] = field(default_factory=Counter)
    surfaces: Counter[str] = field(default_factory=Counter)
    seconds: Counter[str] = field(default_factory=Counter)
    failures: dict[tuple[str, str], list[Case]] = field(default_factory=dict)
    slowest: list[tuple[float, int, str]] = field(default_factory=list)

    def count(self, c: Case, outcome: Outcome) -> None:
        self.kinds["inputs"] += 1
        self.kinds["read"] += outcome.parsed
        self.kinds[outcome.failure or f"status {outcome.status}"] += 1
        self.surfaces[c.surface] += 1
        self.seconds[c.surface] += outcome.seconds
        self.slowest = sorted([*self.slowest, (outcome.seconds, c.seed, c.surface)], reverse=True)[:5]
        if outcome.failure:
            self.failures.setdefault((outcome.failure, outcome.key), []).append(c)

    @property
    def share_read(self) -> float:
        return self.kinds["read"] / max(1, self.kinds["inputs"])

    def lines(self) -> Iterator[str]:
        inputs = self.kinds["inputs"]
        yield f"{inputs} inputs, {sum(self.seconds.values()):.0f} s of processor time; {self.share_read:.1%} read by the parser"
        yield "  " + ", ".join(f"{n} {k}" for k, n in sorted(self.kinds.items()) if k not in ("inputs", "read"))
        yield "  " + ", ".join(f"{s} {n} ({1000 * self.seconds[s] / n:.0f} ms)" for s, n in sorted(self.surfaces.items()))
        yield "  slowest: " + ", ".join(f"{s:.1f} s (seed {i}, {surface})" for s, i, surface in self.slowest)


def command_of(c: Case) -> str:
    """What to type to see it."""
    files = [f"printf %s {shlex.quote(x.decode('utf-8', 'replace'))} > {n}; " for n, x in c.files.items()]
    return "".join(files) + shlex.join(c.arguments)


def shorter(c: Case) -> Iterator[Case]:
    """The case with arguments left out, or words of one of its texts."""
    for arguments in without(c.arguments[2:]):
        yield replace(c, arguments=(*c.arguments[:2], *arguments))
    for i, text in enumerate(c.arguments[2:], 2):
        for part in without(TOKEN.findall(text)):
            yield replace(c, arguments=(*c.arguments[:i], "".join(part), *c.arguments[i + 1 :]))
    for name, content in c.files.items():
        for part in without(TOKEN.findall(content.decode("utf-8", "ignore"))):
            yield replace(c, files={**c.files, name: "".join(part).encode()})


def without(items: Sequence[str]) -> Iterator[Sequence[str]]:
    """The items without half of them, a quarter, ... and each one.

    >>> list(without(["a", "b", "c"]))
    [['b', 'c'], ['a', 'c'], ['a', 'b']]
    """
    size = max(1, len(items) // 2)
    while size and items:
        for start in range(0, len(items), size):
            yield [*items[:start], *items[start + size :]]
        size //= 2


def shrunk(c: Case, key: tuple[str, str], table: Mapping[str, Entry], limits: Limits, seconds: float = 30.0) -> Case:
    """A shorter case that fails in the same way, as far as one is found in some seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for smaller, outcome in run_cases(shorter(c), table, limits, refusals()):
            if (outcome.failure, outcome.key) == key:
                c = smaller
                break
            if time.monotonic() > end:
                return c
        else:
            return c
    return c


def cases(first: int, number: int | None, minutes: float | None, surface: str | None) -> Iterator[Case]:
    end = time.monotonic() + 60 * minutes if minutes else None
    for seed in count(first) if number is None else range(first, first + number):
        if end is not None and time.monotonic() > end:
            return
        yield case(seed, surface)


def parsed_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0, help="the first case")
    parser.add_argument("--count", type=int, help="how many cases (2,000 where no --minutes are given)")
    parser.add_argument("--minutes", type=float, help="begin no case after so many minutes")
    parser.add_argument("--surface", choices=sorted(SURFACES), help="only this one")
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time")
    parser.add_argument("--seconds", type=float, default=20, help="processor time a case; more is a hang")
    parser.add_argument("--show", action="store_true", help="print every case with its outcome")
    parser.add_argument("--no-shrink", action="store_true", help="show failures as they are")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    given = parsed_arguments(arguments)
    number = given.count if given.count or given.minutes else 2000
    table, limits, figures = programs(), Limits(given.seconds), Figures()
    drawn = cases(given.seed, number, given.minutes, given.surface)
    for c, outcome in run_cases(drawn, table, limits, refusals(), given.jobs):
        new = outcome.failure and (outcome.failure, outcome.key) not in figures.failures
        figures.count(c, outcome)
        if given.show or new:
            became = f"{outcome.failure or 'status'} {outcome.key or outcome.status}"
            print(f"seed {c.seed}, {c.surface}: {became}\n    {command_of(c)}"[:3000], flush=True)
    print("\n".join(figures.lines()))
    for key, found in figures.failures.items():
        small = found[0] if given.no_shrink or key[0] == "hang" else shrunk(found[0], key, table, limits)
        print(f"{key[0]}, {len(found)} times, first at seed {found[0].seed}: {key[1]}\n    {command_of(small)}"[:3000])
    return bool(figures.failures)


if __name__ == "__main__":
    sys.exit(main())
