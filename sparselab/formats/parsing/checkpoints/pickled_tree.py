"""The value of a pickle as plain containers around tensors, so that it is looked through as a state_dict is."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

from sparselab.formats.containers import MAX_DEPTH
from sparselab.formats.names import clean_name
from sparselab.formats.parsing.checkpoints.pickle_machine import Global, Made, Persistent
from sparselab.formats.parsing.checkpoints.pickled_values import ArrayRef, SparseRef, TensorRef, Unread, found_tensor

_MODULE_PARTS = ("_parameters", "_buffers", "_modules")
_TORCH_SCRIPT = "__torch__."
_LISTS = ("torch.jit._pickle.build_", "torch.nn.parameter.ParameterList")
_SEQUENCES = ("builtins.set", "__builtin__.set", "builtins.frozenset", "builtins.list", "builtins.tuple")


def plain_tree(value: Any) -> tuple[Any, tuple[str, ...]]:
    """Return containers of tensors, and the classes of the modules that were saved whole, the outermost ones alone.

    Dictionaries of every class are mappings. A module is a mapping of its parameters, buffers and modules under the names that
    its state_dict has. An object of any other class stays a `Made`. What is shared stays shared, so that it is seen once.
    """
    made: dict[int, Any] = {}
    waiting: deque[tuple[Any, Any, bool, int]] = deque()
    modules: list[str] = []

    def convert(value: Any, inside: bool, depth: int) -> Any:
        if not isinstance(value, Made | dict | list | tuple):
            return value
        if id(value) not in made:
            made[id(value)] = result = start(value, inside, depth)
            if isinstance(result, TensorRef | SparseRef | ArrayRef | Unread | Made):
                return result
        return made[id(value)]

    def start(value: Any, inside: bool, depth: int) -> Any:
        if (tensor := found_tensor(value)) is not None:
            return tensor
        module = _module(value)
        if module is not None and not inside:
            modules.append(value.name)
        parts = _contents(value) if module is None else module
        if parts is None or depth > MAX_DEPTH:  # nobody looks further
            return value
        result: Any = {} if isinstance(parts, Mapping) else []
        waiting.append((result, parts, inside or module is not None, depth + 1))
        return result

    tree = convert(value, False, 0)
    while waiting:  # level by level, so that what is shared is met first where it lies least deep
        target, parts, inside, depth = waiting.popleft()
        if isinstance(parts, Mapping):
            target.update((key, convert(part, inside, depth)) for key, part in parts.items())
        else:
            target.extend(convert(part, inside, depth) for part in parts)
    return tree, tuple(dict.fromkeys(modules))


def is_tensor_ref(value: Any) -> bool:
    """Whether a value of a tree is a tensor or an array, read or not."""
    return isinstance(value, TensorRef | SparseRef | ArrayRef | Unread)


def type_name(value: Any) -> str:
    """Return the name of what a value of a tree is; of an object, its class."""
    if isinstance(value, Persistent):
        return "a storage"
    if isinstance(value, Made) and value.name.endswith(".multiarray.scalar"):
        return "a NumPy number"
    return clean_name(value.name) if isinstance(value, Made | Global) else type(value).__name__


def _contents(value: Any) -> Mapping[Any, Any] | list[Any] | tuple[Any, ...] | None:
    if not isinstance(value, Made):
        return value  # type: ignore[no-any-return]
    if value.items is not None:
        return value.items
    if value.name in ("collections.OrderedDict", "collections.Counter", "collections.defaultdict", "builtins.dict"):
        return _pairs(value.args[-1] if value.args else ())
    if value.name.startswith(_TORCH_SCRIPT) and isinstance(value.state, Mapping):
        return {name: part for name, part in value.state.items() if isinstance(part, Made | dict | list | tuple)}
    if value.parts is not None:
        return value.parts
    if value.name.startswith(_LISTS) or value.name in _SEQUENCES:
        return value.args[0] if value.args and isinstance(value.args[0], list | tuple) else ()
    return None


def _pairs(value: Any) -> Mapping[Any, Any]:
    """Python 2 gives a dictionary as a list of pairs."""
    if isinstance(value, Mapping):
        return value
    pairs = value if isinstance(value, list | tuple) else ()
    return {
        pair[0]: pair[1]
        for pair in pairs
        if isinstance(pair, list | tuple) and len(pair) == 2 and isinstance(pair[0], str | int)
    }


def _module(value: Any) -> Mapping[Any, Any] | None:
    """The parameters, buffers and modules of an object that was a torch.nn.Module; None for any other."""
    state = value.state if isinstance(value, Made) else None
    if not isinstance(state, Mapping) or not all(name in state for name in _MODULE_PARTS):
        return None
    found: dict[Any, Any] = {}
    for name in _MODULE_PARTS:
        parts = state[name] if isinstance(state[name], Mapping) else _contents(state[name])
        if isinstance(parts, Mapping):
            found.update((key, part) for key, part in parts.items() if part is not None)
    return found
