"""A stage under way: how it begins, and how it is put down in a checkpoint and taken up again."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sparselab.core.errors import FileError
from sparselab.runtime.progress import Monitor
from sparselab.training.engine.checkpoint import read_checkpoint, write_checkpoint
from sparselab.training.engine.initial import initial
from sparselab.training.engine.loop import Trainer, TrainingProgress
from sparselab.training.engine.stage_start import Start, level_start, transformed_start, updater_of
from sparselab.training.own_code.reference import short
from sparselab.training.runs.context import RunContext
from sparselab.training.runs.film.recording import FilmRecorder
from sparselab.training.runs.stages import REWIND, Stage, level_name
from sparselab.training.updaters import MaskUpdater

_CHECKPOINTS_KEPT = 2


@dataclass(frozen=True, eq=False, kw_only=True)
class Underway:
    """A stage that trains: what, how far it is, what is to be told of each layer, the seconds spent before `since`, and its film."""

    stage: Stage
    trainer: Trainer
    progress: TrainingProgress
    told: Mapping[str, Mapping[str, Any]]
    since: float
    spent: float = 0.0
    film: FilmRecorder | None = None

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
    trainer = _trainee(run, stage, start)
    kept = sum(int(mask.sum()) for mask in start.masks.values())
    opening = {"event": "stage", "stage": stage.name, "level": stage.level, "start": stage.start, "stop": stage.stop}
    run.events.write({**opening, "kept": kept, "size": run.network.size})
    film = _film(run, stage, trainer)
    if film is not None:
        film.begin(stage.start)
        if film.note:
            run.say(film.note)
    progress = TrainingProgress(stage.start)
    work = Underway(stage=stage, trainer=trainer, progress=progress, told=start.told, since=since, film=film)
    if start.layouts and run.processes.writes:
        run.keep_layouts(stage.name, start.layouts)
    if stage.stop > stage.start:
        save(run, work)
    return work


def save(run: RunContext, work: Underway) -> None:
    """Write a checkpoint, and keep it and the one before."""
    if not run.processes.writes:
        return
    work.trainer.updater.finish()
    run.events.sync()
    if work.film is not None:
        work.film.sync()
    parts = {
        "model": run.network.capture(),
        "mask": work.trainer.updater.current(),
        "regime": work.trainer.updater.tensors(),
        "momentum": {str(i): v.cpu().contiguous() for i, v in enumerate(work.trainer.optimizer.velocities)},
    }
    parts["optimizer"] = work.trainer.optimizer.state()
    stage, progress = work.stage.name, work.progress
    facts = {
        "stage": stage,
        "step": progress.step,
        "events": run.events.position,
        "epoch_loss": progress.epoch_loss,
        "epoch_steps": progress.epoch_steps,
        "seconds": work.seconds,
        "told": {name: dict(told) for name, told in work.told.items()},
        **({} if work.film is None else {"film": work.film.facts}),
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
        trainer = _trainee(run, stage, start)
        # Making the updater set weights to 0 outside its first masks, which need not be those of now.
        run.network.restore(found.part("model"))
        for place, value in found.part("momentum").items():
            trainer.optimizer.velocities[int(place)].copy_(value)
        trainer.optimizer.load(found.part("optimizer"))
        trainer.updater.load(start.masks, start.tensors, trainer.velocities)
        film = _film(run, stage, trainer)
        if film is not None and not film.go_on(facts["film"], facts["step"]):
            run.say(f"the film of {stage.name} has lost frames: it starts anew at step {facts['step']}")
        progress = TrainingProgress(facts["step"], facts["epoch_loss"], facts["epoch_steps"])
        return Underway(
            stage=stage,
            trainer=trainer,
            progress=progress,
            told=start.told,
            since=time.monotonic(),
            spent=facts["seconds"],
            film=film,
        )
    return None


def _start(run: RunContext, stage: Stage) -> Start:
    if stage.name == REWIND:
        begun = initial(run.settings, run.network, run.say)
        return Start(masks=begun.masks, state=begun.state)
    if stage.masks_of:
        _, masks = run.model(stage.masks_of)
        return Start(masks=masks, state=run.drawn_anew(stage.level), told=run.results.told(stage.masks_of))
    rewound, early = run.model(REWIND)
    if stage.then is not None:
        ticket = run.model(level_name(stage.level))
        run.monitor.progress(stage.name)
        silent = Monitor(cancelled=lambda: run.is_asked_to_stop)
        return transformed_start(
            run.settings, run.network, run.data, item=stage.then, rewound=rewound, ticket=ticket, monitor=silent
        )
    first = stage.level == run.settings.first_level
    before = None if first else run.model(level_name(stage.level - 1))
    return level_start(
        run.settings, run.network, run.data, level=stage.level, rewound=rewound, early=early, before=before
    )


def _film(run: RunContext, stage: Stage, trainer: Trainer) -> FilmRecorder | None:
    """Return what keeps the masks of a stage, None where none are asked for, or they do not move."""
    if not run.settings.keep_masks or not run.processes.writes or not trainer.updater.moves(stage.stop):
        return None
    title = f"{run.settings.method}, {short(run.settings.model)} on {short(run.settings.task)}"
    return FilmRecorder(
        run.paths.film,
        trainer.updater,
        asked=run.settings.keep_masks,
        steps=stage.stop,
        facts={"title": title, "stage": stage.name},
    )


def _trainee(run: RunContext, stage: Stage, start: Start) -> Trainer:
    is_level = stage.then is None and not stage.masks_of and stage.name != REWIND
    if is_level and (run.settings.starts_sparse or (run.settings.method == "admm" and stage.level == 0)):
        updater = updater_of(run.settings, run.network, run.schedule, masks=start.masks, tensors=start.tensors)
    else:
        updater = MaskUpdater(run.network, start.masks)
    dense = run.settings.method == "l1" and stage.level == 0 and stage.then is None and not stage.masks_of
    return Trainer(
        network=run.network,
        updater=updater,
        settings=run.settings,
        schedule=run.schedule,
        data=run.data,
        processes=run.processes,
        l1=run.settings.l1 if dense else 0.0,
    )
