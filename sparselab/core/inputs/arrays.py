"""What is read of arrays, in files and in memory alike: plain numbers of bounded shape."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparselab.core.errors import SparselabError
from sparselab.core.inputs.tensors import dense_array, is_tensor, why_not_read

MAX_RANK = 8
MAX_SIZE = 2**24
MAX_ELEMENTS = 2**30
"""Most dimensions of a tensor, the most any one may have, and all together: far above any layer, far below an overflow."""

PLAIN_TYPES = ("b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8")
"""NumPy's codes of the types that are read, without their byte order."""

_LOOKED_AT = 2**20  # numbers in one go: what is made beside them stays in the processor's cache

_KINDS = {
    "O": "Python objects", "U": "texts", "S": "texts", "a": "texts", "c": "complex numbers", "M": "dates",
    "m": "spans of time", "V": "raw bytes", "f": "long doubles (save array.astype(np.float64) instead)",
}  # fmt: skip
_RAW_PAIRS = "2-byte raw values (V2: what bfloat16 of ml_dtypes becomes. Save array.astype(np.float32) instead)"


def as_array(value: object) -> NDArray[Any]:
    """Return an array, a tensor or nested lists as an array, sharing memory where that can be.

    A tensor comes to the CPU, detached; a sparse one becomes dense, bfloat16 becomes float32.

    Raises: SparselabError for what is none, is too large, or cannot be read, such as a tensor without values.
    """
    if is_tensor(value):
        if why := why_not_read(value):
            raise SparselabError(f"expected a tensor that can be read; got {given(value)}: {why}")
        check_size(value)
    elif isinstance(value, np.ma.MaskedArray):
        raise SparselabError("expected a plain array; got a masked one: choose its values with filled first")
    try:
        array: NDArray[Any] = dense_array(value) if is_tensor(value) else np.asarray(value)
    except MemoryError:
        raise SparselabError(f"expected what fits into memory; got {given(value)}") from None
    except Exception as error:
        # What a stranger's object raises on its way to an array is its own affair; here it means that it is none.
        raise SparselabError(
            f"expected an array or a tensor; got {given(value)}, which raised {type(error).__name__}"
        ) from error
    check_size(array)
    return array


def check_size(value: Any) -> None:
    """Raises: SparselabError when an array or tensor has more dimensions or elements than a layer may."""
    shape = tuple(value.shape)
    if len(shape) > MAX_RANK or max(shape, default=0) > MAX_SIZE or prod(shape) > MAX_ELEMENTS:
        raise SparselabError(
            f"expected at most {MAX_RANK} dimensions up to {MAX_SIZE} and {MAX_ELEMENTS} elements; got {given(value)}"
        )


def type_name(dtype: np.dtype[Any]) -> str:
    """Return the name that the header of a .npy file gives a type."""
    return dtype.str if dtype.names is None else str(dtype.descr)


def plain_dtype(name: str) -> np.dtype[Any] | None:
    """Return the type of this name if it is read: real numbers and booleans are; else None.

    Example: >>> plain_dtype("<f4"), plain_dtype("|O")
             (dtype('float32'), None)
    """
    return np.dtype(name) if name in _PLAIN_NAMES else None


_PLAIN_NAMES = frozenset(order + code for code in PLAIN_TYPES for order in ("", "<", ">", "|", "="))


def in_words(name: str) -> str:
    """Return what values of the type of this name are called.

    Example: >>> in_words("<c16")
             'complex numbers'
    """
    if name.startswith("["):
        return "records"
    kind = name.lstrip("<>|=")
    if kind == "V2":
        return _RAW_PAIRS
    return _KINDS.get(kind[:1], kind)


def given(value: object) -> str:
    """Return what somebody gave, in words, for a sentence that says what was expected instead.

    Example: >>> given(np.arange(3)), given(None), given("text")
             ('an int64 array of shape (3,)', 'None', 'a str')
    """
    if value is None:
        return "None"
    if is_tensor(value):
        place = "" if value.device.type == "cpu" else f" on {value.device.type}"
        return _with_article(f"{str(value.dtype).removeprefix('torch.')} tensor of shape {tuple(value.shape)}{place}")
    if isinstance(value, np.ndarray):
        return _with_article(f"{value.dtype.name} array of shape {value.shape}")
    return _with_article(type(value).__name__)


def nonfinite(values: NDArray[Any]) -> str:
    """Return what is wrong with weights of which some are no number or infinite; "" when none is."""
    if values.dtype.kind != "f":
        return ""
    flat = values.ravel(order="K")
    finite = nans = 0
    for start in range(0, flat.size, _LOOKED_AT):
        part = flat[start : start + _LOOKED_AT]
        finite += int(np.count_nonzero(np.isfinite(part)))
        nans += int(np.count_nonzero(np.isnan(part)))
    if finite == flat.size:
        return ""
    return f"expected finite weights; got {nans} NaN and {flat.size - finite - nans} infinite"


def _with_article(words: str) -> str:
    return f"{'an' if words[0] in 'aeioAEIO' else 'a'} {words}"
