"""Choosing the quickest of several runs of one product, on the input it is prepared for."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sparselab.kernels.base import Run, Work, random_input
from sparselab.kernels.support.input_checks import checked

if TYPE_CHECKING:
    import torch

_SECONDS, _FEWEST, _MOST = 0.2, 3, 25


@dataclass(frozen=True, eq=False)
class Chosen:
    """A run, and in words which of several it is."""

    run: Run
    told: str

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return self.run(x)


def quickest(runs: Mapping[str, Run], work: Work) -> Chosen:
    """Return the run with the shortest time, tried in turns for about a fifth of a second; with one run, no trial is made.

    runs: by what is told of each. The first round warms up and does not count. The shortest of many times, not their
    median: whatever else the machine does only ever adds to a time.
    """
    name = quickest_name(runs, random_input(work)) if len(runs) > 1 else next(iter(runs))
    return Chosen(checked(runs[name], work), name)


def quickest_name(runs: Mapping[str, Run], x: torch.Tensor) -> str:
    """Return the name of the run with the shortest time on x, tried in turns for about a fifth of a second."""
    first = sum(_seconds(run, x) for run in runs.values())
    rounds = max(_FEWEST, min(_MOST, int(_SECONDS / max(first, 1e-9))))
    times = dict.fromkeys(runs, float("inf"))
    for _ in range(rounds):
        times = {name: min(times[name], _seconds(run, x)) for name, run in runs.items()}
    return min(times, key=times.__getitem__)


def _seconds(run: Run, x: torch.Tensor) -> float:
    import torch

    start = time.perf_counter()
    run(x)
    if x.is_cuda:
        torch.cuda.synchronize(x.device)
    return time.perf_counter() - start
