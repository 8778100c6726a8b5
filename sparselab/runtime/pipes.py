"""What goes over the pipes between a worker process and its parent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO

GIB = 2**30
_LARGEST_FRAME = 16 * GIB


@dataclass(frozen=True)
class Limits:
    """What one task may use of its worker process. None: not limited.

    `memory_bytes` counts address space, `cpu_seconds` processor time, both beyond what the process has used when the task
    begins: loading modules is not the task's. `threads` are those of torch and of the libraries for linear algebra.
    """

    memory_bytes: int | None = None
    cpu_seconds: int | None = None
    wall_seconds: float | None = None
    threads: int | None = None


def write_frame(stream: IO[bytes], data: bytes) -> None:
    """Write one message, its length before it."""
    stream.write(len(data).to_bytes(8, "little"))
    stream.write(data)
    stream.flush()


def read_frame(stream: IO[bytes]) -> bytes | None:
    """Return the next message, or None when the other side is gone or talks nonsense."""
    try:
        head = stream.read(8)
        size = int.from_bytes(head, "little")
        if len(head) < 8 or size > _LARGEST_FRAME:
            return None
        data = stream.read(size)
    except (OSError, ValueError, MemoryError):
        return None
    return data if len(data) == size else None
