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

ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06")
_CHUNK = 2**18
_MOST_MEMBERS = 100_000  # zipfile makes an object of each; ReadLimits say how many may be read
_END = struct.Struct("<4s4H2LH")  # signature, disks, counts, size and place of the directory, length of the comment
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR64_SIZE = 20
_RECORD = struct.Struct("<4s24x3H12x")  # signature; lengths of name, extra field and comment
_LONGEST_COMMENT = 2**16
_ENCRYPTED = 0x1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# Everything zipfile raises on damaged directories; all of it says the same to the one who sent the file.
_DAMAGED = (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, OverflowError, struct.error, IndexError)


def count_members(path: Path, most: int) -> int:
    """Return how many records the directory has, at most `most`; 0 where no directory is found, which the reader of it says.

    Source: APPNOTE.TXT of PKWARE, 4.3.12 to 4.3.16; the end is looked for where the standard library's zipfile does.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        tail_at = max(0, size - _LONGEST_COMMENT - _END.size)
        file.seek(tail_at)
        tail = file.read()
        at = _end_in(tail)
        if at < 0:
            return 0
        length, end = _END.unpack_from(tail, at)[5], tail_at + at
        before = _END64.size + _LOCATOR64_SIZE
        if end >= before:
            file.seek(end - before)
            record = file.read(before)
            if record.startswith(b"PK\6\6") and record.startswith(b"PK\6\7", _END64.size):
                length, end = _END64.unpack_from(record)[8], end - before
        count = 0
        file.seek(max(0, end - length))
        while count < most and file.tell() < end:
            head = file.read(_RECORD.size)
            if len(head) < _RECORD.size or not head.startswith(b"PK\1\2"):
                break
            file.seek(sum(_RECORD.unpack(head)[1:]), 1)
            count += 1
        return count


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


def _end_in(tail: bytes) -> int:
    """Return where the record of the directory's end begins; -1 for none."""
    last = len(tail) - _END.size
    if last >= 0 and tail.startswith(b"PK\5\6", last) and tail.endswith(b"\0\0"):
        return last
    found = tail.rfind(b"PK\5\6")
    return found if 0 <= found <= last else -1
