"""What lies in a folder of a model: which files hold its tensors, and which of them a name may lead to."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from sparselab.core.errors import FileError
from sparselab.formats.names import clean_name

WEIGHTS_ENDING = ".safetensors"
INDEX_ENDING = ".safetensors.index.json"
_MOST_FILES = 20_000
_SHOWN = 5


def list_files(folder: Path) -> tuple[str, ...]:
    """Return the names of the files in a folder, links to files among them, in order. Raises: FileError for too many."""
    return tuple(sorted(item.name for item in _listed(folder) if item.is_file()))


def are_weights(files: Iterable[str]) -> bool:
    """Whether a folder with these files is one of a model: it holds safetensors files, or an index of them."""
    return any(name.endswith((WEIGHTS_ENDING, INDEX_ENDING)) for name in files)


def way_out(folder: Path, suffixes: Iterable[str]) -> str:
    """Return what to open in place of a folder that holds no model: folders in it that do, as a pipeline has, or files."""
    inner = sorted(item.name for item in _listed(folder) if item.is_dir())
    models = [name for name in inner if are_weights(list_files(folder / name))]
    if models:
        return f"open one of the folders in it that hold a model: {_some(models)}"
    known = tuple(suffixes)
    readable = [name for name in list_files(folder) if name.lower().endswith(known)]
    if readable:
        return f"open one of the files in it: {_some(readable)}"
    return "open a file, or a folder that holds .safetensors files"


def inside(folder: Path, name: object) -> Path:
    """Return the file that an index means by `name`. It need not be there.

    A link may lead to another file of the folder, or, where the folder is a snapshot in the cache of the Hugging Face hub
    (models--X/snapshots/REVISION), to the cache's own copy in models--X/blobs.

    Raises: FileError for a name that leads out of the folder, as a path or by a link.
    """
    if not isinstance(name, str):
        raise FileError("expected names of files in the index; got something else")
    parts = Path(name).parts
    if not parts or "\0" in name or "\\" in name or ".." in parts or Path(name).is_absolute():
        raise FileError(f"expected names of files in the folder of the index; got {clean_name(name)}")
    try:
        place, target = folder.resolve(), (folder / name).resolve()
    except (OSError, RuntimeError):  # a circle of links
        raise FileError(f"{clean_name(name)}: expected a file; got a link that leads nowhere") from None
    roots = [place]
    if place.parent.name == "snapshots":
        roots.append(place.parent.parent / "blobs")
    if not any(target.is_relative_to(root) for root in roots):
        raise FileError(f"{clean_name(name)}: expected a file in the folder; got a link out of it: copy the file there")
    return folder / name


def _listed(folder: Path) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as items:
        found = list(islice(items, _MOST_FILES + 1))
    if len(found) > _MOST_FILES:
        raise FileError(f"{clean_name(folder.name)}: expected at most {_MOST_FILES} files in a folder; got more")
    return iter(found)


def _some(names: list[str]) -> str:
    shown = ", ".join(clean_name(name) for name in names[:_SHOWN])
    return shown + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
