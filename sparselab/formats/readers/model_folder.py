"""A model as Hugging Face and others publish it: a folder of safetensors files, an index of them, and config.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sparselab.core.errors import FileError
from sparselab.core.ticket import Skipped
from sparselab.formats.base import Archive, ArchiveEntry, Format, Head
from sparselab.formats.names import clean_name
from sparselab.formats.options import ReadLimits
from sparselab.formats.parsing.model_folder import INDEX_ENDING, WEIGHTS_ENDING, are_weights, inside, list_files
from sparselab.formats.parsing.shard_index import read_config, read_index
from sparselab.formats.readers.safetensors import open_safetensors

_CONFIG = "config.json"
_POINTER = b"version https://git-lfs"
_OWN = "sparselab"  # the mark of our own tickets, see ticket_file


def open_folder(path: Path, limits: ReadLimits) -> Archive:
    """Return the tensors of all files of a model; `path` is its folder, or the index in it.

    Only headers are read. With an index, the files that it names, and of a tensor the copy that it names; without one, all
    .safetensors files in the order of their names. What is missing or damaged is left out by name, and said.

    Raises: FileError when a name leads out of the folder, and when nothing can be read.
    """
    folder, index, notes = _index_of(path)
    places = None if index is None else read_index(index, limits)
    names = sorted(set(places.values())) if places else [x for x in list_files(folder) if x.endswith(WEIGHTS_ENDING)]
    files = {name: inside(folder, name) for name in names}
    found = _FolderContents(places)
    for name, file in files.items():
        found.add(name, file, limits, alone=len(files) == 1)
    skipped = [*found.skipped, *found.lacking()]
    if not found.entries and found.failures:
        raise next(iter(found.failures.values()))
    if len(found.entries) > limits.max_tensors:
        raise FileError(f"expected at most {limits.max_tensors} tensors in one model; got {len(found.entries)}")
    if places is None and len(files) > 1:
        notes.append(f"no index: all {len(files)} files were read, in the order of their names")
    notes += [f"not read: {error}" for error in found.failures.values()]
    config, more = _config(folder)
    return Archive(
        tuple(found.entries.values()),
        skipped=tuple(skipped),
        metadata={**found.metadata, **config},
        notes=(*dict.fromkeys([*notes, *found.notes, *more]),),
    )


@dataclass
class _FolderContents:
    """What was found in the files so far. `places` is the index: the file that holds each tensor."""

    places: Mapping[str, str] | None
    entries: dict[str, ArchiveEntry] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    metadata: dict[str, str] = field(default_factory=dict)
    failures: dict[str, FileError] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)

    def add(self, name: str, file: Path, limits: ReadLimits, *, alone: bool) -> None:
        """Take over the tensors of one file, or the reason why it cannot be read."""
        try:
            archive = _open(file, limits)
        except FileError as error:
            self.failures[name] = error
            return
        if alone:
            self.metadata |= archive.metadata
        elif _OWN in archive.metadata:
            raise FileError(
                f"expected the files of one model; got tickets of sparselab: open {clean_name(name)} itself"
            )
        self.notes += archive.notes
        self.skipped += archive.skipped
        self.seen.update(item.name for item in archive.skipped)
        for entry in archive.entries:
            place = name if self.places is None else self.places.get(entry.name, name)
            if place != name:
                reason = f"a second copy, in {clean_name(name)}: the index names {clean_name(place)}"
                self.skipped.append(Skipped(clean_name(entry.name), reason))
            elif entry.name in self.entries:
                self.skipped.append(Skipped(clean_name(entry.name), f"a second copy, in {clean_name(name)}"))
            else:
                self.entries[entry.name] = entry

    def lacking(self) -> list[Skipped]:
        """Return the tensors that the index names and no file gave."""
        return [
            Skipped(clean_name(name), f"its file {clean_name(place)} was not read")
            if place in self.failures
            else Skipped(clean_name(name), f"the index places it in {clean_name(place)}, which does not hold it")
            for name, place in (self.places or {}).items()
            if name not in self.entries and clean_name(name) not in self.seen
        ]


def _open(file: Path, limits: ReadLimits) -> Archive:
    label = clean_name(file.name)
    if file.suffix.lower() in (".bin", ".pt", ".pth"):
        raise FileError(
            f"{label}: expected files of .safetensors in the index; got a checkpoint of torch: open it itself"
        )
    if not file.is_file():  # opening a pipe would wait for ever
        got = "got a folder or a device" if file.exists() else "it is missing: download it too"
        raise FileError(f"{label}: expected this file beside the others; {got}")
    try:
        return open_safetensors(file, limits)
    except FileError:
        with file.open("rb") as content:
            if content.read(len(_POINTER)) == _POINTER:
                raise FileError(
                    f"{label}: expected tensors; got a Git LFS pointer: fetch the file itself with git lfs pull"
                ) from None
        raise


def _index_of(path: Path) -> tuple[Path, Path | None, list[str]]:
    """Return the folder, the index to read if there is one, and a note where there are more."""
    if not path.is_dir():
        return path.parent, path, []
    found = sorted((x for x in list_files(path) if x.endswith(INDEX_ENDING)), key=lambda name: (len(name), name))
    if not found:
        return path, None, []
    others = ", ".join(clean_name(name) for name in found[1:6])
    # Variants (model.fp16.safetensors.index.json) have longer names than what they are variants of.
    return (
        path,
        inside(path, found[0]),
        [f"{found[0]} was read; not {others}: open it by its own path"] if others else [],
    )


def _config(folder: Path) -> tuple[dict[str, str], Sequence[str]]:
    try:
        config = read_config(inside(folder, _CONFIG))
    except FileError as error:
        return {}, [f"{_CONFIG} was not read: {error}"]
    told = [f"{name.replace('_', ' ')} {value}" for name, value in config.items()]
    return config, [f"{_CONFIG}: {', '.join(told)}"] if told else []


def _recognises(head: Head) -> bool:
    if head.files is not None:
        return are_weights(head.files)
    is_index = head.path.name.lower().endswith(".index.json") or b'"weight_map"' in head.start
    return is_index and head.start.lstrip()[:1] == b"{"


FORMAT = Format(
    name="model-folder",
    title="a model folder, or its index,",
    suffixes=(".json",),
    recognises=_recognises,
    open=open_folder,
    parsed_by="header",
    has_shapes=True,
    opens_folders=True,
)
