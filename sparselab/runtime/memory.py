"""How much memory there is left, for this machine or the container around it."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil

_CGROUP = Path("/sys/fs/cgroup")


def available_bytes() -> int:
    """Return how many bytes could be taken now without swapping: what the machine, the container and this process's limit leave."""
    free = min(int(psutil.virtual_memory().available), _under_own_limit())
    limit, used = _number("memory.max"), _number("memory.current")
    return free if limit is None or used is None else min(free, max(0, limit - used + _reclaimable()))


def _under_own_limit() -> int:
    try:
        import resource
    except ImportError:  # Windows has no such limits
        return sys.maxsize
    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    if most == resource.RLIM_INFINITY:
        return sys.maxsize
    return max(0, most - int(psutil.Process().memory_info().vms))


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
