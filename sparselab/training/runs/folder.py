"""The folder of a run: who may use it, and the results that count."""

from __future__ import annotations

import dataclasses
import platform
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sparselab.core.errors import SettingError
from sparselab.core.version import __version__
from sparselab.training.runs.paths import RunPaths
from sparselab.training.runs.records import read_json, write_json
from sparselab.training.runs.stages import Stage
from sparselab.training.settings import TrainSettings, read_settings

_HARMLESS = {"lock", "lock.holder", "queued", "process.json", "output.txt", "cancel"}


def open_folder(
    paths: RunPaths, settings: TrainSettings, data: Path | None, *, resume: bool, say: Callable[[str], None]
) -> Path | None:
    """Make the folder ready for a run of these settings; the caller holds its lock.

    Returns: where the task's files lie: `data`, or what the run was started with.
    Raises: SettingError when it holds anything but this run, or this run and nobody asked to resume it.
    """
    if not paths.config.exists():
        strangers = sorted(path.name for path in paths.folder.iterdir() if path.name not in _HARMLESS)
        if any(not name.startswith(".") for name in strangers):
            raise SettingError(f"expected an empty folder for a run; {paths.folder} holds {strangers[0]}")
        write_config(paths, settings, data)
    else:
        if not resume:
            raise SettingError(f"expected an empty folder for a run; {paths.folder} holds one: resume it")
        known = read_json(paths.config)
        _check_same(read_settings(known["settings"]), settings)
        data = data or (Path(known["data"]) if known["data"] else None)
        if (now := _versions()) != known["versions"]:
            changed = ", ".join(name for name in now if now[name] != known["versions"].get(name))
            say(
                f"this run was started with another {changed}: it goes on, but need not end bit for bit as it would have"
            )
    paths.make()
    paths.sweep()
    paths.cancel.unlink(missing_ok=True)
    paths.queued.unlink(missing_ok=True)
    return data


def write_config(paths: RunPaths, settings: TrainSettings, data: Path | None) -> None:
    """Write what a run is told, and the hash that names it."""
    settings = settings.settled()
    write_json(
        paths.config,
        {
            "run": settings.digest,
            "settings": dataclasses.asdict(settings),
            "data": None if data is None else str(data.absolute()),
            "versions": _versions(),
        },
    )


class Results:
    """results.json: the plan, and one entry a finished stage, in the order of the plan."""

    def __init__(self, path: Path, plan: Sequence[Stage]) -> None:
        self._path = path
        self._plan = [{"stage": s.name, "level": s.level, "start": s.start, "stop": s.stop} for s in plan]
        self._stages: list[dict[str, Any]] = read_json(path)["stages"] if path.exists() else []

    @property
    def done(self) -> set[str]:
        """Names of the finished stages."""
        return {entry["stage"] for entry in self._stages}

    @property
    def position(self) -> int:
        """Length of the events when the last stage was finished."""
        return int(self._stages[-1]["events"]) if self._stages else 0

    def begin(self) -> None:
        """Write the plan where there is none yet."""
        if not self._path.exists():
            self._write(finished=False)

    def add(self, entry: dict[str, Any]) -> None:
        """Write one more result."""
        self._stages.append(entry)
        self._write(finished=False)

    def finish(self) -> None:
        """Write that all is done."""
        self._write(finished=True)

    def _write(self, *, finished: bool) -> None:
        write_json(self._path, {"finished": finished, "plan": self._plan, "stages": self._stages})


def _check_same(known: TrainSettings, asked: TrainSettings) -> None:
    for field in dataclasses.fields(TrainSettings):
        was, now = getattr(known, field.name), getattr(asked, field.name)
        if was != now:
            raise SettingError(
                f"{field.name}: expected {was!r}, with which this run was started; got {now!r}: choose another folder"
            )


def _versions() -> dict[str, str]:
    return {
        "sparselab": __version__,
        "torch": version("torch"),
        "numpy": version("numpy"),
        "python": platform.python_version(),
    }
