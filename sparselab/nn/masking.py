"""A layout laid over a module's weight, whichever of its axes comes first."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np
import torch

from sparselab.core.errors import SettingError, SparselabError
from sparselab.core.layout import Block, Layout
from sparselab.core.mask import BoolMatrix, Mask
from sparselab.core.modules.values import values_of
from sparselab.core.modules.weights import ModuleWeight


def mask_of(weight: ModuleWeight) -> Mask:
    """Return the mask that a weight has now, out x n: what is 0, or dropped by a mask beside it, stays out.

    Raises: SparselabError for a weight that cannot be computed or read.
    """
    values = values_of(weight.module, weight.attribute)
    kept = values.weight != 0
    return Mask(weight.as_matrix(kept if values.mask is None else kept & (values.mask != 0)))


def refuse_other_weight(name: str, weight: ModuleWeight | str, layout: Layout) -> None:
    """Raises: SettingError where a weight's mask is none of the layout's before, after, and what both keep, by their digests."""
    if isinstance(weight, str):
        return
    layout = layout_out_first(weight, layout)
    try:
        mine = mask_of(weight).digest
    except SparselabError:  # such a layer stays what it is, and `Converted.stayed` says why
        return
    theirs = [mask.digest for mask in (layout.before, layout.after, layout.covered)]
    if mine not in theirs:
        raise SettingError(
            f"{name}: expected a weight of the mask {theirs[0][:12]}, or {theirs[1][:12]} with the layout applied; got one of "
            f"{mine[:12]}: load the weights that the layouts were made of, or give dict(layouts) to take them for these"
        )


def layout_out_first(weight: ModuleWeight, layout: Layout) -> Layout:
    """Return a layout of a weight as a matrix out x n, where it may be one of the matrix that a file shows.

    The two differ for weights that are stored (in, out, ...), as those of transposed convolutions and GPT-2's Conv1D are: a
    file does not say so. Where shapes do not tell them apart, the mask before does, if it is that of the weight now.

    Raises: SettingError for what is no layout, or one of neither shape.
    """
    if not isinstance(layout, Layout):
        raise SettingError(f"{weight.name}: expected a layout; got a {type(layout).__name__}")
    shape, in_file = weight.matrix_shape, (weight.shape[0], prod(weight.shape[1:]))
    if layout.after.shape not in (shape, in_file):
        raise SettingError(
            f"{weight.name}: expected a layout for a weight of {weight.shape}, {shape[0]} x {shape[1]}; "
            f"got {layout.after.shape}"
        )
    if not weight.kind.in_first or (
        layout.after.shape == shape and not _is_as_in_file(weight, layout, shape == in_file)
    ):
        return layout
    before, after = (Mask(weight.as_matrix(mask.kept.reshape(weight.shape))) for mask in (layout.before, layout.after))
    if len(weight.shape) == 2:  # the blocks of a transposed matrix are transposed blocks
        blocks = [Block(block.cols, block.rows) for block in layout.blocks]
        if blocks:
            return Layout.from_blocks(before, blocks, reason=layout.reason)
    return replace(Layout.unchanged(before, layout.reason), after=after, status="masked")


def _is_as_in_file(weight: ModuleWeight, layout: Layout, is_either: bool) -> bool:
    if not is_either:
        return False
    values = values_of(weight.module, weight.attribute)
    kept = (values.weight if values.mask is None else values.mask) != 0
    mine, theirs = weight.as_matrix(kept), kept.reshape(layout.before.shape)
    return np.array_equal(layout.before.kept, theirs) and not np.array_equal(layout.before.kept, mine)


def apply_mask(weight: ModuleWeight, kept: BoolMatrix) -> None:
    """Set the weights to 0 that a mask out x n drops; the weight is a plain parameter."""
    parameter = getattr(weight.module, weight.attribute)
    stays = torch.from_numpy(weight.from_matrix(kept).copy()).to(parameter.device)
    with torch.no_grad():
        parameter.masked_fill_(~stays, 0.0)
