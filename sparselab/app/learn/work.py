"""Facts and drawings of a view: at once where they are quick, else from a worker, and kept for all who open the lesson."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from sparselab.app.shell.session import public_memory
from sparselab.app.shell.work import run_once
from sparselab.lessons.lesson import Lesson
from sparselab.lessons.ready import view_key
from sparselab.lessons.tasks import lesson_sheet, view_drawing, view_facts
from sparselab.lessons.views.base import LessonView
from sparselab.lessons.words import Facts
from sparselab.runtime.pipes import Limits

_LIMITS = Limits(memory_bytes=4 * 2**30, cpu_seconds=120, wall_seconds=120, threads=1)
"""A lesson may be a stranger's: its knobs can ask for a long search."""


def facts_now(view: LessonView, ready: Mapping[str, Facts]) -> Facts:
    """Return a view's facts. Raises: SparselabError, WorkerError."""
    found = ready.get(view_key(view))
    if found is not None:
        return found
    if view.is_quick:
        return view.facts()
    answer: Facts = public_memory().remembered(
        f"lesson facts|{view_key(view)}", lambda: run_once(view_facts, view, limits=_LIMITS, what="Counting")
    )
    return answer


def drawing_now(view: LessonView, alt: str, language: str, *, covered: bool) -> str:
    """Return a view's drawing as SVG. Raises: SparselabError, WorkerError."""
    if view.is_quick:
        return view.drawing(alt, covered=covered, language=language)
    key = f"lesson drawing|{view_key(view)}|{covered}|{language}|{alt}"
    answer: str = public_memory().remembered(
        key, lambda: run_once(view_drawing, view, alt, language, covered, limits=_LIMITS, what="Drawing")
    )
    return answer


def sheet_now(lesson: Lesson, folder: Path) -> str:
    """Return a lesson's sheet as HTML; made in a worker, without words on the page: a download has no place there."""
    found: str = public_memory().remembered(
        f"lesson sheet|{folder}|{hashlib.sha256(repr(lesson).encode()).hexdigest()}",
        lambda: run_once(lesson_sheet, str(folder), limits=_LIMITS),
    )
    return found
