"""One sparse or dense matrix as text (.mtx, .mtx.gz): MatrixMarket.

    %%MatrixMarket matrix coordinate|array real|integer|pattern general|symmetric|skew-symmetric
    % comments
    rows cols entries        (array: rows cols)
    row col value            one per entry, counted from 1 (array: the values down the columns)

Our own reader, because the size line is to be held against the file's bytes first, a packed file against a bound as it unpacks.
Source: Boisvert, Pozo, Remington, "The Matrix Market Exchange Formats" (NIST, 1996).
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sparselab.core.errors import FileError
from sparselab.formats.base import Archive, ArchiveEntry, Format, Head
from sparselab.formats.names import clean_name
from sparselab.formats.options import ReadLimits
from sparselab.formats.parsing.matrix_market_head import START, MatrixMarketHead, parse_head
from sparselab.formats.parsing.sparse_arrays import SparseArray, check_density

_GZIP = b"\x1f\x8b"
_CHUNK = 2**20
_DAMAGED = (gzip.BadGzipFile, EOFError, zlib.error)


def open_matrix_market(path: Path, limits: ReadLimits) -> Archive:
    """Return the matrix, named after the file; a pattern, and values of 0 and 1 alone, are a mask.

    The text is parsed at once, and its entries are kept: a file holds one matrix.

    Raises: FileError for complex numbers, a size line that the file's bytes cannot fill, and entries outside of the matrix.
    """
    label = clean_name(path.name)
    text = _Text(path, limits)
    try:
        head = parse_head(text.line)
        check_density(path.stem, head.shape, text.size, limits)
        if head.shortest > text.size:
            raise FileError(f"expected {head.entries} entries, as its size line says; its bytes cannot hold them")
        tensor = _tensor(head, text.numbers(head.entries * head.width))
    except FileError as error:
        raise FileError(f"{label}: {error}") from None
    except _DAMAGED:
        raise FileError(f"{label}: expected a whole gzip archive; it is damaged: send it again") from None
    name = path.name[: -len("".join(path.suffixes[-2:]))] if path.name.lower().endswith(".mtx.gz") else path.stem
    entry = ArchiveEntry(
        name=name,
        shape=head.shape,
        dtype=tensor.dtype,
        load=tensor.dense,
        role="mask" if tensor.is_mask else "unknown",
    )
    notes = tuple(f"{clean_name(name)}: {remark}" for remark in tensor.remarks())
    return Archive((entry,), notes=notes, has_names=False)


class _Text:
    """The text of a file, unpacked as it is read and never beyond its bound."""

    def __init__(self, path: Path, limits: ReadLimits) -> None:
        packed, self._left = path.stat().st_size, limits.max_total_bytes
        self.size = packed
        with path.open("rb") as file:
            if file.read(2) == _GZIP:
                self.size = self._left = min(self._left, max(limits.free_bytes, limits.max_ratio * packed))
        self._pieces = self._read(path)
        self._rest = b""

    def _read(self, path: Path) -> Iterator[bytes]:
        with path.open("rb") as raw:
            packed = raw.read(2) == _GZIP
            raw.seek(0)
            file = gzip.GzipFile(fileobj=raw) if packed else raw
            while piece := file.read(_CHUNK):
                self._left -= len(piece)
                if self._left < 0:
                    raise FileError(f"expected at most {self.size} bytes once unpacked; got more")
                yield piece

    def line(self) -> bytes:
        """Return the next line. Raises: FileError for one longer than any such line is."""
        while b"\n" not in self._rest:
            if len(self._rest) > _CHUNK:
                raise FileError("expected lines of text; got one of a million characters")
            piece = next(self._pieces, b"")
            self._rest += piece
            if not piece:
                break
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def numbers(self, count: int) -> NDArray[np.float64]:
        """Return the numbers of what is left. Raises: FileError for other characters, and unless there are `count`."""
        parsed, got = [], 0
        for text in self._whole_words():
            try:
                parsed.append(np.fromstring(text, dtype=np.float64, sep=" "))
            except ValueError:
                raise FileError("expected nothing but numbers after its size line; got something else") from None
            got += parsed[-1].size
            if got > count:
                break
        if got != count:
            raise FileError(f"expected {count} numbers, as its size line says; got {'more' if got > count else got}")
        return np.concatenate(parsed) if parsed else np.zeros(0)

    def _whole_words(self) -> Iterator[bytes]:
        rest = self._rest
        for piece in self._pieces:
            rest += piece
            cut = max(rest.rfind(b"\n"), rest.rfind(b" "))
            if cut < 0 and len(rest) > _CHUNK:
                raise FileError("expected numbers; got one of a million characters")
            if words := rest[: cut + 1].strip():
                yield words
            rest = rest[cut + 1 :]
        if words := rest.strip():
            yield words


def _tensor(head: MatrixMarketHead, numbers: NDArray[np.float64]) -> SparseArray:
    (rows, cols), table = head.shape, numbers.reshape(-1, head.width)
    if head.is_array:
        col, row = np.divmod(np.arange(rows * cols), rows)
        inside = head.stored(row, col)
        row, col = row[inside], col[inside]
    else:
        row, col = _index(table[:, 0], rows), _index(table[:, 1], cols)
    values = np.ones(len(table), bool) if head.field == "pattern" else table[:, -1]
    if head.field == "integer":
        if (values != np.rint(values)).any() or (np.abs(values) >= 2**53).any():
            raise FileError("expected whole numbers below 2^53, as its first line says; got others")
        values = values.astype(np.int64)
    if head.symmetry != "general":
        below, above = row > col, row < col
        if below.any() and above.any():
            raise FileError(f"expected one triangle of a {head.symmetry} matrix; got entries on both sides")
        off = below | above
        if head.symmetry == "skew-symmetric" and not off.all():
            raise FileError("expected nothing on the diagonal of a skew-symmetric matrix; got an entry")
        mirrored = -values[off] if head.symmetry == "skew-symmetric" else values[off]
        row, col = np.concatenate([row, col[off]]), np.concatenate([col, row[off]])
        values = np.concatenate([values, mirrored])
    return SparseArray(shape=head.shape, places=row * cols + col, values=values, zeros_mean=not head.is_array)


def _index(values: NDArray[np.float64], size: int) -> NDArray[np.int64]:
    if not ((values >= 1) & (values <= size) & (values == np.floor(values))).all():
        raise FileError(f"expected whole indices from 1 to {size}; got others")
    return values.astype(np.int64) - 1


def _recognises(head: Head) -> bool:
    start = head.start
    if start.startswith(_GZIP):
        try:
            start = zlib.decompressobj(31).decompress(start, len(START))
        except zlib.error:
            return False
    elif head.suffix == ".mtx" and head.members is None:
        return True
    return re.match(re.escape(START), start, re.IGNORECASE) is not None


FORMAT = Format(
    name="matrix-market",
    title="a MatrixMarket file",
    suffixes=(".mtx", ".gz"),
    recognises=_recognises,
    open=open_matrix_market,
    parsed_by="python",
    has_shapes=False,
)
