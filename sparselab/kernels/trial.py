"""Choosing the quickest of several runs of one product, on the input it is prepared for."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sparselab.kernels.base import Run, Work, random_input

if TYPE_CHECKING:
    import torch

_TRIALS = 4


def quickest(runs: Sequence[Run], work: Work) -> Run:
    """Return the run with the shortest of a few times, the first of which does not count; with one run, no trial is made."""
    if len(runs) == 1:
        return runs[0]
    x = random_input(work)
    return min(runs, key=lambda run: _shortest(run, x, work))


def _shortest(run: Run, x: torch.Tensor, work: Work) -> float:
    import torch

    times = []
    for _ in range(_TRIALS):
        start = time.perf_counter()
        run(x)
        if work.on_cuda:
            torch.cuda.synchronize(work.device)
        times.append(time.perf_counter() - start)
    return min(times[1:])
