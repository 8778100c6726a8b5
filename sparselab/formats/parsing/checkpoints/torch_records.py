"""The records of a zip archive that torch wrote: storages, each at a place of its own."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path

from sparselab.formats.parsing.checkpoints.torch_entries import Place, Storages
from sparselab.formats.parsing.zip_members import member_offset, read_member

_MAX_MARK_BYTES = 16


class Records:
    """The members of an archive below one folder, by their names in it; where each lies is looked up once."""

    def __init__(self, path: Path, prefix: str, members: Iterable[zipfile.ZipInfo]) -> None:
        self.path = path
        self.members = {
            member.filename.removeprefix(prefix): member for member in members if member.filename.startswith(prefix)
        }
        self._known: dict[str, Place | str] = {}

    def storages(self, folder: str) -> Storages:
        """The storages in a folder of the archive, by their names in it."""
        mark = self.members.get("byteorder")
        small = mark is not None and mark.file_size <= _MAX_MARK_BYTES
        order = ">" if mark is not None and small and read_record(self.path, mark) == b"big" else "<"
        return Storages(find=lambda key: self._find(folder + key), order=order)

    def _find(self, name: str) -> Place | str:
        if name not in self._known:
            self._known[name] = self._look(name)
        return self._known[name]

    def _look(self, name: str) -> Place | str:
        member = self.members.get(name)
        if member is None:
            return "its storage is not in the file"
        if member.compress_type != zipfile.ZIP_STORED:
            return "its storage is compressed, which torch never writes"
        offset = member_offset(self.path, member)
        return Place(path=self.path, offset=offset, size=member.file_size, checksum=member.CRC)


def read_record(path: Path, member: zipfile.ZipInfo) -> bytes:
    """Return the bytes of a record; torch can leave out its sum. Raises: FileError when they are damaged."""
    return bytes(read_member(path, member, has_sum=member.CRC != 0))
