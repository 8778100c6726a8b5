"""What is to be written for new masks of a file's layers: changes to the file, and all of its tensors as another's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from sparselab.core.errors import SettingError
from sparselab.core.layout import Layout
from sparselab.core.mask import Mask
from sparselab.formats.base import Archive
from sparselab.formats.conversion import Plan, load_layer
from sparselab.formats.layers import Parts
from sparselab.formats.writing.forms import Form, LayerForm, changes_of
from sparselab.formats.writing.tensors import Changes, NewTensor, TensorKey, copy_of, key_of
from sparselab.formats.writing.ticket import mask_after

Found = Sequence[tuple[Parts, Plan]]


@dataclass(frozen=True, kw_only=True)
class WritePlan:
    """The changes to a file; all of its tensors with them, for a file of another format; weights that come back as 0."""

    changes: Changes
    tensors: Iterable[NewTensor]
    zeros: Mapping[str, int]


def plan_changes(archive: Archive, found: Found, layouts: Mapping[str, Layout], form: Form) -> WritePlan:
    """Return what new masks change in an archive of these layers. Raises: SettingError for layouts that do not fit them."""
    check_names(layouts, [plan.name for _, plan in found])
    changes: dict[TensorKey, tuple[NewTensor, ...]] = {}
    zeros: dict[str, int] = {}
    for parts, plan in found:
        layout = layouts.get(plan.name)
        if layout is None and form == "own":
            continue
        layer_form, before = _form_of(parts, plan)
        mask_after(plan.name, before, layout)
        changed, lost = changes_of(layer_form, before, layout, form)
        changes |= changed
        zeros |= {plan.name: lost} if lost else {}
    return WritePlan(changes=changes, tensors=_converted(archive, found, changes), zeros=zeros)


def check_names(layouts: Mapping[str, Layout], names: Iterable[str]) -> None:
    """Raises: SettingError for a layout of a layer that is not there."""
    if unknown := sorted(layouts.keys() - set(names)):
        raise SettingError(f"layouts: expected those of layers in the file; got {', '.join(unknown)}")


def _form_of(parts: Parts, plan: Plan) -> tuple[LayerForm, Mask]:
    layer = load_layer(plan, parts.weight, parts.mask)
    weight, mask = parts.weight, parts.mask
    if layer.weight is None and mask is None:  # nothing but 0 and 1 is a mask, whatever it is called
        weight, mask = None, weight
    return LayerForm(weight=weight, mask=mask, to_file=partial(plan.to_file, shape=parts.shape)), layer.mask


def _converted(archive: Archive, found: Found, changes: Changes) -> Iterator[NewTensor]:
    """All tensors under their names; masks that lie in a container of their own are called after their weights."""
    renamed = {
        key_of(parts.mask): f"{plan.name if parts.weight is None else parts.weight.name}_mask"
        for parts, plan in found
        if parts.mask is not None and parts.mask.role == "mask"
    }
    for entry in archive.entries:
        key = key_of(entry)
        name = renamed.get(key)
        for new in changes.get(key, (copy_of(entry),)):
            yield new if name is None else replace(new, name=name)
