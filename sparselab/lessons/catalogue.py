"""The lessons that there are: those of the package by number, and those that other packages bring."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sparselab.core.data_files import LESSONS as LESSON_DATA
from sparselab.core.errors import FileError, SettingError
from sparselab.core.plugins import Registry
from sparselab.lessons.loading import read_lesson


def _shipped() -> dict[str, Path]:
    return {folder.name: folder for folder in sorted(LESSON_DATA.glob("[0-9][0-9]-*")) if folder.is_dir()}


def _check(_name: str, value: Any) -> None:
    if not isinstance(value, Path):
        raise SettingError(f"expected a pathlib.Path of a lesson's folder; got {value!r}")
    read_lesson(value)


LESSONS: Registry[Path] = Registry("lessons", _shipped(), _check)
"""The folders of all lessons by name. Those of the package are called NN-NAME; a plug-in brings one as a `pathlib.Path`."""


def lesson_folder(name: str) -> Path:
    """Return the folder of a lesson: by its number, such as 3, or by its name.

    Raises: FileError where there is none.
    """
    if name.isascii() and name.isdigit() and len(name) <= 2:
        found = [folder for each, folder in LESSONS.builtin.items() if each.startswith(f"{int(name):02d}-")]
        if found:
            return found[0]
    elif name in LESSONS:
        return LESSONS[name]
    raise FileError(f"expected a lesson: {', '.join(map(lesson_key, LESSONS))}; got {name[:60]!r}")


def lesson_key(name: str) -> str:
    """Return how a link names a lesson: by its number where the package brings it.

    Example: >>> lesson_key("03-alike"), lesson_key("my-lesson")
             ('3', 'my-lesson')
    """
    return str(int(name[:2])) if name in LESSONS.builtin else name
