"""The facts of a lesson's steps: read where they were computed before, in `ready.json` beside the lesson, computed otherwise."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sparselab.core.atomic_files import atomic_path
from sparselab.core.errors import FileError
from sparselab.lessons.lesson import Lesson
from sparselab.lessons.loading import READY_FILE
from sparselab.lessons.views.base import LessonView
from sparselab.lessons.words import Facts

_MOST_BYTES = 2**20
_TOLERANCE = 1e-6
"""Facts are floats that another machine may sum in another order: what differs by less, relatively, is the same."""


def view_key(view: LessonView) -> str:
    """Return a name for all that a view's facts depend on in its lesson: 16 hexadecimal digits."""
    fields = {field.name: getattr(view, field.name) for field in dataclasses.fields(view)}  # type: ignore[arg-type]
    text = json.dumps([view.kind, fields], sort_keys=True, default=dict)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def ready_facts(folder: Path) -> Mapping[str, Facts]:
    """Return the facts that lie in a lesson's folder by the key of their view; none where it has no such file.

    Raises: FileError where the file is not what `write_ready` writes.
    """
    path = folder / READY_FILE
    if not path.is_file():
        return {}
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:
            raise FileError(f"{READY_FILE}: expected at most {_MOST_BYTES:,} bytes; got more")
        found = json.loads(data)
        for key, facts in found.items():
            for name, value in facts.items():
                if type(value) not in (int, float, str) or type(name) is not str:
                    raise FileError(f"{READY_FILE}: {key[:16]}: expected numbers and texts; got {type(value).__name__}")
    except FileError:
        raise
    except (OSError, ValueError, AttributeError, RecursionError):
        raise FileError(
            f"{READY_FILE}: expected facts as JSON; got something else: write it anew with lesson build"
        ) from None
    return dict(found)


def facts_of(view: LessonView, ready: Mapping[str, Facts]) -> Facts:
    """Return a view's facts: ready ones where they are there."""
    found = ready.get(view_key(view))
    return view.facts() if found is None else found


def write_ready(lesson: Lesson, folder: Path) -> Path:
    """Compute the facts of every step and write them into the lesson's folder; return the file."""
    found: dict[str, Any] = {view_key(step.view): dict(step.view.facts()) for step in lesson.steps}
    target = folder / READY_FILE
    with atomic_path(target) as temporary:
        temporary.write_text(
            json.dumps({key: facts for key, facts in found.items() if facts}, indent=1) + "\n", encoding="utf-8"
        )
    return target


def differences(computed: Facts, ready: Facts) -> tuple[str, ...]:
    """Return the names of the facts that are not the same in both, or in one alone.

    Example: >>> differences({"rows": 3, "share": 0.5}, {"rows": 3, "share": 0.5000000001}), differences({"rows": 3}, {"rows": 4})
             ((), ('rows',))
    """
    names = dict.fromkeys((*computed, *ready))
    return tuple(name for name in names if not _same(computed.get(name), ready.get(name)))


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, int | float):
        return abs(one - other) <= _TOLERANCE * max(abs(one), abs(other))
    return type(one) is type(other) and bool(one == other)
