"""What is to be written for new masks of a file's layers: changes to the file, and all of its tensors as another's."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sparselab.core.errors import FileError, SettingError
from sparselab.core.layer import Layer
from sparselab.core.layout import Layout
from sparselab.formats.base import Archive
from sparselab.formats.kinds.loading import load_layer
from sparselab.formats.kinds.parts import LayerParts
from sparselab.formats.writing.forms import Form, changes_of
from sparselab.formats.writing.tensors import Changes, NewTensor, TensorKey, copy_of, key_of
from sparselab.formats.writing.ticket import mask_after


@dataclass(frozen=True, kw_only=True)
class WritePlan:
    """The changes to a file; all of its tensors with them, for a file of another format; weights that come back as 0; remarks."""

    changes: Changes
    tensors: Iterable[NewTensor]
    zeros: Mapping[str, int]
    notes: tuple[str, ...] = ()


def plan_changes(archive: Archive, found: Sequence[LayerParts], layouts: Mapping[str, Layout], form: Form) -> WritePlan:
    """Return what new masks change in an archive of these layers. Raises: SettingError for layouts that do not fit them."""
    check_names(layouts, [parts.name for parts in found])
    changes: dict[TensorKey, tuple[NewTensor, ...]] = {}
    zeros: dict[str, int] = {}
    notes: list[str] = []
    here = {id(entry) for entry in archive.entries}
    for parts in found:
        layout = layouts.get(parts.name)
        if layout is None and form == "own":
            continue
        try:
            layer = load_layer(parts)
        except FileError as error:
            if layout is not None:
                raise
            notes.append(f"{parts.name} stays as it is: {error}")
            continue
        mask_after(parts.name, layer.mask, layout)
        changed, lost = changes_of(_as_it_stands(parts, layer, here), layer.mask, layout, form)
        changes |= changed
        zeros |= {parts.name: lost} if lost else {}
    tensors = _converted(archive, found, changes)
    return WritePlan(changes=changes, tensors=tensors, zeros=zeros, notes=tuple(notes))


def check_names(layouts: Mapping[str, Layout], names: Iterable[str]) -> None:
    """Raises: SettingError for a layout of a layer that is not there."""
    if unknown := sorted(layouts.keys() - set(names)):
        raise SettingError(f"layouts: expected those of layers in the file; got {', '.join(unknown)}")


def _as_it_stands(parts: LayerParts, layer: Layer, here: Collection[int]) -> LayerParts:
    """The tensors of a layer that lie in this file: its mask may come from a second one, its only tensor may be a mask."""
    if parts.mask is not None and id(parts.mask) not in here:
        parts = replace(parts, mask=None)
    if layer.weight is None and parts.mask is None:  # nothing but 0 and 1 is a mask, whatever it is called
        parts = replace(parts, weight=None, mask=parts.weight)
    return parts


def _converted(archive: Archive, found: Sequence[LayerParts], changes: Changes) -> Iterator[NewTensor]:
    """All tensors under their names; masks that lie in a container of their own are called after their weights."""
    renamed = {
        key_of(parts.mask): f"{parts.name if parts.weight is None else parts.weight.name}_mask"
        for parts in found
        if parts.mask is not None and parts.mask.role == "mask"
    }
    for entry in archive.entries:
        key = key_of(entry)
        name = renamed.get(key)
        for new in changes.get(key, (copy_of(entry),)):
            yield new if name is None else replace(new, name=name)
