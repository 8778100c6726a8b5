"""What a combiner makes of the tensors of a file: several that mean one weight become that weight."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from sparselab.core.ticket import Skipped
from sparselab.formats.base import Archive, ArchiveEntry
from sparselab.formats.names import clean_name

Named: TypeAlias = Mapping[str, ArchiveEntry]
"""The tensors of a file by their names as the file spells them."""


@dataclass
class Combined:
    """What became of some tensors: `made` stands in the place of the tensor it is named by, `used` are no longer there."""

    made: dict[str, ArchiveEntry] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    skipped: list[Skipped] = field(default_factory=list)
    notes: dict[str, None] = field(default_factory=dict)

    def make(self, place: str, entry: ArchiveEntry, parts: Iterable[str], note: str = "") -> None:
        """Put `entry` in the place of the tensor called `place`; `parts` are all that it was made of."""
        self.made[place] = entry
        self.used |= {place, *parts}
        if note:
            self.notes[note] = None

    def leave(self, name: str, reason: str, parts: Iterable[str] = ()) -> None:
        """Leave a tensor alone for a reason, and with it `parts`, which mean nothing without it."""
        self.skipped.append(Skipped(clean_name(name), reason))
        self.skipped += [Skipped(clean_name(part), f"belongs to {clean_name(name)}") for part in parts if part != name]
        self.used |= {name, *parts}


Combine: TypeAlias = Callable[[Named], Combined]
"""Look through the tensors of a file for those that mean one weight together; what is none of them stays as it is."""


def apply_combiner(combine: Combine, archive: Archive) -> Archive:
    """Return the archive with what `combine` found in it."""
    # Where a name comes twice the first counts, as for every reader; the others stay for the finding of layers to report.
    named: dict[str, ArchiveEntry] = {}
    for entry in archive.entries:
        named.setdefault(entry.name, entry)
    found = combine(named)
    if not found.used:
        return archive
    entries = [found.made.get(entry.name, entry) for entry in archive.entries if _stays(entry, found, named)]
    return replace(
        archive,
        entries=tuple(entries),
        skipped=(*archive.skipped, *found.skipped),
        notes=(*archive.notes, *found.notes),
    )


def _stays(entry: ArchiveEntry, found: Combined, named: Named) -> bool:
    if named[entry.name] is not entry:
        return True
    return entry.name in found.made or entry.name not in found.used
