"""One door for what people have: a file, or modules, arrays, tensors, masks and layers in memory, becomes a ticket."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sparselab.core.errors import SparselabError
from sparselab.core.inputs.arrays import as_array, given, in_words, plain_dtype, type_name
from sparselab.core.inputs.layers import LayerLike, as_layer
from sparselab.core.inputs.tensors import is_tensor
from sparselab.core.mask import Mask
from sparselab.core.modules.weights import is_module
from sparselab.core.ticket import Skipped, Ticket, ticket_of
from sparselab.formats.base import Archive, ArchiveEntry, Role, check_count, check_shape, check_total
from sparselab.formats.combiners import combine
from sparselab.formats.containers import flatten
from sparselab.formats.kinds.finding import find_layers
from sparselab.formats.modules import ticket_of_module
from sparselab.formats.names import clean_name
from sparselab.formats.options import DEFAULT_LIMITS, DEFAULT_OPTIONS, ReadLimits
from sparselab.formats.parsing.torch_values import BFLOAT16_NOTE, is_bfloat16, tensor_entry
from sparselab.formats.reading import read_ticket

if TYPE_CHECKING:
    from torch import nn

Source: TypeAlias = "str | os.PathLike[str] | Mapping[str, Any] | LayerLike | Ticket | nn.Module"


def open_ticket(source: Source) -> Ticket:
    """Return the layers of a file, of a torch module, of a mapping such as a `state_dict`, or of one array, tensor, mask or layer.

    A file is read as `read_ticket` does. A mapping of arrays, tensors and masks is looked through as a file of the same names
    would be: pairs of torch.nn.utils.prune, masks, weights with zeros; what is no layer stands in `skipped`, with the reason.
    Its values are looked at when a layer is asked for. One array alone is a layer called "weight"; see `as_layer`.

    Of a module, its class says what is a weight, which axes it has, and stride, padding and groups; a buffer is none. Weights
    pruned by torch.nn.utils.prune come with their mask, those that a parametrization computes as they are computed in eval
    mode, sparse ones and those of block layers as the matrix they mean. Names are those of the inner model's state_dict, without
    what torch.compile, DataParallel or FSDP put into them; what is not initialised, on meta or quantised is in `skipped`.

    Raises: SparselabError for anything else, for what holds no layer, and for what a file or an array is refused for.
    Example: >>> open_ticket({"fc.weight": np.eye(4) / 2, "fc.bias": np.ones(4)}).names
             ('fc.weight',)
             >>> import torch
             >>> ticket = open_ticket(torch.nn.Sequential(torch.nn.Conv2d(8, 6, 3, stride=2, groups=2)))
             >>> ticket["0.weight"].mask.shape, ticket["0.weight"].groups, ticket.skipped[0].reason
             ((6, 36), 2, 'a vector')
    """
    if isinstance(source, Ticket):
        return source
    if isinstance(source, str | os.PathLike):
        return read_ticket(_path(source))
    if isinstance(source, Mapping):
        return _of_mapping(source, DEFAULT_LIMITS)
    if is_module(source):
        return ticket_of_module(source, DEFAULT_LIMITS)
    if source is None or isinstance(source, bytes):
        raise SparselabError(
            f"expected a path, a module, an array, a tensor, a mapping, a mask or a layer; got {given(source)}"
        )
    if callable(getattr(source, "state_dict", None)):
        raise SparselabError(
            f"expected a path, a module, an array or a mapping; got {given(source)}: give its state_dict()"
        )
    return ticket_of([as_layer(source)])


def _path(source: str | os.PathLike[str]) -> Path:
    try:
        return Path(source)
    except TypeError:
        raise SparselabError(f"expected a path as text; got {given(source)}") from None


def _of_mapping(mapping: Mapping[str, Any], limits: ReadLimits) -> Ticket:
    archive = combine(_archive(mapping, limits))
    if not archive.entries and not archive.skipped:
        raise SparselabError("expected at least one weight of two or more dimensions; got an empty mapping")
    found, skipped, notes = find_layers(archive, DEFAULT_OPTIONS, limits, has_shapes=True)
    return Ticket(found, skipped, {"notes": [*archive.notes, *notes]})


def _archive(mapping: Mapping[str, Any], limits: ReadLimits) -> Archive:
    entries: list[ArchiveEntry] = []
    skipped: list[Skipped] = []
    bfloat16 = False
    for count, (name, value, role) in enumerate(_flat(mapping)):
        check_count("tensors", count, limits.max_tensors)
        entry = Skipped(clean_name(name), value) if isinstance(value, str) else _entry(name, value, role, limits)
        bfloat16 |= is_bfloat16(value)
        if isinstance(entry, ArchiveEntry):
            entries.append(entry)
        else:
            skipped.append(entry)
    check_total(entries, limits)
    return Archive(tuple(entries), tuple(skipped), notes=(BFLOAT16_NOTE,) if bfloat16 else ())


def _flat(mapping: Mapping[str, Any]) -> list[tuple[str, Any, Role]]:
    try:
        return list(flatten(mapping, _is_tensor))
    except Exception as error:  # a mapping of somebody else's raises what it likes
        raise SparselabError(
            f"expected a mapping of arrays or tensors; got {given(mapping)}, which raised {type(error).__name__}"
        ) from error


def _is_tensor(value: object) -> bool:
    return isinstance(value, np.ndarray | Mask) or is_tensor(value)


def _entry(name: str, value: Any, role: Role, limits: ReadLimits) -> ArchiveEntry | Skipped:
    if isinstance(value, Mask):
        value, role = value.kept, "mask"
    found = (tensor_entry if is_tensor(value) else _array_entry)(name, value, role, limits)
    if isinstance(found, Skipped):
        return found
    # A copy, because a layer keeps what it is given, and a model goes on training.
    return replace(found, load=lambda: np.array(as_array(value), dtype=found.dtype, order="C"))


def _array_entry(name: str, array: NDArray[Any], role: Role, limits: ReadLimits) -> ArchiveEntry | Skipped:
    if isinstance(array, np.ma.MaskedArray):
        return Skipped(clean_name(name), "masked arrays are never read")
    dtype = plain_dtype(type_name(array.dtype))
    if dtype is None:
        return Skipped(clean_name(name), f"{clean_name(in_words(type_name(array.dtype)))} are never read")
    check_shape(name, array.shape, limits)
    return ArchiveEntry(name=name, shape=array.shape, dtype=dtype.newbyteorder("="), load=lambda: array, role=role)
