"""A step of words alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sparselab.lessons.views.base import LessonView
from sparselab.lessons.words import Facts


@dataclass(frozen=True)
class TextView(LessonView):
    """Words, and nothing beside them."""

    kind: ClassVar[str] = "text"
    needs_picture: ClassVar[bool] = False

    def facts(self) -> Facts:
        return {}
