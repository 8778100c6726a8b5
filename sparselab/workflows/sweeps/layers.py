"""Which layers a plan has, by name and by what they hold."""

from __future__ import annotations

from dataclasses import dataclass, field

from sparselab.formats import ReadOptions


@dataclass(frozen=True)
class PlannedLayer:
    """A layer by its name in its file, and by the digest of what it holds."""

    name: str
    digest: str
    rows: int
    cols: int


@dataclass(frozen=True)
class PlannedFile:
    """A file, how it is read, and the layers of it that are swept."""

    path: str
    layers: tuple[PlannedLayer, ...]
    options: ReadOptions = field(default_factory=ReadOptions)
