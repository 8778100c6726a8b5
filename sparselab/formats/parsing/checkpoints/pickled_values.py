"""What the calls of a pickle stand for: tensors of torch, arrays of NumPy and containers; all else keeps its name alone.

Nothing is imported for it: a call is known by its name, its arguments by their places.
Source: torch._utils, torch._tensor, torch.storage and torch.serialization of PyTorch 0.1 to 2.13; numpy.ndarray.__reduce__.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

from sparselab.core.inputs.arrays import plain_dtype
from sparselab.formats.names import clean_name
from sparselab.formats.parsing.checkpoints.pickle_machine import Global, Made, Persistent

_STORAGE_TYPES: Mapping[str, str] = MappingProxyType({
    "Float": "float32", "Double": "float64", "Half": "float16", "BFloat16": "bfloat16", "Long": "int64", "Int": "int32",
    "Short": "int16", "Char": "int8", "Byte": "uint8", "Bool": "bool", "Untyped": "uint8", "_Untyped": "uint8",
    "ComplexFloat": "complex64", "ComplexDouble": "complex128",
})  # fmt: skip
_DTYPE = re.compile(r"torch\.((b?float|complex|u?int|bool)\w*)")
_STORAGE = re.compile(r"torch\.(?:cuda\.|storage\.)?(\w+?)Storage")
_LAYOUTS = {f"torch.sparse_{kind}": kind for kind in ("coo", "csr", "csc", "bsr", "bsc")}
_MAX_WRAPPING = 8
_NO_VALUES = "a tensor without values"


@dataclass(frozen=True, kw_only=True)
class StorageRef:
    """A storage by its key: the type of its elements in torch's words, and how many there are. `first`: where a view begins."""

    key: str
    dtype: str
    count: int
    root_count: int
    first: int = 0


@dataclass(frozen=True, kw_only=True)
class TensorRef:
    """A strided tensor: where in which storage it begins, in elements of its type."""

    storage: StorageRef
    dtype: str
    first: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class SparseRef:
    """A sparse tensor: its layout, its shape, and the tensors of its indices with that of its values last."""

    layout: str
    shape: tuple[int, ...]
    parts: tuple[TensorRef, ...]


@dataclass(frozen=True, kw_only=True)
class ArrayRef:
    """An array of NumPy whose numbers lie in the pickle itself. `dtype` is as the header of a .npy file spells it."""

    dtype: str
    shape: tuple[int, ...]
    fortran_order: bool
    data: bytes


@dataclass(frozen=True)
class Unread:
    """A tensor that is not read, and why."""

    reason: str


Found: TypeAlias = TensorRef | SparseRef | ArrayRef | Unread


def found_tensor(value: Any) -> Found | None:
    """Return the tensor or array that a value of a pickle stands for; None when it is neither."""
    for _ in range(_MAX_WRAPPING):
        if not isinstance(value, Made):
            return None
        if value.name in _SAME_AS_FIRST:
            value = value.args[0] if value.args else _first(value.state)
        elif value.name.endswith("._rebuild_from_type_v2") or value.name.endswith("._rebuild_from_type"):
            value = _of_type(value)
            if isinstance(value, Unread):
                return value
        else:
            break
    if not isinstance(value, Made) or (read := _READ.get(value.name)) is None:
        return None
    try:
        return read(value)
    except (TypeError, ValueError, LookupError, AttributeError):
        return Unread("a tensor whose description is damaged")


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, tuple) and value else None


def _of_type(value: Made) -> Any:
    """A tensor that knows its class or has attributes: what to call, the class, the arguments, the attributes."""
    if len(value.args) < 3 or not all(isinstance(part, Global) for part in value.args[:2]):
        return Unread("a tensor whose description is damaged")
    call, kind, args = value.args[0].name, value.args[1].name, value.args[2]
    if kind not in ("torch.Tensor", "torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer"):
        return Unread(f"a special tensor ({clean_name(kind)}): only plain and sparse ones are read")
    return Made(call, args if isinstance(args, tuple) else ())


def _rebuilt(made: Made) -> Found:
    """(storage, offset, size, stride, requires_grad, hooks, metadata), or with the dtype before the metadata (version 3)."""
    args = list(made.args)
    storage = storage_of(args[0])
    dtype = storage.dtype
    if made.name.endswith("_v3"):
        dtype = _dtype(args.pop(6))
    if len(args) > 6 and args[6]:
        return Unread("a view with its sign or conjugate taken: save tensor.resolve_neg().resolve_conj() instead")
    first = storage.first + whole(args[1])
    return TensorRef(storage=storage, dtype=dtype, first=first, shape=sizes(args[2]), strides=sizes(args[3]))


def storage_of(value: Any) -> StorageRef:
    """Return the storage that a persistent identity names. Raises: TypeError, ValueError or LookupError for any other.

    ("storage", type, key, device, count), and before PyTorch 1.6 (key of the view, first, count) or None at the end.
    """
    if not isinstance(value, Persistent) or value.id[0] != "storage":
        raise TypeError
    _, kind, key, _, count, *view = value.id
    found = _STORAGE.fullmatch(kind.name)
    dtype = _STORAGE_TYPES.get(found[1], f"{found[1]}Storage") if found else clean_name(kind.name)
    root = whole(count)
    if view and view[0] is not None:
        _, first, count = view[0]
        if whole(first) + whole(count) > root:
            raise ValueError
        return StorageRef(key=str(key), dtype=dtype, count=count, root_count=root, first=first)
    return StorageRef(key=str(key), dtype=dtype, count=root, root_count=root)


def _sparse(made: Made) -> Found:
    """(layout, (indices, values, size, ...)) or (layout, (compressed indices, plain indices, values, size))."""
    layout, data = made.args[:2]
    layout = layout.args[0] if isinstance(layout, Made) else layout.name
    kind = _LAYOUTS[layout]
    count = 2 if kind == "coo" else 3
    parts = tuple(part for part in map(found_tensor, data[:count]) if isinstance(part, TensorRef))
    if len(parts) != count:
        return Unread("a sparse tensor of parts that are not read")
    return SparseRef(layout=kind, shape=sizes(data[count]), parts=parts)


def _array(made: Made) -> Found:
    """_reconstruct(class, (0,), b"b") whose state is (version, shape, dtype, in Fortran's order, the numbers)."""
    _, shape, dtype, fortran, data = made.state
    kind = _array_type(dtype)
    numbers = b"" if plain_dtype(kind) is None else _bytes(data)
    return ArrayRef(dtype=kind, shape=sizes(shape), fortran_order=fortran in (True, 1), data=numbers)


def _array_of_buffer(made: Made) -> Found:
    """_frombuffer(bytes, dtype, shape, order), as protocol 5 has it."""
    data, dtype, shape, order = made.args
    return ArrayRef(dtype=_array_type(dtype), shape=sizes(shape), fortran_order=order == "F", data=_bytes(data))


def _array_type(value: Any) -> str:
    """numpy.dtype("f4", False, True) whose state has the byte order second; a damaged one has a type that is not read."""
    code = value.args[0]
    order = value.state[1] if isinstance(value.state, tuple) and value.name == "numpy.dtype" else "|"
    return f"{order}{code}" if isinstance(code, str) and order in ("<", ">", "|", "=") else "records"


def _bytes(value: Any) -> bytes:
    if isinstance(value, Made) and value.name == "_codecs.encode":  # how Python 3 writes bytes for Python 2
        text, encoding = value.args
        if encoding not in ("latin1", "latin-1"):
            raise ValueError
        data: bytes = text.encode("latin1")
        return data
    if isinstance(value, Made) and value.name in ("builtins.bytes", "__builtin__.bytes") and not value.args:
        return b""
    return value.encode() if isinstance(value, str) else b"" if value is None else bytes(memoryview(value))


def _dtype(value: Any) -> str:
    found = _DTYPE.fullmatch(value.name)
    return found[1] if found else clean_name(value.name)


def whole(value: Any) -> int:
    """Return a whole number from 0 up. Raises: TypeError for anything else."""
    if type(value) is not int or not 0 <= value < 2**63:
        raise TypeError
    return value


def sizes(value: Any) -> tuple[int, ...]:
    """Return a shape. Raises: TypeError for anything else."""
    if isinstance(value, Made) and value.name == "torch.Size":
        value = value.args[0] if value.args else ()
    if not isinstance(value, tuple | list):
        raise TypeError
    return tuple(map(whole, value))


_SAME_AS_FIRST = frozenset({
    "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state", "torch.nn.parameter.Parameter",
    "torch.nn.parameter.Buffer", "torch.autograd.variable.Variable", "torch._utils._rebuild_device_tensor_from_numpy",
    "torch._utils._rebuild_device_tensor_from_cpu_tensor", "torch._utils._rebuild_xla_tensor",
    "torch.jit._pickle.restore_type_tag",
})  # fmt: skip
_READ: Mapping[str, Callable[[Made], Found]] = MappingProxyType({
    **{f"torch._utils._rebuild_tensor{version}": _rebuilt for version in ("", "_v2", "_v3")},
    "torch._utils._rebuild_sparse_tensor": _sparse,
    "torch._utils._rebuild_qtensor": lambda _: Unread("a quantized tensor: save tensor.dequantize() instead"),
    "torch._utils._rebuild_nested_tensor": lambda _: Unread("a nested tensor"),
    "torch._utils._rebuild_meta_tensor_no_storage": lambda _: Unread(_NO_VALUES),
    "torch._utils._rebuild_wrapper_subclass": lambda _: Unread(_NO_VALUES),
    **{f"numpy.{core}.multiarray._reconstruct": _array for core in ("core", "_core")},
    **{f"numpy.{core}.numeric._frombuffer": _array_of_buffer for core in ("core", "_core")},
    "numpy.ma.core._mareconstruct": lambda _: Unread("masked arrays are never read: save array.filled(0) instead"),
})  # fmt: skip
"""The calls that make tensors and arrays."""
