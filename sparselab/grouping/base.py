"""What a grouper is given and what it answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sparselab.core.errors import SettingError
from sparselab.core.groups import split_groups
from sparselab.core.inputs.generators import Rng, as_generator
from sparselab.core.inputs.layers import LayerLike, as_mask
from sparselab.core.inputs.memory import available_memory
from sparselab.core.layer import Layer
from sparselab.core.mask import IntVector, Mask
from sparselab.core.plugins import expect_instance, expect_texts
from sparselab.core.strips import CELLS
from sparselab.runtime.progress import SILENT, Monitor

_STRIPS = 6
"""Strips of eight bytes a number that comparing rows takes at once; measured, as are the figures of each grouper."""

Groups = tuple[IntVector, ...]
"""The rows of each group. Every row is in exactly one group; a group may be empty only when there are more groups than rows."""


@dataclass(frozen=True)
class Goal:
    """How many groups are wanted, and whether their sizes are promised.

    With `height` every group has exactly that many rows, the last one what remains. With `count` there are that many
    groups, of the sizes the grouper finds. Exactly one of the two is given. `knn` and `similarity` are for groupers that
    compare rows: neighbours per row in a graph, "jaccard" or "cosine".

    Raises: SettingError unless exactly one of height and count is given, and it is positive.
    """

    height: int | None = None
    count: int | None = None
    knn: int = 32
    similarity: str = "jaccard"

    def __post_init__(self) -> None:
        if (self.height is None) == (self.count is None) or (self.height or self.count or 0) < 1:
            raise SettingError("expected either rows per group or a number of groups, 1 or more")

    def sizes(self, rows: int) -> IntVector:
        """The group sizes asked for: exact ones for `height`, the most even ones for `count`.

        Example: >>> Goal(height=4).sizes(10).tolist(), Goal(count=4).sizes(10).tolist()
                 ([4, 4, 2], [3, 3, 2, 2])
        """
        if self.height is not None:
            whole, rest = divmod(rows, self.height)
            return np.array([self.height] * whole + [rest] * (rest > 0), dtype=np.int64)
        assert self.count is not None
        count = min(self.count, rows)
        return np.array([rows // count + (i < rows % count) for i in range(count)], dtype=np.int64)


class Grouper(ABC):
    """Puts the rows of a mask into groups of like rows."""

    title: ClassVar[str]
    meaning: ClassVar[str]
    """One line in plain words, shown beside the grouper's name."""
    source: ClassVar[str]
    compares_rows: ClassVar[bool] = False
    """Whether it starts from the similarity of every pair of rows."""
    finds_planted_groups: ClassVar[bool] = True
    """Whether it promises to find groups of rows that share no column with other groups."""
    is_control: ClassVar[bool] = False
    """Whether it looks at no row: what another grouper must beat."""
    by_chance: ClassVar[bool] = False
    """Whether rows are put together at random."""

    def __call__(
        self, mask: LayerLike, goal: Goal, *, rng: Rng = None, device: str = "auto", monitor: Monitor = SILENT
    ) -> Groups:
        """Return the groups of the rows of a mask, or of an array or tensor that stands for one.

        Of a layer that is a grouped convolution, each of its groups is cut by itself, to the same goal.

        rng: a generator, a seed, or None for the seed 0.
        Raises: SparselabError for what is no mask, UnavailableError when a library that it needs is not installed, SettingError
            when it would need more memory than there is.
        """
        rng, parts = as_generator(rng), split_groups(mask) if isinstance(mask, Layer) else (mask,)
        found: list[IntVector] = []
        for start, part in enumerate(map(as_mask, parts)):
            self.check_memory(part)
            found += [rows + start * part.rows for rows in self._group(part, goal, rng, device, monitor)]
        return tuple(found)

    def bytes_needed(self, rows: int, cols: int, kept: int) -> int:
        """Return about how many bytes this takes at its peak for a rows x cols mask that keeps `kept` weights.

        By default what fitting the sizes takes: the mask as bytes, strips of similarities, and the affinity of every row to
        groups of 16 rows. A grouper that takes more says so.
        """
        return rows * cols + _STRIPS * 8 * min(CELLS, rows * rows) + 8 * rows * (rows // 16)

    def check_memory(self, mask: Mask) -> None:
        """Raises: SettingError when the memory that is free is less than `bytes_needed`."""
        free = available_memory()
        if self.bytes_needed(mask.rows, mask.cols, mask.count) <= free:
            return

        def fits(rows: int) -> bool:
            return self.bytes_needed(rows, mask.cols, round(mask.density * rows * mask.cols)) <= free

        most = bisect_left(range(1, mask.rows + 1), True, key=lambda rows: not fits(rows))
        raise SettingError(
            f"expected at most {most} rows of {mask.cols} columns for the grouper {self.title}, with {free / 2**30:.1f} GiB "
            f"of memory free; got {mask.rows}: choose jaccard-metis, natural or random, which take less, or a machine with more memory"
        )

    @abstractmethod
    def _group(self, mask: Mask, goal: Goal, rng: np.random.Generator, device: str, monitor: Monitor) -> Groups:
        """Return the groups; what a grouper is."""


def check_grouper(name: str, grouper: object) -> None:
    """Raises: SettingError unless what a plug-in brings is a grouper."""
    expect_instance(grouper, Grouper)
    expect_texts(grouper, "title", "meaning", "source")


def cut(order: IntVector, sizes: IntVector) -> Groups:
    """Cut a list of rows into runs of the given sizes."""
    return tuple(np.split(np.asarray(order, dtype=np.int64), np.cumsum(sizes)[:-1]))


def by_label(labels: IntVector) -> Groups:
    """Return the rows of each label that occurs, labels ascending, rows ascending.

    Example: >>> [group.tolist() for group in by_label(np.array([1, 0, 1]))]
             [[1], [0, 2]]
    """
    return tuple(np.flatnonzero(labels == label) for label in np.unique(labels))
