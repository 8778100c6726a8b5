"""Memory that is asked for before torch asks: its allocator on the CPU has no error of its own, but a RuntimeError like any other."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sparselab.core.errors import LimitError

_GIB = 2**30
_MOUNT = Path("/sys/fs/cgroup")
_OWN = Path("/proc/self/cgroup")
_FILES = {
    "": ("memory.max", "memory.current", "inactive_file"),
    "memory": ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}
"""Of both versions of Linux's control groups, by controller: the files of limit and use, and what of the use the system gives back."""


def check_memory(size: int) -> None:
    """Raises: MemoryError when this process cannot have `size` more bytes now; nothing is kept of them."""
    np.empty(size, np.uint8)


def available_memory() -> int:
    """Return the bytes that this process can still have without swapping: the least that machine, container and its own limit leave.

    The container: every control group of Linux (version 1 or 2) that the process is in, and those around it.
    """
    import psutil

    left = (int(psutil.virtual_memory().available), _under_own_limit(), *_under_groups())
    return max(0, min(left))


def check_room(what: str, size: int) -> None:
    """Raises: LimitError when `what` needs more bytes than this process can still have."""
    free = available_memory()
    if size > free:
        raise LimitError(
            f"{what}: expected {size / _GIB:.1f} GiB of free memory; got {free / _GIB:.1f} GiB: "
            "use a machine with more, or close what else runs"
        )


def _under_own_limit() -> int:
    try:
        import resource
    except ImportError:  # Windows has no such limits
        return sys.maxsize
    import psutil

    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    if most == resource.RLIM_INFINITY:
        return sys.maxsize
    return most - int(psutil.Process().memory_info().vms)


def _under_groups() -> Iterator[int]:
    for folder, (limit, used, reclaimable) in _groups():
        # No such file outside of a container, or of another version; "max" where there is no limit.
        with contextlib.suppress(OSError, ValueError):
            most = int((folder / limit).read_text())
            yield most - int((folder / used).read_text()) + _listed(folder / "memory.stat", reclaimable)


def _groups() -> Iterator[tuple[Path, tuple[str, str, str]]]:
    """Return the folders of the control groups around this process, with the names of what they tell."""
    try:
        lines = _OWN.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if (names := _FILES.get(controllers)) is None:
            continue
        mount = _MOUNT / controllers
        # Within a container the path may be the host's, and only the mount itself be there.
        for part in (Path(path), *Path(path).parents):
            yield mount / str(part).lstrip("/"), names


def _listed(file: Path, name: str) -> int:
    return sum(int(line.split()[1]) for line in file.read_text().splitlines() if line.split()[0] == name)
