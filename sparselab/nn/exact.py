"""The masks that a model's weights have as they are: what is 0 stays out, and nothing else does."""

from __future__ import annotations

from torch import nn

from sparselab.core.errors import SparselabError
from sparselab.core.layout import Layout
from sparselab.core.modules.values import in_blocks
from sparselab.core.modules.weights import ModuleWeight, weights_of
from sparselab.nn.masking import mask_of

MOST_DENSITY = 0.5
"""With more weights than this share a layer stays dense: a rule of thumb. At .3 and one position the gain is 1.3 to 1.4; where it ends has
not been measured."""


def layouts_as_they_are(model: nn.Module) -> tuple[dict[str, Layout], dict[str, str]]:
    """Return the layout of every weight that is sparse enough to be worth it, by name; and why the others are left."""
    layouts: dict[str, Layout] = {}
    left: dict[str, str] = {}
    for weight in weights_of(model)[0]:
        found = _layout(weight)
        if isinstance(found, Layout):
            layouts[weight.raw_name] = found
        else:
            left[weight.raw_name] = found
    return layouts, left


def computed_weights(model: nn.Module) -> tuple[ModuleWeight, ...]:
    """Return the weights that are computed at every call, as under torch.nn.utils.prune."""
    return tuple(weight for weight in weights_of(model)[0] if weight.how)


def _layout(weight: ModuleWeight) -> Layout | str:
    if in_blocks(weight.module):
        return "it runs in blocks already"
    try:
        mask = mask_of(weight)
    except SparselabError as error:
        return str(error)
    if mask.count == mask.kept.size:
        return "every weight is kept"
    if mask.density > MOST_DENSITY:
        return f"it keeps {mask.density:.0%} of its weights; above {MOST_DENSITY:.0%} the dense product is as fast"
    return Layout.masked(mask, mask, reason="the mask is as it was pruned")
