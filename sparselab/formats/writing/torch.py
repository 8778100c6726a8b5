"""Tensors into .pt: a state_dict of their own, or in place of some of another file's."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sparselab.core.errors import FileError
from sparselab.core.inputs.memory import check_memory
from sparselab.core.inputs.tensors import is_tensor
from sparselab.formats.containers import flatten
from sparselab.formats.names import clean_name, is_mask_key
from sparselab.formats.options import ReadLimits
from sparselab.formats.writing.tensors import Changes, NewTensor, TensorKey, check_changed

if TYPE_CHECKING:
    import torch

MASKS = "masks"
"""Key of the container for masks that lay neither beside the weights nor at the top."""

_NAMED = 5
_DEEPEST = 2


def write_torch(tensors: Iterable[NewTensor], path: Path) -> None:
    """Write tensors as a state_dict."""
    import torch

    state: dict[str, torch.Tensor] = {}
    for tensor in tensors:
        _put(state, tensor.name, _tensor(tensor))
    torch.save(state, path)


def rewrite_torch(source: Path, changes: Changes, out: Path, limits: ReadLimits) -> tuple[str, ...] | None:
    """Write a checkpoint's state_dict with some tensors changed, the others as they are.

    The names are those inside wrappers such as "state_dict"; masks in a container of their own stay there.
    The file was opened by its reader, which checks it.

    Returns: what was left out, and which tensors share their numbers with a changed one, in words; None where torch does not
        load the file as plain weights, such as one with objects of a program's own.
    """
    import torch

    checkpoint = _load(source)
    if checkpoint is None:
        return None
    found: dict[TensorKey, torch.Tensor] = {}
    left_out: list[str] = []
    for name, value, role in flatten(checkpoint, is_tensor):
        if isinstance(value, str) or (name, role) in found:
            left_out.append(clean_name(name))
        else:
            found[name or source.stem, role] = value
    check_changed(changes, found)
    changes, notes = _with_twins(found, changes)
    state: OrderedDict[str, Any] = OrderedDict()
    masks: dict[int, tuple[str, torch.Tensor | None]] = {}
    for (name, role), value in found.items():
        news = [(name, value)]
        if (name, role) in changes:
            news = [(new.name, _like(_tensor(new), value)) for new in changes[name, role]]
        if role == "mask":
            masks[id(value)] = (name, news[0][1] if news else None)
        else:
            for new_name, tensor in news:
                _put(state, new_name, tensor)
    _put_masks(state, checkpoint, masks)
    if (metadata := _metadata(checkpoint)) is not None:
        state._metadata = metadata  # type: ignore[attr-defined]  # what state_dict() itself puts there
    torch.save(state if not is_tensor(checkpoint) or len(state) > 1 else next(iter(state.values())), out)
    if left_out:
        more = f" and {len(left_out) - _NAMED} more" if len(left_out) > _NAMED else ""
        notes.append(f"left out, because a state_dict holds tensors alone: {', '.join(left_out[:_NAMED])}{more}")
    return tuple(notes)


def _load(path: Path) -> Any:
    import torch

    check_memory(path.stat().st_size)
    try:
        with warnings.catch_warnings(), torch.sparse.check_sparse_tensor_invariants():  # type: ignore[no-untyped-call]
            warnings.simplefilter("ignore")  # about layouts in beta
            return torch.load(path, map_location="cpu", weights_only=True, mmap=False)
    except MemoryError:
        raise
    except (
        Exception
    ):  # torch raises whatever its unpickler stumbles over; all of it means that these are no plain weights
        return None


def _put_masks(state: dict[str, Any], checkpoint: Any, masks: dict[int, tuple[str, torch.Tensor | None]]) -> None:
    """Add the containers of masks under their keys, with the new masks in them; those of others go into one called "masks"."""
    for key, part in _mask_containers(checkpoint):
        placed = _replaced(part, masks)
        if placed:
            _put(state, key, placed)
    if rest := {name: mask for name, mask in masks.values() if mask is not None}:
        _put(state, MASKS, rest)


def _mask_containers(part: Any, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """The containers of masks at the top, or beside the weights in what wraps them."""
    for key, inner in part.items() if isinstance(part, Mapping) and depth <= _DEEPEST else ():
        if is_mask_key(str(key)) and isinstance(inner, Mapping | list | tuple):
            yield str(key), inner
        else:
            yield from _mask_containers(inner, depth + 1)


def _replaced(part: Any, masks: dict[int, tuple[str, torch.Tensor | None]]) -> Any:
    """A container with new masks in place of the old ones, which are taken out of `masks`; without those that are gone."""
    if is_tensor(part):
        return masks.pop(id(part), (None, None))[1]
    if isinstance(part, Mapping):
        found = {key: _replaced(each, masks) for key, each in part.items()}
        return {key: each for key, each in found.items() if each is not None}
    if isinstance(part, list | tuple):
        return [each for each in (_replaced(each, masks) for each in part) if each is not None]
    return None


def _with_twins(found: dict[TensorKey, torch.Tensor], changes: Changes) -> tuple[Changes, list[str]]:
    """Give a change of one weight to the other names that share its numbers: loading takes the last of them."""
    homes = {_home(found[key]): key for key in changes}
    twins = {
        key: first
        for key, value in found.items()
        if key not in changes and value.numel() and (first := homes.get(_home(value)))
        if all(new.name.startswith(first[0]) for new in changes[first])
    }
    whole = dict(changes)
    for key, first in twins.items():
        news = changes[first]
        whole[key] = tuple(
            NewTensor(name=key[0] + new.name.removeprefix(first[0]), shape=new.shape, stored=new.stored, load=new.load)
            for new in news
        )
    return whole, [
        f"{clean_name(key[0])} shares its numbers with {clean_name(first[0])}" for key, first in twins.items()
    ]


def _home(value: torch.Tensor) -> object:
    import torch

    if value.layout != torch.strided:
        return id(value)
    return value.untyped_storage().data_ptr(), value.storage_offset(), tuple(value.shape), value.stride()


def _put(target: dict[str, Any], name: str, value: Any) -> None:
    if name in target:
        raise FileError(f"{clean_name(name)}: expected every name once; it comes twice: choose another form")
    target[name] = value


def _tensor(new: NewTensor) -> torch.Tensor:
    import torch

    dtype = getattr(torch, new.stored)
    tensor = torch.tensor(np.ascontiguousarray(new.load()).reshape(new.shape))
    words = tensor.dtype in (torch.uint8, torch.uint16, torch.int16) and tensor.dtype != dtype
    return tensor.view(dtype) if words else tensor.to(dtype)


def _like(tensor: torch.Tensor, old: torch.Tensor) -> torch.Tensor:
    """A tensor in the type and the layout in memory of the one whose place it takes; floats were read as wider ones."""
    import torch

    if old.is_floating_point() and tensor.is_floating_point():
        tensor = tensor.to(old.dtype)
    if tensor.shape != old.shape or tensor.dtype != old.dtype:
        return tensor
    if old.layout == torch.strided:
        return torch.empty_like(old, requires_grad=False).copy_(tensor)
    with warnings.catch_warnings():  # about layouts in beta
        warnings.simplefilter("ignore", UserWarning)
        blocked = old.layout in (torch.sparse_bsr, torch.sparse_bsc)
        blocks = tuple(old.values().shape[1:3]) if blocked else None
        return tensor.to_sparse(layout=old.layout, blocksize=blocks)


def _metadata(checkpoint: Any) -> Any:
    parts = (checkpoint, *checkpoint.values()) if isinstance(checkpoint, dict) else ()
    return next((part._metadata for part in parts if hasattr(part, "_metadata")), None)
