"""What every pattern says: how many units of a mask fulfil it, where it first breaks, and what chance gives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from sparselab.auditing.bits import Axis, MaskBits


@dataclass(frozen=True)
class Spot:
    """Where a unit that breaks a pattern begins, in bits along an axis, and what was found there in words."""

    group: int
    line: int
    position: int
    start: int
    found: str


@dataclass(frozen=True)
class Tally:
    """Units of a mask, how many of them break the pattern, and the first that does, in the order in which the axis is read."""

    units: int
    broken: int
    first: Spot | None = None


@dataclass(frozen=True)
class Pattern(ABC):
    """A pattern of zeros: a mask is cut into units, and each must fulfil it.

    `title` says in words what it is, `form` how it is written. `axes` are those it is looked for along; None where it has none, and
    is counted in bits along the inputs. `stricts`: whether there is an exact form, an "at most" one, or both.
    """

    title: ClassVar[str]
    form: ClassVar[str]
    axes: ClassVar[tuple[Axis | None, ...]] = (None,)
    stricts: ClassVar[tuple[bool, ...]] = (True,)

    @property
    @abstractmethod
    def name(self) -> str:
        """How this pattern is written, such as "2:4"; `parse` reads it."""

    @classmethod
    @abstractmethod
    def usual(cls) -> Sequence[Pattern]:
        """Return those that are looked for without a claim."""

    @classmethod
    @abstractmethod
    def parse(cls, text: str) -> Pattern | None:
        """Return the pattern that a text names, None where it is none of this kind. Raises: SettingError for impossible numbers."""

    def fits(self, bits: MaskBits) -> bool:
        """Whether a whole unit fits into bits along its axis: smaller layers say nothing of the pattern."""
        return True

    @abstractmethod
    def tally(self, bits: MaskBits, *, strict: bool) -> Tally:
        """Count the units of a mask along an axis, and those that break the pattern."""

    @abstractmethod
    def log_chance(self, bits: MaskBits, *, strict: bool) -> float:
        """Return the log of the share of units that fulfil it by chance, in masks of the same shape and count."""


def first_true(bad: NDArray[np.bool_]) -> tuple[int, tuple[int, ...] | None]:
    """Return how many of an array of booleans are true, and the index of the first."""
    broken = int(np.count_nonzero(bad))
    return broken, tuple(map(int, np.unravel_index(int(bad.argmax()), bad.shape))) if broken else None


def runs(length: int, step: int) -> list[tuple[int, int]]:
    """Return (how many, how long) of the runs that a length is cut into: whole ones, and one that remains.

    Example: >>> runs(10, 4)
             [(2, 4), (1, 2)]
    """
    return [(count, size) for count, size in ((length // step, step), (1, length % step)) if count and size]
