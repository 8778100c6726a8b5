"""What the parts of a tuning take on this machine: some examples are judged and a few steps taken and timed, on weights that nobody keeps."""

from __future__ import annotations

import time

from sparselab.training.engine.initial import Initial
from sparselab.training.engine.loop import Trainer, TrainingProgress, evaluate
from sparselab.training.network import Network
from sparselab.training.schedule import schedule_of
from sparselab.training.settings import TrainSettings
from sparselab.training.tasks import Data
from sparselab.training.tasks.fewer import fewer
from sparselab.training.updaters import MaskUpdater

_WARM_UP, _PROBE_SECONDS = 3, 10.0
_FIRST_JUDGED, _JUDGED_SECONDS = 8, 0.2


def example_seconds(settings: TrainSettings, network: Network, data: Data) -> float:
    """Return what judging the network takes an example: of 8 test examples twice, then of more as long as that is quick."""
    count, spent = _FIRST_JUDGED, 0.0
    for is_first in (True, False, False, False, False):
        some = fewer(data.test, count)
        start = time.perf_counter()
        evaluate(network, some, data.metric, channels_last=settings.channels_last)
        spent = (time.perf_counter() - start) / len(some)
        count *= 1 if is_first else 4
        if spent * len(some) > _JUDGED_SECONDS:
            break
    return spent


def step_seconds(settings: TrainSettings, network: Network, data: Data, start: Initial, most: float) -> float:
    """Return what a step of training takes; the steps that are timed take `most` seconds at most, but for the first."""
    network.restore(start.state)
    schedule = schedule_of(settings, len(data.train))
    trainer = Trainer(
        network=network, updater=MaskUpdater(network, start.masks), settings=settings, schedule=schedule, data=data
    )
    progress = TrainingProgress(0)
    most = min(_PROBE_SECONDS, most)

    def timed(stop: int) -> float:
        begun = time.perf_counter()
        trainer.advance(progress, min(stop, schedule.total), lambda _progress: None)
        return time.perf_counter() - begun

    first = timed(1)
    if first * (1 + _WARM_UP) > most or schedule.total <= _WARM_UP:
        return first
    timed(_WARM_UP)
    spent = [timed(progress.step + 1)]
    while progress.step < schedule.total and sum(spent) < most:
        spent.append(timed(progress.step + 1))
    return sum(spent) / len(spent)
