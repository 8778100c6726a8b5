"""What masks cost a training loop: the same steps with masks and without, in turns.

    python -m benchmarks.masking [--rounds 15]

One epoch of `digits` a turn, on one thread and on all. Writes results/masking.csv.
"""

from __future__ import annotations

import argparse
import os
import time
from typing import Any

import numpy as np
import torch

from benchmarks.machine import write_rows
from sparselab.benchmarking.statistics import speedup
from sparselab.training.engine.distributed import SINGLE_PROCESS
from sparselab.training.engine.loop import Trainer, TrainingProgress
from sparselab.training.network import build_network
from sparselab.training.schedule import schedule_of
from sparselab.training.settings import TrainSettings
from sparselab.training.tasks import TASKS
from sparselab.training.updaters import MaskUpdater, Step


class Unmasked(MaskUpdater):
    """The same loop without masks: gradients are left alone."""

    def update(self, step: Step) -> bool:
        return True


def epoch_seconds(settings: TrainSettings, data: Any, masked: bool) -> float:
    """Return the seconds of one epoch from the same start, with masks that keep a tenth, or in the plain loop."""
    torch.manual_seed(0)
    network = build_network(settings, data, torch.device("cpu"))
    schedule = schedule_of(settings, len(data.train))
    updater = MaskUpdater(network, random_masks(network.full)) if masked else Unmasked(network, network.full)
    trainer = Trainer(
        network=network, updater=updater, settings=settings, schedule=schedule, data=data, processes=SINGLE_PROCESS
    )
    begun = time.perf_counter()
    trainer.advance(TrainingProgress(0), schedule.per_epoch, lambda _progress: None)
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    rows = []
    for threads in dict.fromkeys((1, os.cpu_count() or 1)):
        torch.set_num_threads(threads)
        settings = TrainSettings(method="random", sparsity=0.9, epochs=1, threads=threads, device="cpu")
        data = TASKS[settings.task].load(None, seed=0, settings=settings.task_values())
        epoch_seconds(settings, data, True)
        spent: dict[bool, list[float]] = {True: [], False: []}
        for turn in range(rounds):
            for masked in (turn % 2 == 0, turn % 2 == 1):
                spent[masked].append(epoch_seconds(settings, data, masked))
        ratio = speedup(np.array(spent[True]), np.array(spent[False]))
        rows.append(
            {
                "model": settings.model,
                "threads_used": threads,
                "rounds": rounds,
                "seconds_plain": round(float(np.median(spent[False])), 3),
                "seconds_masked": round(float(np.median(spent[True])), 3),
                "masked / plain": round(ratio.value, 4),
                "interval": f"{ratio.low:.4f}-{ratio.high:.4f}",
            }
        )
    write_rows("masking", rows)


def random_masks(full: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return masks that keep a tenth of every layer."""
    rng = torch.Generator().manual_seed(0)
    return {name: torch.rand(mask.shape, generator=rng) < 0.1 for name, mask in full.items()}


if __name__ == "__main__":
    main()
