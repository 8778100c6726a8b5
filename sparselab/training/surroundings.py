"""Around a run: the same arithmetic every time, and a full disk said in words."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from sparselab.errors import FileError


@contextmanager
def exactly(threads: int | None) -> Iterator[None]:
    """Deterministic algorithms on a fixed number of threads, and both as they were afterwards."""
    before, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(threads or before)
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(strict)
        torch.set_num_threads(before)


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Turn a full disk into a sentence. The run can be resumed: what was committed is whole."""
    try:
        yield
    except Exception as error:
        full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
        if full or "os error 28" in str(error):
            raise FileError(
                f"expected room on the disk for the run in {folder}; it is full: free some and resume the run"
            ) from None
        raise
