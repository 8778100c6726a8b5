"""Two files of masks side by side: two seeds, two levels, what was claimed and what was shipped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from sparselab.analysis.overlap import Overlap, in_words, joined, overlap
from sparselab.core.errors import FileError, LimitError
from sparselab.core.ticket import FoundLayer, Ticket
from sparselab.formats import ReadOptions, Source, open_ticket, read_ticket
from sparselab.runtime.progress import SILENT, Monitor


@dataclass(frozen=True, kw_only=True)
class NotCompared:
    """A layer without an overlap, and why. `is_unreadable`: it could not be read; otherwise the files differ in it."""

    name: str
    reason: str
    is_unreadable: bool = False


@dataclass(frozen=True, kw_only=True)
class MaskDiff:
    """What two tickets have in common: the overlap of every layer of both, by its name, and the layers without one.

    `total` is of all layers compared together; None where there is none. `notes`: what was assumed.
    """

    layers: Mapping[str, Overlap]
    not_compared: tuple[NotCompared, ...]
    notes: tuple[str, ...] = ()

    @property
    def total(self) -> Overlap | None:
        return joined(self.layers.values()) if self.layers else None

    @property
    def verdict(self) -> Literal["same", "different", "unreadable"]:
        """Whether all layers are in both, with the same weights kept; "unreadable" where a layer could not be read."""
        if any(item.is_unreadable for item in self.not_compared):
            return "unreadable"
        is_same = not self.not_compared and all(each.is_same for each in self.layers.values())
        return "same" if is_same else "different"

    @property
    def sentence(self) -> str:
        """What was found, in words."""
        if self.total is None:
            return "No layer could be compared."
        told = in_words(self.total)
        return f"Of the layers compared ({len(self.layers)}): {told}" if self.not_compared else told

    def as_json(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        return {
            "verdict": self.verdict,
            "sentence": self.sentence,
            "layers": [{"name": name, **each.as_json()} for name, each in self.layers.items()],
            "total": None if self.total is None else self.total.as_json(),
            "not_compared": [{"name": item.name, "reason": item.reason} for item in self.not_compared],
            "notes": list(self.notes),
        }


def diff(a: Source, b: Source, *, monitor: Monitor = SILENT) -> MaskDiff:
    """Return how much the masks of two tickets, or of anything that `open_ticket` takes, have in common, layer by layer.

    Layers of one name are compared, one pair in memory at a time; the only layer of one and the only layer of the other are a pair
    under any names. Each overlap stands beside what two random masks of the same counts would have in common.

    Raises: SparselabError for what cannot be opened; Cancelled. A layer that cannot be read is in `not_compared`.
    Example: >>> found = diff({"fc.weight": np.eye(4)}, {"fc.weight": np.eye(4) + np.eye(4, k=1)})
             >>> found.verdict, found.layers["fc.weight"].both, found.layers["fc.weight"].only_b
             ('different', 4, 3)
    """
    one, other = open_ticket(a), open_ticket(b)
    found: dict[str, Overlap] = {}
    without: list[NotCompared] = []
    notes: list[str] = []
    pairs = list(_pairs(one, other))
    for done, (name, in_a, in_b) in enumerate(pairs):
        monitor.progress(f"comparing {name}", done, len(pairs))
        if in_a is None or in_b is None:
            without.append(NotCompared(name=name, reason="only in A" if in_b is None else "only in B"))
            continue
        compared = _compared(name, in_a, in_b)
        if isinstance(compared, NotCompared):
            without.append(compared)
            continue
        found[name] = compared
        notes += _assumed(in_a, in_b)
    return MaskDiff(layers=MappingProxyType(found), not_compared=tuple(without), notes=tuple(notes))


def diff_files(a: str, options_a: ReadOptions, b: str, options_b: ReadOptions, *, monitor: Monitor) -> dict[str, Any]:
    """Return what `diff` finds in two files as plain values, in a worker."""
    return diff(read_ticket(a, options_a), read_ticket(b, options_b), monitor=monitor).as_json()


def _pairs(a: Ticket, b: Ticket) -> Iterator[tuple[str, FoundLayer | None, FoundLayer | None]]:
    """Yield the layers of both by name: those of A in its order, then those of B alone."""
    if len(a) == len(b) == 1:
        yield a.names[0], a.entries[0], b.entries[0]
        return
    in_a, in_b = ({layer.name: layer for layer in ticket.entries} for ticket in (a, b))
    for name in {**in_a, **in_b}:
        yield name, in_a.get(name), in_b.get(name)


def _compared(name: str, a: FoundLayer, b: FoundLayer) -> Overlap | NotCompared:
    masks = []
    for which, layer in (("A", a), ("B", b)):
        try:
            masks.append(layer.mask())
        except (FileError, LimitError) as error:
            return NotCompared(name=name, reason=f"in {which}: {error}", is_unreadable=True)
    one, other = masks
    if one.shape != other.shape:
        shapes = (" x ".join(map(str, mask.shape)) for mask in masks)
        return NotCompared(name=name, reason=f"expected one shape; got {' in A and '.join(shapes)} in B")
    return overlap(one, other)


def _assumed(a: FoundLayer, b: FoundLayer) -> Iterator[str]:
    if a.name != b.name:
        yield f"{a.name} of A is compared with {b.name} of B: each is the only layer"
    if sorted(a.tensor_shape) != sorted(b.tensor_shape):
        yield f"{a.name}: compared as matrices; its tensor is {a.tensor_shape} in A and {b.tensor_shape} in B"
    if a.groups != b.groups:
        yield f"{a.name}: {a.groups} groups in A and {b.groups} in B"
