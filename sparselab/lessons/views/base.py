"""What every kind of view is: a frozen dataclass whose fields are what a step's `[view]` may say, and its facts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from sparselab.lessons.words import Facts


class LessonView(ABC):
    """What a step shows. Fields are declared as settings are (`core/settings`); grids are tuples of texts, knobs a mapping;
    `__post_init__` raises SettingError where they exclude each other, or name what is not there.

    needs_picture: whether a step with it must say its picture in words.
    """

    kind: ClassVar[str]
    needs_picture: ClassVar[bool] = True

    @property
    def is_quick(self) -> bool:
        """Whether facts and drawing come within some milliseconds, so that a page need not ask a worker."""
        return True

    @property
    def controls(self) -> Mapping[str, str]:
        """What may be left visible, by name, with its meaning in a few words."""
        return {}

    @property
    def limits(self) -> Mapping[str, tuple[float, float]]:
        """From where to where a control goes, where that is narrower than what its field may be."""
        return {}

    def readings(self, language: str = "en") -> tuple[str, ...]:
        """Return what is read off the picture as it stands, a line each in Markdown: for controls that were turned."""
        return ()

    @abstractmethod
    def facts(self) -> Facts:
        """Return the numbers and names of what is shown, computed by the engine or read of a stored measurement.

        Raises: SparselabError.
        """

    def drawing(self, alt: str, *, covered: bool = False, language: str = "en") -> str:
        """Return what is shown as SVG, "" where nothing is: all of it, or what may be seen before the reveal.

        alt: what the picture means, in words. Raises: SparselabError.
        """
        return ""
