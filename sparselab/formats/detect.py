"""What kind of file this is: by its content, never by its name alone."""

from __future__ import annotations

import stat
from pathlib import Path

from sparselab.core.errors import FileError
from sparselab.formats.base import Format, Head
from sparselab.formats.names import clean_name
from sparselab.formats.parsing.torch_pickle import ADVICE, HARMLESS, called_names
from sparselab.formats.parsing.zip_members import ZIP_STARTS, list_members
from sparselab.formats.registry import FORMATS

_START_BYTES = 4096
_LEGACY_TORCH = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
_OTHERS = {
    b"\x1f\x8b": "a gzip archive",
    b"BZh": "a bzip2 archive",
    b"\x28\xb5\x2f\xfd": "a zstd archive",
    b"MATLAB 7.3 MAT-file": "a MATLAB 7.3 file: in Python, numpy.save(file, h5py.File(name)[variable][()].T) writes one matrix of it",
    b"MATLAB 5.0 MAT-file": "a MATLAB file: in Python, numpy.savez(file, **arrays) writes what scipy.io.loadmat reads",
    b"%PDF": "a PDF document",
    b"<": "a web page or XML",
    b"version https://git-lfs": "a Git LFS pointer: fetch the file itself",
}


def recognise(path: Path) -> Format:
    """Return the format of the file at `path`.

    Raises: FileError when there is no such file, or it is of no known format; it says what the file is if it can tell.
    """
    head = _look(path)
    for kind in FORMATS.values():
        if kind.recognises(head):
            return kind
    by_name = next((kind for kind in FORMATS.values() if head.suffix in kind.suffixes), None)
    known = ", ".join(kind.suffixes[0] for kind in FORMATS.values())
    expected = f"one of the formats {known}" if by_name is None else f"{by_name.title}, as its name says"
    raise FileError(f"{clean_name(path.name)}: expected {expected}; got {_what_it_is(head)}")


def note_on_suffix(path: Path, kind: Format) -> str | None:
    """Return a remark for a file whose name promises another format, or None."""
    suffix = path.suffix.lower()
    if suffix in kind.suffixes or not any(suffix in other.suffixes for other in FORMATS.values()):
        return None
    return f"named {suffix}, but it is {kind.title}: read as that"


def _look(path: Path) -> Head:
    label = clean_name(path.name)
    try:
        state = path.stat()
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


def _what_it_is(head: Head) -> str:
    if head.members is not None:
        return "a zip archive that holds neither NumPy arrays nor what torch.save writes"
    if head.start.startswith(_LEGACY_TORCH):
        return f"a checkpoint in the format before PyTorch 1.6, which cannot be opened safely: {ADVICE}"
    if head.start[:1] == b"\x80" and head.start[1:2] <= b"\x05":
        name = _first_call(head.path)
        runs = f" that would run {clean_name(name)}" if name else ""
        return f"a bare pickle{runs}, which is never opened: {ADVICE}"
    if head.start[257:262] == b"ustar":
        return f"a tar archive, which is never opened: {ADVICE}"
    return next((word for start, word in _OTHERS.items() if head.start.startswith(start)), "something else")


def _first_call(path: Path) -> str | None:
    with path.open("rb") as file:
        start = file.read(2**20)
    try:
        return next((name for name in called_names(start) if name and not HARMLESS.fullmatch(name)), None)
    except (ValueError, IndexError, AttributeError, OverflowError, EOFError):
        return None
