"""The pickle of a checkpoint as an archive of tensors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sparselab.core.errors import FileError
from sparselab.core.ticket import Skipped
from sparselab.formats.base import Archive, ArchiveEntry, check_count, check_total
from sparselab.formats.containers import flatten
from sparselab.formats.names import clean_name
from sparselab.formats.options import ReadLimits
from sparselab.formats.parsing.checkpoints.pickle_machine import DamagedPickle, PickleMachine
from sparselab.formats.parsing.checkpoints.pickle_opcodes import read_pickle
from sparselab.formats.parsing.checkpoints.pickled_tree import is_tensor_ref, plain_tree, type_name
from sparselab.formats.parsing.checkpoints.torch_entries import Storages, torch_entry
from sparselab.formats.parsing.stored_types import widened_notes

ADVICE = "in Python, torch.save(model.state_dict(), file) writes a file that holds weights alone"


def parse_pickle(data: bytes, start: int, label: str) -> tuple[Any, int, PickleMachine]:
    """Return what `read_pickle` does. Raises: FileError when it is damaged or too long."""
    try:
        return read_pickle(data, start)
    except DamagedPickle:
        raise FileError(f"{label}: expected the pickle that torch.save writes; it is damaged or too long") from None


def tensors_of(root: Any, path: Path, storages: Storages, limits: ReadLimits) -> Archive:
    """Return the tensors in the value of a pickle; what is none, and what is not read, stands in `skipped` by name.

    Raises: FileError for too many tensors, or ones that need too much memory, and where only an object of a class is left.
    """
    tree, modules = plain_tree(root)
    entries: list[ArchiveEntry] = []
    skipped: list[Skipped] = []
    for count, (name, value, role) in enumerate(flatten(tree, is_tensor_ref, type_name)):
        check_count("tensors", count, limits.max_tensors)
        name = name or path.stem
        read = (
            Skipped(clean_name(name), value)
            if isinstance(value, str)
            else torch_entry(name, value, storages, role, limits)
        )
        if isinstance(read, ArchiveEntry):
            entries.append(read)
        else:
            skipped.append(read)
    check_total(entries, limits)
    notes = tuple(
        f"{clean_name(name)} was saved whole: its tensors were read, its code was not run; {ADVICE}"
        for name in modules[:1]
        if not name.startswith("__torch__.")
    )
    return Archive(tuple(entries), tuple(skipped), notes=(*widened_notes({entry.stored for entry in entries}), *notes))


def check_any_tensor(archive: Archive, path: Path) -> None:
    """Raises: FileError when a checkpoint holds no tensor that can be read; it says what there is."""
    if archive.entries:
        return
    some = "; ".join(f"{item.name} ({item.reason})" for item in archive.skipped[:3]) or "an empty file"
    objects = any(item.reason.startswith("not a tensor") for item in archive.skipped)
    raise FileError(f"{clean_name(path.name)}: expected tensors; got {some[:300]}" + (f": {ADVICE}" if objects else ""))
