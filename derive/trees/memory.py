"""How many bytes a run takes, told before it starts."""

from __future__ import annotations

import re
from pathlib import Path

from derive.errors import UsageError
from derive.sizes import show
from derive.trees.enumeration import tree_counts
from derive.trees.kernel import kernel_bytes

#: arrays kept for a row of the table, and arrays alive while the largest order is being built
_ROW, _BUILD = 25, 60
#: the interpreter with numpy and flint
_BASE = 120 * 2**20


def predicted_bytes(order: int, colours: int, stages: int, moduli: int, points: int, objects: bool) -> int:
    """Bytes that a table with these many moduli and points of the hyperparameters takes at most.

    Euler's method through 20 nodes:

    >>> predicted_bytes(20, 1, 1, 1, 1, False) < 5 * 2**30
    True
    """
    counts = tree_counts(order, colours)
    rows, largest, below = sum(counts), counts[-1], sum(counts[:-1])
    table = _ROW * rows + 8 * colours * below
    building = (_BUILD + 8 * (colours > 1)) * largest
    kernel = kernel_bytes(below, colours, stages, order)
    residues = 8 * rows * colours * moduli * points
    if points > 1:
        residues += 40 * largest * colours * points
    numbers = (60 if objects and moduli > 2 else 24) * rows * colours * points if objects else 0
    return _BASE + (table + max(building, kernel + residues + numbers)) * 11 // 10


def available_bytes() -> int | None:
    """Memory that is free now, or None where the system does not say."""
    try:
        text = Path("/proc/meminfo").read_text()
    except OSError:
        return None
    found = re.search(r"^MemAvailable:\s+(\d+) kB", text, re.MULTILINE)
    return int(found[1]) * 1024 if found else None


def check_memory(needed: int, limit: int | None, order: int) -> None:
    """UsageError, with both figures, when `needed` bytes exceed the limit (by default: what is free now)."""
    allowed = available_bytes() if limit is None else limit
    if allowed is not None and needed > allowed:
        source = "are free" if limit is None else "are allowed"
        raise UsageError(
            f"all trees with at most {order} nodes take {show(needed)} of memory here, and {show(allowed)} {source}; "
            "ask for fewer nodes, or raise --memory-limit"
        )
