"""Many settings of one optimizer: joblib or Dask, one result file a setting, so that a sweep goes on where it was interrupted.

Settings of one task share every compiled function; a task is what is lost by an interruption.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from itertools import product
from logging import ERROR
from pathlib import Path
from typing import Any

from derive.errors import UsageError
from derive.files import replacing

TASK = 16  # settings
Point = Mapping[str, float]
Result = dict[str, Any]  # of Comparison.to_json, or {"error": text}


@dataclass(frozen=True)
class Plan:
    """What all settings have in common; plain data, so that it travels."""

    optimizer: str
    model: str
    options: Mapping[str, int]
    count: int | None = None
    halvings: int = 2
    order: int = 2
    regime: str = "auto"

    def request(self, point: Point) -> dict[str, Any]:
        """What a result is the answer to."""
        return {**asdict(self), "point": dict(sorted(point.items()))}

    def file(self, folder: Path, point: Point) -> Path:
        text = json.dumps(self.request(point), sort_keys=True)
        return folder / f"{self.optimizer}-{self.model}-{sha256(text.encode()).hexdigest()[:16]}.json"


def grid(text: str, number: Callable[[str, str], float]) -> list[dict[str, float]]:
    """Every combination of the values.

    >>> grid("gamma=1e-3,2e-3; beta1=0.9", lambda name, text: float(text))
    [{'gamma': 0.001, 'beta1': 0.9}, {'gamma': 0.002, 'beta1': 0.9}]
    """
    axes: dict[str, list[float]] = {}
    for part in filter(str.strip, text.split(";")):
        name, equals, values = part.partition("=")
        if not equals or not values.strip() or name.strip() in axes:
            raise UsageError(f"--sweep '{part.strip()}': each name once, as in gamma=1e-3,2e-3;beta1=0.9,0.95")
        axes[name.strip()] = [number(name.strip(), v) for v in values.split(",")]
    if not axes:
        raise UsageError("--sweep has no values; write gamma=1e-3,2e-3;beta1=0.9,0.95")
    return [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]


def run_task(plan: Plan, points: Sequence[Point]) -> list[Result]:
    """Where a worker begins."""
    import jax

    jax.config.update("jax_enable_x64", True)
    from verify.network.experiment import compare_many
    from verify.network.models import built

    model = built(plan.model, **plan.options)
    found = compare_many(
        plan.optimizer, model, points, count=plan.count, halvings=plan.halvings, order=plan.order, regime=plan.regime
    )
    return [{"error": str(x)} if isinstance(x, UsageError) else x.to_json() for x in found]


def sweep(
    plan: Plan,
    points: Sequence[Point],
    folder: str | Path | None = None,
    scheduler: str = "joblib",
    jobs: int = 1,
    advance: Callable[[int], None] = lambda done: None,
) -> list[Result]:
    """The result of every setting, those of `folder` taken from it and new ones written there as they come.

    scheduler   'joblib', 'dask' for a local cluster, or the address of a Dask scheduler, 'tcp://...'
    jobs        processes, of joblib or of the local cluster

    Raises UsageError for a scheduler that cannot be had and a folder that cannot be written.
    """
    where = Path(folder) if folder is not None else None
    found = {i: old for i, p in enumerate(points) if where and (old := _read(plan.file(where, p), plan.request(p))) is not None}
    left = [i for i in range(len(points)) if i not in found]
    size = max(1, min(TASK, -(-len(left) // jobs)))
    tasks = [left[i : i + size] for i in range(0, len(left), size)]
    advance(len(found))
    if where and tasks:
        _make(where)
    for k, results in _scheduled(scheduler, jobs, [(plan, [points[i] for i in task]) for task in tasks]):
        for i, result in zip(tasks[k], results, strict=True):
            found[i] = result
            if where:
                _write(plan.file(where, points[i]), {"request": plan.request(points[i]), "result": result})
        advance(len(found))
    return [found[i] for i in range(len(points))]


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--output-dir {folder}: {error.strerror}") from None


def _read(path: Path, request: Mapping[str, Any]) -> Result | None:
    """The result in a file, where it is the whole answer to this request."""
    try:
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    whole = isinstance(data, dict) and data.get("request") == request and isinstance(data.get("result"), dict)
    return data["result"] if whole else None


def _write(path: Path, data: Mapping[str, Any]) -> None:
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(data, indent=2) + "\n", "utf-8")


Tasks = Sequence[tuple[Plan, Sequence[Point]]]
Done = Iterator[tuple[int, list[Result]]]


def _scheduled(scheduler: str, jobs: int, tasks: Tasks) -> Done:
    """(number of a task, its results) as they come."""
    if not tasks:
        return iter(())
    if scheduler == "joblib":
        return _by_joblib(jobs, tasks)
    if scheduler == "dask" or "://" in scheduler:
        return _by_dask(None if scheduler == "dask" else scheduler, jobs, tasks)
    raise UsageError(f"--scheduler {scheduler}: write joblib, dask, or the address of a Dask scheduler, tcp://HOST:PORT")


def _by_joblib(jobs: int, tasks: Tasks) -> Done:
    try:
        from joblib import Parallel, delayed
    except ModuleNotFoundError:
        raise UsageError("a sweep needs joblib: pip install 'shadowflow[sweep]'") from None
    results = Parallel(n_jobs=jobs, return_as="generator")(delayed(run_task)(*task) for task in tasks)
    yield from enumerate(results)


def _by_dask(address: str | None, jobs: int, tasks: Tasks) -> Done:
    try:
        from distributed import Client, LocalCluster, as_completed
    except ModuleNotFoundError:
        raise UsageError("a Dask scheduler needs dask: pip install 'shadowflow[sweep]'") from None
    from contextlib import ExitStack

    with ExitStack() as stack:
        if address is None:
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
        futures = {client.submit(run_task, *task, pure=False): k for k, task in enumerate(tasks)}
        for future in as_completed(list(futures)):
            yield futures[future], future.result()
