"""Around a run: the same arithmetic every time, and what stops it said in words."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from sparselab.core.errors import Cancelled, FileError
from sparselab.runtime.progress import Monitor
from sparselab.training.runs.stages import Stage

_DISK_FULL = {getattr(errno, name) for name in ("ENOSPC", "EDQUOT") if hasattr(errno, name)}


class Stopped(Cancelled):
    """A run was asked to stop; its text says where it stands and how to go on."""


@contextmanager
def exactly(threads: int | None) -> Iterator[None]:
    """Deterministic algorithms on a fixed number of threads, and both as they were afterwards.

    cuBLAS is deterministic only with a workspace of fixed size, which it asks the environment for when it is first used.
    Source: NVIDIA, cuBLAS, Results Reproducibility.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
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
    except OSError as error:
        if error.errno not in _DISK_FULL:
            raise
        raise FileError(
            f"expected room on the disk for the run in {folder}; it is full: free some and resume the run"
        ) from None


@contextmanager
def resumable(stage: str) -> Iterator[None]:
    """Let whoever cancels a stage know how to go on: a transform that was cancelled knows nothing of runs."""
    try:
        yield
    except Stopped:
        raise
    except Cancelled:
        raise Stopped(f"stopped before {stage}: resume it to go on") from None


def is_cancelled_at(monitor: Monitor, stage: Stage, step: int) -> bool:
    """Say where a run stands; return whether a cancel came with that, which must not cost what a checkpoint would save."""
    try:
        monitor.progress(stage.name, step - stage.start, stage.stop - stage.start)
    except Cancelled:
        return True
    return False
