"""The net below the work: limits of memory and time, libraries that abort, interruptions; one line and an honest status."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from derive.errors import UsageError
from derive.sizes import parse_size, parse_time, resident_bytes, total_bytes

pytestmark = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
LONG = ["modified-eq", "adam", "--order", "9", "--force"]  # minutes and gigabytes, were it not stopped


def started(*args: str, **environment: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "derive.commands.main", *args]
    env = {**os.environ, **environment}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)


def derive(*args: str, **environment: str) -> tuple[int, str, str]:
    process = started(*args, **environment)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def in_the_net(work: str) -> tuple[int, str, str]:
    """Some work of a library, under the net of `derive`, with 300 MiB allowed."""
    code = f"import os\nfrom derive.commands.limits import _watcher, supervise\nsupervise('derive')\n{work}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("args", [["--memory-limit", "50M", *LONG], [*LONG, "--memory-limit", "50M"]], ids=["before", "behind"])
def test_memory_ends_in_one_line(args: list[str]) -> None:
    status, out, err = derive(*args)
    assert (status, out) == (2, "")
    assert err.startswith("derive: stopped: this takes more than 50 MiB of memory")
    assert err.count("\n") == 1


def test_time_ends_in_one_line(tmp_path: Path) -> None:
    target = tmp_path / "a"
    assert derive(*LONG, "--time-limit", "1s", "-o", str(target)) == (2, "", "derive: stopped after 1 s (--time-limit)\n")
    assert derive(*LONG, SHADOWFLOW_TIME_LIMIT="1") == (2, "", "derive: stopped after 1 s (--time-limit)\n")
    assert not list(tmp_path.iterdir())


def test_what_the_command_line_says_wins_over_the_environment() -> None:
    status, out, err = derive("modified-eq", "gd", "--time-limit", "5m", SHADOWFLOW_TIME_LIMIT="0.05s")
    assert (status, err) == (0, "")
    assert out.startswith("Gradient descent")


def test_a_library_that_looks_at_nothing_is_stopped() -> None:
    """One call of C that holds the interpreter's lock: no thread of the same process could see it."""
    tell = "os.write(_watcher[0], b'memory 300000000\\n')"
    status, out, err = in_the_net(f"{tell}\nfrom flint import fmpz\nx = fmpz(7)**(3*10**9)\nprint('done')")
    assert (status, out) == (2, "")
    assert err.startswith("derive: stopped: this takes more than 286 MiB of memory")
    tell = "os.write(_watcher[0], b'time 1\\n')"
    assert in_the_net(f"{tell}\nfrom flint import fmpz\nx = fmpz(7)**(2*10**9)") == (
        2, "", "derive: stopped after 1 s (--time-limit)\n"
    )  # fmt: skip


def test_a_library_that_aborts_is_one_line() -> None:
    status, out, err = in_the_net("os.abort()")
    assert (status, out) == (2, "")
    assert err == "derive: stopped: a library of arithmetic gave up (SIGABRT); ask for a lower order or a smaller input\n"


@pytest.mark.parametrize("status", [0, 1, 2, 141])
def test_the_status_of_the_work_is_the_programs(status: int) -> None:
    assert in_the_net(f"import sys\nprint('said')\nsys.exit({status})") == (status, "said\n", "")


@pytest.mark.parametrize("number, status, words", [
    (signal.SIGINT, 130, "derive: interrupted\n"), (signal.SIGTERM, 143, ""), (signal.SIGHUP, 129, ""),
])  # fmt: skip
def test_signals_reach_the_work(number: signal.Signals, status: int, words: str, tmp_path: Path) -> None:
    process = started("trees", "--tableau", "rk4", "--order", "17", "-o", str(tmp_path / "a"))
    time.sleep(2)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (status, "", words)
    assert not list(tmp_path.iterdir())


def test_an_interruption_of_a_library_does_not_wait_for_it() -> None:
    code = "from derive.commands.limits import supervise\nsupervise('derive')\nfrom flint import fmpz\nx = fmpz(7)**(10**9)"
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60)[1] == "derive: interrupted\n"
    assert process.returncode == 130


def test_the_work_ends_with_the_one_who_waits_for_it() -> None:
    process = started(*LONG)
    time.sleep(1.5)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert len(children) == 1
    process.kill()
    process.communicate()
    for _ in range(100):
        if resident_bytes(int(children[0])) in (None, 0):
            break
        time.sleep(0.1)
    assert resident_bytes(int(children[0])) in (None, 0)


def test_sizes_and_times() -> None:
    assert (parse_size("500M"), parse_size("1.5GiB"), parse_size("7")) == (500 * 2**20, 3 * 2**29, 7)
    assert (parse_time("90"), parse_time("90s"), parse_time("1.5m"), parse_time("2h")) == (90, 90, 90, 7200)
    for wrong in ("", "much", "-1", "1e3", "9" * 400, "5d"):
        with pytest.raises(UsageError, match="write for example"):
            parse_size(wrong)
        with pytest.raises(UsageError, match="write for example"):
            parse_time(wrong)
    with pytest.raises(UsageError):
        parse_time("0s")
    total, own = total_bytes(), resident_bytes(os.getpid())
    assert total is not None
    assert own is not None
    assert 0 < own < total
