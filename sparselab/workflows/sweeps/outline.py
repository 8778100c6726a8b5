"""What somebody asks to sweep, in flags or in a plan written by hand, and the plan that is made of it once the files are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from sparselab.core.errors import FileError, LimitError, SettingError, SparselabError
from sparselab.core.ticket import Ticket
from sparselab.core.version import __version__
from sparselab.formats import ReadOptions
from sparselab.formats.detect import recognise
from sparselab.formats.names import clean_name
from sparselab.formats.parsing.model_folder import list_files
from sparselab.runtime.results import code_digest
from sparselab.workflows.layer_digest import layer_digest
from sparselab.workflows.sweeps.kinds import KINDS, USUAL
from sparselab.workflows.sweeps.layers import PlannedFile, PlannedLayer
from sparselab.workflows.sweeps.plan import Plan, check_asked

OpenFile = Callable[[Path, ReadOptions], Ticket]


@dataclass(frozen=True)
class OutlinedFile:
    """A file, or a folder of a model, and the layers wanted of it: names, or patterns such as "features.*"; none for all."""

    path: str
    options: ReadOptions = field(default_factory=ReadOptions)
    layers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outline:
    """A plan whose files need not have been read yet; see `Plan`."""

    files: tuple[OutlinedFile | PlannedFile, ...]
    transforms: Mapping[str, Mapping[str, tuple[Any, ...]]]
    seeds: tuple[int, ...] = (0,)
    with_chance: bool = False
    device: str = "auto"
    version: str = __version__
    code: str = field(default_factory=code_digest)
    kind: str = USUAL
    settings: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    data: str | None = None


def plan_of(outline: Outline, open_file: OpenFile, say: Callable[[str], None]) -> Plan:
    """Return the plan: the files that need it are read, layer by layer, and every layer gets its digest.

    say: told, a sentence each, what is left out: layers and files that cannot be read, and combinations that exclude each other.
    Raises: SettingError for what cannot be swept, before any file is read; FileError where nothing is left.
    """
    check_asked(outline.kind, outline.transforms, outline.settings)
    files = tuple(_read(outline.files, open_file, say))
    if KINDS[outline.kind].has_layers and not any(each.layers for each in files):
        raise FileError("expected at least one layer that can be read; got none, for the reasons above")
    plan = Plan(**{**vars(outline), "files": files})
    for sentence in plan.left_out:
        say(sentence)
    return plan


def files_at(path: Path, options: ReadOptions, layers: tuple[str, ...] = ()) -> tuple[OutlinedFile, ...]:
    """Return the file at `path`; of a folder that holds no model, every file in it that some format has the ending of.

    Raises: FileError where there is nothing.
    """
    if not path.is_dir():
        recognise(path)  # says what is wrong with it
        return (OutlinedFile(str(path.absolute()), _absolute(options), layers),)
    try:
        recognise(path)
    except FileError as error:
        inside = [path / name for name in list_files(path) if _is_readable(path / name)]
        if not inside:
            raise error
        return tuple(OutlinedFile(str(each.absolute()), _absolute(options), layers) for each in inside)
    return (OutlinedFile(str(path.absolute()), _absolute(options), layers),)


def _is_readable(path: Path) -> bool:
    try:
        recognise(path)
    except SparselabError:
        return False
    return True


def _absolute(options: ReadOptions) -> ReadOptions:
    return options if options.masks is None else replace(options, masks=str(Path(options.masks).absolute()))


def _read(
    files: Sequence[OutlinedFile | PlannedFile], open_file: OpenFile, say: Callable[[str], None]
) -> Iterator[PlannedFile]:
    for file in files:
        if isinstance(file, PlannedFile):
            yield file
            continue
        name = clean_name(Path(file.path).name)
        try:
            ticket = open_file(Path(file.path), file.options)
        except (FileError, LimitError) as error:
            say(f"left out: {error}")
            continue
        try:
            chosen = _chosen(ticket, file.layers, name)
        except SettingError as error:
            if len(files) == 1:
                raise
            say(f"left out: {error}")  # the layers wanted lie in other files
            continue
        layers = []
        for each in chosen:
            try:
                layer = ticket[each]
            except (FileError, LimitError) as error:  # a layer that cannot be read costs no other
                say(f"left out: {error}")
            else:
                layers.append(PlannedLayer(each, layer_digest(layer), layer.mask.rows, layer.mask.cols))
        yield PlannedFile(file.path, tuple(layers), file.options)


def _chosen(ticket: Ticket, wanted: tuple[str, ...], name: str) -> list[str]:
    """Return the names of the layers wanted, in the file's order. Raises: SettingError for a word that means none."""
    matching = {word: {each for each in ticket.names if each == word or fnmatchcase(each, word)} for word in wanted}
    if none := next((word for word, found in matching.items() if not found), None):
        some = ", ".join(ticket.names[:5]) + (" ..." if len(ticket) > 5 else "")
        raise SettingError(f"{name}: expected names of layers such as {some}, or patterns; got {none!r}")
    return [each for each in ticket.names if not wanted or any(each in found for found in matching.values())]
