"""A run from its settings to its results: every stage returns at once if its result exists, so every run resumes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sparselab.core.device import resolve_device
from sparselab.core.layout import Layout
from sparselab.runtime.progress import SILENT, Monitor
from sparselab.training.engine.distributed import ProcessGroup, process_group
from sparselab.training.engine.first_batch import try_out
from sparselab.training.engine.initial import initial
from sparselab.training.engine.loop import TrainingProgress
from sparselab.training.named import Code, code_of, load_data
from sparselab.training.network import Network, State, build_network, drawn_anew
from sparselab.training.own_code.explaining import explained
from sparselab.training.runs.committing import commit
from sparselab.training.runs.context import RunContext
from sparselab.training.runs.events import Events
from sparselab.training.runs.folder import Results, check_folder, open_folder, stored_data
from sparselab.training.runs.judging import judged
from sparselab.training.runs.lock import locked
from sparselab.training.runs.paths import RunPaths
from sparselab.training.runs.run_guards import Stopped, disk_errors, exactly, is_cancelled_at, resumable
from sparselab.training.runs.stages import Stage, stages_of
from sparselab.training.runs.underway import Underway, begin, restore, save
from sparselab.training.schedule import Schedule, schedule_of
from sparselab.training.settings import TrainSettings
from sparselab.training.tasks import Data

CHECKPOINT_SECONDS = 600.0
"""Longest stretch of training that a kill can cost, where an epoch lasts longer."""

Say = Callable[[str], None]
KeepLayouts = Callable[[str, Mapping[str, Layout]], None]


def train(
    settings: TrainSettings,
    folder: Path,
    *,
    resume: bool = False,
    data: Path | None = None,
    monitor: Monitor = SILENT,
    say: Say = lambda _text: None,
    handed: Mapping[str, Any] | None = None,
    accept_changed_code: bool = False,
    judged: Callable[[Data], Data] = lambda data: data,
    keep_layouts: KeepLayouts = lambda _stage, _layouts: None,
) -> None:
    """Train in `folder` until all results are there; killed at any moment and resumed, they are the same bit for bit.

    The same at the same number of threads, on the same machine with the same versions: `say` is told where they differ. A
    start that fails before its first step, on its data say, leaves no folder behind.

    Args: folder: empty or absent, or a run of these settings with `resume`, but for `levels`, which may be raised. data:
        where the task's files lie. handed: a function or class for "task" or "model", where Python code gives them.
        accept_changed_code: resume a run whose own code has changed since, or is another. judged: returns the task with the
        examples that the network is judged on. keep_layouts: hears the name of a stage and, by layer, what its transform made.
    Raises: SettingError for a folder that holds another run, is written by another process, or for code that fails. Cancelled
        when the monitor or a file called `cancel` in the folder asked to stop; the run can be resumed, as after any other
        error. FileError when the disk is full or a file of the run is damaged beyond what resuming can mend.
    """
    paths = RunPaths(folder)
    settings = settings.settled()
    with process_group(settings) as processes, disk_errors(folder), ExitStack() as stack:
        begun = paths.config.exists()

        def hold() -> None:
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked(paths.lock, f"the run in {folder}"))

        if processes.writes and begun:
            hold()
        if processes.writes:
            check_folder(paths, settings, resume=resume, accept_changed_code=accept_changed_code)
        data = data or stored_data(paths)
        code = stack.enter_context(code_of(settings, handed))
        ready = _prepare(settings, data, code, monitor, begun=begun)
        ready = replace(ready, data=judged(ready.data))
        if processes.writes:
            if not begun:
                hold()
            digests = code.digests(settings)
            open_folder(paths, settings, data, digests, resume=resume, accept_changed_code=accept_changed_code, say=say)
        processes.wait()
        _carry_out(settings, paths, ready, monitor=monitor, say=say, processes=processes, keep_layouts=keep_layouts)


@dataclass(frozen=True, eq=False)
class _Ready:
    """What a run needs before its first step: its data, its steps and its network."""

    data: Data
    schedule: Schedule
    network: Network
    drawn_anew: Callable[[int], State]


def _prepare(settings: TrainSettings, folder: Path | None, code: Code, monitor: Monitor, *, begun: bool) -> _Ready:
    """Load the data in `folder` and build the network; try code of one's own on two examples."""
    monitor.progress("loading the data")
    data = load_data(settings, folder, code)
    schedule = schedule_of(settings, len(data.train))
    network = build_network(settings, data, resolve_device(settings.device), code)
    if code.own:
        with explained(f"{settings.model} on two examples of {settings.task}", code.has):
            try_out(network, data)
    if settings.from_file and not begun:
        initial(settings, network, lambda _text: None)  # what is wrong with the file is said before there is a folder
    return _Ready(data, schedule, network, lambda level: drawn_anew(settings, data, level, code))


def _carry_out(
    settings: TrainSettings,
    paths: RunPaths,
    ready: _Ready,
    *,
    monitor: Monitor,
    say: Say,
    processes: ProcessGroup,
    keep_layouts: KeepLayouts,
) -> None:
    """Run what remains of the plan."""
    plan = stages_of(settings, ready.schedule)
    results = Results(paths.results, plan)
    with exactly(settings.threads), Events(paths.events, writes=processes.writes) as events:
        run = RunContext(
            settings=settings,
            processes=processes,
            monitor=monitor,
            say=say,
            data=ready.data,
            schedule=ready.schedule,
            network=ready.network,
            drawn_anew=ready.drawn_anew,
            paths=paths,
            events=events,
            results=results,
            keep_layouts=keep_layouts,
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
        told = judged(run.data.metric, validation=run.evaluate(run.data.validation))
        loss = progress.epoch_loss / progress.epoch_steps
        run.events.write({"event": "epoch", **where, "loss": loss, **told})
        progress.epoch_loss, progress.epoch_steps = 0.0, 0
