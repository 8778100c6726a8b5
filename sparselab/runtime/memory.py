"""How much memory there is left, for this machine or the container around it."""

from __future__ import annotations

from pathlib import Path

import psutil

_CGROUP = Path("/sys/fs/cgroup")


def available_bytes() -> int:
    """Return how many bytes could be taken now without swapping; the smaller of the machine's and the container's."""
    free = int(psutil.virtual_memory().available)
    limit, used = _number("memory.max"), _number("memory.current")
    return free if limit is None or used is None else min(free, max(0, limit - used + _reclaimable()))


def _number(name: str) -> int | None:
    try:
        return int((_CGROUP / name).read_text())
    except (OSError, ValueError):  # no such file outside of a container; "max" where there is no limit
        return None


def _reclaimable() -> int:
    """Return what the container's count holds of files that the system lets go when memory is asked for."""
    try:
        lines = (_CGROUP / "memory.stat").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("inactive_file "))
