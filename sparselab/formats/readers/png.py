"""A mask drawn as a picture (.png): one grey channel, black and one other level, a pixel for each weight.

Our own walk over the chunks hands Pillow the header and the pixels alone, so that no text, profile or animation is looked at;
the header is checked before anything unpacks.
Source: W3C, "Portable Network Graphics (PNG) Specification", third edition, sections 5 and 11.
"""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparselab.core.errors import FileError
from sparselab.core.inputs.memory import check_memory
from sparselab.formats.base import Archive, ArchiveEntry, Format, Head
from sparselab.formats.names import clean_name
from sparselab.formats.options import ReadLimits
from sparselab.formats.parsing.sparse_arrays import check_density

_MAGIC = b"\x89PNG\r\n\x1a\n"
_KEPT_CHUNKS = (b"IHDR", b"IDAT", b"IEND")
_GREY = 0
_COLOURS = {2: "colours", 3: "a palette", 4: "grey with transparency", 6: "colours with transparency"}
_ADVICE = 'in Python, PIL.Image.fromarray(mask).save("mask.png") writes a mask of booleans so'


def open_png(path: Path, limits: ReadLimits) -> Archive:
    """Return the picture as one mask, named after the file: what is not black is kept.

    Raises: FileError for a damaged file, colours, more pixels than Pillow reads without a warning, and shades of grey.
    """
    label = clean_name(path.name)
    try:
        chunks = _chunks(path)
        shape = _shape(chunks, path.stat().st_size, limits)
    except FileError as error:
        raise FileError(f"{label}: {error}") from None
    entry = ArchiveEntry(
        name=path.stem, shape=shape, dtype=np.dtype(bool), load=lambda: _load(path, limits), role="mask"
    )
    return Archive((entry,), notes=("every pixel is a weight: black is pruned, white is kept",), has_names=False)


def _chunks(path: Path) -> list[tuple[bytes, bytes]]:
    """Return the chunks that make the pixels, each seen to be whole."""
    damaged = FileError("expected a whole PNG picture; it is damaged: send it again")
    found: list[tuple[bytes, bytes]] = []
    with path.open("rb") as file:
        left = path.stat().st_size - len(file.read(len(_MAGIC)))
        while not found or found[-1][0] != b"IEND":
            size, kind = struct.unpack(">I4s", file.read(8)) if left >= 12 else (left, b"")
            if size > left - 12:
                raise damaged
            left -= size + 12
            if kind not in _KEPT_CHUNKS:
                file.seek(size + 4, 1)
                continue
            body, check = file.read(size), file.read(4)
            if len(check) != 4 or zlib.crc32(kind + body) != int.from_bytes(check, "big"):
                raise damaged
            found.append((kind, body))
    if found[0][0] != b"IHDR" or len(found[0][1]) != 13 or [kind for kind, _ in found].count(b"IHDR") != 1:
        raise damaged
    return found


def _shape(chunks: list[tuple[bytes, bytes]], size: int, limits: ReadLimits) -> tuple[int, int]:
    from PIL import Image

    width, height, _, colour = struct.unpack(">IIBB", chunks[0][1][:10])
    if colour != _GREY:
        raise FileError(f"expected one grey channel; got {_COLOURS.get(colour, 'something else')}: {_ADVICE}")
    most = Image.MAX_IMAGE_PIXELS or limits.max_elements
    if not 0 < width * height <= most:
        raise FileError(f"expected from 1 to {most} pixels; got {width * height}")
    check_density("the picture", (height, width), size, limits)
    return height, width


def _load(path: Path, limits: ReadLimits) -> NDArray[Any]:
    from PIL import Image

    label, chunks = clean_name(path.name), _chunks(path)
    rows, cols = _shape(chunks, path.stat().st_size, limits)
    check_memory(4 * rows * cols)
    whole = b"".join(
        struct.pack(">I", len(body)) + kind + body + zlib.crc32(kind + body).to_bytes(4, "big") for kind, body in chunks
    )
    try:
        with Image.open(io.BytesIO(_MAGIC + whole), formats=["PNG"]) as picture:
            levels = np.asarray(picture)
    except (OSError, SyntaxError, ValueError):
        raise FileError(f"{label}: expected a whole PNG picture; it is damaged: send it again") from None
    kept: NDArray[np.bool_] = levels != 0
    if levels.shape != (rows, cols) or (levels[kept] != levels.max()).any():
        raise FileError(f"{label}: expected black and one other level; got shades of grey: {_ADVICE}")
    return kept


def _recognises(head: Head) -> bool:
    return head.start.startswith(_MAGIC)


FORMAT = Format(
    name="png",
    title="a PNG picture",
    suffixes=(".png",),
    recognises=_recognises,
    open=open_png,
    has_shapes=False,
)
