"""What the commands share: one-line errors with exit status 2, clean interruption, output encoding, progress."""

from __future__ import annotations

import codecs
import errno
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any, NoReturn

import click

from derive.errors import DeriveError, shown
from derive.language.letters import plain_key

CANNOT_RUN, READER_LEFT = 2, 141
LONGEST_QUOTE, LONGEST_MESSAGE = 80, 600  # characters
_ASCII = "plain_ascii"
#: errors of a stream that takes no more: full, broken, closed, beyond a limit
_OUTPUT_FAILS = (errno.ENOSPC, errno.EIO, errno.EBADF, errno.EFBIG, errno.EDQUOT)


class LazyGroup(click.Group):
    """A group whose commands are imported when they are run: name -> (module, attribute, one-line help)."""

    lazy: dict[str, tuple[str, str, str]] = {}

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, args or ["--help"])  # asked for nothing: the help is the answer, not an error

    def list_commands(self, ctx: click.Context) -> list[str]:
        own = [n for n in super().list_commands(ctx) if n not in self.lazy]
        return sorted((*own, *self.lazy), key=lambda n: n == "completion")

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self.lazy:
            module, attribute, _ = self.lazy[cmd_name]
            command = getattr(import_module(module), attribute)
            assert isinstance(command, click.Command)
            return command
        return super().get_command(ctx, cmd_name)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        from derive.errors import nearest

        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            names = self.list_commands(ctx)
            raise click.UsageError(f"no command '{name}'{nearest(name, names)} (commands: {', '.join(names)})")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = []
        for name in self.list_commands(ctx):
            if name in self.lazy:
                rows.append((name, self.lazy[name][2]))
            elif (command := self.get_command(ctx, name)) is not None:
                rows.append((name, command.get_short_help_str(100)))
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def run(group: click.Group, program: str) -> None:
    """Run a command line: data on stdout, errors as one line on stderr with status 2, status 1 only where a command says so."""
    if sys.stdout is None:
        _stop(program, "standard output is closed; nothing can be printed")
    for stream in (sys.stdout, sys.stderr):
        _show_what_the_encoding_has_not(stream)
    try:
        status = _called(group, program)
        sys.stdout.flush()
        sys.exit(status if isinstance(status, int) else 0)
    except DeriveError as error:
        _stop(program, str(error))
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        _stop(program, " ".join(error.format_message().split()))
    except (KeyboardInterrupt, click.Abort):
        say(program, "interrupted")
        sys.exit(130)
    except BrokenPipeError:
        _drop_output()
        sys.exit(READER_LEFT)
    except MemoryError:
        _stop(program, "this takes more memory than there is; ask for a lower order or a smaller input")
    except RecursionError:
        _stop(program, "a formula here is nested too deeply for this program; write it in several assignments")
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _OUTPUT_FAILS:
            _drop_output()
            _stop(program, f"cannot write to standard output: {error.strerror}")
        if os.environ.get("SHADOWFLOW_DEBUG"):
            raise
        _stop(program, f"internal error, please report it: {type(error).__name__}: {error} (SHADOWFLOW_DEBUG=1 shows where)")


def _called(group: click.Group, program: str) -> Any:
    """The command's status.  What click's own `main` would catch, the reader that leaves among it, is left to `run`."""
    variable = f"_{program.upper()}_COMPLETE"
    if instruction := os.environ.get(variable):
        from click.shell_completion import shell_complete

        return shell_complete(group, {}, program, variable, instruction)
    with group.make_context(program, sys.argv[1:]) as context:
        return group.invoke(context)


def _show_what_the_encoding_has_not(stream: Any) -> None:
    """Characters that the stream cannot encode are written as \\u2207, never an error.

    ASCII goes by a name of our own: click takes a stream called ascii for a mistake and writes UTF-8 to it.
    """
    with suppress(AttributeError, ValueError, LookupError):
        ascii_stream = codecs.lookup(stream.encoding).name == "ascii"
        if ascii_stream:
            codecs.register(_ascii_by_name)
        stream.reconfigure(encoding=_ASCII if ascii_stream else stream.encoding, errors="backslashreplace")


def _ascii_by_name(name: str) -> codecs.CodecInfo | None:
    a = codecs.lookup("ascii")
    parts = (a.encode, a.decode, a.streamreader, a.streamwriter, a.incrementalencoder, a.incrementaldecoder)
    return codecs.CodecInfo(*parts, name=_ASCII) if name == _ASCII else None


def _drop_output() -> None:
    """Nobody takes it: what is still in the buffer goes nowhere, and the end of the program says nothing about it."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def say(program: str, message: str) -> None:
    """One line on standard error, as far as anybody listens."""
    with suppress(OSError):
        click.echo(f"{program}: {one_line(message)}", err=True)


_QUOTED = re.compile(rf"(?<!\w)'([^']{{{LONGEST_QUOTE},}})'(?!\w)")


def one_line(message: str) -> str:
    """A message that fits on a few lines of a terminal and is only shown by it: what it quotes is cut, and so is the whole.

    >>> one_line("unknown scheme '" + 300*"x" + "'; see\\x1b[2J")
    "unknown scheme 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx ... xxxxxxxxxxxxxxxxxxxx'; see\\\\x1b[2J"
    """
    line = _QUOTED.sub(lambda found: f"'{_cut(found[1], LONGEST_QUOTE)}'", shown(message.strip()))
    return _cut(line, LONGEST_MESSAGE)


def _cut(text: str, length: int) -> str:
    """Three quarters from the front and a quarter from the back of what is longer."""
    if len(text) <= length:
        return text
    return f"{text[: length * 3 // 4]} ... {text[-length // 4 :]}"


def _stop(program: str, message: str) -> NoReturn:
    say(program, message)
    sys.exit(CANNOT_RUN)


def ascii_only() -> bool:
    """Whether standard output cannot show the Unicode notation."""
    try:
        "∇²θ⊙⟨⟩√′β₁⁺".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return True
    return False


class _Bar:
    """A bar that appears once `delay` seconds have passed, whether or not a step has ended by then."""

    def __init__(self, what: str, total: int, delay: float) -> None:
        self.what, self.total, self.done = what, total, 0
        self.shown: tuple[Any, Any] | None = None
        self.timer = threading.Timer(delay, self.show)
        self.timer.daemon = True
        self.timer.start()

    def show(self) -> None:
        self.shown = _start_bar(self.what, self.total)
        self.advance(self.done)

    def advance(self, done: int) -> None:
        self.done = done
        if self.shown is not None:
            bar, task = self.shown
            bar.update(task, completed=done)

    def stop(self) -> None:
        self.timer.cancel()
        if self.shown is not None:
            self.shown[0].stop()


@contextmanager
def progress(what: str, total: int, delay: float = 2.0) -> Iterator[Callable[[int], None]]:
    """A function to call with the number of steps done; a bar on stderr, on a terminal only, once `delay` seconds have passed."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda done: None
        return
    bar = _Bar(what, total, delay)
    try:
        yield bar.advance
    finally:
        bar.stop()


def _start_bar(what: str, total: int) -> tuple[Any, Any]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"), TimeElapsedColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    bar.start()
    return bar, bar.add_task(what, total=total)


def settings(pairs: tuple[str, ...], option: str = "--set", example: str = "beta=9/10") -> dict[str, str]:
    """('β=9/10', 'r(t)=1/(1+t)') -> {'beta': '9/10', 'r(t)': '1/(1+t)'}."""
    result: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise click.UsageError(f"{option} '{pair}' is not of the form name=value, such as {example}")
        if plain_key(name) in result:
            raise click.UsageError(f"{option} {plain_key(name)} is given twice")
        result[plain_key(name)] = value.strip()
    return result
