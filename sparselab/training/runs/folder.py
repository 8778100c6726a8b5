"""The folder of a run: who may use it, and the results that count."""

from __future__ import annotations

import dataclasses
import platform
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sparselab.core.errors import SettingError
from sparselab.core.version import __version__
from sparselab.training.engine.mask_measures import told_of
from sparselab.training.own_code.reference import parse_reference
from sparselab.training.runs.paths import RunPaths
from sparselab.training.runs.records import read_json, write_json
from sparselab.training.runs.stages import Stage
from sparselab.training.settings import TrainSettings, read_settings

_HARMLESS = {"lock", "lock.holder", "queued", "process.json", "output.txt", "cancel"}


def check_folder(paths: RunPaths, settings: TrainSettings, *, resume: bool, accept_changed_code: bool) -> None:
    """Look whether the folder is ready for a run of these settings, and change nothing.

    Raises: SettingError when it holds anything but this run, or this run and nobody asked to resume it.
    """
    if paths.config.exists():
        if not resume:
            raise SettingError(f"expected an empty folder for a run; {paths.folder} holds one: resume it")
        _check_same(read_settings(read_json(paths.config)["settings"]), settings, accept_changed_code)
    elif paths.folder.exists():
        strangers = sorted(path.name for path in paths.folder.iterdir() if path.name not in _HARMLESS)
        if any(not name.startswith(".") for name in strangers):
            raise SettingError(f"expected an empty folder for a run; {paths.folder} holds {strangers[0]}")


def stored_data(paths: RunPaths) -> Path | None:
    """Return where the files of the task lie, by what the run was started with; None where it was told nothing or is not there."""
    known = read_json(paths.config)["data"] if paths.config.exists() else None
    return Path(known) if known else None


def open_folder(
    paths: RunPaths,
    settings: TrainSettings,
    data: Path | None,
    code: Mapping[str, str],
    *,
    resume: bool,
    accept_changed_code: bool,
    say: Callable[[str], None],
) -> None:
    """Make the folder ready for a run of these settings; the caller holds its lock.

    Args: data: where the task's files lie. code: digests and versions of the code that is not ours.
    Raises: SettingError as `check_folder`, and where the code is not that of the run's start, unless that is accepted.
    """
    check_folder(paths, settings, resume=resume, accept_changed_code=accept_changed_code)
    if not paths.config.exists():
        write_config(paths, settings, data, code)
    else:
        _go_on(paths, settings, code, accept_changed_code=accept_changed_code, say=say)
    paths.make()
    paths.sweep()
    paths.cancel.unlink(missing_ok=True)
    paths.queued.unlink(missing_ok=True)


def _go_on(
    paths: RunPaths,
    settings: TrainSettings,
    code: Mapping[str, str],
    *,
    accept_changed_code: bool,
    say: Callable[[str], None],
) -> None:
    """Check and bring up to date what is written of a run: its levels may be raised, its code changed where that is accepted."""
    known = read_json(paths.config)
    was = known.get("code", {})
    if was and was != code:
        changed = sorted(name for name in {*was, *code} if was.get(name) != code.get(name))
        if not accept_changed_code:
            raise SettingError(
                f"expected the code that this run was started with; {changed[0]} has changed since: put it back, or accept "
                "the change with --accept-changed-code"
            )
        say(f"{changed[0]} has changed since this run was started: what was trained before stays as it is")
    if (now := _versions()) != known["versions"]:
        changed_versions = ", ".join(name for name in now if now[name] != known["versions"].get(name))
        say(
            f"this run was started with another {changed_versions}: it goes on, but need not end bit for bit as it would have"
        )
    new: dict[str, Any] = {**known, "settings": dataclasses.asdict(settings)}
    if was != code:
        new |= {"code": dict(code)}
    if was and was != code:
        new |= {"code_before": [*known.get("code_before", []), was]}
    if read_settings(known["settings"]) != settings or was != code:
        write_json(paths.config, new)


def write_config(
    paths: RunPaths, settings: TrainSettings, data: Path | None, code: Mapping[str, str] | None = None
) -> None:
    """Write what a run is told, and the hash that names it; `code`: digests and versions of the code that is not ours."""
    settings = settings.settled()
    write_json(
        paths.config,
        {
            "run": settings.digest,
            "settings": dataclasses.asdict(settings),
            "data": None if data is None else str(data.absolute()),
            "versions": _versions(),
            **({"code": dict(code)} if code else {}),
        },
    )


class Results:
    """results.json: the plan, and one entry a finished stage, in the order of the plan."""

    def __init__(self, path: Path, plan: Sequence[Stage]) -> None:
        self._path = path
        self._plan = [{"stage": s.name, "level": s.level, "start": s.start, "stop": s.stop} for s in plan]
        self._known = read_json(path) if path.exists() else None
        self._stages: list[dict[str, Any]] = self._known["stages"] if self._known is not None else []

    @property
    def done(self) -> set[str]:
        """Names of the finished stages."""
        return {entry["stage"] for entry in self._stages}

    def told(self, stage: str) -> dict[str, dict[str, Any]]:
        """Return what a transform said of every layer of a finished stage."""
        entry = next(entry for entry in self._stages if entry["stage"] == stage)
        return told_of(entry["layers"])

    @property
    def position(self) -> int:
        """Length of the events when the last stage was finished."""
        return int(self._stages[-1]["events"]) if self._stages else 0

    def begin(self) -> None:
        """Write the plan where there is none yet, or a shorter one."""
        if self._known is None or self._known["plan"] != self._plan:
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


def _check_same(known: TrainSettings, asked: TrainSettings, accept_changed_code: bool) -> None:
    for field in dataclasses.fields(TrainSettings):
        was, now = getattr(known, field.name), getattr(asked, field.name)
        if was != now and not may_change(field.name, was, now, accept_changed_code=accept_changed_code):
            raise SettingError(
                f"{field.name}: expected {was!r}, with which this run was started; got {now!r}: choose another folder"
            )


def may_change(name: str, was: Any, now: Any, *, accept_changed_code: bool) -> bool:
    """Whether a run may be resumed with another value of a setting: more levels, and other code where that is accepted."""
    if name == "levels":
        return bool(now > was)
    is_code = name in ("task", "model") and all(parse_reference(value) is not None for value in (was, now))
    return is_code and accept_changed_code


def _versions() -> dict[str, str]:
    return {
        "sparselab": __version__,
        "torch": version("torch"),
        "numpy": version("numpy"),
        "python": platform.python_version(),
    }
