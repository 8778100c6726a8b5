"""How many groups a convolution has, where the file does not say it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from sparselab.core.errors import FileError
from sparselab.formats.kinds.parts import LayerParts
from sparselab.formats.kinds.rule import KindRule, registry
from sparselab.formats.kinds.spelling import module_of, path_of
from sparselab.formats.options import ReadOptions

_FEW = 4
"""Channels of a picture: a convolution of two to four inputs can be the first."""


@dataclass(frozen=True, eq=False)
class Convolutions:
    """The convolutions of a file, in its order."""

    layers: tuple[LayerParts, ...]

    @classmethod
    def of(cls, layers: Iterable[LayerParts]) -> Convolutions:
        return cls(tuple(parts for parts in layers if parts.kernel is not None and "E" not in parts.axes))

    @cached_property
    def places(self) -> dict[str, int]:
        return {parts.name: place for place, parts in enumerate(self.layers)}

    @cached_property
    def sees_pictures(self) -> bool:
        """Whether one of them can be the first of a network on pictures."""
        return any(1 < parts.tensor_shape[1] <= _FEW for parts in self.layers)

    @cached_property
    def first_of_one(self) -> int:
        """The place of the first with one input channel."""
        return next(place for place, parts in enumerate(self.layers) if parts.tensor_shape[1] == 1 < parts.rows)

    @cached_property
    def explained(self) -> dict[tuple[str, ...], set[int]]:
        """By block, the channels that need no groups: its other convolutions put out as many, or take as many and all of them."""
        found: dict[tuple[str, ...], set[int]] = {}
        for place, parts in enumerate(self.layers):
            channels = found.setdefault(_parent(parts), set())
            channels.add(parts.rows)
            if not self.takes_part(place):
                channels.add(parts.tensor_shape[1])
        return found

    def takes_part(self, place: int) -> bool:
        """Whether a convolution has as many outputs as the one before it in its block, and a part of as many inputs."""
        out, channels, *_ = self.layers[place].tensor_shape
        if not place or channels < 2 or out % channels or out == channels:
            return False
        return self.is_followed(place - 1) and self.layers[place - 1].rows == out

    def is_followed(self, place: int) -> bool:
        """Whether the next convolution lies in the same block."""
        both = self.layers[place : place + 2]
        return len(both) == 2 and _parent(both[0]) == _parent(both[1])


def groups_of(parts: LayerParts, convolutions: Convolutions, options: ReadOptions) -> tuple[int, tuple[str, ...]]:
    """Return the groups of a layer among the convolutions of its file, and a note where they were assumed.

    Raises: FileError for groups that do not divide its rows.
    """
    given = options.groups_of(parts.name)
    if given is None and "E" in parts.axes:
        return parts.file_shape[parts.axes.index("E")], ()
    geometry = next((entry.geometry for entry in parts.entries if entry.geometry is not None), None)
    if given is None and geometry is not None:
        given = geometry.groups
    if given is not None:
        if parts.rows % given:
            raise FileError(f"{parts.name}: expected groups that divide its {parts.rows} rows; got {given}")
        return given, ()
    place = convolutions.places.get(parts.name)
    for rule in GROUP_RULES.values() if place is not None else ():
        seen = None if rule.catches is None else rule.catches(place, convolutions)
        if seen is not None:
            return (int(seen) if seen.isdigit() else 1), (rule.text(seen),)
    return 1, ()


def _depthwise(place: int, convolutions: Convolutions) -> str | None:
    parts = convolutions.layers[place]
    out, channels, *kernel = parts.tensor_shape
    if channels != 1 or out == 1:
        return None
    if convolutions.sees_pictures or convolutions.first_of_one < place:
        return str(out)
    following = [each.tensor_shape for each in convolutions.layers[place + 1 : place + 2]]
    is_pointwise = any(shape[1] == out and set(shape[2:]) == {1} for shape in following)
    return str(out) if is_pointwise and set(kernel) != {1} else None


def _grouped(place: int, convolutions: Convolutions) -> str | None:
    if not convolutions.takes_part(place):
        return None
    parts = convolutions.layers[place]
    out, channels, *_ = parts.tensor_shape
    if channels in convolutions.explained[_parent(parts)]:
        return None
    after = convolutions.layers[place + 1].tensor_shape if convolutions.is_followed(place) else None
    # A gate halves what a convolution puts out, so that two groups must be shown by who takes all of it.
    is_whole_after = after is not None and after[1] == out
    is_more_than_gate = out // channels > 2 and after in (None, parts.tensor_shape)
    return str(out // channels) if is_whole_after or is_more_than_gate else None


def _one_channel(place: int, convolutions: Convolutions) -> str | None:
    parts = convolutions.layers[place]
    is_one = parts.tensor_shape[1] == 1 < parts.rows and len(convolutions.layers) > 1
    return f"{parts.name}={parts.rows}" if is_one else None


def _parent(parts: LayerParts) -> tuple[str, ...]:
    return module_of(path_of(parts.base))[:-1]


GROUP_RULES = registry(
    (
        KindRule(
            name="depthwise",
            title="Depthwise convolutions",
            outcome="read",
            says="read as {} groups (depthwise): one input channel, and the other convolutions show that it is not the first; --conv-groups says otherwise",
            line="The rows of different groups see different inputs, so that they never share a block.",
            catches=_depthwise,
        ),
        KindRule(
            name="grouped",
            title="Grouped convolutions",
            outcome="read",
            says="read as {} groups: it takes a part of what the convolution before it puts out, and no other of its block explains that; --conv-groups says otherwise",
            line="As many outputs as the convolution before it in its block, and a part of as many inputs: a number that no other in the block puts out or takes. Half of them may be a gate, and count only where the next convolution takes all outputs.",
            catches=_grouped,
        ),
        KindRule(
            name="one-channel",
            title="Convolutions of one channel",
            outcome="read",
            says="read as a convolution of one input channel; if it is depthwise, say --conv-groups {}",
            line="The first convolution of a network on grey pictures looks like a depthwise one.",
            catches=_one_channel,
        ),
    )
)
"""What is assumed of groups, in the order in which it is tried."""
