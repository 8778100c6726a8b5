"""Weights that an ONNX model keeps in a file beside it.

Only a file in the model's own folder is read: no path that begins elsewhere, no "..", no link that leads out, no device.
Source: github.com/onnx/onnx, docs/ExternalData.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PureWindowsPath
from typing import NamedTuple

from sparselab.core.errors import FileError
from sparselab.formats.names import clean_name


class ExternalData(NamedTuple):
    """Where numbers lie outside the model."""

    path: Path
    offset: int


def find_external(model: Path, entries: Mapping[str, str], size: int) -> ExternalData:
    """Return where the `size` bytes lie that a tensor's external_data speaks of.

    Raises: FileError, without the tensor's name, for a path that leaves the folder and for a file that does not hold them.
    """
    location = entries.get("location", "")
    path = _path_in_folder(model.parent, location)
    offset, length = (_number(entries.get(name), name) for name in ("offset", "length"))
    there, begin = path.stat().st_size, offset or 0
    if length is not None and length != size:
        raise FileError(f"expected {size} bytes of external data, as its shape says; its length says {length}")
    if begin + size > there:
        raise FileError(f"expected {size} bytes from byte {begin} of {clean_name(location)}; the file has {there}")
    return ExternalData(path, begin)


def _path_in_folder(folder: Path, location: str) -> Path:
    label = clean_name(location)
    parts = PureWindowsPath(location)  # knows both kinds of slashes, and drives
    if not location or "\0" in location or parts.anchor or ".." in parts.parts:
        raise FileError(f"expected external data in the model's own folder; got {label}, which may lie elsewhere")
    try:
        path = (folder / location).resolve()
        inside, there = path.is_relative_to(folder.resolve()), path.is_file()
    except (OSError, RuntimeError, ValueError):
        inside, there = True, False
    if not inside:
        raise FileError(
            f"expected external data in the model's own folder; {label} is a link out of it: copy the file there"
        )
    if not there:
        raise FileError(f"expected the external data {label} beside the model; there is no such file: put it there")
    return path


def _number(text: str | None, name: str) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise FileError(f"expected a whole number as {name} of external data; got {clean_name(text[:50])}")
    return int(text)
