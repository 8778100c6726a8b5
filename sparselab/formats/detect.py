"""What kind of file this is: by its content, never by its name alone."""

from __future__ import annotations

import stat
from pathlib import Path

from sparselab.core.errors import FileError
from sparselab.formats.base import Format, Head
from sparselab.formats.names import clean_name
from sparselab.formats.other_files import what_it_is
from sparselab.formats.parsing.model_folder import list_files, way_out
from sparselab.formats.parsing.zip_members import ZIP_STARTS, list_members
from sparselab.formats.registry import FORMATS

_START_BYTES = 4096


def recognise(path: Path) -> Format:
    """Return the format of the file at `path`, or of the folder.

    Raises: FileError when there is no such file, or it is of no known format; it says what the file is if it can tell.
    """
    head = _look(path)
    for kind in FORMATS.values():
        if (kind.opens_folders or head.files is None) and kind.recognises(head):
            return kind
    if head.files is not None:
        out = way_out(path, (suffix for kind in FORMATS.values() for suffix in kind.suffixes))
        raise FileError(f"{clean_name(path.name)}: expected a file, or the folder of a model; got a folder: {out}")
    by_name = next((kind for kind in FORMATS.values() if head.suffix in kind.suffixes), None)
    known = ", ".join(kind.suffixes[0] for kind in FORMATS.values())
    expected = f"one of the formats {known}" if by_name is None else f"{by_name.title} (as its name says)"
    raise FileError(f"{clean_name(path.name)}: expected {expected}; got {what_it_is(head)}")


def note_on_suffix(path: Path, kind: Format) -> str | None:
    """Return a remark for a file whose name promises another format, or None."""
    suffix = "" if path.is_dir() else path.suffix.lower()
    if suffix in kind.suffixes or not any(suffix in other.suffixes for other in FORMATS.values()):
        return None
    return f"named {suffix}, but it is {kind.title}: read as that"


def _look(path: Path) -> Head:
    label = clean_name(path.name)
    try:
        state = path.stat()
        if stat.S_ISDIR(state.st_mode):
            return Head(path=path, start=b"", size=0, files=list_files(path))
        if not stat.S_ISREG(state.st_mode):  # opening a pipe would wait for ever
            raise FileError(f"{label}: expected a file; got a folder or a device")
        with path.open("rb") as file:
            start = file.read(_START_BYTES)
    except FileError:
        raise
    except OSError as error:
        raise FileError(f"{label}: expected a file that can be read; got {error.strerror}") from None
    except ValueError:
        raise FileError(f"{label}: expected a path; got one with a NUL in it") from None
    if not start:
        raise FileError(f"{label}: expected a file of weights or masks; it is empty")
    members = tuple(m.filename for m in list_members(path)) if start.startswith(ZIP_STARTS) else None
    return Head(path=path, start=start, size=state.st_size, members=members)
