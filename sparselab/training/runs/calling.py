"""A run from Python: settings as keywords, the task and the network by name, by reference, or as functions."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

from sparselab.core.errors import SettingError
from sparselab.core.settings import settings_of
from sparselab.runtime.progress import SILENT, Monitor
from sparselab.training.named import named_by
from sparselab.training.runs.paths import RunPaths
from sparselab.training.runs.records import read_json
from sparselab.training.runs.run import train
from sparselab.training.runs.views import RunView, read_run
from sparselab.training.settings import TrainSettings, read_settings


def run(
    out: str | os.PathLike[str],
    *,
    resume: bool = False,
    data: str | os.PathLike[str] | None = None,
    monitor: Monitor = SILENT,
    accept_changed_code: bool = False,
    **settings: Any,
) -> RunView:
    """Train in the folder `out` as the command `train` does, and return what came of it.

    Args: resume: go on with the run in `out`; settings that are not given are those of the run. data: folder of the task's
        files. accept_changed_code: go on although one's own code has changed. settings: fields of `TrainSettings`; `task` and
        `model` may be functions or classes as well, see docs/own_network.md.
    Raises: SparselabError as `train` does.
    Example: >>> import sparselab.training, tempfile
             >>> folder = tempfile.mkdtemp()
             >>> small = {"task_settings": "train=64,validation=16,test=16,canvas=12", "width": 0.25, "batch": 32}
             >>> view = sparselab.training.run(folder, method="omp", sparsity=0.5, epochs=1, rewind_epoch=0, threads=1, **small)
             >>> [entry["stage"] for entry in view.stages]
             ['level-00', 'level-01']
    """
    folder = Path(out)
    values, handed = named_by(settings)
    known = {setting.name for setting in settings_of(TrainSettings)}
    if strange := sorted(values.keys() - known):
        raise SettingError(f"expected settings of a run, such as {', '.join(sorted(known)[:5])}; got {strange[0]}")
    config = RunPaths(folder).config
    if resume and config.exists():
        values = dataclasses.asdict(read_settings(read_json(config)["settings"])) | values
    train(
        TrainSettings(**values),
        folder,
        resume=resume,
        data=None if data is None else Path(data),
        monitor=monitor,
        handed=handed,
        accept_changed_code=accept_changed_code,
    )
    return read_run(folder)
