"""The layers of sparselab's own files, whose bits and weights are matrices, as tensors to be written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from sparselab.core.layer import FloatMatrix, Layer
from sparselab.core.layout import Layout
from sparselab.core.ticket import FoundLayer
from sparselab.formats.writing.forms import Form
from sparselab.formats.writing.plan import WritePlan, check_names
from sparselab.formats.writing.tensors import NewTensor, TensorKey, tensor_of
from sparselab.formats.writing.ticket import mask_after, pair_of


def plan_own(layers: Mapping[str, FoundLayer], layouts: Mapping[str, Layout], form: Form) -> WritePlan:
    """Return what new masks change in such a file, and its layers as tensors: pairs, or weights with zeros.

    Raises: SettingError for layouts that do not fit.
    """
    check_names(layouts, layers)
    changes: dict[TensorKey, tuple[NewTensor, ...]] = {}
    zeros: dict[str, int] = {}
    for name, layout in layouts.items():
        layer = layers[name].load()
        after = mask_after(name, layer.mask, layout)
        changes[f"{name}.mask_bits", "unknown"] = (tensor_of(f"{name}.mask_bits", after.packed),)
        if layer.weight is not None:
            weight, lost = _filled(layer, layer.weight, layout)
            changes[f"{name}.weight", "unknown"] = (tensor_of(f"{name}.weight", weight),)
            zeros |= {name: lost} if lost else {}
    tensors = (new for item in layers.values() for new in _tensors(item.load(), layouts.get(item.name), form))
    return WritePlan(changes=changes, tensors=tensors, zeros=zeros)


def _tensors(layer: Layer, layout: Layout | None, form: Form) -> Iterator[NewTensor]:
    if layer.weight is not None and layout is not None:
        weight, _ = _filled(layer, layer.weight, layout)
        layer = Layer(layer.name, layer.mask, weight, kernel_shape=layer.kernel_shape)
    weight_and_mask = list(pair_of(layer, layout))
    if form == "zeros" and layer.weight is not None:
        yield replace(weight_and_mask[0], name=layer.name)
    else:
        yield from weight_and_mask


def _filled(layer: Layer, weight: FloatMatrix, layout: Layout) -> tuple[FloatMatrix, int]:
    """Return the weights under the new mask: as they are, the rewound ones where they come back, 0 without those."""
    after = mask_after(layer.name, layer.mask, layout)
    grown = after.kept & ~layer.mask.kept
    fresh = np.zeros_like(weight) if layer.rewound is None else layer.rewound.astype(weight.dtype)
    values = np.where(grown, fresh, np.where(after.kept, weight, weight.dtype.type(0)))
    return values, int(np.count_nonzero(values[grown] == 0))
