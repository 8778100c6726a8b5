"""Masks and weights that belong together by their very names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from sparselab.core.ticket import Skipped
from sparselab.formats.base import ArchiveEntry
from sparselab.formats.kinds.pair_rules import PAIR_RULES
from sparselab.formats.kinds.parts import spreads, times
from sparselab.formats.kinds.spelling import weight_path
from sparselab.formats.kinds.surroundings import Named, Surroundings
from sparselab.formats.names import clean_name

_PREFIXES = re.compile(r"(?:module\.|_orig_mod\.)*(?=.)", re.DOTALL)
"""What wraps a whole model, as often as it does; something of the name is always left."""

_ENDINGS = {"_mask": "mask", ".mask": "mask", "_orig": "weight", "": "plain"}


@dataclass(frozen=True)
class Found:
    """The tensors that make one layer, under the name that the layer has in the file."""

    base: str
    weight: Named | None
    mask: Named | None
    notes: tuple[str, ...] = ()


@dataclass
class Pairs:
    """What pairing has found so far."""

    layers: list[Found] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)


def pair_by_name(tensors: Iterable[Named], file: Surroundings) -> Pairs:
    """Return `X_orig` with `X_mask`, `X` with `X_mask` or `X.mask`, and every other tensor alone."""
    found = Pairs()
    by_base, found.skipped = _by_base(tensors, file)
    for base, there in _join_module_masks(by_base).items():
        _exact(base, there, found)
    return found


def _by_base(tensors: Iterable[Named], file: Surroundings) -> tuple[dict[str, dict[str, Named]], list[Skipped]]:
    by_base: dict[str, dict[str, Named]] = {}
    skipped = []
    for tensor in tensors:
        base, role = _role(tensor, file)
        there = by_base.setdefault(base, {})
        if role in there:
            skipped.append(left(tensor, PAIR_RULES["doubled"].text()))
        else:
            there[role] = tensor
    return by_base, skipped


def _role(tensor: Named, file: Surroundings) -> tuple[str, str]:
    name = tensor.entry.title
    if prefixes := _PREFIXES.match(name):
        name = name[prefixes.end() :]
    ending = next(end for end in _ENDINGS if name.endswith(end) and (name != end or not end))
    role = _ENDINGS[ending]
    if role == "plain" and (tensor.is_mask or _is_called_mask(tensor, file)):
        role = "mask"
    if "parametrizations" in tensor.path[:-1]:
        return ".".join(weight_path(tensor.path)), role
    return name[: len(name) - len(ending)], role


def _is_called_mask(tensor: Named, file: Surroundings) -> bool:
    """Whether a name says mask, or it is a buffer of a parametrisation of that shape, and its values do not contradict."""
    if tensor.entry.role == "weight" or not (tensor.has_mask_name or _is_of_parametrization(tensor, file)):
        return False
    values = file.look(tensor)
    if values is None:
        return tensor.has_mask_name
    return bool(values.min() >= 0 and values.max() <= 1) or bool((np.abs(values) == 1).all())


def _is_of_parametrization(tensor: Named, file: Surroundings) -> bool:
    path = tensor.path
    if len(path) < 4 or path[-4] != "parametrizations" or not path[-2].isdigit():
        return False
    return file.weight_shapes.get(weight_path(path)) == tensor.shape


def _join_module_masks(by_base: dict[str, dict[str, Named]]) -> dict[str, dict[str, Named]]:
    """Give `conv.mask` to `conv.weight` when that is there, has its shape and no mask yet."""
    joined = {base: dict(there) for base, there in by_base.items()}
    for base, there in by_base.items():
        weight = joined.get(f"{base}.weight")
        if there.keys() != {"mask"} or weight is None or "mask" in weight:
            continue
        if any(spreads(there["mask"].shape, tensor.shape) for tensor in weight.values()):
            weight["mask"] = there["mask"]
            del joined[base]
    return joined


def _exact(base: str, there: dict[str, Named], found: Pairs) -> None:
    if "weight" in there and (plain := there.pop("plain", None)) is not None:
        found.skipped.append(left(plain, PAIR_RULES["same-weight"].text(shown(there["weight"]))))
    weight, mask = there.get("weight") or there.get("plain"), there.get("mask")
    if weight is not None and mask is not None and not spreads(mask.shape, weight.shape):
        seen = f"{times(mask.shape)}, expected a mask of the weight's shape {times(weight.shape)}"
        found.skipped.append(left(mask, PAIR_RULES["wrong-shape"].text(seen)))
        mask = None
    if weight is None and mask is None:
        return
    if weight is None and mask is not None and len(mask.shape) < 2:
        # A vector out of a container of masks waits for its weight, and is nothing alone.
        found.layers.append(Found(base, None, mask))
        return
    found.layers.append(Found(base, weight, mask, spread_note(weight, mask)))


def spread_note(weight: Named | None, mask: Named | None) -> tuple[str, ...]:
    if weight is None or mask is None or mask.shape == weight.shape:
        return ()
    return (PAIR_RULES["channel-mask"].text(f"{shown(mask)}, {times(mask.shape)}"),)


def left(tensor: Named, reason: str) -> Skipped:
    return Skipped(clean_name(tensor.entry.name), reason)


def shown(tensor: Named | None) -> str:
    return "" if tensor is None else clean_name(tensor.entry.name)


def entries_of(found: Found) -> tuple[ArchiveEntry, ...]:
    """Return the tensors of a layer as the reader gave them."""
    return tuple(tensor.entry for tensor in (found.weight, found.mask) if tensor is not None)
