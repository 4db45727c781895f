"""derive sweep: results that are files, points that are processes, schedulers that give the same; what is refused or stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from click.testing import CliRunner

import derive
from derive.commands.main import main
from derive.commands.points import Derivations, Point, points
from derive.errors import ReductionError, UsageError
from derive.sweeps import Result, apart, file_of, results, sweep

HELD: list[int] = []
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here: points run in the process itself")


@dataclass(frozen=True)
class Squares:
    """A plan of numbers; `ran` are those that were carried out here."""

    ran: tuple[list[int], ...] = ([],)
    stop_at: int | None = None
    task: ClassVar[int] = 2

    def request(self, point: int) -> dict[str, Any]:
        return {"point": point}

    def label(self, point: int) -> str:
        return "square"

    def settles(self, result: Result) -> bool:
        return result["value"] >= 0

    def run(self, points: Sequence[int]) -> list[Result]:
        if self.stop_at in points:
            raise KeyboardInterrupt
        self.ran[0].extend(points)
        return [{"value": p * p} for p in points]


def run(*arguments: str) -> tuple[int, str]:
    found = CliRunner().invoke(main, ["sweep", *arguments], standalone_mode=False)
    assert found.exception is None, found.exception
    return found.return_value, found.stdout


def without_seconds(found: Sequence[Result]) -> list[Result]:
    return [{k: v for k, v in r.items() if k != "seconds"} for r in found]


# ------------------------------------------------------------------------------------------ files


def test_only_what_is_missing_half_written_or_unsettled_is_run(tmp_path: Path) -> None:
    plan = Squares()
    assert sweep(plan, [1, 2, 3], tmp_path) == [{"value": 1}, {"value": 4}, {"value": 9}]
    file_of(plan, tmp_path, 1).write_text('{"request": {"poi')
    file_of(plan, tmp_path, 2).write_text(json.dumps({"request": {"point": 2}, "result": {"value": -1}}))
    plan.ran[0].clear()
    assert [r["value"] for r in sweep(plan, [1, 2, 3, 4], tmp_path)] == [1, 4, 9, 16]
    assert plan.ran[0] == [1, 2, 4]


def test_an_answer_to_another_request_is_no_answer(tmp_path: Path) -> None:
    plan = Squares()
    file_of(plan, tmp_path, 3).write_text(json.dumps({"request": {"point": 2}, "result": {"value": 4}}))
    assert sweep(plan, [3], tmp_path) == [{"value": 9}]


def test_an_interruption_leaves_whole_files_and_nothing_else(tmp_path: Path) -> None:
    plan = Squares(stop_at=5)
    with pytest.raises(KeyboardInterrupt):
        sweep(plan, [1, 2, 3, 4, 5, 6], tmp_path)
    assert {*tmp_path.iterdir()} == {file_of(plan, tmp_path, p) for p in (1, 2, 3, 4)}
    assert all(json.loads(p.read_text())["result"] for p in tmp_path.iterdir())


def test_a_write_that_is_interrupted_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*names: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sweep(Squares(), [1], tmp_path)
    assert not [*tmp_path.iterdir()]


def test_a_folder_that_cannot_be_and_a_scheduler_that_is_none_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="no folder for results can be made there"):
        sweep(Squares(), [1], tmp_path / "file")
    with pytest.raises(UsageError, match="write joblib, dask, or the address"):
        sweep(Squares(), [1], scheduler="slurm")


def test_a_longer_time_asks_again_what_was_stopped(tmp_path: Path) -> None:
    stopped = {"error": "stopped after 2 s of processor time", "stopped": 2}
    assert Derivations(seconds=2).settles(stopped)
    assert not Derivations(seconds=3).settles(stopped)
    assert not Derivations().settles(stopped)


def test_another_text_order_regime_or_question_has_another_file(tmp_path: Path) -> None:
    (point,) = points(["momentum"], "first", [1])
    plan = Derivations()
    others = [
        replace(point, text=point.text.replace("gamma", "2*gamma")),
        replace(point, order=2),
        replace(point, regime="inertial"),
    ]
    files = {file_of(plan, tmp_path, p) for p in (point, *others)} | {file_of(Derivations(True), tmp_path, point)}
    assert len(files) == 5


# ------------------------------------------------------------------------------------------ a process a point


def held(point: int) -> Result:
    HELD.append(point)
    return {"held": len(HELD), "process": os.getpid()}


def endless(point: int) -> Result:
    """Inside one call of C, where Python looks at no signal."""
    return {"value": len(bin(3 ** (10**10)))}


def killed(point: int) -> Result:
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def refused(point: int) -> Result:
    raise ReductionError("scheme x: it has none")


def broken(point: int) -> Result:
    return {"value": 1 // 0}


@needs_fork
def test_a_worker_keeps_nothing_of_its_points() -> None:
    found = [apart(held, p) for p in range(5)]
    assert HELD == []
    assert {r["held"] for r in found} == {1}
    assert len({r["process"] for r in found} - {os.getpid()}) == 5


@needs_fork
@pytest.mark.parametrize("work, reason", [
    (refused, "scheme x: it has none"),
    (broken, "internal error, please report it: ZeroDivisionError"),
    (killed, "SIGKILL"),
])  # fmt: skip
def test_what_ends_a_point_is_its_result(work: Callable[[int], Result], reason: str) -> None:
    found = apart(work, 0)
    assert reason in found["error"]
    assert Derivations().settles(found) == (work is refused), "what was none of its own is tried again"


@needs_fork
def test_a_point_that_takes_too_long_is_stopped_inside_a_library_too() -> None:
    assert apart(endless, 0, 1) == {"error": "stopped after 1 s of processor time", "stopped": 1}


@needs_fork
def test_a_point_ends_with_its_worker() -> None:
    code = (
        "import os, time\nfrom derive.sweeps import apart\n"
        "def work(p):\n    print(os.getpid(), flush=True)\n    time.sleep(600)\n    return {}\napart(work, 0)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        child = int(worker.stdout.readline())
        worker.kill()
    for _ in range(200):
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        if "Z" in Path(f"/proc/{child}/stat").read_text().split()[2:3]:
            return
        time.sleep(0.1)
    os.kill(child, signal.SIGKILL)
    pytest.fail("the point outlives its worker")


# ------------------------------------------------------------------------------------------ schedulers


@pytest.mark.filterwarnings("default")
def test_joblib_gives_what_one_process_gives() -> None:
    pytest.importorskip("joblib", reason="joblib is not installed (extra 'sweep')")
    chosen = points(["gd", "momentum"], "first", [0, 1])
    far = dict(results(Derivations(), chosen, jobs=2))
    assert without_seconds([far[k] for k in range(4)]) == without_seconds(Derivations().run(chosen))


@pytest.mark.filterwarnings("default")
def test_a_local_cluster_of_dask_gives_what_one_process_gives(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed", reason="dask is not installed (extra 'sweep')")
    chosen = points(["gd", "momentum"], "first", [0, 1])
    with distributed.LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address=None) as cluster:
        found = sweep(Derivations(), chosen, tmp_path, cluster.scheduler_address)
        again = sweep(Derivations(), chosen, tmp_path)  # all are there
    assert without_seconds(found) == without_seconds(Derivations().run(chosen))
    assert again == found


def test_without_joblib_several_processes_are_refused_and_one_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "joblib", None)
    with pytest.raises(UsageError, match=r"need joblib: pip install 'shadowflow\[sweep\]'; --jobs 1 needs nothing"):
        sweep(Squares(), [1, 2], jobs=2)
    assert sweep(Squares(), [2]) == [{"value": 4}]


# ------------------------------------------------------------------------------------------ the command


def test_the_table_has_a_line_a_point_and_says_what_is_refused() -> None:
    status, text = run("gd", "momentum", "lbfgs", "--order", "1", "--order", "0")
    lines = text.splitlines()
    assert status == 2
    assert [line.split()[:5] for line in lines[1:3]] == [["gd", "-", "0", "1", "1"], ["gd", "-", "1", "1", "2"]]
    assert [line.split()[1] for line in lines[3:11:2]] == list(derive.load_scheme("momentum").regimes)
    assert "lbfgs" in lines[-2]
    assert "refused: L-BFGS has no modified equation" in lines[-2]
    assert lines[-1].startswith("12 points: 10 derived, 2 refused;")


def test_proofs_and_laws_and_every_region_stand_in_the_table() -> None:
    status, text = run("gd-clipped-norm", "sgld", "--prove", "--order", "0", "--format", "json")
    branches, law = json.loads(text)
    assert status == 0
    assert (branches["regions"], branches["verdict"], branches["proved"]) == (2, "verified", True)
    assert (law["law"], law["verdict"]) == (True, "verified")


@needs_fork
def test_a_false_equation_is_refuted_with_status_1(monkeypatch: pytest.MonkeyPatch) -> None:
    """The equation of Heun's method in the place of gradient descent's: f_1 is missing."""
    right = derive.modified_equations

    def wrong(scheme: Any, order: int, **options: Any) -> Any:
        return [replace(right(scheme, order, **options)[0], equations=derive.modified_equation("heun", order).equations)]

    monkeypatch.setattr(derive, "modified_equations", wrong)
    status, text = run("gd", "--prove", "--order", "1")
    assert status == 1
    assert "refuted by proof" in text


def test_bad_choices_are_refused_before_anything_runs(tmp_path: Path) -> None:
    for arguments, message in (
        (["gdd"], "unknown scheme 'gdd'"),
        (["gd", "--regime", "inertial"], "none of these schemes has it"),
        (["gd", "--point-limit", "soon"], "soon"),
    ):
        with pytest.raises(UsageError, match=message):
            main(["sweep", *arguments, "--out", str(tmp_path / "results")], standalone_mode=False)
    assert not (tmp_path / "results").exists()


@needs_fork
def test_control_c_leaves_whole_files_and_a_sweep_that_goes_on(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "derive.commands.main", "sweep", "momentum", "nesterov", "qhm", "--order", "3"]
    with subprocess.Popen([*command, "--out", str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as first:
        while not [*tmp_path.glob("*.json")] and first.poll() is None:
            time.sleep(0.01)
        first.send_signal(signal.SIGINT)
        out, err = first.communicate()
    whole = {p: json.loads(p.read_text())["result"] for p in tmp_path.iterdir()}  # fails on half a file, and on another name
    if first.returncode:  # it may have been done
        assert (first.returncode, out, err) == (130, "", "derive: interrupted\n")
    chosen = points(["momentum", "nesterov", "qhm"], None, [3])
    found = sweep(Derivations(), chosen, tmp_path)
    assert {file_of(Derivations(), tmp_path, p) for p in chosen} == {*tmp_path.iterdir()}
    assert all(result in found for result in whole.values())


def test_points_are_every_regime_or_the_first_or_one() -> None:
    regimes = list(derive.load_scheme("momentum").regimes)
    assert [p.regime for p in points(["momentum"], None, [1])] == regimes
    assert [p.regime for p in points(["momentum", "gd"], regimes[1], [1])] == regimes[1:2]
    assert {p.scheme for p in points([], "first", [0])} == {*derive.catalogue()}
    assert isinstance(points(["gd"], None, [1])[0], Point)
