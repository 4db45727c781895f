"""Children that run command lines many times a process, and the parent that watches them.

A case fails by an exception that escapes (internal error), by the death of the child (abort), by more processor time than it
is given (hang), by an exit status other than 0, 1 or 2, by more than one line on stderr at status 2, by one that is too long or
has control characters, by starting a process, opening a socket or carrying out its text (executed), and by files left behind.
"""

from __future__ import annotations

import faulthandler
import io
import json
import os
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any
from unicodedata import category

Entry = Callable[[], None]
EXECUTION = ("os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "socket.connect", "pty.spawn")
NOTES = ("# ", "note: ", "nothing recorded yet", "no certificate written", "not recorded", "recorded as", "wrote ")
LONGEST = 800  # characters of a line that says why
BATCH = 400  # cases a child, so that what it remembers stays small


@dataclass(frozen=True)
class Case:
    """A command line with the files that it reads; `arguments[0]` names the program."""

    seed: int
    surface: str
    arguments: tuple[str, ...]
    files: Mapping[str, bytes] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()  # files that it may write
    heavy: int = 1  # how many times the processor time of others it is given


@dataclass(frozen=True)
class Outcome:
    """`failure` is empty, or what went wrong, with `key` the place that it shares with others of its kind."""

    failure: str = ""
    key: str = ""
    status: int = 0
    parsed: bool = True
    seconds: float = 0.0


@dataclass(frozen=True)
class Limits:
    """Processor seconds a case, and the address space of a child."""

    seconds: float = 20.0
    memory: int = 6 << 30


class Watch:
    """What a case does, seen from inside of its child."""

    def __init__(self) -> None:
        self.refused = False
        self.executed = ""
        sys.addaudithook(self.hook)

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in EXECUTION and self.armed:
            self.executed = event

    armed = False

    def mark(self, kind: type[BaseException]) -> None:
        """Note where an error of this kind is made: the text was not read."""
        original = kind.__init__

        def made(error: Any, *arguments: Any, **named: Any) -> None:
            self.refused = True
            original(error, *arguments, **named)

        kind.__init__ = made  # type: ignore[method-assign]


@contextmanager
def streams() -> Iterator[tuple[io.BytesIO, io.BytesIO]]:
    """Standard output and error as UTF-8 buffers."""
    out, error = io.BytesIO(), io.BytesIO()
    before = sys.stdout, sys.stderr, sys.stdin
    sys.stdout, sys.stderr = io.TextIOWrapper(out, "utf-8"), io.TextIOWrapper(error, "utf-8", "backslashreplace")
    sys.stdin = io.StringIO()
    try:
        yield out, error
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
                stream.detach()
            except ValueError:
                pass
        sys.stdout, sys.stderr, sys.stdin = before


def run_case(case: Case, programs: Mapping[str, Entry], watch: Watch, folder: Path) -> Outcome:
    """The case in this process, in an empty folder."""
    for name, content in case.files.items():
        (folder / name).write_bytes(content)
    os.chdir(folder)
    sys.argv = list(case.arguments)
    watch.refused, watch.executed, watch.armed = False, "", True
    status, fault, start = 0, "", time.process_time()
    with streams() as (_, error):
        try:
            programs[case.arguments[0]]()
        except SystemExit as stop:
            status = stop.code if isinstance(stop.code, int) else 1
        except BaseException as problem:
            fault = place(problem)
    watch.armed = False
    seconds = time.process_time() - start
    failure, key = verdict(case, status, fault, error.getvalue().decode("utf-8", "replace"), watch, folder)
    clear(folder)
    return Outcome(failure, key, status, not watch.refused, seconds)


def verdict(case: Case, status: int, fault: str, error: str, watch: Watch, folder: Path) -> tuple[str, str]:
    left = sorted(set(os.listdir(folder)) - set(case.files) - (set(case.outputs) if status != 2 else set()))
    lines = [x for x in error.splitlines() if not any(note in x for note in NOTES)]
    if fault:
        return "internal error", fault
    if watch.executed or (folder / "canary").exists():
        return "executed", watch.executed
    if status not in (0, 1, 2):
        return "exit status", str(status)
    if status == 2 and len(lines) > 1:
        return "several lines", lines[0][:100]
    if any(len(x) > LONGEST or any(category(c) == "Cc" for c in x) for x in lines):
        return "unreadable line", max(lines, key=len)[:100]
    return ("files left behind", " ".join(left)) if left else ("", "")


def place(problem: BaseException) -> str:
    """The kind of an error and the innermost line of the project that it came from."""
    frames = [f for f in traceback.extract_tb(problem.__traceback__) if "site-packages" not in f.filename]
    inner = [f for f in frames if "/derive/" in f.filename or "/verify/" in f.filename] or frames
    text = " ".join(str(problem).split())[:120]
    return f"{type(problem).__name__} at {'/'.join(inner[-1].filename.split('/')[-3:])}:{inner[-1].lineno} ({text})"


def clear(folder: Path) -> None:
    for name in os.listdir(folder):
        path = folder / name
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


# ---------------------------------------------------------------------------------------------- the parent's side


class Child:
    """A forked process that runs cases one after another and writes what became of each to a pipe."""

    def __init__(self, cases: list[Case], programs: Mapping[str, Entry], limits: Limits, refusals: tuple[type, ...]) -> None:
        self.cases, self.at, self.limits = cases, 0, limits
        self.folder = tempfile.mkdtemp(prefix="fuzz-")
        self.buffer = b""
        read, write = os.pipe()
        sys.stdout.flush()
        self.pid = os.fork()
        if not self.pid:
            os.close(read)
            self._work(write, programs, refusals)
        os.close(write)
        self.pipe = read
        self._started()

    def _work(self, pipe: int, programs: Mapping[str, Entry], refusals: tuple[type, ...]) -> None:
        try:
            os.setpgid(0, 0)
            resource.setrlimit(resource.RLIMIT_AS, (self.limits.memory, self.limits.memory))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            null = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):  # what C libraries write when they abort
                os.dup2(null, stream)
            faulthandler.disable()
            warnings.simplefilter("ignore")
            os.environ["SHADOWFLOW_DEBUG"] = "1"
            watch, folder = Watch(), Path(self.folder)
            for kind in refusals:
                watch.mark(kind)
            for case in self.cases:
                outcome = run_case(case, programs, watch, folder)
                os.write(pipe, json.dumps(vars(outcome)).encode() + b"\n")
        finally:
            os._exit(0)

    def _started(self) -> None:
        self.began, self.used = time.monotonic(), processor_seconds(self.pid)

    def outcomes(self) -> Iterator[tuple[Case, Outcome]]:
        """What has arrived; the present case is a hang where its time is up."""
        if select.select([self.pipe], [], [], 0)[0]:
            chunk = os.read(self.pipe, 1 << 16)
            self.buffer += chunk
            *lines, self.buffer = self.buffer.split(b"\n")
            for line in lines:
                yield self.cases[self.at], Outcome(**json.loads(line))
                self.at += 1
                self._started()
            if not chunk:
                _, status = os.waitpid(self.pid, 0)
                self.pid = 0
                if self.at < len(self.cases):
                    yield self._ended("abort", f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else "left")
        elif self.pid and self._late():
            self.kill()
            yield self._ended("hang", f"more than {self.allowed:g} s")

    def _ended(self, failure: str, key: str) -> tuple[Case, Outcome]:
        case = self.cases[self.at]
        self.at += 1
        return case, Outcome(failure, f"{key} ({case.surface})", -1, True, self.allowed)

    @property
    def allowed(self) -> float:
        return self.limits.seconds * (self.cases[self.at].heavy if self.at < len(self.cases) else 1)

    def _late(self) -> bool:
        """Processor time decides, so that a busy machine makes no hangs; ten times as long on the clock is one as well."""
        if processor_seconds(self.pid) - self.used > self.allowed:
            return True
        return time.monotonic() - self.began > 10 * self.allowed

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self.pid = 0

    def close(self) -> list[Case]:
        """What it did not come to."""
        if self.pid:
            self.kill()
        os.close(self.pipe)
        shutil.rmtree(self.folder, ignore_errors=True)
        return self.cases[self.at :]


def processor_seconds(pid: int) -> float:
    """User and system time of a process; the clock's where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return time.monotonic()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run_cases(
    cases: Iterator[Case], programs: Mapping[str, Entry], limits: Limits, refusals: tuple[type, ...], jobs: int = 1
) -> Iterator[tuple[Case, Outcome]]:
    """Every case with its outcome, by `jobs` children at a time."""
    children: list[Child] = []
    more = True
    try:
        while more or children:
            while more and len(children) < jobs:
                batch = list(islice(cases, BATCH))
                more = len(batch) == BATCH
                if batch:
                    children.append(Child(batch, programs, limits, refusals))
            select.select([c.pipe for c in children if c.pid], [], [], 0.2)
            for child in list(children):
                yield from child.outcomes()
                if not child.pid:
                    children.remove(child)
                    rest = child.close()
                    if rest:
                        children.append(Child(rest, programs, limits, refusals))
    finally:
        for child in children:
            child.close()
