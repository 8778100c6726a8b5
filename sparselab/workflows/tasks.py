"""What an answer depends on, as plain values: the key under which it is stored."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from sparselab.core.errors import SettingError
from sparselab.core.paths import cache_folder
from sparselab.core.plugins import Registry
from sparselab.formats import FORMATS, ReadOptions
from sparselab.grouping import GROUPERS
from sparselab.runtime.results import ResultStore
from sparselab.transforms import TRANSFORMS

_READS_ITS_FOLDER = (".json", ".onnx")
"""Suffixes of files whose tensors may lie in other files of their folder."""

_MOST_FILES = 10_000

Answer = TypeVar("Answer")
Task = Mapping[str, Any]
"""All that an answer depends on, as plain values."""


def results_folder() -> Path:
    """Return the folder of the store that a user's pages and commands share."""
    return cache_folder("results")


def identity_of(path: str, options: ReadOptions) -> dict[str, Any] | None:
    """Return what tells a file and how it is read from any other; None where it cannot be told.

    That is with plug-ins, whose code nobody knows, in a folder of too many files, and for a file that cannot be read.
    """
    if other_packages(reading=True):
        return None
    paths = [path, *(str(value) for value in vars(options).values() if isinstance(value, str | Path))]
    try:
        files = [_identity(Path(each)) for each in paths if each == path or os.path.exists(each)]
    except OSError:
        return None
    return {"files": files, "options": {key: str(value) for key, value in vars(options).items()}}


def other_packages(*, reading: bool = False) -> list[str]:
    """Return the packages, with their versions, that bring transforms or groupers: their code is not part of ours.

    reading: formats count as well, for answers that are known by a file and not by what a layer of it holds.
    """
    registries: list[Registry[Any]] = [TRANSFORMS, GROUPERS, *([FORMATS] if reading else [])]
    return sorted({registry.package(name) for registry in registries for name in registry} - {""})


def question(
    what: str, path: str, options: ReadOptions, transform: str, settings: Mapping[str, Any], **rest: Any
) -> dict[str, Any] | None:
    """Return the task `what`: one transform with these settings on a file, and the rest that the answer depends on.

    None where the file cannot be told from others, or the settings are wrong, which is said better by those who compute.
    """
    where = identity_of(path, options)
    if where is None:
        return None
    try:
        whole = whole_settings(transform, settings)
    except SettingError:
        return None
    return {what: {"transform": transform, "settings": whole, **rest}, **where}


def found_in(store: str, task: Task | None) -> dict[str, Any] | None:
    """Return the answer to a task where the store in the folder `store` holds it; computes nothing."""
    found = None if task is None else ResultStore(Path(store)).get(task)
    return None if found is None else dict(found)


def stored(
    store: ResultStore,
    asked: Callable[[], Task | None],
    compute: Callable[[], Answer],
    *,
    is_repeatable: Callable[[Answer], bool],
    lasting: Callable[[Answer], Any],
) -> Answer | Any:
    """Return the answer to a task from the store where it holds it, else compute it and keep it.

    Args: asked: tells the task; None where it cannot be told, then nothing is kept. It is asked again afterwards, because a file may be
        changed while it is read. is_repeatable: whether another run must come to the same; what a clock ended is not kept.
        lasting: what of the answer does not differ from run to run.
    """
    task = asked()
    found = None if task is None else store.get(task)
    if found is not None:
        return found
    answer = compute()
    if task is not None and task == asked() and is_repeatable(answer):
        store.put(task, lasting(answer))
    return answer


def whole_settings(transform: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return all settings of a transform, those left out at their defaults: however they are told, a question has one name.

    Raises: SettingError for settings that it does not take.
    """
    return asdict(TRANSFORMS[transform](**settings))


def without_seconds(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return an answer without the seconds that its report and layout, as far as it has them, took: they differ from run to run."""
    return {**answer, **{part: {**answer[part], "seconds": {}} for part in ("report", "layout") if part in answer}}


def _identity(path: Path) -> list[Any]:
    """Return what tells that a file or a folder is as it was: names, sizes and times of all files that may be read for it."""
    path = path.resolve(strict=True)
    files = [path]
    if path.is_dir() or path.suffix.lower() in _READS_ITS_FOLDER:
        folder = path if path.is_dir() else path.parent
        inside = list(islice(folder.rglob("*"), _MOST_FILES + 1))
        if len(inside) > _MOST_FILES:
            raise OSError(f"{folder} holds more than {_MOST_FILES} files")
        files += sorted(each for each in inside if each.is_file())
    states = [(str(each), each.stat()) for each in files]
    return [[name, state.st_size, state.st_mtime_ns] for name, state in states]
