"""Choosing the quickest of several runs of one product, on the input it is prepared for."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sparselab.kernels.base import Run, Work, random_input

if TYPE_CHECKING:
    import torch

_TRIALS = 4


@dataclass(frozen=True, eq=False)
class Chosen:
    """A run, and in words which of several it is."""

    run: Run
    told: str

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return self.run(x)


def quickest(runs: Mapping[str, Run], work: Work) -> Chosen:
    """Return the run with the shortest of a few times, the first of which does not count; with one run, no trial is made.

    runs: by what is told of each.
    """
    name = next(iter(runs))
    if len(runs) > 1:
        x = random_input(work)
        name = min(runs, key=lambda name: _shortest(runs[name], x, work))
    return Chosen(runs[name], name)


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
