"""Several processes that train one network: each takes its share of every batch, all take the same step.

Started by torchrun, which tells every process its rank. The first process writes the run; the others only compute.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import distributed

from sparselab.core.errors import SettingError
from sparselab.training.methods import MOVING_BLOCKS
from sparselab.training.settings import TrainSettings


@dataclass(frozen=True)
class ProcessGroup:
    """Process `rank` of `size`."""

    rank: int = 0
    size: int = 1

    @property
    def writes(self) -> bool:
        """Whether this process writes the run's files."""
        return self.rank == 0

    def share(self, batch: torch.Tensor) -> torch.Tensor:
        """Return this process's part of a batch: equal, neighbouring runs in the order of the ranks."""
        return batch if self.size == 1 else batch.tensor_split(self.size)[self.rank]

    def averaged(self, gradients: list[torch.Tensor]) -> list[torch.Tensor]:
        """Return the gradients of the whole batch, of which this process has those of its share."""
        if self.size == 1:
            return gradients
        flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
        distributed.all_reduce(flat)
        flat /= self.size
        parts = torch.split(flat, [gradient.numel() for gradient in gradients])
        return [torch.empty_like(g).copy_(part.reshape(g.shape)) for g, part in zip(gradients, parts, strict=True)]

    def mean_of(self, value: torch.Tensor) -> float:
        """Return the mean of a number over the processes."""
        if self.size > 1:
            value = value.clone()
            distributed.all_reduce(value)
            value /= self.size
        return float(value)

    def agree(self, value: bool) -> bool:
        """Return what the first process thinks."""
        if self.size == 1:
            return value
        said = torch.tensor([int(value)], device=_device())
        distributed.broadcast(said, src=0)
        return bool(said.item())

    def wait(self) -> None:
        """Wait until every process is here."""
        if self.size > 1:
            distributed.barrier()


SINGLE_PROCESS = ProcessGroup()
"""One process, alone."""


@contextmanager
def process_group(settings: TrainSettings, environment: Mapping[str, str] = os.environ) -> Iterator[ProcessGroup]:
    """Yield the team that torchrun started, or SINGLE_PROCESS where it did not.

    Raises: SettingError when the batch does not divide among the processes, or each would grow other blocks.
    """
    size = int(environment.get("WORLD_SIZE", "1"))
    if size == 1:
        yield SINGLE_PROCESS
        return
    if settings.batch % size:
        raise SettingError(f"batch: expected a multiple of the {size} processes; got {settings.batch}")
    if settings.method == MOVING_BLOCKS and settings.grow == "norms":
        raise SettingError(
            f"grow: expected gradient, which {size} processes share; norms are those of a part of the batch"
        )
    if torch.cuda.is_available():
        torch.cuda.set_device(int(environment.get("LOCAL_RANK", "0")))
    distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield ProcessGroup(distributed.get_rank(), size)
    finally:
        distributed.destroy_process_group()


def _device() -> str:
    return "cuda" if distributed.get_backend() == "nccl" else "cpu"
