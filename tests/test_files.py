"""Writing never destroys: what is there stays whole, keeps its kind and mode; what cannot be written is said before the work."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner

from derive.commands.main import main
from derive.errors import UsageError
from derive.files import check_writable, is_stream, replacing, write_whole
from verify.commands.main import main as verify

CLAIM = 'id = "x"\nstatement = "s"\nsource = "p"\nkind = "identity"\nleft = "grad"\nright = "grad"\n'


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


@pytest.fixture
def umask() -> object:
    before = os.umask(0o027)
    yield 0o027
    os.umask(before)


def test_a_new_file_has_the_mode_that_the_umask_gives(tmp_path: Path, umask: int) -> None:
    write_whole(tmp_path / "a", "text θ\n")
    assert (tmp_path / "a").read_bytes() == "text θ\n".encode()
    assert mode(tmp_path / "a") == 0o640


@pytest.mark.parametrize("bits", [0o600, 0o755, 0o664])
def test_a_file_that_is_replaced_keeps_its_mode(tmp_path: Path, bits: int) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    path.chmod(bits)
    write_whole(path, "new")
    assert (path.read_text(), mode(path), names(tmp_path)) == ("new", bits, ["a"])


def test_a_link_stays_and_its_end_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    end, middle, link = tmp_path / "far" / "end", tmp_path / "middle", tmp_path / "link"
    middle.symlink_to(end)
    link.symlink_to("middle")
    for text in ("first, where the link leads nowhere yet", "second"):
        write_whole(link, text)
        assert link.is_symlink()
        assert middle.is_symlink()
        assert end.read_text() == text


def test_a_fifo_is_written_through(tmp_path: Path) -> None:
    fifo, heard = tmp_path / "fifo", []
    os.mkfifo(fifo)
    reader = threading.Thread(target=lambda: heard.append(fifo.read_text()))
    reader.start()
    check_writable(fifo)
    write_whole(fifo, "said")
    reader.join(10)
    assert (heard, stat.S_ISFIFO(fifo.stat().st_mode), is_stream(fifo)) == (["said"], True, True)


def test_devices_are_written_through(tmp_path: Path) -> None:
    (tmp_path / "null").symlink_to("/dev/null")
    write_whole(tmp_path / "null", "gone")
    assert (tmp_path / "null").is_symlink()
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    with pytest.raises(UsageError, match="No space left"):
        write_whole("/dev/full", "much")


def protected(tmp_path: Path) -> Path:
    path = tmp_path / "kept"
    path.write_text("old")
    path.chmod(0o444)
    return path


def in_protected_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "closed"
    folder.mkdir()
    folder.chmod(0o555)
    return folder / "a"


def in_a_file(tmp_path: Path) -> Path:
    (tmp_path / "plain").write_text("")
    return tmp_path / "plain" / "a"


def circular(tmp_path: Path) -> Path:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    return tmp_path / "a"


REFUSED: list[tuple[Callable[[Path], Path], str]] = [
    (protected, "read-only"), (in_protected_folder, "is read-only"), (in_a_file, "is no folder"),
    (circular, "symbolic links"), (lambda folder: folder, "it is a folder"),
    (lambda folder: folder / "no" / "a", "does not exist"), (lambda folder: folder / ("x" * 300), "too long"),
]  # fmt: skip


@pytest.mark.parametrize("make, words", REFUSED, ids=[w for _, w in REFUSED])
def test_what_cannot_be_written_is_refused_at_once(tmp_path: Path, make: Callable[[Path], Path], words: str) -> None:
    path = make(tmp_path)
    before = names(tmp_path)
    for write in (lambda: check_writable(path, "-o"), lambda: write_whole(path, "new")):
        with pytest.raises(UsageError, match=words) as error:
            write()
        assert "\n" not in str(error.value)
    assert names(tmp_path) == before


@pytest.mark.parametrize("stop, seen", [
    (KeyboardInterrupt(), KeyboardInterrupt), (SystemExit(143), SystemExit), (ZeroDivisionError(), ZeroDivisionError),
    (OSError(28, "No space left on device"), UsageError),
])  # fmt: skip
def test_nothing_is_left_behind(tmp_path: Path, stop: BaseException, seen: type[BaseException]) -> None:
    path = tmp_path / "a"
    path.write_text("old")

    def half() -> None:
        with replacing(path) as part:
            part.write_text("half")
            raise stop

    with pytest.raises(seen):
        half()
    assert (names(tmp_path), path.read_text()) == (["a"], "old")


# ------------------------------------------------------------------------------------------ the commands

#: a command that works a while, and its option that names a file; "{}" is the file
COMMANDS = [
    "derive modified-eq adam --order 2 -o {}", "derive stability gd -o {}", "derive explain gd --output {}",
    "derive schemes -o {}", "derive compare gd heun -o {}", "derive trees rk4 -o {}", "derive trees rk4 --format npz --output {}",
    "derive paper gd -o {}.tex", "derive stability gd --plot {}.svg",
    "verify scheme gd -o {}", "verify scheme gd --plot {}.png", "verify report gd -o {}.html", "verify claims literature -o {}",
    "verify claims literature --record --lock {}",
    "verify formula --scheme gd --says theta:-grad -o {}",
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_no_work_is_done_for_a_file_that_cannot_be_written(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scheme and the claims are not even read."""

    def read(*_: object) -> None:
        raise AssertionError("the work has begun")

    monkeypatch.setattr(import_module("derive.scheme.catalogue"), "scheme_from_toml", read)
    monkeypatch.setattr("derive.trees.tableau.load_tableau", read)
    monkeypatch.setattr("verify.claims.reader.read_each", read)
    program, *words = command.replace("{}", str(tmp_path / "no" / "file")).split()
    result = CliRunner().invoke(main if program == "derive" else verify, words, standalone_mode=False)
    assert isinstance(result.exception, UsageError), result.exception
    assert "does not exist" in str(result.exception)


PRINTS = [
    "derive modified-eq gd", "derive modified-eq gd --format json", "derive modified-eq gd --format latex", "derive schemes gd",
    "derive modified-loss gd", "derive second-order momentum", "derive accuracy gd --target theta'+grad", "derive stability gd",
    "derive energy --order 1", "derive modifying gd", "derive initial-layer momentum", "derive compare gd heun",
    "derive finite-step momentum --step 2",
    "derive explain gd", "derive trees gd --order 3", "derive trees gd --order 3 --format json",
    "derive trees gd --order 3 --kind conditions", "derive paper --preamble",
    "verify formula --scheme gd --order 0 --says theta:-grad", "verify formula --scheme gd --order 0 --says theta:-2*grad",
    "verify claims one.toml",
]  # fmt: skip


@pytest.mark.parametrize("command", PRINTS)
def test_minus_o_writes_what_is_printed(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("one.toml").write_text(CLAIM)
    program, *words = command.split()
    group = main if program == "derive" else verify
    printed = CliRunner().invoke(group, words, standalone_mode=False, catch_exceptions=False)
    for option in ("-o", "--output"):
        path = tmp_path / f"{option}.out"
        written = CliRunner().invoke(group, [*words, option, str(path)], standalone_mode=False, catch_exceptions=False)
        assert (written.stdout, written.return_value) == ("", printed.return_value)
        assert path.read_text("utf-8") == printed.stdout
        assert written.stderr.endswith(f"wrote {path}\n")


def test_a_command_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    result = CliRunner().invoke(main, ["modified-eq", "momentum", "--set", "beta=1", "-o", str(path)], standalone_mode=False)
    assert result.exception is not None
    assert (path.read_text(), names(tmp_path)) == ("old", ["a"])


def test_locks_are_recorded_in_one_move(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "one.toml").write_text(CLAIM)
    lock = tmp_path / "claims.lock"
    assert CliRunner().invoke(verify, ["claims", str(tmp_path), "--record"], standalone_mode=False).exception is None
    before = lock.read_text()

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    result = CliRunner().invoke(verify, ["claims", str(tmp_path), "--record"], standalone_mode=False)
    assert result.exception is not None
    assert (lock.read_text(), names(tmp_path)) == (before, ["claims.lock", "one.toml"])
