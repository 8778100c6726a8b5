"""A run from its settings to its results: every stage returns at once if its result exists, so every run resumes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from sparselab.core.device import resolve_device
from sparselab.runtime.progress import SILENT, Monitor
from sparselab.training.engine.distributed import ProcessGroup, process_group
from sparselab.training.engine.loop import TrainingProgress
from sparselab.training.network import build_network
from sparselab.training.runs.committing import commit
from sparselab.training.runs.context import RunContext
from sparselab.training.runs.events import Events
from sparselab.training.runs.folder import Results, open_folder
from sparselab.training.runs.lock import locked
from sparselab.training.runs.paths import RunPaths
from sparselab.training.runs.run_guards import Stopped, disk_errors, exactly, is_cancelled_at, resumable
from sparselab.training.runs.stages import Stage, stages_of
from sparselab.training.runs.underway import Underway, begin, restore, save
from sparselab.training.schedule import schedule_of
from sparselab.training.settings import TrainSettings
from sparselab.training.tasks import TASKS

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
    with process_group(settings) as processes, disk_errors(folder):
        if not processes.writes:
            processes.wait()
            _carry_out(settings, paths, data, monitor=monitor, say=say, processes=processes)
            return
        folder.mkdir(parents=True, exist_ok=True)
        with locked(paths.lock, f"the run in {folder}"):
            data = open_folder(paths, settings, data, resume=resume, say=say)
            processes.wait()
            _carry_out(settings, paths, data, monitor=monitor, say=say, processes=processes)


def _carry_out(
    settings: TrainSettings,
    paths: RunPaths,
    folder: Path | None,
    *,
    monitor: Monitor,
    say: Say,
    processes: ProcessGroup,
) -> None:
    """Load the data in `folder`, build the network, and run what remains of the plan."""
    monitor.progress("loading the data")
    data = TASKS[settings.task].load(folder, seed=settings.seed, settings=settings.task_values())
    schedule = schedule_of(settings, len(data.train))
    network = build_network(settings, data, resolve_device(settings.device))
    plan = stages_of(settings, schedule)
    results = Results(paths.results, plan)
    with exactly(settings.threads), Events(paths.events, writes=processes.writes) as events:
        run = RunContext(
            settings=settings,
            processes=processes,
            monitor=monitor,
            say=say,
            data=data,
            schedule=schedule,
            network=network,
            paths=paths,
            events=events,
            results=results,
        )
        _run_plan(run, plan)


def _run_plan(run: RunContext, plan: Sequence[Stage]) -> None:
    if run.processes.writes:
        run.results.begin()
        for done in run.results.done:  # a kill may have come between a result and the end of its checkpoints
            run.remove_checkpoints(done)
    run.processes.wait()  # all have read the results; from here on they grow
    for stage in plan:
        if stage.name not in run.results.done:
            with resumable(stage.name):
                _run_stage(run, stage)
            run.processes.wait()
    if run.processes.writes:
        run.results.finish()


def _run_stage(run: RunContext, stage: Stage) -> None:
    work = restore(run, stage) or begin(run, stage)
    saved = time.monotonic()

    def look(progress: TrainingProgress) -> None:
        nonlocal saved
        _tell(run, work)
        stop = run.processes.agree(run.is_asked_to_stop or is_cancelled_at(run.monitor, stage, progress.step))
        late = run.processes.agree(time.monotonic() - saved > CHECKPOINT_SECONDS)
        ends_epoch = progress.step % run.schedule.per_epoch == 0
        if stop or late or (ends_epoch and progress.step < stage.stop):
            save(run, work)
            saved = time.monotonic()
        if stop:
            raise Stopped(f"stopped in {stage.name} at step {progress.step}: resume it to go on")

    work.trainer.advance(work.progress, stage.stop, look)
    commit(run, work)


def _tell(run: RunContext, work: Underway) -> None:
    """Write the events of a stretch; at the end of an epoch look at the validation images too."""
    progress, stage = work.progress, work.stage
    for news in progress.news:
        run.events.write({**news, "stage": stage.name})
    progress.news.clear()
    where = {"stage": stage.name, "step": progress.step}
    loss = progress.stretch_loss / progress.stretch_steps
    run.events.write({"event": "loss", **where, "loss": loss, "time": time.time()})
    if progress.step % run.schedule.per_epoch == 0 or progress.step == stage.stop:
        work.trainer.updater.finish()
        right = run.accuracy(run.data.validation)
        loss = progress.epoch_loss / progress.epoch_steps
        run.events.write({"event": "epoch", **where, "loss": loss, "validation_accuracy": right})
        progress.epoch_loss, progress.epoch_steps = 0.0, 0
