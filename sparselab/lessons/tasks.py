"""What a page asks a worker about a lesson: facts and drawings that are not quick, and a sheet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sparselab.lessons.loading import read_lesson
from sparselab.lessons.ready import ready_facts
from sparselab.lessons.sheet import sheet
from sparselab.lessons.views.base import LessonView
from sparselab.lessons.views.mask import MaskView
from sparselab.lessons.views.motion import MotionView
from sparselab.lessons.words import Fact
from sparselab.runtime.progress import SILENT, Monitor


def view_facts(view: LessonView, *, monitor: Monitor = SILENT) -> dict[str, Fact]:
    """Return a view's facts."""
    return dict(view.facts())


def view_drawing(view: LessonView, alt: str, language: str, covered: bool, *, monitor: Monitor = SILENT) -> str:
    """Return a view's drawing."""
    return view.drawing(alt, covered=covered, language=language)


def view_layout(view: MaskView | MotionView, *, monitor: Monitor = SILENT) -> tuple[dict[str, Any], dict[str, Fact]]:
    """Return what a view's transform makes of its layer, as `Layout.pack` has it, and the view's facts."""
    _, layout = view.made()
    return layout.pack(), dict(view.facts())


def lesson_sheet(folder: str, language: str, *, monitor: Monitor = SILENT) -> str:
    """Return the sheet of the lesson in a folder, in one language."""
    place = Path(folder)
    return sheet(read_lesson(place), ready_facts(place), [language])
