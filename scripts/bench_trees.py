"""What tables over all rooted trees cost, against pybs and kauri in the same run.

    python scripts/bench_trees.py              everything (about 4 minutes, of which 2 for the peers)
    python scripts/bench_trees.py --quick      without 18 and 20 nodes, peers capped at 10 s

Every row runs in a fresh interpreter; seconds are those of the first call after the imports, and include the enumeration
of the trees.  A peer runs order after order until its time is up; its figure for N nodes is the time for all trees with at
most N nodes, and ours is taken for the same trees and the same method.  pybs needs scipy and a checkout of its
repository on PYTHONPATH, because the archive on PyPI lacks its subpackages.
"""

from __future__ import annotations

import argparse
import collections
import collections.abc
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

GIB = 2**30


@dataclass(frozen=True)
class Row:
    """One line of the cost table; `source` is a tableau, or a scheme with its settings."""

    title: str
    source: str
    order: int
    seconds: float
    gib: float | None = None
    settings: tuple[tuple[str, str], ...] = ()
    quick: bool = True


ROWS = (
    Row("explicit Euler, 12 nodes", "explicit-euler", 12, 0.1),
    Row("explicit Euler, 15 nodes", "explicit-euler", 15, 1),
    Row("explicit Euler, 18 nodes", "explicit-euler", 18, 15, 4, quick=False),
    Row("explicit Euler, 20 nodes", "explicit-euler", 20, 120, 20, quick=False),
    Row("rk4, 13 nodes", "rk4", 13, 1),
    Row("rk4, 15 nodes", "rk4", 15, 10),
    Row("symplectic Euler, two colours, 9 nodes", "symplectic-euler", 9, 2),
    Row("momentum, beta = 9/10, 15 nodes", "scheme:momentum", 15, 5, settings=(("beta", "9/10"),)),
    Row("momentum, beta symbolic, 12 nodes", "scheme:momentum", 12, 10),
)
PEERS = ("pybs", "kauri")


def measure(source: str, order: int, settings: dict[str, str]) -> dict[str, Any]:
    """Seconds, trees and peak memory of one table, in this interpreter."""
    from derive.trees import load_tableau, method_of_scheme, tree_series

    if source.startswith("scheme:"):
        method = method_of_scheme(source.removeprefix("scheme:"), settings=settings)
    else:
        method = load_tableau(source)
    import derive.trees.series  # noqa: F401

    begin = time.perf_counter()
    series = tree_series(method, order)
    seconds = time.perf_counter() - begin
    return {"seconds": seconds, "trees": series.trees.count, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}


def peer_orders(name: str) -> Iterator[tuple[int, float, str]]:
    """(order, seconds for all trees up to it, sum of the coefficients), explicit Euler, until stopped."""
    coefficient, trees_of_order = _pybs() if name == "pybs" else _kauri()
    spent, total = 0.0, Fraction(0)
    for order in range(1, 21):
        begin = time.perf_counter()
        values = [coefficient(tree) for tree in trees_of_order(order)]
        spent += time.perf_counter() - begin
        total += sum(map(Fraction, values))
        yield order, spent, str(total.limit_denominator(10**9))


def _pybs() -> tuple[Callable[[Any], Any], Callable[[int], Any]]:
    for name in collections.abc.__all__:
        if not hasattr(collections, name):
            setattr(collections, name, getattr(collections.abc, name))
    from pybs.rungekutta import methods
    from pybs.series import modified_equation
    from pybs.unordered_tree import trees_of_order

    return modified_equation(methods.RKeuler.phi()), trees_of_order


def _kauri() -> tuple[Callable[[Any], Any], Callable[[int], Any]]:
    from kauri.gentrees import trees_of_order
    from kauri.rk import RK

    return RK([[0]], [1]).modified_equation_map(), trees_of_order


def child(*arguments: str, cap: float | None = None) -> list[dict[str, Any]]:
    """Lines of JSON that this script prints in a fresh interpreter, at most `cap` seconds long."""
    command = [sys.executable, "-W", "ignore", __file__, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            text, errors = process.communicate(timeout=cap)
        except subprocess.TimeoutExpired:
            process.kill()
            text, errors = process.communicate()
    lines = [json.loads(line) for line in text.splitlines() if line.endswith("}")]
    if process.returncode not in (0, -9):
        lines.append({"error": errors.strip().splitlines()[-1] if errors.strip() else "stopped"})
    return lines


def run_row(source: str, order: int, settings: tuple[tuple[str, str], ...] = ()) -> dict[str, Any]:
    return child("--row", source, str(order), json.dumps(dict(settings)))[-1]


def cost_table(quick: bool) -> bool:
    print(f"{'work':40} {'trees':>10} {'seconds':>9} {'at most':>8} {'peak':>9}")
    good = True
    for row in ROWS:
        if quick and not row.quick:
            continue
        found = run_row(row.source, row.order, row.settings)
        if "error" in found:
            print(f"{row.title:40} {found['error']}")
            good = False
            continue
        fits = found["seconds"] <= row.seconds and (row.gib is None or found["peak"] <= row.gib * GIB)
        good &= fits
        peak = f"{found['peak'] / GIB:.2f} GiB"
        print(
            f"{row.title:40} {found['trees']:>10} {found['seconds']:>9.3f} {row.seconds:>8} {peak:>9} {'' if fits else 'OVER'}",
            flush=True,
        )
    return good


def growth_table(quick: bool) -> None:
    """Seconds a tree: proportional growth shows as a constant column."""
    print("\nexplicit Euler: seconds per tree")
    for order in (9, 10, 11, 12, 13, 14, 15, 16, 17, *(() if quick else (18, 19, 20))):
        found = run_row("explicit-euler", order)
        trees, seconds = found["trees"], found["seconds"]
        print(f"{order:>4} nodes {trees:>10} trees {seconds:>9.4f} s {seconds / trees:.2e} s/tree", flush=True)


def peer_table(cap: float) -> bool:
    """At least 100 times faster than each peer on the largest order it finishes in `cap` seconds."""
    good = True
    for name in PEERS:
        print(f"\n{name}: explicit Euler, {cap:.0f} s at most")
        lines = child("--peer", name, cap=cap)
        done = [line for line in lines if "order" in line]
        if not done:
            print(f"  not measured: {lines[-1]['error'] if lines else 'nothing finished'}")
            continue
        for line in done:
            print(f"{line['order']:>4} nodes {line['seconds']:>9.3f} s   sum of b {line['sum']}")
        last = done[-1]
        ours = run_row("explicit-euler", last["order"])["seconds"]
        ratio = last["seconds"] / ours
        good &= ratio >= 100 or cap < 60
        print(f"  here {ours:.4f} s through {last['order']} nodes: {ratio:.0f} times faster")
    return good


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="leave out 18 and 20 nodes; peers get 10 s")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--row", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--peer", choices=PEERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.row:
        source, order, settings = options.row
        print(json.dumps(measure(source, int(order), json.loads(settings))))
        return 0
    if options.peer:
        for order, seconds, total in peer_orders(options.peer):
            print(json.dumps({"order": order, "seconds": seconds, "sum": total}), flush=True)
        return 0
    good = cost_table(options.quick)
    growth_table(options.quick)
    if not options.no_peers:
        good &= peer_table(10 if options.quick else 60)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
