"""Which mask belongs to which weight: by exact names first, then by suffix and shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sparselab.core.ticket import Skipped
from sparselab.formats.kinds.by_name import SHAPE_RULES
from sparselab.formats.kinds.exact import Found, Pairs, entries_of, left, pair_by_name, shown, spread_note
from sparselab.formats.kinds.pair_rules import PAIR_RULES
from sparselab.formats.kinds.parts import mask_shapes, spreads
from sparselab.formats.kinds.spelling import MAX_DEPTH, WEIGHT_NAMES, Path, masked_path, weight_path
from sparselab.formats.kinds.surroundings import LOOK_BYTES, Named, Surroundings
from sparselab.formats.names import is_mask_key


def pair(tensors: Sequence[Named], file: Surroundings) -> tuple[list[Found], list[Skipped]]:
    """Return the layers that tensors make, and the tensors left over with the reason.

    A mask that fits no weight by name and shape is a layer of its own; where two would fit, none is taken.
    """
    found = pair_by_name(tensors, file)
    _by_suffix(found)
    return found.layers, found.skipped


def _by_suffix(found: Pairs) -> None:
    masks = [index for index, each in enumerate(found.layers) if each.weight is None]
    weights = [index for index, each in enumerate(found.layers) if each.mask is None]
    if masks and weights:
        _take(found, _in_order(found.layers, masks, weights) or _matches(found, masks, weights))
    for each in found.layers:
        if each.weight is None and each.mask is not None and len(each.mask.shape) < 2:
            found.skipped.append(left(each.mask, SHAPE_RULES["vector"].text()))
    found.layers = [each for each in found.layers if entries_of(each) and not _is_vector_alone(each)]
    _name_lookalikes(found)


def _is_vector_alone(each: Found) -> bool:
    return each.weight is None and each.mask is not None and len(each.mask.shape) < 2


def _take(found: Pairs, matches: dict[int, tuple[int, str]]) -> None:
    for mask_at, (weight_at, rule) in matches.items():
        mask, weight = found.layers[mask_at].mask, found.layers[weight_at]
        assert mask is not None
        notes = (PAIR_RULES[rule].text(shown(mask)), *spread_note(weight.weight, mask))
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


def _matches(found: Pairs, masks: Sequence[int], weights: Sequence[int]) -> dict[int, tuple[int, str]]:
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
            names = " and ".join(shown(layers[at].weight) for at in fit[:2])
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


def _one_of(found: Pairs, weight: int, rivals: Sequence[int]) -> int | None:
    """Return the mask of a weight that several fit: the first where all are equal, else none, which is said."""
    layers = found.layers
    first = layers[rivals[0]].mask
    assert first is not None
    equal = [index for index in rivals[1:] if _are_equal(first, layers[index].mask)]
    if len(equal) == len(rivals) - 1:
        for index in equal:
            other = layers[index].mask
            assert other is not None
            found.skipped.append(left(other, PAIR_RULES["same-mask"].text(shown(first))))
            layers[index] = Found("", None, None)
        return rivals[0]
    names = " and ".join(shown(layers[index].mask) for index in rivals[:2])
    layers[weight] = replace(layers[weight], notes=(*layers[weight].notes, PAIR_RULES["rival-masks"].text(names)))
    return None


def _are_equal(one: Named, other: Named | None) -> bool:
    if other is None or other.shape != one.shape or one.entry.size * one.entry.dtype.itemsize > LOOK_BYTES:
        return False
    return bool(np.array_equal(one.entry.load() != 0, other.entry.load() != 0))


def _name_lookalikes(found: Pairs) -> None:
    """Say of a mask alone which one weight without a mask has its shape."""
    shapes: dict[tuple[int, ...], list[Named]] = {}
    for each in found.layers:
        if each.weight is not None and each.mask is None:
            shapes.setdefault(each.weight.shape, []).append(each.weight)
    for index, each in enumerate(found.layers):
        alike = shapes.get(each.mask.shape, []) if each.weight is None and each.mask is not None else []
        if len(alike) == 1 and not each.notes:
            found.layers[index] = replace(each, notes=(PAIR_RULES["lookalike"].text(shown(alike[0])),))
