"""Layers into files of their own, masks applied, under the names that torch.nn.utils.prune gives them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from sparselab.core.atomic_files import DAY_SECONDS, atomic_path, sweep
from sparselab.core.errors import SettingError
from sparselab.core.layer import Layer
from sparselab.core.layout import Layout
from sparselab.core.mask import Mask
from sparselab.core.ticket import Ticket
from sparselab.formats.writing.registry import WRITERS
from sparselab.formats.writing.tensors import NewTensor, tensor_of


def write_ticket(
    layers: Ticket | Iterable[Layer], layouts: Mapping[str, Layout] | None, path: str | Path, format: str
) -> None:
    """Write every layer as `X_orig` and `X_mask` in PyTorch's shapes; without a weight, `X_mask` alone.

    The mask is `after` of the layout of that name, or the layer's own without one; `X_orig` is zero where it drops.
    A model to which torch.nn.utils.prune was applied takes such a file with load_state_dict(strict=False).
    `format` is one of WRITERS. The file appears whole or not at all, in place of one that has its name.
    These are the layers alone, under clean names: `write_back` writes the file that they were read from.

    Raises: SettingError for another format, or a layout of a layer that is not there or has another shape.
    """
    if format not in WRITERS:
        raise SettingError(f"format: expected one of {', '.join(WRITERS)}; got {format!r}")
    tensors: list[NewTensor] = []
    waiting = dict(layouts or {})
    for layer in layers:
        tensors += pair_of(layer, waiting.pop(layer.name, None))
    if waiting or not tensors:
        raise SettingError(f"layouts: expected those of layers in the ticket; got {', '.join(waiting) or 'no layer'}")
    sweep(Path(path).parent, older_than=DAY_SECONDS)
    with atomic_path(Path(path)) as temporary:
        WRITERS[format](tensors, temporary)


def pair_of(layer: Layer, layout: Layout | None) -> Iterator[NewTensor]:
    """Yield a layer's weight and mask, the mask alone where it has no weight. Raises: SettingError for a layout of another shape."""
    kept = mask_after(layer.name, layer.mask, layout).kept.reshape(layer.tensor_shape)
    if layer.weight is not None:
        weight = layer.weight.reshape(layer.tensor_shape)
        yield tensor_of(f"{layer.name}_orig", np.where(kept, weight, weight.dtype.type(0)))
    yield tensor_of(f"{layer.name}_mask", kept)


def mask_after(name: str, mask: Mask, layout: Layout | None) -> Mask:
    """Return the mask that a layout leaves a layer; without one, its own. Raises: SettingError for another shape."""
    after = mask if layout is None else layout.after
    if after.shape != mask.shape:
        raise SettingError(f"{name}: expected a layout of shape {mask.shape}; got {after.shape}")
    return after
