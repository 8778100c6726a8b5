"""One measurement at a time on this machine."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from sparselab.benchmarking.storage_paths import lock_path
from sparselab.core.errors import FileError
from sparselab.runtime.progress import SILENT, Monitor

_LOOK_SECONDS = 0.1


@contextmanager
def alone(monitor: Monitor = SILENT) -> Iterator[None]:
    """Hold the lock of all measurements; wait for it as long as it takes, saying so.

    The system frees it when its holder's process ends, however that ends.
    Raises: Cancelled while waiting, FileError when the lock's file cannot be written.
    """
    lock = FileLock(lock_path())
    since = time.monotonic()
    while True:
        try:
            lock.acquire(blocking=False)
            break
        except Timeout:
            monitor.progress(f"waiting for another measurement, {time.monotonic() - since:.0f} s")
            time.sleep(_LOOK_SECONDS)
        except OSError as error:
            raise FileError(f"expected a lock file that can be written; {lock.lock_file}: {error.strerror}") from None
    try:
        yield
    finally:
        lock.release()
