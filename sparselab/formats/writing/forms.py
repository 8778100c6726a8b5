"""How a layer stands in a file: what a new mask changes there, in the file's own form or in another."""

from __future__ import annotations

import re
from dataclasses import replace
from math import prod
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sparselab.core.layout import Layout
from sparselab.core.mask import Mask
from sparselab.formats.base import ArchiveEntry
from sparselab.formats.kinds.parts import LayerParts, spread
from sparselab.formats.writing.tensors import (
    BFLOAT16,
    Changes,
    NewTensor,
    TensorKey,
    copy_of,
    key_of,
    load_words,
    stored_type,
)

Form: TypeAlias = Literal["own", "pairs", "zeros"]

FORMS: tuple[Form, ...] = ("own", "pairs", "zeros")
"""As the file has each layer; as X_orig and X_mask of torch.nn.utils.prune; as weights that are 0 where they are dropped."""

_MULTIPLIED = re.compile(r"_orig$|\.parametrizations\.\w+\.original$")
_ONES = {BFLOAT16: 0x3F80, "float8_e4m3fn": 0x38, "float8_e5m2": 0x3C}


def base_of(weight: ArchiveEntry) -> str:
    """Return the name of a weight in a model that was never pruned, wrappers such as "module." included.

    Example: >>> base_of(ArchiveEntry(name="module.fc.weight_orig", shape=(2, 2), dtype=np.dtype("f4"), load=list))
             'module.fc.weight'
    """
    return re.sub(r"\.parametrizations\.(\w+)\.original$", r".\1", weight.name).removesuffix("_orig")


def is_prune_pair(parts: LayerParts) -> bool:
    """Whether a layer is spelled as torch.nn.utils.prune spells it."""
    if parts.weight is None or parts.mask is None:
        return False
    base = base_of(parts.weight)
    return (parts.weight.name, parts.mask.name) == (f"{base}_orig", f"{base}_mask")


def changes_of(parts: LayerParts, before: Mask, layout: Layout | None, form: Form) -> tuple[Changes, int]:
    """Return what becomes of a layer's tensors, and how many of the weights that come back are 0 there.

    A weight that comes back has the value that the file has for it, under its mask. A pair keeps its weights as they are, and
    so do other weights beside a mask, unless the file has them at 0 where the mask drops them.
    """
    after = before if layout is None else layout.after
    if parts.weight is None:
        assert parts.mask is not None
        return ({} if layout is None else {key_of(parts.mask): (_respelled(parts, parts.mask, before, after),)}), 0
    if (parts.mask is None) if form == "zeros" else is_prune_pair(parts):
        form = "own"
    if layout is None and form == "own":
        return {}, 0
    bad, zeros = _returned(parts, before, after)
    base = base_of(parts.weight)
    changes: dict[TensorKey, tuple[NewTensor, ...]] = {}
    plain = form == "zeros" or (form == "own" and parts.mask is None)
    drops = plain or (form == "own" and not _MULTIPLIED.search(parts.weight.name) and _is_applied(parts, before))
    weight = _masked(parts, parts.weight, after, bad, drops=drops) if drops or bad else copy_of(parts.weight)
    if form == "own":
        if drops or bad:
            changes[key_of(parts.weight)] = (weight,)
        if parts.mask is not None:
            changes[key_of(parts.mask)] = (_respelled(parts, parts.mask, before, after),)
        return changes, zeros
    if parts.mask is not None:
        changes[key_of(parts.mask)] = ()
    pair = form == "pairs"
    name, load = f"{base}_mask", lambda: parts.tensor_of(after.kept)
    mask = NewTensor(name=name, shape=parts.weight.shape, stored="bool", load=load)
    changes[key_of(parts.weight)] = (replace(weight, name=f"{base}_orig" if pair else base), *[mask] * pair)
    return changes, zeros


def _returned(parts: LayerParts, before: Mask, after: Mask) -> tuple[bool, int]:
    """Whether a weight that comes back is no number or infinite in the file, and how many are 0 or will be."""
    assert parts.weight is not None
    grown = after.kept & ~before.kept
    if not grown.any():
        return False, 0
    values = parts.weight.load()[parts.tensor_of(grown)]
    finite = np.isfinite(values)
    return not finite.all(), int(np.count_nonzero(~finite | (values == 0)))


def _is_applied(parts: LayerParts, before: Mask) -> bool:
    assert parts.weight is not None
    return not np.count_nonzero(parts.weight.load()[parts.tensor_of(~before.kept)])


def _masked(parts: LayerParts, entry: ArchiveEntry, after: Mask, bad: bool, *, drops: bool) -> NewTensor:
    def load() -> NDArray[Any]:
        words = load_words(entry)
        kept = parts.tensor_of(after.kept)
        stays = kept if drops else np.ones(kept.shape, dtype=np.bool_)
        if bad:
            stays = stays & ~(kept & ~np.isfinite(entry.load()))
        return np.where(stays, words, words.dtype.type(0))

    return NewTensor(name=entry.name, shape=entry.shape, stored=stored_type(entry), load=load)


def _respelled(parts: LayerParts, entry: ArchiveEntry, before: Mask, after: Mask) -> NewTensor:
    """A mask in its own type and values: a position that changes gets the value that the file has for such ones.

    One that says a number a channel, or is flat, stays so where the new mask can be said that way.
    """
    shape = entry.shape if _fits(parts, entry.shape, after) else parts.file_shape

    def load() -> NDArray[Any]:
        words = load_words(entry)
        if shape != entry.shape:
            words = spread(words, shape, parts.axes)
        words = words.copy()
        was, now = (_squeezed(parts.tensor_of(mask.kept), parts, shape) for mask in (before, after))
        kept, dropped = (words[places][:1] for places in (was, ~was))
        one, zero = words.dtype.type(_ONES.get(entry.stored, 1)), words.dtype.type(0)
        words[now & ~was] = kept[0] if kept.size else one if dropped[0] == zero else zero
        words[was & ~now] = dropped[0] if dropped.size else zero if kept[0] != zero else one
        return words

    return NewTensor(name=entry.name, shape=shape, stored=stored_type(entry), load=load)


def _fits(parts: LayerParts, shape: tuple[int, ...], after: Mask) -> bool:
    kept = parts.tensor_of(after.kept)
    return np.array_equal(spread(_squeezed(kept, parts, shape), parts.file_shape, parts.axes), kept)


def _squeezed(kept: NDArray[np.bool_], parts: LayerParts, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """What `spread` undoes: a mask in a shape that a mask of the weight may have, the first of what lies along an axis of 1."""
    if prod(shape) == kept.size:
        return kept.reshape(shape)
    if len(shape) == 1:  # a number an output
        by_output: NDArray[np.bool_] = np.moveaxis(kept, parts.axes.index("O"), 0).reshape(shape[0], -1)
        return by_output[:, 0]
    return kept[tuple(slice(0, size) for size in shape)]
