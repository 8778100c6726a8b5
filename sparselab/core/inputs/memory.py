"""Memory that is asked for before torch asks: its allocator on the CPU has no error of its own, but a RuntimeError like any other."""

from __future__ import annotations

import contextlib

import numpy as np

from sparselab.core.errors import LimitError

_GIB = 2**30


def check_memory(size: int) -> None:
    """Raises: MemoryError when this process cannot have `size` more bytes now; nothing is kept of them."""
    np.empty(size, np.uint8)


def available_memory() -> int:
    """Return the bytes that this process can still have: what is free on the machine, or less under a limit of its own."""
    import psutil

    free = int(psutil.virtual_memory().available)
    with contextlib.suppress(ImportError):  # Windows has no such limits
        import resource

        most, _ = resource.getrlimit(resource.RLIMIT_AS)
        if most != resource.RLIM_INFINITY:
            free = min(free, most - int(psutil.Process().memory_info().vms))
    return max(free, 0)


def check_room(what: str, size: int) -> None:
    """Raises: LimitError when `what` needs more bytes than this process can still have."""
    free = available_memory()
    if size > free:
        raise LimitError(
            f"{what}: expected {size / _GIB:.1f} GiB of free memory; got {free / _GIB:.1f} GiB: "
            "use a machine with more, or close what else runs"
        )
