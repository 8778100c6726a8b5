"""Zip archives from strangers: a directory that is checked first, members that are counted as they unpack.

The directory is read by the standard library's zipfile; the rest is our own, because zipfile accepts a name that comes twice
and any size that a directory claims, which a bomb of kilobytes needs.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from sparselab.core.errors import FileError
from sparselab.formats.base import check_count
from sparselab.formats.names import clean_name
from sparselab.formats.options import ReadLimits
from sparselab.formats.parsing.zip_directory import count_members

ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06")
_CHUNK = 2**18
_MOST_MEMBERS = 100_000  # zipfile makes an object of each; ReadLimits say how many may be read
_ENCRYPTED = 0x1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# Everything zipfile raises on damaged directories; all of it says the same to the one who sent the file.
_DAMAGED = (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, OverflowError, struct.error, IndexError)


def list_members(path: Path) -> list[zipfile.ZipInfo]:
    """Return the directory of a zip archive, unchecked. Raises: FileError when it has none that can be read."""
    try:
        count = count_members(path, _MOST_MEMBERS + 1)
        if count <= _MOST_MEMBERS:
            with zipfile.ZipFile(path) as archive:
                return archive.infolist()
    except _DAMAGED:
        raise FileError(
            f"{clean_name(path.name)}: expected a whole zip archive; got a damaged one: send it again"
        ) from None
    raise FileError(
        f"{clean_name(path.name)}: expected at most {_MOST_MEMBERS} members in one file; got more: split the file"
    )


def check_members(members: list[zipfile.ZipInfo], path: Path, limits: ReadLimits) -> None:
    """Raises: FileError for names that come twice, unknown packing, and sizes that the file cannot hold."""
    check_count("members", len(members), limits.max_tensors)
    label = clean_name(path.name)
    size, names = path.stat().st_size, set()
    for member in members:
        name = clean_name(member.filename)
        if member.filename in names:
            raise FileError(f"{label}: expected every name once; got {name} twice")
        names.add(member.filename)
        if member.flag_bits & _ENCRYPTED or member.compress_type not in _METHODS:
            raise FileError(f"{label}: expected members stored or deflated; {name} is packed in another way")
        if not 0 <= member.header_offset < size:
            raise FileError(f"{label}: expected members inside its {size} bytes; {name} lies elsewhere")
        if member.compress_type == zipfile.ZIP_STORED and member.file_size != member.compress_size:
            raise FileError(f"{label}: expected members as long as they are stored; {name} claims two lengths")
    packed, unpacked = sum(m.compress_size for m in members), sum(m.file_size for m in members)
    if packed > size:
        raise FileError(f"{label}: expected members that fit into its {size} bytes; they claim {packed}")
    if unpacked > limits.max_total_bytes:
        raise FileError(f"{label}: expected at most {limits.max_total_bytes} bytes once unpacked; it claims {unpacked}")
    if unpacked > limits.free_bytes and unpacked > limits.max_ratio * size:
        raise FileError(
            f"{label}: expected to unpack to at most {limits.max_ratio} times its {size} bytes; it claims {unpacked}"
        )


def stream_member(path: Path, member: zipfile.ZipInfo, *, has_sum: bool = True) -> Iterator[bytes]:
    """Yield a member's bytes in pieces, never more than its directory entry claims; the end checks size and sum.

    `has_sum`: False where the writer may leave out the sum, as torch.save can. Unlike ZipFile.open this reads the directory no second time, so that ten thousand members cost ten thousand reads.

    Raises: FileError when the bytes are not what the directory says.
    """
    damaged = FileError(f"{clean_name(path.name)}: expected {clean_name(member.filename)} whole; it is damaged")
    count = crc = 0
    try:
        for piece in _unpack(path, member):
            count, crc = count + len(piece), zlib.crc32(piece, crc)
            if count > member.file_size:
                break
            yield piece
    except (zlib.error, EOFError):
        raise damaged from None
    if count != member.file_size or (has_sum and crc != member.CRC):
        raise damaged


def read_member(path: Path, member: zipfile.ZipInfo, *, has_sum: bool = True) -> bytearray:
    """Return all of a member's bytes. Raises: FileError when they are not what the directory says."""
    content = bytearray()
    for piece in stream_member(path, member, has_sum=has_sum):
        content += piece
    return content


def member_offset(path: Path, member: zipfile.ZipInfo) -> int:
    """Return where the bytes of a stored member begin. Raises: FileError when they do not lie inside the file."""
    try:
        start, size = content_offset(path, member), path.stat().st_size
    except EOFError:
        start, size = 0, -1
    if start + member.file_size > size:
        raise FileError(f"{clean_name(path.name)}: expected {clean_name(member.filename)} whole; it is damaged")
    return start


def content_offset(path: Path, member: zipfile.ZipInfo) -> int:
    """Return where in the file a member's packed bytes begin. Raises: EOFError when no member lies where the directory says."""
    with path.open("rb") as file:
        file.seek(member.header_offset)
        local = file.read(30)
    if len(local) < 30 or not local.startswith(ZIP_STARTS[0]):
        raise EOFError
    name_size, extra_size = struct.unpack("<HH", local[26:30])
    return member.header_offset + len(local) + int(name_size) + int(extra_size)


def _unpack(path: Path, member: zipfile.ZipInfo) -> Iterator[bytes]:
    start = content_offset(path, member)
    with path.open("rb") as file:
        file.seek(start)
        inflate = zlib.decompressobj(-zlib.MAX_WBITS) if member.compress_type == zipfile.ZIP_DEFLATED else None
        left = member.compress_size
        while left:
            packed = file.read(min(left, _CHUNK))
            if not packed:
                raise EOFError
            left -= len(packed)
            if inflate is None:
                yield packed
                continue
            while packed:
                yield inflate.decompress(packed, _CHUNK)
                packed = inflate.unconsumed_tail
        if inflate is not None:
            yield inflate.flush()
