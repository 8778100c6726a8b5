"""How a layer stands in a file: what a new mask changes there, in the file's own form or in another."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sparselab.core.layout import Layout
from sparselab.core.mask import BoolMatrix, Mask
from sparselab.formats.base import ArchiveEntry
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


@dataclass(frozen=True, kw_only=True)
class LayerForm:
    """One layer of a file, as it stands there: its weight and its mask, or one of them.

    `to_file` turns a matrix of booleans, such as a new mask's, into the axes and the shape of the weight in the file.
    """

    weight: ArchiveEntry | None
    mask: ArchiveEntry | None
    to_file: Callable[[BoolMatrix], NDArray[np.bool_]]

    @property
    def base(self) -> str:
        """The name of the weight in a model that was never pruned."""
        assert self.weight is not None
        name = re.sub(r"\.parametrizations\.(\w+)\.original$", r".\1", self.weight.name)
        return name.removesuffix("_orig")

    @property
    def is_pair(self) -> bool:
        """Whether it is spelled as torch.nn.utils.prune spells it."""
        names = (self.weight and self.weight.name, self.mask and self.mask.name)
        return self.weight is not None and names == (f"{self.base}_orig", f"{self.base}_mask")


def changes_of(layer: LayerForm, before: Mask, layout: Layout | None, form: Form) -> tuple[Changes, int]:
    """Return what becomes of a layer's tensors, and how many of the weights that come back are 0 there.

    A weight that comes back has the value that the file has for it, under its mask. A pair keeps its weights as they are, and
    so do other weights beside a mask, unless the file has them at 0 where the mask drops them.
    """
    after = before if layout is None else layout.after
    if layer.weight is None:
        assert layer.mask is not None
        return ({} if layout is None else {key_of(layer.mask): (_respelled(layer, layer.mask, before, after),)}), 0
    if (layer.mask is None) if form == "zeros" else layer.is_pair:
        form = "own"
    if layout is None and form == "own":
        return {}, 0
    bad, zeros = _returned(layer, before, after)
    changes: dict[TensorKey, tuple[NewTensor, ...]] = {}
    plain = form == "zeros" or (form == "own" and layer.mask is None)
    drops = plain or (form == "own" and not _MULTIPLIED.search(layer.weight.name) and _is_applied(layer, before))
    weight = _masked(layer, layer.weight, after, bad, drops=drops) if drops or bad else copy_of(layer.weight)
    if form == "own":
        if drops or bad:
            changes[key_of(layer.weight)] = (weight,)
        if layer.mask is not None:
            changes[key_of(layer.mask)] = (_respelled(layer, layer.mask, before, after),)
        return changes, zeros
    if layer.mask is not None:
        changes[key_of(layer.mask)] = ()
    pair = form == "pairs"
    name, load = f"{layer.base}_mask", lambda: layer.to_file(after.kept)
    mask = NewTensor(name=name, shape=layer.weight.shape, stored="bool", load=load)
    changes[key_of(layer.weight)] = (replace(weight, name=f"{layer.base}_orig" if pair else layer.base), *[mask] * pair)
    return changes, zeros


def _returned(layer: LayerForm, before: Mask, after: Mask) -> tuple[bool, int]:
    """Whether a weight that comes back is no number or infinite in the file, and how many are 0 or will be."""
    assert layer.weight is not None
    grown = after.kept & ~before.kept
    if not grown.any():
        return False, 0
    values = layer.weight.load()[layer.to_file(grown)]
    finite = np.isfinite(values)
    return not finite.all(), int(np.count_nonzero(~finite | (values == 0)))


def _is_applied(layer: LayerForm, before: Mask) -> bool:
    assert layer.weight is not None
    return not np.count_nonzero(layer.weight.load()[layer.to_file(~before.kept)])


def _masked(layer: LayerForm, entry: ArchiveEntry, after: Mask, bad: bool, *, drops: bool) -> NewTensor:
    def load() -> NDArray[Any]:
        words = load_words(entry)
        kept = layer.to_file(after.kept)
        stays = kept if drops else np.ones(kept.shape, dtype=np.bool_)
        if bad:
            stays = stays & ~(kept & ~np.isfinite(entry.load()))
        return np.where(stays, words, words.dtype.type(0))

    return NewTensor(name=entry.name, shape=entry.shape, stored=stored_type(entry), load=load)


def _respelled(layer: LayerForm, entry: ArchiveEntry, before: Mask, after: Mask) -> NewTensor:
    """A mask in its own type and values: a position that changes gets the value that the file has for such ones."""

    def load() -> NDArray[Any]:
        words = load_words(entry).copy()
        was, now = layer.to_file(before.kept), layer.to_file(after.kept)
        kept, dropped = (words[places][:1] for places in (was, ~was))
        one = words.dtype.type(_ONES.get(entry.stored, 1))
        zero = words.dtype.type(0)
        words[now & ~was] = kept[0] if kept.size else one if dropped[0] == zero else zero
        words[was & ~now] = dropped[0] if dropped.size else zero if kept[0] != zero else one
        return words

    return NewTensor(name=entry.name, shape=entry.shape, stored=stored_type(entry), load=load)
