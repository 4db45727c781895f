"""The net below the work: a limit of memory and one of time, which end a command in one line with status 2.

The work is done in a child process, and the parent watches it: arithmetic inside a C library can neither be interrupted nor
look at the clock, and some libraries abort where memory ends.  Without `fork` there is no net, and the options do nothing.

    parent  --fork-->  child: parses the command line, tells the limits through a pipe, works, prints
    reads the pipe, looks at the child's memory and at the clock; ends with the child's status, or with 2
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import FrameType
from typing import Any, NoReturn

import click

from derive.commands.console import CANNOT_RUN, LazyGroup, say
from derive.sizes import parse_size, parse_time, resident_bytes, show, total_bytes

SHARE = 2 / 3  # of the memory there is, unless a limit is given
INTERVAL = 0.05  # seconds between two looks
PATIENCE = 3.0  # seconds from an interruption to the end, however busy a library is
_FAULTS = ("SIGABRT", "SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGKILL")
_watcher: list[int] = []  # in the child: the end of the pipe through which limits are told


def _tell(kind: str, read: Callable[[str], float]) -> Callable[[click.Context, click.Parameter, Any], Any]:
    """The callback of an option: check the value, and tell the watcher if there is one."""

    def told(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
        if value is not None:
            amount = read(value)
            for pipe in _watcher:
                os.write(pipe, f"{kind} {amount}\n".encode())
        return value

    return told


tell_memory, tell_time = _tell("memory", parse_size), _tell("time", parse_time)


def limits(environment: bool) -> list[click.Parameter]:
    """--memory-limit and --time-limit, also from the environment where they are the program's own."""
    size, span = (f"SHADOWFLOW_{name}" if environment else None for name in ("MEMORY_LIMIT", "TIME_LIMIT"))
    return [
        click.Option(
            ["--memory-limit"], metavar="SIZE", envvar=size, show_envvar=environment, expose_value=False, callback=tell_memory,
            help="Stop where more memory is used, such as 500M or 4G; two thirds of what there is by default.",
        ),
        click.Option(
            ["--time-limit"], metavar="TIME", envvar=span, show_envvar=environment, expose_value=False, callback=tell_time,
            help="Stop after this time, such as 30s, 5m or 1h; none by default.",
        ),
    ]  # fmt: skip


def limited(command: click.Command, environment: bool = False) -> click.Command:
    """The command with the two options, where it has none of its own by these names."""
    own = {p.name for p in command.params}
    command.params += [p for p in limits(environment) if p.name not in own]
    return command


class LimitedGroup(LazyGroup):
    """A group whose commands take the limits too, so that they may stand behind the command's name."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        command = super().get_command(ctx, cmd_name)
        return None if command is None else limited(command)


# ------------------------------------------------------------------------------------------ two processes


def supervise(program: str) -> None:
    """Returns in the process that does the work; the other one ends with its status, or with 2 and one line."""
    if not hasattr(os, "fork") or None in (sys.stdin, sys.stdout, sys.stderr) or os.environ.get("SHADOWFLOW_DEBUG"):
        return
    (told, tell), (gone, life) = os.pipe(), os.pipe()
    try:
        child = os.fork()
    except OSError:
        return
    if child:
        os.close(tell)
        os.close(gone)
        _end_with(_Watch(program, child, told).status())
    os.close(told)
    os.close(life)
    _watcher.append(tell)
    threading.Thread(target=_leave_with_parent, args=(gone,), daemon=True).start()
    for number in _heeded():
        signal.signal(number, _interrupt_once if number == signal.SIGINT else _terminate_once)


def _heeded() -> list[signal.Signals]:
    """The signals that end a program, less those that whoever started it has it ignore."""
    return [n for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if signal.getsignal(n) != signal.SIG_IGN]


def _end_with(status: int) -> NoReturn:
    """Without the end of a program that has done nothing."""
    os._exit(status)


def _leave_with_parent(gone: int) -> None:
    """Nobody waits for the result any more."""
    os.read(gone, 1)
    os._exit(CANNOT_RUN)


def _interrupt_once(number: int, frame: FrameType | None) -> None:
    """A terminal sends an interruption to both processes, and the parent hands it on: the second must not disturb the first."""
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _terminate_once(number: int, frame: FrameType | None) -> None:
    """End in order, so that no half-written file is left."""
    signal.signal(number, signal.SIG_IGN)
    raise SystemExit(128 + number)


@dataclass
class _Watch:
    """The parent's side."""

    program: str
    child: int
    told: int
    memory: float | None = None
    end: float | None = None
    asked: int = 0  # the signal that asked both to end
    asked_at: float = 0.0

    def status(self) -> int:
        """Watch until the child has ended; the status to end with."""
        begin, total = time.monotonic(), total_bytes()
        self.memory = None if total is None else SHARE * total
        for number in _heeded():
            signal.signal(number, self._hand_on)
        while (text := self._heard(INTERVAL)) != "":
            for kind, amount in (line.split() for line in (text or "").splitlines()):
                if kind == "memory":
                    self.memory = float(amount)
                else:
                    self.end = begin + float(amount)
            if reason := self._reason(begin):
                return self._stopped(reason)
            if self.asked and time.monotonic() > self.asked_at + PATIENCE:
                return self._stopped("interrupted", 128 + self.asked)
        return self._ended()

    def _heard(self, seconds: float) -> str | None:
        """What the child told, '' when it has ended, None when it says nothing."""
        ready, _, _ = select.select([self.told], [], [], seconds)
        return os.read(self.told, 4096).decode() if ready else None

    def _hand_on(self, number: int, frame: FrameType | None) -> None:
        self.asked, self.asked_at = number, time.monotonic()
        with suppress(ProcessLookupError):
            os.kill(self.child, number)

    def _reason(self, begin: float) -> str:
        used = resident_bytes(self.child)
        if self.memory is not None and used is not None and used > self.memory:
            more = "ask for a lower order or a smaller input, or raise --memory-limit"
            return f"stopped: this takes more than {show(int(self.memory))} of memory; {more}"
        if self.end is not None and time.monotonic() > self.end:
            return f"stopped after {self.end - begin:g} s (--time-limit)"
        return ""

    def _stopped(self, reason: str, status: int = CANNOT_RUN) -> int:
        """Ask the child to end in order, and end it if it does not; say why."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            os.kill(self.child, number)
            if self._heard(0.5) == "":
                break
        os.waitpid(self.child, 0)
        if sys.stderr.isatty():
            sys.stderr.write("\r\x1b[K\x1b[?25h")  # the line of a progress bar, and the cursor that it hides
        say(self.program, reason)
        return status

    def _ended(self) -> int:
        code = os.waitstatus_to_exitcode(os.waitpid(self.child, 0)[1])
        if code >= 0:
            return code
        name = signal.Signals(-code).name
        if name not in _FAULTS:
            return 128 - code
        say(self.program, f"stopped: a library of arithmetic gave up ({name}); ask for a lower order or a smaller input")
        return CANNOT_RUN
