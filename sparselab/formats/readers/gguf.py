"""Weights of language models for llama.cpp (.gguf): f32, f16, bf16, f64 and q8_0, each read from its own place.

    q8_0    blocks of 32 weights along a row: a half-precision scale d and 32 signed bytes q; weight = d * q

Other quantised types are left alone by name: what pruning left as zero is no longer a zero in most of them.
Source: ggml's block_q8_0 (github.com/ggml-org/ggml/blob/master/src/ggml-common.h).
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparselab.core.errors import FileError
from sparselab.core.inputs.words import widen_bfloat16
from sparselab.core.ticket import Skipped
from sparselab.formats.base import Archive, ArchiveEntry, Format, Head, check_total, read_array, shape_fault
from sparselab.formats.names import clean_name
from sparselab.formats.options import ReadLimits
from sparselab.formats.parsing.gguf_header import MAGIC, GgufTensor, read_gguf_header
from sparselab.formats.parsing.torch_values import BFLOAT16_NOTE

_PLAIN = {0: "<f4", 1: "<f2", 24: "i1", 25: "<i2", 26: "<i4", 27: "<i8", 28: "<f8", 30: "<u2"}
_BF16, _Q8_0 = 30, 8
_BLOCK = 32
_Q8_BLOCK = np.dtype([("scale", "<f2"), ("values", "i1", _BLOCK)])
_OTHERS = {
    2: "q4_0", 3: "q4_1", 6: "q5_0", 7: "q5_1", 9: "q8_1", 10: "q2_k", 11: "q3_k", 12: "q4_k", 13: "q5_k", 14: "q6_k",
    15: "q8_k", 16: "iq2_xxs", 17: "iq2_xs", 18: "iq3_xxs", 19: "iq1_s", 20: "iq4_nl", 21: "iq3_s", 22: "iq2_s",
    23: "iq4_xs", 29: "iq1_m", 34: "tq1_0", 35: "tq2_0", 39: "mxfp4",
}  # fmt: skip
_ADVICE = "convert the model to f16, bf16 or q8_0, as llama.cpp's convert_hf_to_gguf.py does"


def open_gguf(path: Path, limits: ReadLimits) -> Archive:
    """Return the tensors of a file from its header alone; q8_0 and bf16 become float32 when they are loaded.

    Raises: FileError as `read_gguf_header` does.
    """
    size = path.stat().st_size
    try:
        tensors, metadata = read_gguf_header(path, limits)
    except FileError as error:
        raise FileError(f"{clean_name(path.name)}: {error}") from None
    entries, skipped = [], []
    for tensor in tensors:
        if fault := shape_fault(tensor.shape, limits) or _fault(tensor, size):
            skipped.append(Skipped(clean_name(tensor.name), fault))
        else:
            entries.append(_entry(path, tensor))
    check_total(entries, limits)
    types = {tensor.type for tensor in tensors}
    notes = [BFLOAT16_NOTE] if _BF16 in types else []
    notes += ["q8_0 weights are read as float32: scale times value"] if _Q8_0 in types else []
    return Archive(tuple(entries), tuple(skipped), metadata, tuple(notes))


def _fault(tensor: GgufTensor, size: int) -> str:
    if tensor.type == _Q8_0:
        if not tensor.shape or tensor.shape[-1] % _BLOCK:
            return f"expected rows of whole blocks of {_BLOCK} weights; got shape {tensor.shape}"
        length = prod(tensor.shape) // _BLOCK * _Q8_BLOCK.itemsize
    elif tensor.type in _PLAIN:
        length = prod(tensor.shape) * np.dtype(_PLAIN[tensor.type]).itemsize
    else:
        return f"{_OTHERS.get(tensor.type, f'type {tensor.type}')} values are never read: {_ADVICE}"
    return "" if tensor.offset + length <= size else f"expected {length} bytes from byte {tensor.offset}; the file ends"


def _entry(path: Path, tensor: GgufTensor) -> ArchiveEntry:
    load: Callable[[], NDArray[Any]]
    if tensor.type == _Q8_0:
        load, dtype = lambda: _load_q8(path, tensor), np.dtype(np.float32)
    elif tensor.type == _BF16:
        words = _loader(path, tensor)
        return ArchiveEntry(
            name=tensor.name,
            shape=tensor.shape,
            dtype=np.dtype(np.float32),
            load=lambda: widen_bfloat16(words()),
            stored="bfloat16",
            load_stored=words,
        )
    else:
        load, dtype = _loader(path, tensor), np.dtype(_PLAIN[tensor.type]).newbyteorder("=")
    return ArchiveEntry(name=tensor.name, shape=tensor.shape, dtype=dtype, load=load)


def _loader(path: Path, tensor: GgufTensor) -> Callable[[], NDArray[Any]]:
    return lambda: read_array(path, tensor.offset, np.dtype(_PLAIN[tensor.type]), tensor.shape)


def _load_q8(path: Path, tensor: GgufTensor) -> NDArray[Any]:
    blocks = np.fromfile(path, _Q8_BLOCK, prod(tensor.shape) // _BLOCK, offset=tensor.offset)
    if blocks.size * _BLOCK != prod(tensor.shape):
        raise FileError(f"{clean_name(path.name)}: expected {clean_name(tensor.name)} whole; the file has changed")
    values = blocks["values"].astype(np.float32)
    values *= blocks["scale"].astype(np.float32)[:, None]
    return values.reshape(tensor.shape)


def _recognises(head: Head) -> bool:
    return head.start.startswith(MAGIC)


FORMAT = Format(
    name="gguf",
    title="a GGUF model",
    suffixes=(".gguf",),
    recognises=_recognises,
    open=open_gguf,
    parsed_by="python",
    has_shapes=True,
)
