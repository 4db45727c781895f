"""Writing files: the one place that does, so that no file is ever destroyed or half-written.

A file appears complete or not at all: it is written beside its place under another name and moved there in one step.  What is
there already keeps its mode and owner, and a new file the mode that the umask gives; a link stays and the file it points to is
replaced; what is no file (a FIFO, a device, /dev/stdout) is written through and stays what it is; what nobody may write, a
folder and a folder that does not exist are refused, by `check_writable` before the work that is to be written begins.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from derive.errors import UsageError

_ANYBODY = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
_STREAMS = ("/dev/std", "/dev/fd/", "/proc/")  # names of open streams, whatever they lead to


def check_writable(path: str | Path, option: str = "") -> None:
    """Before the work: UsageError, with what stands in the way, where a file could not be put at `path`.

    >>> check_writable("no/such/folder/out.json", "-o")
    Traceback (most recent call last):
    derive.errors.UsageError: -o: cannot write 'no/such/folder/out.json': the folder 'no/such/folder' does not exist
    """
    with _reasons(path, option):
        target = _target(path)
        there = _status(target)
        if there is not None and stat.S_ISDIR(there.st_mode):
            raise OSError(0, "it is a folder; name a file in it")
        if there is not None:
            _require_permission(target, there, "it is read-only")
        if not _written_through(path, there):
            _check_folder(target.parent)


def _check_folder(folder: Path) -> None:
    there = _status(folder)
    if there is None:
        raise OSError(0, f"the folder '{folder}' does not exist")
    if not stat.S_ISDIR(there.st_mode):
        raise OSError(0, f"'{folder}' is no folder")
    _require_permission(folder, there, f"the folder '{folder}' is read-only")


def _require_permission(path: Path, status: os.stat_result, otherwise: str) -> None:
    """A write bit for somebody, which holds the administrator off too, and the system's word that we may."""
    if not status.st_mode & _ANYBODY or not os.access(path, os.W_OK):
        raise OSError(0, otherwise)


def _target(path: str | Path) -> Path:
    """The file that is meant: the end of a chain of links, which need not exist."""
    text = os.fspath(path)
    if not text or text.endswith(("/", os.sep)) or "\0" in text:
        raise OSError(0, "this is no name of a file")
    return Path(os.path.realpath(text)) if os.path.islink(text) and not text.startswith(_STREAMS) else Path(text)


def _status(path: Path) -> os.stat_result | None:
    """None where nothing is there."""
    try:
        return path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None


def is_stream(path: str | Path) -> bool:
    """Whether something stands there that is written through: a FIFO, a device, an open stream.

    >>> is_stream("/dev/stdout"), is_stream("paper.tex")
    (True, False)
    """
    return _written_through(path, _status(Path(path)))


def _written_through(path: str | Path, there: os.stat_result | None) -> bool:
    return os.fspath(path).startswith(_STREAMS) or (there is not None and not stat.S_ISREG(there.st_mode))


@contextmanager
def _reasons(path: str | Path, option: str = "") -> Iterator[None]:
    """What the system says against writing, as one line; a reader of a FIFO that leaves stays a broken pipe."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UsageError(f"{option}: cannot write '{path}': {error.strerror}".removeprefix(": ")) from None


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary file that takes the place of `path` when the block ends well, and vanishes otherwise.

    Raises UsageError where it cannot be written.
    """
    check_writable(path)
    with _reasons(path):
        target = _target(path)
        there = _status(target)
        through = _written_through(path, there)
        folder = Path(tempfile.gettempdir()) if through else target.parent
        temporary = folder / f".{os.urandom(6).hex()}.part"
        try:
            os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))  # less the umask
            yield temporary
            if through:
                _pour(temporary, target)
            else:
                _keep(there, temporary)
                os.replace(temporary, target)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(temporary)


def _keep(there: os.stat_result | None, temporary: Path) -> None:
    """Owner and mode of what is replaced; the owner as far as the system lets."""
    if there is None:
        return
    own = temporary.stat()
    if (own.st_uid, own.st_gid) != (there.st_uid, there.st_gid):
        with suppress(OSError):
            os.chown(temporary, there.st_uid, there.st_gid)
    os.chmod(temporary, stat.S_IMODE(there.st_mode))


def _pour(source: Path, target: Path) -> None:
    """Hand the bytes to what stands at `target`, which is neither created, cut nor replaced."""
    with source.open("rb") as data, os.fdopen(os.open(target, os.O_WRONLY | os.O_APPEND), "wb") as stream:
        shutil.copyfileobj(data, stream)


def write_whole(path: str | Path, content: str | bytes) -> None:
    """Write a file that appears complete or not at all, whatever interrupts.

    Raises UsageError where it cannot be written.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
