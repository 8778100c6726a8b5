"""A run from its settings to its results: every stage returns at once if its result exists, so every run resumes."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sparselab.device import resolve_device
from sparselab.errors import Cancelled, FileError, SparselabError
from sparselab.formats.own import write_own
from sparselab.monitor import SILENT, Monitor
from sparselab.ticket import ticket_of
from sparselab.training.checkpoint import read_checkpoint, write_checkpoint
from sparselab.training.events import Events
from sparselab.training.folder import Results, open_folder
from sparselab.training.lock import locked
from sparselab.training.loop import Progress, Trainee, accuracy
from sparselab.training.making import Start, level_start, regime_of, transformed_start
from sparselab.training.measures import mask_measures
from sparselab.training.network import Masks, State, build_network, layers_of, mask_of
from sparselab.training.paths import RunPaths
from sparselab.training.regimes import Regime
from sparselab.training.schedule import schedule_of
from sparselab.training.settings import TrainSettings
from sparselab.training.stages import REWIND, Stage, level_name, stages_of
from sparselab.training.surroundings import disk_errors, exactly, is_cancelled_at, resumable
from sparselab.training.tasks import TASKS
from sparselab.training.team import Team, gathered

CHECKPOINT_SECONDS = 600.0
"""Longest stretch of training that a kill can cost, where an epoch lasts longer."""

Say = Callable[[str], None]


def train(
    settings: TrainSettings,
    folder: Path,
    *,
    resume: bool = False,
    data: Path | None = None,
    monitor: Monitor = SILENT,
    say: Say = lambda _text: None,
) -> None:
    """Train in `folder` until all results are there; killed at any moment and resumed, they are the same bit for bit.

    The same at the same number of threads, on the same machine with the same versions: `say` is told where they differ.

    Args: folder: empty or absent, or a run of these settings with `resume`. data: where the task's files lie.
    Raises: SettingError for a folder that holds another run, or is written by another process. Cancelled when the monitor or
        a file called `cancel` in the folder asked to stop; the run can be resumed, as after any other error. FileError when
        the disk is full or a file of the run is damaged beyond what resuming can mend.
    """
    paths = RunPaths(folder)
    settings = settings.settled()
    with gathered(settings) as team, disk_errors(folder):
        if not team.writes:
            team.wait()
            _Run(settings, paths, data, monitor, say, team).run()
            return
        folder.mkdir(parents=True, exist_ok=True)
        with locked(paths.lock, f"the run in {folder}"):
            data = open_folder(paths, settings, data, resume=resume, say=say)
            team.wait()
            _Run(settings, paths, data, monitor, say, team).run()


class _Run:
    """One process at work on a run."""

    def __init__(
        self, settings: TrainSettings, paths: RunPaths, data: Path | None, monitor: Monitor, say: Say, team: Team
    ) -> None:
        self.settings, self.paths, self.monitor, self.say, self.team = settings, paths, monitor, say, team
        task = TASKS[settings.task]
        self.monitor.progress("data")
        self.data = task.load(data, seed=settings.seed, settings=settings.task_values())
        self.schedule = schedule_of(settings, len(self.data.train))
        self.network = build_network(settings, self.data, resolve_device(settings.device))
        self.plan = stages_of(settings, self.schedule)
        self.results = Results(paths.results, self.plan)

    def run(self) -> None:
        with exactly(self.settings.threads), Events(self.paths.events, writes=self.team.writes) as self.events:
            if self.team.writes:
                self.results.begin()
                self._clear()
            self.team.wait()  # all have read the results; from here on they grow
            for stage in self.plan:
                if stage.name not in self.results.done:
                    with resumable(stage.name):
                        self._stage(stage)
                    self.team.wait()
            if self.team.writes:
                self.results.finish()

    def _stage(self, stage: Stage) -> None:
        trainee, progress, facts = self._resumed(stage) or self._fresh(stage)
        begun, spent = time.monotonic(), facts["seconds"]
        saved = begun

        def look(progress: Progress) -> None:
            nonlocal saved
            self._tell(stage, trainee, progress)
            facts["seconds"] = spent + time.monotonic() - begun
            stop = self.team.agree(self._is_asked_to_stop() or is_cancelled_at(self.monitor, stage, progress.step))
            late = self.team.agree(time.monotonic() - saved > CHECKPOINT_SECONDS)
            ends_epoch = progress.step % self.schedule.per_epoch == 0
            if stop or late or (ends_epoch and progress.step < stage.stop):
                self._save(stage, trainee, progress, facts)
                saved = time.monotonic()
            if stop:
                raise Cancelled(f"stopped in {stage.name} at step {progress.step}: resume it to go on")

        trainee.advance(progress, stage.stop, look)
        facts["seconds"] = spent + time.monotonic() - begun
        self._commit(stage, trainee, facts)

    def _clear(self) -> None:
        """Remove the checkpoints of stages that are done: a kill may have come between the two."""
        for stage in self.results.done:
            for old in self.paths.checkpoints(stage):
                old.unlink(missing_ok=True)

    def _is_asked_to_stop(self) -> bool:
        return self.monitor.is_cancelled or self.paths.cancel.exists()

    def _tell(self, stage: Stage, trainee: Trainee, progress: Progress) -> None:
        """Write the events of a stretch; at the end of an epoch look at the validation images too."""
        for news in progress.news:
            self.events.write({**news, "stage": stage.name})
        progress.news.clear()
        where = {"stage": stage.name, "step": progress.step}
        self.events.write(
            {"event": "loss", **where, "loss": progress.stretch_loss / progress.stretch_steps, "time": time.time()}
        )
        if progress.step % self.schedule.per_epoch == 0 or progress.step == stage.stop:
            trainee.regime.finish()
            right = accuracy(self.network, self.data.validation, channels_last=self.settings.channels_last)
            loss = progress.epoch_loss / progress.epoch_steps
            self.events.write({"event": "epoch", **where, "loss": loss, "validation_accuracy": right})
            progress.epoch_loss, progress.epoch_steps = 0.0, 0

    def _fresh(self, stage: Stage) -> tuple[Trainee, Progress, dict[str, Any]]:
        self.events.cut(self.results.position)
        begun = time.monotonic()
        start = self._start(stage)
        self.network.restore(start.state)
        trainee = self._trainee(stage, start)
        kept = sum(int(mask.sum()) for mask in start.masks.values())
        opening = {
            "event": "stage",
            "stage": stage.name,
            "level": stage.level,
            "start": stage.start,
            "stop": stage.stop,
        }
        self.events.write({**opening, "kept": kept, "size": self.network.size})
        progress = Progress(stage.start)
        facts = {"seconds": time.monotonic() - begun, "told": {name: dict(told) for name, told in start.told.items()}}
        if stage.stop > stage.start:
            self._save(stage, trainee, progress, facts)
        return trainee, progress, facts

    def _start(self, stage: Stage) -> Start:
        if stage.name == REWIND:
            return Start(self.network.full, self.network.capture())
        rewound, _ = self._model(REWIND)
        if stage.then is not None:
            ticket = self._model(level_name(stage.level))
            self.monitor.progress(stage.name)
            silent = Monitor(cancelled=self._is_asked_to_stop)
            return transformed_start(self.settings, self.network, self.data, stage.then, rewound, ticket, silent)
        first = stage.level == self.settings.first_level
        before = None if first else self._model(level_name(stage.level - 1))
        return level_start(self.settings, self.network, self.data, stage.level, rewound, before)

    def _trainee(self, stage: Stage, start: Start) -> Trainee:
        own = stage.then is None and stage.name != REWIND and self.settings.starts_sparse
        if own:
            regime = regime_of(self.settings, self.network, self.schedule, start.masks, start.tensors)
        else:
            regime = Regime(self.network, start.masks)
        dense = self.settings.method == "l1" and stage.level == 0 and stage.then is None
        l1 = self.settings.l1 if dense else 0.0
        return Trainee(self.network, regime, self.settings, self.schedule, self.data, self.team, l1=l1)

    def _save(self, stage: Stage, trainee: Trainee, progress: Progress, facts: dict[str, Any]) -> None:
        """Write a checkpoint, and keep it and the one before."""
        if not self.team.writes:
            return
        trainee.regime.finish()
        self.events.sync()
        parts = {
            "model": self.network.capture(),
            "mask": trainee.regime.current(),
            "regime": trainee.regime.tensors(),
            "momentum": {str(i): v.cpu().contiguous() for i, v in enumerate(trainee.sgd.velocities)},
        }
        summed = {"epoch_loss": progress.epoch_loss, "epoch_steps": progress.epoch_steps}
        where = {"stage": stage.name, "step": progress.step, "events": self.events.position}
        write_checkpoint(self.paths.checkpoint(stage.name, progress.step), parts, {**where, **summed, **facts})
        for old in self.paths.checkpoints(stage.name)[2:]:
            old.unlink(missing_ok=True)

    def _resumed(self, stage: Stage) -> tuple[Trainee, Progress, dict[str, Any]] | None:
        """Go on from the newest checkpoint of the stage that is intact; None where there is none."""
        for path in self.paths.checkpoints(stage.name):
            try:
                found = read_checkpoint(path)
            except FileError as error:
                self.say(f"{error}: going on from the one before")
                continue
            facts = dict(found.facts)
            self.events.cut(facts["events"])
            self.network.restore(found.part("model"))
            start = Start(found.part("mask"), {}, found.part("regime"))
            trainee = self._trainee(stage, start)
            # Making the regime set weights to 0 outside its first masks, which need not be those of now.
            self.network.restore(found.part("model"))
            for place, value in found.part("momentum").items():
                trainee.sgd.velocities[int(place)].copy_(value)
            trainee.regime.load(start.masks, start.tensors, trainee.velocities)
            progress = Progress(facts["step"], facts["epoch_loss"], facts["epoch_steps"])
            return trainee, progress, {"seconds": facts["seconds"], "told": facts["told"]}
        return None

    def _commit(self, stage: Stage, trainee: Trainee, facts: dict[str, Any]) -> None:
        """Write what a stage ends with: model, ticket, then the result that makes both count."""
        trainee.regime.finish()
        state, masks = self.network.capture(), trainee.regime.current()
        entry: dict[str, Any] = {"stage": stage.name, "level": stage.level}
        if stage.name != REWIND:
            entry |= self._measured(stage, state, masks, facts)
        if not self.team.writes:
            return
        write_checkpoint(self.paths.model(stage.name), {"model": state, "mask": masks}, {"stage": stage.name})
        if stage.name != REWIND:
            rewound, _ = self._model(REWIND)
            layers = layers_of(self.network, masks, state, rewound)
            write_own(ticket_of(layers), self.paths.ticket(stage.name))
        self.events.sync()
        self.results.add({**entry, "seconds": facts["seconds"], "events": self.events.position})
        for old in self.paths.checkpoints(stage.name):
            old.unlink(missing_ok=True)

    def _measured(self, stage: Stage, state: State, masks: Masks, facts: dict[str, Any]) -> dict[str, Any]:
        """Return accuracies and counts. Raises: SparselabError when a weight outside the masks is not 0: a defect of ours."""
        for name, mask in masks.items():
            if state[f"{name}.weight"][~mask].count_nonzero():
                raise SparselabError(f"expected weights outside the mask of {name} to be 0; some are not")
        right = {
            f"{split}_accuracy": accuracy(
                self.network, getattr(self.data, split), channels_last=self.settings.channels_last
            )
            for split in ("validation", "test")
        }
        item = stage.then
        then = None if item is None else {"label": item.label, "transform": item.name, "settings": item.values()}
        found = {name: mask_of(mask) for name, mask in masks.items()}
        return {"then": then, **right, **mask_measures(found, facts["told"])}

    def _model(self, stage: str) -> tuple[State, Masks]:
        found = read_checkpoint(self.paths.model(stage))
        return found.part("model"), found.part("mask")
