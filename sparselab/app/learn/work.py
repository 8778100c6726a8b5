"""Facts and drawings of a view: at once where they are quick, else from a worker, and kept for all who open the lesson."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sparselab.app.shell.session import public_memory
from sparselab.app.shell.work import run_once
from sparselab.core.layout import Layout
from sparselab.core.mask import Mask
from sparselab.lessons.lesson import Lesson
from sparselab.lessons.ready import view_key
from sparselab.lessons.tasks import lesson_sheet, view_drawing, view_facts, view_layout
from sparselab.lessons.views.base import LessonView
from sparselab.lessons.views.layers import sample_mask
from sparselab.lessons.views.mask import MaskView
from sparselab.lessons.views.motion import MotionView
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


@dataclass(frozen=True, eq=False)
class LayoutMade:
    """What a transform made of a layer, and its facts."""

    layout: Layout
    facts: Facts


def layout_now(view: MaskView | MotionView) -> LayoutMade:
    """Return what a view's transform makes of its layer. Raises: SparselabError, WorkerError."""

    def make() -> LayoutMade:
        packed, facts = run_once(view_layout, view, limits=_LIMITS, what="Computing")
        return LayoutMade(Layout.unpack(packed), facts)

    found: LayoutMade = public_memory().remembered(f"lesson layout|{view_key(view)}", make)
    return found


def mask_now(view: MaskView | MotionView) -> Mask:
    """Return the mask of a view as it is in its file."""
    found: Mask = public_memory().remembered(
        f"lesson mask|{view.sample}|{view.layer}", lambda: sample_mask(view.sample, view.layer)
    )
    return found


def sheet_now(lesson: Lesson, folder: Path, language: str) -> str:
    """Return a lesson's sheet in a language as HTML; made in a worker, without words on the page: a download has no place there."""
    found: str = public_memory().remembered(
        f"lesson sheet|{folder}|{language}|{hashlib.sha256(repr(lesson).encode()).hexdigest()}",
        lambda: run_once(lesson_sheet, str(folder), language, limits=_LIMITS),
    )
    return found
