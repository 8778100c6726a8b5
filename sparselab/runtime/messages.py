"""One message of plain values and arrays as bytes: what worker processes and the browser send and receive.

    b"SLW1" | uint32 length of header | header: JSON, padded with spaces to 8 bytes | array buffers, each 8-byte aligned

An array stands in the JSON as {"$array": {"dtype", "shape", "offset"}}, its offset counted from the end of the header.
Our own and no library's, because it is read from a process that has just opened a stranger's file and must not be able to
run anything: reading a message never unpickles, and can only ever make None, bool, int, float, str, list, dict and plain
NumPy arrays. multiprocessing unpickles, JSON and msgpack have no arrays, and the browser reads this without a library.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from sparselab.core.errors import SparselabError

_MAGIC = b"SLW1"
_ALIGN = 8
_DTYPES = ("bool", "uint8", "uint16", "uint32", "int8", "int16", "int32", "int64", "float16", "float32", "float64")


def dump(value: Any) -> bytes:
    """Return `value` (None, numbers, text, lists, mappings with text keys, arrays, to any depth) as one message."""
    buffers: list[np.ndarray] = []
    offset = 0

    def plain(item: Any) -> Any:
        nonlocal offset
        if isinstance(item, np.ndarray):
            if item.dtype.name not in _DTYPES:
                raise TypeError(f"expected an array of {', '.join(_DTYPES)}; got {item.dtype}")
            buffers.append(np.ascontiguousarray(item))
            description = {"dtype": item.dtype.name, "shape": list(item.shape), "offset": offset}
            offset += _padded(item.nbytes)
            return {"$array": description}
        if isinstance(item, Mapping):
            return {str(key): plain(part) for key, part in item.items()}
        if isinstance(item, list | tuple):
            return [plain(part) for part in item]
        if isinstance(item, np.generic):
            return item.item()
        return item

    header = json.dumps(plain(value), allow_nan=False, separators=(",", ":")).encode()
    header += b" " * (-(8 + len(header)) % _ALIGN)
    message = bytearray(8 + len(header) + offset)
    message[:8] = _MAGIC + len(header).to_bytes(4, "little")
    message[8 : 8 + len(header)] = header
    start = 8 + len(header)
    for buffer in buffers:
        message[start : start + buffer.nbytes] = buffer.reshape(-1).view(np.uint8).data if buffer.nbytes else b""
        start += _padded(buffer.nbytes)
    return bytes(message)


def load(message: bytes) -> Any:
    """Return the value that `dump` wrote; arrays are read-only views of `message`.

    Raises: SparselabError when the bytes are not such a message, or an array would reach outside it.
    """
    if message[:4] != _MAGIC or len(message) < 8:
        raise SparselabError("expected a sparselab message; got other bytes")
    start = 8 + int.from_bytes(message[4:8], "little")
    body = memoryview(message)[start:]

    def revive(item: dict[str, Any]) -> Any:
        if item.keys() != {"$array"}:
            return item
        description = item["$array"]
        dtype, shape, offset = description["dtype"], tuple(description["shape"]), description["offset"]
        if dtype not in _DTYPES or not all(isinstance(n, int) and n >= 0 for n in (*shape, offset)):
            raise SparselabError("expected a plain array in the message; got something else")
        count = math.prod(shape)
        size = count * np.dtype(dtype).itemsize
        if offset + size > len(body):
            raise SparselabError("expected an array inside the message; it reaches past its end")
        return np.frombuffer(body[offset : offset + size], dtype=dtype, count=count).reshape(shape)

    try:
        return json.loads(message[8:start], object_hook=revive)
    except (KeyError, TypeError, json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SparselabError(f"expected a sparselab message; its header is damaged ({type(error).__name__})") from None


def _padded(size: int) -> int:
    return -(-size // _ALIGN) * _ALIGN
