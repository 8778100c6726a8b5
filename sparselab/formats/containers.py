"""The tensors in nested containers, by the names that lead to them: what a checkpoint holds, in a file or in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sparselab.formats.base import Role
from sparselab.formats.names import is_mask_key, words_of

_WRAPPERS = frozenset({"state_dict", "model_state_dict", "model", "net", "network"})
_MASKS = frozenset({"mask", "masks"})
_OPTIMISERS = frozenset({"opt", "optim", "optims", "optimizer", "optimizers", "optimiser", "optimisers"})
_TRAINING_STATE = ("optim", "lr_sched", "sched", "scaler", "amp", "rng")
MAX_DEPTH = 32
_MAX_PREFIX = 4096  # characters of a container's name, which stand in the name of everything in it


def flatten(
    value: Any, is_tensor: Callable[[Any], bool], type_name: Callable[[Any], str] = lambda value: type(value).__name__
) -> Iterator[tuple[str, Any, Role]]:
    """Yield (name, tensor, what the containers say of it) for every tensor in nested containers, and a reason for what is none.

    `type_name` says what a value is that is none. Names are joined by dots; those of the usual wrappers, such as "state_dict", and
    of "mask" and "masks" are left out. What lies under any key that speaks of masks, by name or in a list, is a mask.
    """
    yield from _flatten(value, is_tensor, type_name, "", "unknown", {}, 0)


def _flatten(
    value: Any,
    is_tensor: Callable[[Any], bool],
    type_name: Callable[[Any], str],
    name: str,
    role: Role,
    seen: dict[int, bool],
    depth: int,
) -> Iterator[tuple[str, Any, Role]]:
    if is_tensor(value):
        yield name, value, role
    elif not (seen[id(value)] if id(value) in seen else _may_hold_tensors(value, is_tensor)):
        seen[id(value)] = False
        yield name, f"not a tensor ({type_name(value)})", role
    elif id(value) in seen or depth > MAX_DEPTH:
        yield name, "a container that was read already, or lies too deep", role
    elif len(name) > _MAX_PREFIX:
        yield name[:_MAX_PREFIX], f"a container whose name has more than {_MAX_PREFIX} characters", role
    else:
        seen[id(value)] = True
        for key, part in value.items() if isinstance(value, Mapping) else enumerate(value):
            key = str(key)
            full = f"{name}.{key}" if name else key
            if isinstance(part, Mapping | list) and _is_training_state(key, part):
                yield full, "training state, not weights", role
            elif isinstance(part, Mapping) and key in _WRAPPERS | _MASKS:
                yield from _flatten(
                    part, is_tensor, type_name, name, "mask" if key in _MASKS else role, seen, depth + 1
                )
            else:
                is_masks = isinstance(part, Mapping | list | tuple) and is_mask_key(key)
                yield from _flatten(part, is_tensor, type_name, full, "mask" if is_masks else role, seen, depth + 1)


def _is_training_state(key: str, part: Any) -> bool:
    if isinstance(part, Mapping) and "param_groups" in part:
        return True  # whatever it is called, an optimiser of torch wrote it
    return key.lower().startswith(_TRAINING_STATE) or bool(_OPTIMISERS & set(words_of(key)))


def _may_hold_tensors(value: Any, is_tensor: Callable[[Any], bool]) -> bool:
    if isinstance(value, Mapping):
        return True
    # A history of ten thousand losses is one thing that is no tensor, not ten thousand.
    return isinstance(value, list | tuple) and any(
        is_tensor(part) or isinstance(part, Mapping | list) for part in value
    )
