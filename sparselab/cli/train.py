"""`train`: find tickets, give them structure, and see what it costs."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from sparselab.cli.output import print_document, print_table
from sparselab.cli.setting_options import given_settings, setting_options
from sparselab.core.errors import Cancelled, SettingError
from sparselab.core.settings import settings_of
from sparselab.runtime.progress import Monitor, Progress
from sparselab.training.own_code.reference import absolute
from sparselab.training.runs.folder import may_change
from sparselab.training.runs.paths import RunPaths
from sparselab.training.runs.queue import taking_turns
from sparselab.training.runs.records import read_json
from sparselab.training.runs.views import RunView, read_run
from sparselab.training.settings import TrainSettings, read_settings

_SETTINGS = settings_of(TrainSettings)


@click.command(short_help="Train tickets, transform them, and measure accuracy.")
@click.option("--out", "folder", required=True, type=click.Path(path_type=Path), help="Folder of the run.")
@click.option("--resume", is_flag=True, help="Go on with the run in the folder, with its settings.")
@click.option(
    "--accept-changed-code", is_flag=True, help="Resume although the task's or network's own code has changed since."
)
@click.option("--data", type=click.Path(path_type=Path), help="Folder of the data set, for tasks that read files.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def train(
    folder: Path, resume: bool, accept_changed_code: bool, data: Path | None, as_json: bool, **given: str | None
) -> None:
    """Train a network by a method, level by level, and store the run in a folder.

    An empty folder starts a run. --resume goes on with a run that was stopped or killed, and gives the same result as without
    the stop; with more --levels it extends one, finished or not. In the app's folder of runs, queued runs start when this one
    ends. --task and --model take code of your own, as FILE.py:NAME.
    """
    with stoppable() as stopped, taking_turns(folder):
        settings = _settings(folder, given, resume=resume, accept_changed_code=accept_changed_code)
        from sparselab.training.runs.run import train as run  # loads torch

        try:
            monitor = Monitor(ProgressPrinter(), stopped)
            run(
                settings,
                folder,
                resume=resume,
                data=data,
                monitor=monitor,
                say=lambda text: click.echo(text, err=True),
                accept_changed_code=accept_changed_code,
            )
        except Cancelled as error:
            click.echo(str(error), err=True)
            raise click.Abort from None
    view = read_run(folder)
    if as_json:
        settings = view.info.settings
        print_document(view.document(), "train", file=None, seed=settings.seed, settings=asdict(settings))
    else:
        _print(view)


train.params += setting_options(_SETTINGS)


def _settings(folder: Path, given: dict[str, str | None], *, resume: bool, accept_changed_code: bool) -> TrainSettings:
    """Return the settings of the flags; on resume those of the run, with which the flags must agree where they may not change."""
    values = given_settings(_SETTINGS, given)
    config = RunPaths(folder).config
    if not (resume and config.exists()):
        return TrainSettings(**values)
    known = read_json(config)["settings"]
    run = asdict(read_settings(known))
    for name, value in values.items():
        value = absolute(value) if name in ("task", "model") else value
        if run[name] != value and not may_change(name, run[name], value, accept_changed_code=accept_changed_code):
            flag = next(setting.flag for setting in _SETTINGS if setting.name == name)
            raise SettingError(f"{flag}: expected {run[name]!r}, the setting of the run; got {value!r}")
    return TrainSettings(**run | values)


class ProgressPrinter:
    """Says on standard error where a run stands: a line a stage, and a line every quarter of one."""

    def __init__(self) -> None:
        self._said = ("", -1)

    def __call__(self, progress: Progress) -> None:
        quarter = int(4 * (progress.fraction or 0))
        if (progress.stage, quarter) != self._said:
            self._said = (progress.stage, quarter)
            steps = f" {progress.done} of {progress.total} steps" if progress.total else ""
            click.echo(f"{progress.stage}{steps}", err=True)


@contextmanager
def stoppable() -> Iterator[Callable[[], bool]]:
    """Yield whether somebody asked to stop: SIGTERM and the first Ctrl-C wait for the next look of the loop."""
    asked: list[int] = []

    def ask(number: int, _frame: Any) -> None:
        if asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        asked.append(number)

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _print(view: RunView) -> None:
    levels = view.document()["levels"]
    judged = ("validation", "test") if levels and "metric" in levels[0] else ("validation_accuracy", "test_accuracy")
    metric = levels[0].get("metric", "") if levels else ""
    names = ("sparsity", "kept", "channels", "blocks", *judged)
    rows = []
    for level in levels:
        rows.append([str(level["level"]), "", *(level[name] for name in names)])
        rows += [["", then["label"], *(then[name] for name in names)] for then in level["then"]]
    titles = [name.replace("_", " ") + (f" {metric}" if name in judged and metric else "") for name in names]
    print_table(("level", "transform", *titles), rows)
