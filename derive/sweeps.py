"""Many points of one plan: joblib or Dask, one result file a point, so that a sweep goes on where it was interrupted.

    points --files that answer already--> left --tasks--> one process, joblib, Dask --> (number of a point, its result) --> files

A task is what is lost by an interruption.  `apart` carries a point out in a process of its own, which ends with it: what its
caches held is given back, whatever stops it is its result, and arithmetic inside a C library ends with its time.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from hashlib import sha256
from logging import ERROR
from math import ceil
from pathlib import Path
from typing import Any, ClassVar, NoReturn, Protocol, TypeVar

from derive.errors import DeriveError, UsageError, shown
from derive.files import write_whole

Result = dict[str, Any]  # plain data; with the key "error", the reason why there is none
Found = Generator[tuple[int, Result], None, None]  # number of a point, its result
P = TypeVar("P", contravariant=True)
Q = TypeVar("Q")


class Plan(Protocol[P]):
    """What is done at every point.  A plan and its points travel to other processes."""

    task: ClassVar[int]  # points of a task, at most

    def request(self, point: P) -> dict[str, Any]:
        """What a result is the answer to: all that it depends on, as plain data."""

    def label(self, point: P) -> str:
        """The beginning of the name of the point's file."""

    def settles(self, result: Result) -> bool:
        """Whether a result found earlier still answers."""

    def run(self, points: Sequence[P]) -> list[Result]:
        """The results of a task, in a worker."""


def file_of(plan: Plan[P], folder: Path, point: P) -> Path:
    """Where the result of a point lies: another request has another file."""
    text = json.dumps(plan.request(point), sort_keys=True)
    return folder / f"{plan.label(point)}-{sha256(text.encode()).hexdigest()[:16]}.json"


def sweep(
    plan: Plan[P],
    points: Sequence[P],
    folder: str | Path | None = None,
    scheduler: str = "joblib",
    jobs: int = 1,
    advance: Callable[[int], None] = lambda done: None,
) -> list[Result]:
    """The result of every point, those of `folder` taken from it and new ones written there as they come.

    Parameters are those of `results`.  Raises UsageError for a scheduler that cannot be had and a folder that cannot be written.
    """
    where = Path(folder) if folder is not None else None
    found = {i: old for i, p in enumerate(points) if where and (old := _read(plan, where, p)) is not None}
    left = [i for i in range(len(points)) if i not in found]
    advance(len(found))
    if where and left:
        _make(where)
    with closing(results(plan, [points[i] for i in left], scheduler, jobs)) as new:
        for k, result in new:
            found[left[k]] = result
            if where:
                _write(plan, where, points[left[k]], result)
            advance(len(found))
    return [found[i] for i in range(len(points))]


def results(plan: Plan[P], points: Sequence[P], scheduler: str = "joblib", jobs: int = 1) -> Found:
    """(number of a point, its result) as they come.

    scheduler   'joblib', 'dask' for a local cluster, or the address of a Dask scheduler, 'tcp://...'
    jobs        processes, of joblib or of the local cluster; one of joblib is this process
    """
    size = max(1, min(plan.task, -(-len(points) // jobs)))
    tasks = [range(i, min(i + size, len(points))) for i in range(0, len(points), size)]
    with closing(_scheduled(plan, scheduler, jobs, [[points[i] for i in task] for task in tasks])) as done:
        for k, task in done:
            yield from zip(tasks[k], task, strict=True)


# ------------------------------------------------------------------------------------------ files


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder}: no folder for results can be made there: {error.strerror}") from None


def _read(plan: Plan[P], folder: Path, point: P) -> Result | None:
    """The result in a file, where it is the whole answer to this request."""
    try:
        data = json.loads(file_of(plan, folder, point).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    whole = isinstance(data, dict) and data.get("request") == plan.request(point) and isinstance(data.get("result"), dict)
    return data["result"] if whole and plan.settles(data["result"]) else None


def _write(plan: Plan[P], folder: Path, point: P, result: Result) -> None:
    data = {"request": plan.request(point), "result": result}
    write_whole(file_of(plan, folder, point), json.dumps(data, indent=2) + "\n")


# ------------------------------------------------------------------------------------------ schedulers

Tasks = Sequence[Sequence[Any]]
Done = Generator[tuple[int, list[Result]], None, None]  # number of a task, its results


def _numbered(plan: Plan[P], k: int, points: Sequence[P]) -> tuple[int, list[Result]]:
    """Where a worker begins."""
    return k, plan.run(points)


def _scheduled(plan: Plan[Any], scheduler: str, jobs: int, tasks: Tasks) -> Done:
    """(number of a task, its results) as they come."""
    if scheduler not in ("joblib", "dask") and "://" not in scheduler:
        raise UsageError(f"--scheduler {scheduler}: write joblib, dask, or the address of a Dask scheduler, tcp://HOST:PORT")
    if not tasks:
        return
    if scheduler != "joblib":
        yield from _by_dask(plan, None if scheduler == "dask" else scheduler, jobs, tasks)
    elif jobs == 1:
        yield from (_numbered(plan, k, task) for k, task in enumerate(tasks))
    else:
        yield from _by_joblib(plan, jobs, tasks)


def _by_joblib(plan: Plan[Any], jobs: int, tasks: Tasks) -> Done:
    try:
        from joblib import Parallel, delayed
    except ModuleNotFoundError:
        raise UsageError("several processes need joblib: pip install 'shadowflow[sweep]'; --jobs 1 needs nothing") from None
    pool = Parallel(n_jobs=jobs, batch_size=1, return_as="generator_unordered")
    yield from pool(delayed(_numbered)(plan, k, task) for k, task in enumerate(tasks))


def _by_dask(plan: Plan[Any], address: str | None, jobs: int, tasks: Tasks) -> Done:
    try:
        from distributed import Client, LocalCluster, as_completed
    except ModuleNotFoundError:
        raise UsageError("a Dask scheduler needs dask: pip install 'shadowflow[sweep]'") from None
    from contextlib import ExitStack

    with ExitStack() as stack:
        if address is None:
            with _deaf():
                cluster = stack.enter_context(
                    LocalCluster(n_workers=jobs, threads_per_worker=1, dashboard_address=None, silence_logs=ERROR)
                )
            client = stack.enter_context(Client(cluster))
        else:
            try:
                client = stack.enter_context(Client(address, timeout=10))
            except (OSError, TimeoutError, ValueError) as error:
                first = (str(error).splitlines() or [type(error).__name__])[0]
                raise UsageError(f"--scheduler {address}: no Dask scheduler answers there ({first})") from None
        futures = [client.submit(_numbered, plan, k, task, pure=False) for k, task in enumerate(tasks)]
        for _, done in as_completed(futures, with_results=True):
            yield done


@contextmanager
def _deaf() -> Iterator[None]:
    """Processes that are started here do not hear the terminal's interruption: whoever started them ends them, in order."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


# ------------------------------------------------------------------------------------------ a process a point

_forking = threading.Lock()


def apart(work: Callable[[Q], Result], point: Q, seconds: float | None = None) -> Result:
    """work(point) in a process of its own, of at most so many seconds of processor time; {"error": reason} where it has none.

    Beside a reason that says that the time was over stands the time, as "stopped", and "failed" beside one that is none of the
    point's own.  The process ends with this one.  Where no process can be forked, this one does the work.
    """
    if not hasattr(os, "fork"):
        return _attempt(work, point)
    parent = os.getpid()
    with _forking, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of a worker with threads: the child uses none of them
        told, tell = os.pipe()
        child = os.fork()
        if not child:
            _carry_out(work, point, seconds, tell, parent)
        os.close(tell)
    try:
        with os.fdopen(told, "rb") as stream:
            data = stream.read()
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    except BaseException:
        with suppress(ProcessLookupError, ChildProcessError):
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        raise
    return json.loads(data) if not code else _stopped(code, seconds)


def _attempt(work: Callable[[Q], Result], point: Q) -> Result:
    try:
        return work(point)
    except DeriveError as error:
        return {"error": str(error)}
    except MemoryError:
        return {"error": "this takes more memory than there is", "failed": True}
    except RecursionError:
        return {"error": "a formula here is nested too deeply for this program", "failed": True}
    except Exception as error:
        said = shown(f"internal error, please report it: {type(error).__name__}: {error}")
        return {"error": said, "failed": True}


def _carry_out(work: Callable[[Q], Result], point: Q, seconds: float | None, tell: int, parent: int) -> NoReturn:
    """The child: nothing of its parent's is run, flushed or closed at its end."""
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is its parent that hears it
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()
        if seconds is not None:
            _limit(seconds)
        data = json.dumps(_attempt(work, point))
        with os.fdopen(tell, "w", encoding="utf-8") as stream:
            stream.write(data)
        os._exit(0)
    finally:
        os._exit(2)


def _limit(seconds: float) -> None:
    """SIGXCPU ends the process then; a core file would be of no use."""
    import resource

    whole = max(1, ceil(seconds))
    resource.setrlimit(resource.RLIMIT_CPU, (whole, whole + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _leave_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(2)


def _stopped(code: int, seconds: float | None) -> Result:
    """Why a child has no result: the signal that ended it."""
    if seconds is not None and -code == signal.SIGXCPU:
        return {"error": f"stopped after {seconds:g} s of processor time", "stopped": seconds}
    name = signal.Signals(-code).name if code < 0 else f"status {code}"
    said = f"its process was ended ({name}), by a library of arithmetic or for the memory it takes"
    return {"error": said, "failed": True}


__all__ = ["Plan", "Result", "apart", "file_of", "results", "sweep"]
