"""The plain datasets of an HDF5 file: links that leave it or go round in it are never followed, what asks for too much is left alone.

The library that reads HDF5 is a parser in C. A stranger's file belongs into a worker with limits (`formats.untrusted`); what is
checked here keeps the file from naming others, from calling filters that are loaded from elsewhere, and from asking for memory.
One thing is left to the worker's limits: a text attribute may claim up to 4 GB, which the library allocates before it looks.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING, Any

from sparselab.core.errors import FileError
from sparselab.core.inputs.arrays import in_words, plain_dtype, type_name
from sparselab.formats.base import check_count, shape_fault
from sparselab.formats.names import clean_name
from sparselab.formats.options import ReadLimits

if TYPE_CHECKING:
    import h5py

_GZIP, _SHUFFLE, _FLETCHER32, _LZF = 1, 2, 3, 32000
_FILTERS = frozenset({_GZIP, _SHUFFLE, _FLETCHER32, _LZF})
_SUM_BYTES = 4
_MOST_DEPTH = 32
_MOST_CHUNKS = 2**16
_FREE_CHUNK = 2**24
_TRAINING_STATE = "optim"


def walk_datasets(file: h5py.File, limits: ReadLimits) -> Iterator[tuple[str, h5py.Dataset | str]]:
    """Yield (path inside, dataset) for everything a file holds, in order, or (path, why it was not looked at).

    Raises: FileError for more links than tensors are allowed.
    """
    import h5py

    seen, count = {_address(file)}, 0
    stack: list[tuple[str, h5py.Group, int]] = [("", file, 0)]
    while stack:
        base, group, depth = stack.pop()
        count += len(group)
        check_count("links", count, limits.max_tensors)
        inner = []
        for name in group:
            path = f"{base}{name}"
            if reason := _why_not_followed(group, name, depth):
                yield path, reason
                continue
            item = group[name]
            if _address(item) in seen:
                yield path, "a second link to what was read already"
                continue
            seen.add(_address(item))
            if isinstance(item, h5py.Group):
                inner.append((f"{path}/", item, depth + 1))
            else:
                yield path, item if isinstance(item, h5py.Dataset) else "no tensor"
        stack += reversed(inner)


def find_item(file: h5py.File, path: str) -> h5py.Group | h5py.Dataset:
    """Return what lies at `path`, by hard links alone. Raises: FileError when nothing does."""
    import h5py

    item: Any = file
    for depth, name in enumerate(path.split("/")):
        if not isinstance(item, h5py.Group) or _why_not_followed(item, name, depth):
            raise FileError(f"expected {clean_name(path)} as it was; the file has changed")
        item = item[name]
    return item


def why_not_read(dataset: h5py.Dataset, file_size: int, limits: ReadLimits) -> str:
    """Return why a dataset is left alone; "" when its numbers lie in this file, plain and within bounds."""
    import h5py

    created = dataset.id.get_create_plist()
    if created.get_external_count():
        return "its numbers lie in another file, which is never opened"
    if created.get_layout() == h5py.h5d.VIRTUAL:
        return "a virtual dataset, put together from other files, which are never opened"
    filters = [created.get_filter(index)[0] for index in range(created.get_nfilters())]
    if unknown := next((code for code in filters if code not in _FILTERS or filters.count(code) > 1), None):
        return (
            f"packed by filter {unknown}; gzip, lzf, shuffle and fletcher32 are read: write it again with one of them"
        )
    try:
        name = type_name(dataset.dtype)
    except (TypeError, ValueError):
        return "values of a type that NumPy lacks are never read"
    if plain_dtype(name) is None and not is_bfloat16(dataset):
        return f"{clean_name(in_words(name))} are never read"
    if dataset.shape is None:
        return "no elements"
    return shape_fault(dataset.shape, limits) or _size_fault(dataset, file_size, limits)


def is_bfloat16(dataset: h5py.Dataset) -> bool:
    """Whether a dataset is what Keras writes for bfloat16: two opaque bytes each, and an attribute that says so."""
    return dataset.dtype.kind == "V" and dataset.dtype.itemsize == 2 and short_text(dataset, "dtype") == "bfloat16"


def short_text(item: h5py.HLObject, name: str, most: int = 4096) -> str:
    """Return a text attribute, "" where there is none, it is no text or is longer than `most` bytes."""
    import h5py

    if name not in item.attrs:
        return ""
    attribute = item.attrs.get_id(name)
    if attribute.shape != () or attribute.get_storage_size() > most or h5py.check_string_dtype(attribute.dtype) is None:
        return ""
    value = item.attrs[name]
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text if len(text) <= most else ""


def check_chunks(dataset: h5py.Dataset, file_size: int, limits: ReadLimits) -> None:
    """Raises: FileError for a chunk that lies outside of the file, is too short for its sum, or unpacks to more than a chunk.

    The library reads past the end of a chunk that has no room for the sum of fletcher32, and unpacks all of any other first.
    """
    if dataset.chunks is None:
        return
    created = dataset.id.get_create_plist()
    filters = [created.get_filter(index)[0] for index in range(created.get_nfilters())]
    room = prod(dataset.chunks) * dataset.dtype.itemsize + _SUM_BYTES
    chunks: list[Any] = []
    dataset.id.chunk_iter(chunks.append)
    for chunk in chunks:
        least = 1 + (_SUM_BYTES if _FLETCHER32 in filters else 0) if filters else room - _SUM_BYTES
        if not least <= chunk.size <= file_size - chunk.byte_offset or chunk.filter_mask >> len(filters):
            raise FileError(f"expected chunks of at least {least} bytes inside the file; got one of {chunk.size}")
        is_small = chunk.size * limits.max_ratio <= limits.free_bytes and chunk.size <= 2 * room
        if _GZIP in filters and not is_small:
            _check_gzip(dataset, chunk.chunk_offset, room)


def _check_gzip(dataset: h5py.Dataset, place: tuple[int, ...], room: int) -> None:
    skipped, packed = dataset.id.read_direct_chunk(place)
    if skipped:
        return
    unpacking = zlib.decompressobj()
    try:
        unpacking.decompress(packed, room + 1)
    except zlib.error:
        raise FileError("expected whole chunks; one is damaged") from None
    if not unpacking.eof and unpacking.unconsumed_tail:
        raise FileError(f"expected chunks of {room} bytes; one unpacks to more")


def _why_not_followed(group: h5py.Group, name: str, depth: int) -> str:
    import h5py

    if name.lower()[: len(_TRAINING_STATE)] == _TRAINING_STATE and depth == 0:
        return "training state, not weights"
    try:
        link = group.get(name, getlink=True)
    except (TypeError, ValueError, KeyError):
        return "a link of a kind that is never followed"
    if isinstance(link, h5py.ExternalLink):
        return "a link to another file, which is never opened"
    if not isinstance(link, h5py.HardLink):
        return "a soft link, which is never followed"
    return f"more than {_MOST_DEPTH} groups deep" if depth > _MOST_DEPTH else ""


def _size_fault(dataset: h5py.Dataset, file_size: int, limits: ReadLimits) -> str:
    shape, chunks, width = dataset.shape, dataset.chunks, dataset.dtype.itemsize
    size = prod(shape) * width
    if size > max(limits.free_bytes, limits.max_ratio * file_size):
        return f"expected to unpack to at most {limits.max_ratio} times the file's {file_size} bytes; it claims {size}"
    if chunks is None:
        return ""
    if prod(chunks) * width > max(size, _FREE_CHUNK):
        return f"expected chunks no larger than its {size} bytes; they have {prod(chunks) * width}"
    count = prod(-(-length // part) for length, part in zip(shape, chunks, strict=True))
    return f"expected at most {_MOST_CHUNKS} chunks; it has {count}" if count > _MOST_CHUNKS else ""


def _address(item: h5py.HLObject) -> int:
    import h5py

    return int(h5py.h5o.get_info(item.id).addr)
