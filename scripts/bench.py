"""What things cost: ratios within one run, counts, and how terms and seconds grow with the order.

    python scripts/bench.py            the derivation: start-up, limits, growth
    python scripts/bench.py profile    where the time of one derivation goes
    python scripts/bench.py trees      tables over all rooted trees, against pybs and kauri where installed
    python scripts/bench.py verify     the routes of verification
    python scripts/bench.py network    fields on a network, in gradients (extra jax)
    python scripts/bench.py corrected  the corrected optimizer against plain small steps, at equal cost (extra network)
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import runpy
import subprocess
import sys
import time
from pathlib import Path

LIMITS = [  # scheme, order, seconds at most (whole process, import included)
    ("gd", 8, 2.0), ("momentum", 7, 2.0), ("adam", 3, 2.0), ("adam", 4, 15.0), ("adam-inside", 4, 15.0),
]  # fmt: skip
GROWTH = [("gd", 11), ("momentum", 9), ("adam-inside", 5), ("adam", 5)]


def best_of(code: str, runs: int = 5) -> float:
    """Seconds of the fastest of several fresh interpreters."""
    times = []
    for _ in range(runs):
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - begin)
    return min(times)


def command(arguments: str) -> str:
    return f"import sys; sys.argv = ['derive', *{arguments.split()!r}]; from derive.commands.main import entry; entry()"


def startup() -> None:
    sympy = best_of("import sympy")
    print(f"{'python -c import sympy':44} {sympy:7.3f} s")
    for arguments in ("--help", "modified-eq --scheme momentum --order 2"):
        seconds = best_of(command(arguments))
        print(f"{'derive ' + arguments:44} {seconds:7.3f} s   ratio to sympy's import {seconds / sympy:.2f}")


def limits() -> None:
    print(f"\n{'scheme':14}{'order':>6}{'terms':>8}{'seconds':>10}{'at most':>9}{'peak MiB':>10}")
    for scheme, order, at_most in LIMITS:
        code = (
            "import time, resource; b = time.perf_counter()\n"
            f"from derive import modified_equation as m; eq = m({scheme!r}, {order}, force=True)\n"
            "print(len(eq['theta'][-1]), time.perf_counter() - b, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
        )
        out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
        print(f"{scheme:14}{order:>6}{out[0]:>8}{float(out[1]):>10.3f}{at_most:>9.1f}{float(out[2]):>10.1f}")


def growth() -> None:
    from derive import modified_equation

    print(f"\n{'scheme':14}{'order':>6}{'terms':>8}{'seconds':>10}{'us/term':>10}{'x terms':>9}{'x seconds':>10}")
    for scheme, top in GROWTH:
        before = (0, 0.0)
        for order in range(top + 1):
            begin = time.perf_counter()
            terms = len(modified_equation(scheme, order, force=True)["theta"][-1])
            seconds = time.perf_counter() - begin
            ratios = f"{terms / before[0]:>9.2f}{seconds / before[1]:>10.2f}" if before[0] else ""
            if seconds > 0.002:
                print(f"{scheme:14}{order:>6}{terms:>8}{seconds:>10.3f}{seconds / max(1, terms) * 1e6:>10.0f}{ratios}")
            before = (terms, seconds)


def profile() -> None:
    from derive import modified_equation

    for scheme, order in (("gd", 11), ("adam", 5)):
        profiler = cProfile.Profile()
        profiler.runcall(modified_equation, scheme, order, force=True)
        print(f"\n{scheme}, order {order}: functions by their own time")
        pstats.Stats(profiler).sort_stats("tottime").print_stats(10)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = ["derive", "profile", "trees", "verify", "network", "corrected"]
    parser.add_argument("what", nargs="?", choices=kinds, default="derive")
    what = parser.parse_args().what
    if what == "profile":
        profile()
    elif what != "derive":
        script = Path(__file__).with_name(f"bench_{what}.py")
        sys.argv = [str(script)]
        runpy.run_path(str(script), run_name="__main__")
    else:
        startup()
        limits()
        growth()
