"""A tuning from its request to the converted model: every step returns at once if its result exists, so every tuning resumes.

tune.json            the request, the epochs that fit its minutes, the transform, what it was seen to come to before anything was
                     trained, and at the end what it came to
dense/, masked/      the runs, as `train` writes them
structured.safetensors  the converted model, see `sparselab.nn.load`
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sparselab.core.atomic_files import atomic_path
from sparselab.core.device import resolve_device
from sparselab.core.errors import SettingError
from sparselab.runtime.progress import SILENT, Monitor
from sparselab.training.named import code_of, load_data
from sparselab.training.network import build_network
from sparselab.training.runs.paths import RunPaths
from sparselab.training.runs.records import read_json
from sparselab.training.runs.run import train
from sparselab.training.runs.run_guards import exactly
from sparselab.training.settings import TrainSettings
from sparselab.tuning.converted import save_converted
from sparselab.tuning.forecast import CANDIDATES, Forecast, best_of, forecast, refusal
from sparselab.tuning.measuring import measure
from sparselab.tuning.pace import epochs_within
from sparselab.tuning.request import AUTO, TuneRequest

_RECORD = "tune.json"
_TRAININGS = 3
"""Dense, masked, structured: they share the minutes."""


def tune(
    request: TuneRequest,
    folder: Path,
    *,
    resume: bool = False,
    anyway: bool = False,
    seconds: float = 6.0,
    data: Path | None = None,
    monitor: Monitor = SILENT,
    say: Callable[[str], None] = lambda _text: None,
) -> dict[str, Any]:
    """Train the checkpoint dense, masked and structured, a third of the minutes each; measure all forms; save the converted model.

    Before anything is trained the forms are timed at the checkpoint's weights: where the structure is shown not to be faster than
    what drops nothing, nothing is trained. The epochs that fit are found once, from a few timed steps, and written down: what is resumed is the same training.

    anyway: train where the structure cannot pay too. seconds: how long the forms are timed, in turns.

    Returns: what `tune.json` holds: "request", "transform", "forecast", "epochs", "step_seconds", and "result", see `Tuned.as_json`.
    Raises: SettingError for a folder that holds another tuning, and for a structure that cannot pay here; what `train` raises, and Cancelled: it can be resumed.
    """
    record = folder / _RECORD
    if record.exists():
        told = read_json(record)
        if not resume or told["request"] != request.as_json():
            wish = "an empty folder, or --resume with what the tuning in it was told"
            raise SettingError(f"--out: expected {wish}; {folder} holds a tuning")
        if told["result"] is not None:
            return told
    else:
        found = _chosen(request, data, seconds, monitor, anyway)
        say(found.told)
        monitor.progress("timing a few steps")
        masked = request.masked(_MOST_EPOCHS, found.transform)
        epochs, step = epochs_within(60 * request.minutes / _TRAININGS, masked, data)
        told = {
            "request": request.as_json(),
            "transform": found.transform,
            "forecast": found.as_json(),
            "epochs": epochs,
            "step_seconds": step,
            "result": None,
        }
        folder.mkdir(parents=True, exist_ok=True)
        _write(record, told)
        share = 60 * request.minutes / _TRAININGS
        say(
            f"{request.minutes:g} minutes of training: dense, masked and structured get {share:.0f} s each, which is {epochs:g} epochs at "
            f"{1000 * step:.1f} ms a step; then grouping, evaluation, and at least {seconds:g} s of timing"
        )
    dense = request.dense(told["epochs"])
    masked = request.masked(told["epochs"], told.get("transform", request.transform))
    for name, settings in (("dense", dense), ("masked", masked)):
        place = folder / name
        train(settings, place, resume=RunPaths(place).config.exists(), data=data, monitor=monitor, say=say)
    told["result"] = _measured(masked.settled(), folder, data, seconds, monitor, say)
    _write(record, told)
    return read_json(record)


_MOST_EPOCHS = 1000.0


def _chosen(request: TuneRequest, data: Path | None, seconds: float, monitor: Monitor, anyway: bool) -> Forecast:
    """Return the transform to train, with what it comes to here. Raises: SettingError where it cannot pay, unless `anyway`."""
    is_open = request.transform == AUTO
    first = request.masked(_MOST_EPOCHS, CANDIDATES[0] if is_open else "")
    with code_of(first) as code, exactly(first.threads):
        examples = load_data(first, data, code)
        network = build_network(first, examples, resolve_device(first.device), code)
        fresh = network.capture()

        def tried(transform: str) -> Forecast:
            network.restore(fresh)
            settings = request.masked(_MOST_EPOCHS, transform).settled()
            return forecast(settings, network, examples, seconds=seconds / 2, monitor=monitor)

        others = [tried(each) for each in CANDIDATES] if is_open else []
        found = best_of(others) if is_open else tried(request.transform)
        if not found.cannot_pay or anyway:
            return found
        others = others or [tried(each) for each in CANDIDATES if each != found.transform]
    raise SettingError(refusal(found, request.minutes, [each for each in others if each is not found]))


def _measured(
    settings: TrainSettings,
    folder: Path,
    data: Path | None,
    seconds: float,
    monitor: Monitor,
    say: Callable[[str], None],
) -> dict[str, Any]:
    with code_of(settings) as code, exactly(settings.threads):
        examples = load_data(settings, data, code)
        network = build_network(settings, examples, resolve_device(settings.device), code)
        found = measure(
            settings, network, examples, folder / "masked", folder / "dense", seconds=seconds, monitor=monitor, say=say
        )
        save_converted(found.converted, folder)
    return found.as_json()


def _write(path: Path, told: dict[str, Any]) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(told, indent=2, allow_nan=False), encoding="utf-8")
