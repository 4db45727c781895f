"""Sizes of memory and lengths of time as people write them, and what the machine has."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from derive.errors import UsageError

_BYTES = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_SECONDS = {"": 1.0, "S": 1.0, "M": 60.0, "H": 3600.0}
#: what a container may use, as the kernel says it: version 2, version 1
_CONTAINER = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def parse_size(text: str) -> int:
    """Bytes of a size such as '4G', '500M' or '1.5GiB'; UsageError otherwise.

    >>> parse_size("1.5G")
    1610612736
    """
    return int(_measured(text, r"([KMGT]?)(?:i?B)?", _BYTES, f"memory size '{text}': write for example 500M or 4G"))


def parse_time(text: str) -> float:
    """Seconds of a time such as '30', '90s', '5m' or '1.5h'; UsageError otherwise.

    >>> parse_time("1.5h")
    5400.0
    """
    seconds = _measured(text, "([SMH]?)", _SECONDS, f"time '{text}': write for example 30s, 5m or 1.5h")
    if not seconds:
        raise UsageError(f"time '{text}': nothing can be done in no time")
    return seconds


def _measured(text: str, unit: str, units: Mapping[str, float], otherwise: str) -> float:
    found = re.fullmatch(rf"(\d{{1,15}}(?:\.\d{{1,9}})?)\s*{unit}", text.strip(), re.IGNORECASE)
    if not found:
        raise UsageError(otherwise)
    return float(found[1]) * units[found[2].upper()]


def show(size: int) -> str:
    """
    >>> show(3 * 2**30)
    '3.0 GiB'
    """
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{max(size // 2**20, 1)} MiB"


def total_bytes() -> int | None:
    """The memory of the machine, or of the container if that is less; None where the system does not say."""
    found = [int(text) for name in _CONTAINER if (text := _read(name)).isdigit()]
    with suppress(AttributeError, OSError, ValueError):
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min((n for n in found if n > 0), default=None)


def resident_bytes(process: int) -> int | None:
    """What a process keeps in memory now; None where the system does not say."""
    fields = _read(f"/proc/{process}/statm").split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") if len(fields) > 1 else None


def _read(path: str) -> str:
    try:
        return Path(path).read_text("ascii").strip()
    except (OSError, ValueError):
        return ""
