"""A stage under way: how it begins, and how it is put down in a checkpoint and taken up again."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sparselab.errors import FileError
from sparselab.monitor import Monitor
from sparselab.training.checkpoint import read_checkpoint, write_checkpoint
from sparselab.training.context import RunContext
from sparselab.training.loop import Trainee, TrainingProgress
from sparselab.training.making import Start, level_start, regime_of, transformed_start
from sparselab.training.regimes import Regime
from sparselab.training.stages import REWIND, Stage, level_name

_CHECKPOINTS_KEPT = 2


@dataclass(frozen=True, eq=False, kw_only=True)
class Underway:
    """A stage that trains: what, how far it is, what is to be told of each layer, and the seconds spent before `since`."""

    stage: Stage
    trainee: Trainee
    progress: TrainingProgress
    told: Mapping[str, Mapping[str, Any]]
    since: float
    spent: float = 0.0

    @property
    def seconds(self) -> float:
        """Seconds of training and evaluation so far, over all interruptions."""
        return self.spent + time.monotonic() - self.since


def begin(run: RunContext, stage: Stage) -> Underway:
    """Start a stage: network and masks at its first step, with a checkpoint where there are steps to take."""
    since = time.monotonic()
    run.events.cut(run.results.position)
    start = _start(run, stage)
    run.network.restore(start.state)
    trainee = _trainee(run, stage, start)
    kept = sum(int(mask.sum()) for mask in start.masks.values())
    opening = {"event": "stage", "stage": stage.name, "level": stage.level, "start": stage.start, "stop": stage.stop}
    run.events.write({**opening, "kept": kept, "size": run.network.size})
    work = Underway(stage=stage, trainee=trainee, progress=TrainingProgress(stage.start), told=start.told, since=since)
    if stage.stop > stage.start:
        save(run, work)
    return work


def save(run: RunContext, work: Underway) -> None:
    """Write a checkpoint, and keep it and the one before."""
    if not run.team.writes:
        return
    work.trainee.regime.finish()
    run.events.sync()
    parts = {
        "model": run.network.capture(),
        "mask": work.trainee.regime.current(),
        "regime": work.trainee.regime.tensors(),
        "momentum": {str(i): v.cpu().contiguous() for i, v in enumerate(work.trainee.sgd.velocities)},
    }
    stage, progress = work.stage.name, work.progress
    facts = {
        "stage": stage,
        "step": progress.step,
        "events": run.events.position,
        "epoch_loss": progress.epoch_loss,
        "epoch_steps": progress.epoch_steps,
        "seconds": work.seconds,
        "told": {name: dict(told) for name, told in work.told.items()},
    }
    write_checkpoint(run.paths.checkpoint(stage, progress.step), parts, facts)
    run.remove_checkpoints(stage, newest=_CHECKPOINTS_KEPT)


def restore(run: RunContext, stage: Stage) -> Underway | None:
    """Go on from the newest checkpoint of a stage that is intact; None where there is none."""
    for path in run.paths.checkpoints(stage.name):
        try:
            found = read_checkpoint(path)
        except FileError as error:
            run.say(f"{error}: going on from the one before")
            continue
        facts = found.facts
        run.events.cut(facts["events"])
        run.network.restore(found.part("model"))
        start = Start(masks=found.part("mask"), state={}, tensors=found.part("regime"), told=facts["told"])
        trainee = _trainee(run, stage, start)
        # Making the regime set weights to 0 outside its first masks, which need not be those of now.
        run.network.restore(found.part("model"))
        for place, value in found.part("momentum").items():
            trainee.sgd.velocities[int(place)].copy_(value)
        trainee.regime.load(start.masks, start.tensors, trainee.velocities)
        progress = TrainingProgress(facts["step"], facts["epoch_loss"], facts["epoch_steps"])
        return Underway(
            stage=stage,
            trainee=trainee,
            progress=progress,
            told=start.told,
            since=time.monotonic(),
            spent=facts["seconds"],
        )
    return None


def _start(run: RunContext, stage: Stage) -> Start:
    if stage.name == REWIND:
        return Start(masks=run.network.full, state=run.network.capture())
    rewound, _ = run.model(REWIND)
    if stage.then is not None:
        ticket = run.model(level_name(stage.level))
        run.monitor.progress(stage.name)
        silent = Monitor(cancelled=lambda: run.is_asked_to_stop)
        return transformed_start(
            run.settings, run.network, run.data, item=stage.then, rewound=rewound, ticket=ticket, monitor=silent
        )
    first = stage.level == run.settings.first_level
    before = None if first else run.model(level_name(stage.level - 1))
    return level_start(run.settings, run.network, run.data, level=stage.level, rewound=rewound, before=before)


def _trainee(run: RunContext, stage: Stage, start: Start) -> Trainee:
    own = stage.then is None and stage.name != REWIND and run.settings.starts_sparse
    if own:
        regime = regime_of(run.settings, run.network, run.schedule, masks=start.masks, tensors=start.tensors)
    else:
        regime = Regime(run.network, start.masks)
    dense = run.settings.method == "l1" and stage.level == 0 and stage.then is None
    return Trainee(
        network=run.network,
        regime=regime,
        settings=run.settings,
        schedule=run.schedule,
        data=run.data,
        team=run.team,
        l1=run.settings.l1 if dense else 0.0,
    )
