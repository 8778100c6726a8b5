"""How a hostile file is put together, byte by byte."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch

Case: TypeAlias = tuple[Callable[[Path], Path], str]
"""What makes the file, and what the one sentence about it says."""

WEIGHT = (np.arange(48, dtype=np.float32).reshape(6, 8) % 3) / 2


def npy_bytes(array: np.ndarray, **changes: Any) -> bytes:
    """An array as a .npy file; `changes` replace fields of its header and leave the data as it is."""
    stream = io.BytesIO()
    header = np.lib.format.header_data_from_array_1_0(array) | changes
    np.lib.format.write_array_header_1_0(stream, header)
    return stream.getvalue() + array.tobytes()


def npz(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def safetensors(path: Path, header: Any, data: bytes = b"") -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path


def tensor(shape: list[Any], begin: int, end: int, dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def torch_zip(path: Path, data: bytes) -> Path:
    return npz(path, {"archive/data.pkl": data, "archive/version": b"3\n"})


def save(path: Path, value: Any) -> Path:
    torch.save(value, path)
    return path


def patched(path: Path, old: bytes, new: bytes) -> Path:
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new))
    return path


def file(name: str, content: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return make


def header(name: str, value: Any, data: bytes = b"") -> Callable[[Path], Path]:
    return lambda folder: safetensors(folder / name, value, data)


def array(name: str, value: np.ndarray, **changes: Any) -> Callable[[Path], Path]:
    return lambda folder: file(name, npy_bytes(value, **changes))(folder)


def arrays(name: str, **values: Any) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        np.savez(folder / name, **values)
        return folder / name

    return make
