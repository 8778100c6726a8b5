"""How many epochs fit into some minutes: a few steps are taken and timed, on weights that nobody keeps."""

from __future__ import annotations

import time
from pathlib import Path

from sparselab.core.device import resolve_device
from sparselab.training.engine.initial import initial
from sparselab.training.engine.loop import Trainer, TrainingProgress
from sparselab.training.named import code_of, load_data
from sparselab.training.network import build_network
from sparselab.training.runs.run_guards import exactly
from sparselab.training.schedule import schedule_of
from sparselab.training.settings import TrainSettings
from sparselab.training.updaters import MaskUpdater

_WARM_UP, _PROBE_SECONDS, _PROBE_SHARE = 3, 3.0, 0.05
_SHARE = 0.85
"""Of the time, what steps may take: the rest is evaluation, checkpoints and the transform."""

_LEAST, _MOST = 0.01, 1000.0


def epochs_within(seconds: float, settings: TrainSettings, data: Path | None) -> tuple[float, float]:
    """Return how many epochs of a run take about so many seconds on this machine, at least one step, and the seconds of a step."""
    with code_of(settings) as code, exactly(settings.threads):
        examples = load_data(settings, data, code)
        network = build_network(settings, examples, resolve_device(settings.device), code)
        start = initial(settings, network, lambda _text: None)
        network.restore(start.state)
        schedule = schedule_of(settings, len(examples.train))
        trainer = Trainer(
            network=network,
            updater=MaskUpdater(network, start.masks),
            settings=settings,
            schedule=schedule,
            data=examples,
        )
        progress = TrainingProgress(0)
        trainer.advance(progress, min(_WARM_UP, schedule.total), lambda _progress: None)
        begun, first = time.perf_counter(), progress.step
        while progress.step < schedule.total and time.perf_counter() - begun < min(
            _PROBE_SECONDS, _PROBE_SHARE * seconds
        ):
            trainer.advance(progress, progress.step + 1, lambda _progress: None)
        step_seconds = (time.perf_counter() - begun) / max(progress.step - first, 1)
    steps = max(1.0, _SHARE * seconds / step_seconds)
    epochs = min(max(steps / schedule.per_epoch, 1 / schedule.per_epoch, _LEAST), _MOST)
    return round(epochs, 4), step_seconds
