"""A tuning from its request to the converted model: what was finished is taken from the folder, so every tuning resumes.

tune.json            the request, what each transform was seen to come to before anything was trained, the epochs that fit its minutes,
                     the metrics before training, and at the end what it came to
dense/, masked/      the runs, as `train` writes them
structured.layouts   what the transform made of the masked network
structured.safetensors  the converted model, see `sparselab.nn.load`
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sparselab.core.device import resolve_device
from sparselab.runtime.progress import SILENT, Monitor
from sparselab.training.named import code_of, load_data
from sparselab.training.network import build_network
from sparselab.training.runs.paths import RunPaths
from sparselab.training.runs.run import train
from sparselab.training.runs.run_guards import exactly
from sparselab.training.tasks import Data
from sparselab.training.tasks.fewer import judged_on
from sparselab.tuning.choosing import Refused
from sparselab.tuning.converted import save_converted
from sparselab.tuning.forms import EXAMPLES
from sparselab.tuning.measuring import measure
from sparselab.tuning.planning import prepare
from sparselab.tuning.record import TuneRecord
from sparselab.tuning.request import TuneRequest

Say = Callable[[str], None]


def tune(
    request: TuneRequest,
    folder: Path,
    *,
    resume: bool = False,
    anyway: bool = False,
    seconds: float = 6.0,
    data: Path | None = None,
    monitor: Monitor = SILENT,
    say: Say = lambda _text: None,
) -> dict[str, Any]:
    """Train the checkpoint dense, masked and structured, a third of the time each; measure all forms; save the converted model.

    The minutes are those of all of it. Before anything is trained the forms are timed at the checkpoint's weights: where the structure
    is shown not to be faster than what drops nothing, nothing is trained. What a step takes and what judging an example takes is measured
    once; the epochs that fit, and what is left out so that they do, follow from that and are written down: what is resumed is the same
    training.

    anyway: train where the structure cannot pay too, or the minutes are too few. seconds: how long the forms are timed at most, in turns.

    Returns: what `tune.json` holds: "request", "tried", "transform", "forecast", "epochs", "step_seconds", "plan", "left_out", "timed",
        "before", and "result", see `Tuned.as_json`.
    Raises: SettingError for a folder that holds another tuning, for a structure that cannot pay here, and for minutes in which not even
        one step of each network fits; what `train` raises, and Cancelled: it can be resumed.
    """
    record = TuneRecord(folder, request, resume=resume)
    if record.told["result"] is not None:
        return record.told
    begun = time.monotonic()
    if record.told["epochs"] is None:
        try:
            prepare(request, record, data, seconds, monitor, say, anyway=anyway)
        except Refused:
            record.discard()
            raise
    told = record.told
    masked = request.masked(told["epochs"], told["transform"] or request.transform)
    judged = _judged(told["plan"])
    for name, settings in (("dense", request.dense(told["epochs"])), ("masked", masked)):
        place = folder / name
        train(
            settings,
            place,
            resume=RunPaths(place).config.exists(),
            data=data,
            monitor=monitor,
            say=say,
            judged=judged,
            keep_layouts=lambda _stage, layouts: record.keep_layouts(layouts),
        )
    settings = masked.settled()
    with code_of(settings) as code, exactly(settings.threads):
        examples = judged(load_data(settings, data, code))
        network = build_network(settings, examples, resolve_device(settings.device), code)
        timed = told["timed"] or {"seconds": seconds, "examples": EXAMPLES}
        found = measure(settings, network, examples, record, timed, monitor=monitor, say=say)
        save_converted(found.converted, folder)
    record.add(result=found.as_json())
    minutes = (time.monotonic() - begun) / 60
    slower = minutes > request.minutes and told["plan"] is not None and told["plan"]["seconds"] <= told["plan"]["left"]
    why = ": this machine was slower than when a step of training and an example were timed" * slower
    say(f"{minutes:.1f} minutes, of {request.minutes:g}{why}")
    return TuneRecord(folder, request, resume=True).told


def _judged(told: dict[str, Any] | None) -> Callable[[Data], Data]:
    """Return what leaves the examples that a plan has; tunings of older versions have none, and are judged on all."""
    if told is None:
        return lambda data: data
    return lambda data: judged_on(data, validation=told["validation"], test=told["test"])
