"""Which mask belongs to which weight: by exact names first, then by suffix and shape."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from sparselab.core.ticket import Skipped
from sparselab.formats.base import ArchiveEntry
from sparselab.formats.kinds.by_name import SHAPE_RULES
from sparselab.formats.kinds.pair_rules import PAIR_RULES
from sparselab.formats.kinds.parts import mask_shapes, spreads, times
from sparselab.formats.kinds.spelling import MAX_DEPTH, WEIGHT_NAMES, Path, masked_path, weight_path
from sparselab.formats.kinds.surroundings import LOOK_BYTES, Named, Surroundings
from sparselab.formats.names import clean_name, is_mask_key

_PREFIXES = ("module.", "_orig_mod.")
_ENDINGS = {"_mask": "mask", ".mask": "mask", "_orig": "weight", "": "plain"}


@dataclass(frozen=True)
class Found:
    """The tensors that make one layer, under the name that the layer has in the file."""

    base: str
    weight: Named | None
    mask: Named | None
    notes: tuple[str, ...] = ()


@dataclass
class _Pairs:
    layers: list[Found] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)


def pair(tensors: Sequence[Named], file: Surroundings) -> tuple[list[Found], list[Skipped]]:
    """Return the layers that tensors make, and the tensors left over with the reason.

    A mask that fits no weight by name and shape is a layer of its own; where two would fit, none is taken.
    """
    found = _Pairs()
    by_base, doubled = _by_base(tensors, file)
    found.skipped += doubled
    for base, there in _join_module_masks(by_base).items():
        _exact(base, there, found)
    _by_suffix(found)
    return found.layers, found.skipped


def _by_base(tensors: Iterable[Named], file: Surroundings) -> tuple[dict[str, dict[str, Named]], list[Skipped]]:
    by_base: dict[str, dict[str, Named]] = {}
    skipped = []
    for tensor in tensors:
        base, role = _role(tensor, file)
        there = by_base.setdefault(base, {})
        if role in there:
            skipped.append(_left(tensor, PAIR_RULES["doubled"].text()))
        else:
            there[role] = tensor
    return by_base, skipped


def _role(tensor: Named, file: Surroundings) -> tuple[str, str]:
    name = tensor.entry.title
    while prefix := next((p for p in _PREFIXES if name.startswith(p) and name != p), None):
        name = name.removeprefix(prefix)
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


def _exact(base: str, there: dict[str, Named], found: _Pairs) -> None:
    if "weight" in there and (plain := there.pop("plain", None)) is not None:
        found.skipped.append(_left(plain, PAIR_RULES["same-weight"].text(_shown(there["weight"]))))
    weight, mask = there.get("weight") or there.get("plain"), there.get("mask")
    if weight is not None and mask is not None and not spreads(mask.shape, weight.shape):
        seen = f"{times(mask.shape)}, expected a mask of the weight's shape {times(weight.shape)}"
        found.skipped.append(_left(mask, PAIR_RULES["wrong-shape"].text(seen)))
        mask = None
    if weight is None and mask is None:
        return
    if weight is None and mask is not None and len(mask.shape) < 2:
        # A vector out of a container of masks waits for its weight, and is nothing alone.
        found.layers.append(Found(base, None, mask))
        return
    found.layers.append(Found(base, weight, mask, _spread_note(weight, mask)))


def _spread_note(weight: Named | None, mask: Named | None) -> tuple[str, ...]:
    if weight is None or mask is None or mask.shape == weight.shape:
        return ()
    return (PAIR_RULES["channel-mask"].text(f"{_shown(mask)}, {times(mask.shape)}"),)


def _by_suffix(found: _Pairs) -> None:
    masks = [index for index, each in enumerate(found.layers) if each.weight is None]
    weights = [index for index, each in enumerate(found.layers) if each.mask is None]
    if masks and weights:
        _take(found, _in_order(found.layers, masks, weights) or _matches(found, masks, weights))
    for each in found.layers:
        if each.weight is None and each.mask is not None and len(each.mask.shape) < 2:
            found.skipped.append(_left(each.mask, SHAPE_RULES["vector"].text()))
    found.layers = [each for each in found.layers if entries_of(each) and not _is_vector_alone(each)]
    _name_lookalikes(found)


def _is_vector_alone(each: Found) -> bool:
    return each.weight is None and each.mask is not None and len(each.mask.shape) < 2


def _take(found: _Pairs, matches: dict[int, tuple[int, str]]) -> None:
    for mask_at, (weight_at, rule) in matches.items():
        mask, weight = found.layers[mask_at].mask, found.layers[weight_at]
        assert mask is not None
        notes = (PAIR_RULES[rule].text(_shown(mask)), *_spread_note(weight.weight, mask))
        found.layers[weight_at] = replace(weight, mask=mask, notes=weight.notes + notes)
    found.layers = [each for index, each in enumerate(found.layers) if index not in matches]


def _in_order(layers: Sequence[Found], masks: Sequence[int], weights: Sequence[int]) -> dict[int, tuple[int, str]]:
    """Pair a list of masks, which have numbers for names, with the weights of the file in order; {} unless one way fits."""
    of_list = [index for index in masks if (mask := layers[index].mask) is not None and _is_of_list(mask)]
    if not of_list or len(of_list) != len(masks):
        return {}
    first = _embed(layers, of_list, weights)
    last = _embed(layers, of_list[::-1], weights[::-1])
    return {mask: (first[mask], "in-order") for mask in of_list} if first and first == last else {}


def _is_of_list(mask: Named) -> bool:
    path = mask.path[1:] if is_mask_key(mask.path[0]) else mask.path
    return mask.entry.role == "mask" and len(path) == 1 and path[0].isdigit()


def _embed(layers: Sequence[Found], masks: Sequence[int], weights: Sequence[int]) -> dict[int, int]:
    """Give each mask the next weight that it fits, in order; {} when one finds none."""
    found, left = {}, iter(weights)
    for mask in masks:
        shape = _shape(layers[mask].mask)
        at = next((index for index in left if spreads(shape, _shape(layers[index].weight))), None)
        if at is None:
            return {}
        found[mask] = at
    return found


def _shape(tensor: Named | None) -> tuple[int, ...]:
    assert tensor is not None
    return tensor.shape


def _matches(found: _Pairs, masks: Sequence[int], weights: Sequence[int]) -> dict[int, tuple[int, str]]:
    """Return the weight of each mask that fits exactly one by suffix and shape, and notes where several fit."""
    layers = found.layers
    wanted = {_shape(layers[index].mask) for index in masks}
    ends: dict[tuple[Path, tuple[int, ...]], list[int]] = {}
    wholes: dict[tuple[Path, tuple[int, ...]], list[int]] = {}
    for index in weights:
        weight = layers[index].weight
        assert weight is not None
        for shape in wanted.intersection(mask_shapes(weight.shape)):
            for path in _paths(weight):
                wholes.setdefault((path, shape), []).append(index)
                for start in range(len(path)):
                    ends.setdefault((path[start:], shape), []).append(index)
    candidates: dict[int, list[int]] = {}
    for index in masks:
        mask = layers[index].mask
        assert mask is not None
        path, shape = masked_path(mask.path)[-MAX_DEPTH:], mask.shape
        fit = wholes.get((path, shape)) or ends.get((path, shape)) or []
        for start in range(1, len(path)):
            fit = fit or wholes.get((path[start:], shape), [])
        if not path:  # called mask alone: of the one weight of its shape
            fit = [at for at in weights if shape in mask_shapes(_shape(layers[at].weight))]
        fit = list(dict.fromkeys(fit))
        if len(fit) == 1:
            candidates.setdefault(fit[0], []).append(index)
        elif fit:
            names = " and ".join(_shown(layers[at].weight) for at in fit[:2])
            note = PAIR_RULES["ambiguous"].text(names + (f" and {len(fit) - 2} more" if len(fit) > 2 else ""))
            layers[index] = replace(layers[index], notes=(*layers[index].notes, note))
    return {
        chosen: (weight, "by-suffix")
        for weight, rivals in candidates.items()
        if (chosen := _one_of(found, weight, rivals)) is not None
    }


def _paths(weight: Named) -> list[Path]:
    path = weight_path(weight.path)[-MAX_DEPTH:]
    return [path, path[:-1]] if len(path) > 1 and path[-1] in WEIGHT_NAMES else [path]


def _one_of(found: _Pairs, weight: int, rivals: Sequence[int]) -> int | None:
    """Return the mask of a weight that several fit: the first where all are equal, else none, which is said."""
    layers = found.layers
    first = layers[rivals[0]].mask
    assert first is not None
    equal = [index for index in rivals[1:] if _are_equal(first, layers[index].mask)]
    if len(equal) == len(rivals) - 1:
        for index in equal:
            other = layers[index].mask
            assert other is not None
            found.skipped.append(_left(other, PAIR_RULES["same-mask"].text(_shown(first))))
            layers[index] = Found("", None, None)
        return rivals[0]
    names = " and ".join(_shown(layers[index].mask) for index in rivals[:2])
    layers[weight] = replace(layers[weight], notes=(*layers[weight].notes, PAIR_RULES["rival-masks"].text(names)))
    return None


def _are_equal(one: Named, other: Named | None) -> bool:
    if other is None or other.shape != one.shape or one.entry.size * one.entry.dtype.itemsize > LOOK_BYTES:
        return False
    return bool(np.array_equal(one.entry.load() != 0, other.entry.load() != 0))


def _name_lookalikes(found: _Pairs) -> None:
    """Say of a mask alone which one weight without a mask has its shape."""
    shapes: dict[tuple[int, ...], list[Named]] = {}
    for each in found.layers:
        if each.weight is not None and each.mask is None:
            shapes.setdefault(each.weight.shape, []).append(each.weight)
    for index, each in enumerate(found.layers):
        alike = shapes.get(each.mask.shape, []) if each.weight is None and each.mask is not None else []
        if len(alike) == 1 and not each.notes:
            found.layers[index] = replace(each, notes=(PAIR_RULES["lookalike"].text(_shown(alike[0])),))


def _left(tensor: Named, reason: str) -> Skipped:
    return Skipped(clean_name(tensor.entry.name), reason)


def _shown(tensor: Named | None) -> str:
    return "" if tensor is None else clean_name(tensor.entry.name)


def entries_of(found: Found) -> tuple[ArchiveEntry, ...]:
    """Return the tensors of a layer as the reader gave them."""
    return tuple(tensor.entry for tensor in (found.weight, found.mask) if tensor is not None)
