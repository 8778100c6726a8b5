"""Plans in and out of files: checked key by key, because a plan may be anybody's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sparselab.core.errors import FileError, SettingError
from sparselab.core.version import __version__
from sparselab.formats import ReadOptions
from sparselab.formats.names import clean_name
from sparselab.runtime.results import code_digest
from sparselab.workflows.sweeps.kinds import KINDS, USUAL
from sparselab.workflows.sweeps.layers import PlannedFile, PlannedLayer
from sparselab.workflows.sweeps.outline import Outline, OutlinedFile
from sparselab.workflows.sweeps.plan import SCHEMA, Plan

MARK = "sparselab_sweep"
"""The key by which a plan is known among other JSON files."""

_MOST_BYTES = 64 * 2**20
_KEYS = frozenset(
    {MARK, "version", "code", "files", "transforms", "seeds", "chance", "device", "kind", "settings", "data"}
)


def is_plan(path: Path) -> bool:
    """Whether a file is a plan: JSON whose top level has its mark. Raises: FileError for one that has it and is damaged."""
    if path.suffix.lower() != ".json" or not path.is_file():
        return False
    content = _content(path)
    return f'"{MARK}"'.encode() in content and MARK in _object(content, clean_name(path.name))


def read_plan(path: Path) -> Outline:
    """Return what a plan says. Paths in it count from its own folder.

    Raises: FileError for a file that is no plan, or is damaged; SettingError for what cannot be swept.
    """
    return outline_in(_content(path), path.parent, clean_name(path.name))


def outline_in(content: bytes, folder: Path, name: str) -> Outline:
    """Return what the text of a plan says, whose paths count from `folder`. Raises: as `read_plan`, which calls it `name`."""
    found = _object(content, name)
    if found.get(MARK) != SCHEMA:
        raise FileError(f'{name}: expected "{MARK}": {SCHEMA}; got {found.get(MARK)!r}: a plan of another version')
    if more := found.keys() - _KEYS:
        raise FileError(
            f"{name}: expected the keys {', '.join(sorted(_KEYS))}; got {clean_name(str(min(more)))!r} as well"
        )
    seeds = _of(found, "seeds", list, [0], name)
    if not all(isinstance(seed, int) and not isinstance(seed, bool) for seed in seeds):
        raise FileError(f"{name}: expected whole numbers as seeds; got others")
    kind = _of(found, "kind", str, USUAL, name)
    has_none = kind in KINDS and not KINDS[kind].has_layers
    transforms = _of(found, "transforms", dict, {} if has_none else None, name)
    data = _of(found, "data", str, "", name)
    return Outline(
        files=tuple(_file(each, folder, name) for each in _of(found, "files", list, [] if has_none else None, name)),
        transforms={key: _values(values, key, name) for key, values in transforms.items()},
        seeds=tuple(seeds),
        with_chance=_of(found, "chance", bool, False, name),
        device=_of(found, "device", str, "auto", name),
        version=_of(found, "version", str, __version__, name),
        code=_of(found, "code", str, code_digest(), name),
        kind=kind,
        settings=_values(_of(found, "settings", dict, {}, name), kind, name),
        data=str((folder / data).absolute()) if data else None,
    )


def read_whole_plan(path: Path) -> Plan:
    """Return the plan that a sweep's folder holds. Raises: as `read_plan`; FileError for one whose files were not read yet."""
    return whole_plan_in(_content(path), path.parent, clean_name(path.name))


def whole_plan_in(content: bytes, folder: Path, name: str) -> Plan:
    """Return the plan that the text of a sweep's plan says. Raises: as `read_whole_plan`."""
    outline = outline_in(content, folder, name)
    if not all(isinstance(each, PlannedFile) for each in outline.files):
        raise FileError(f"{name}: expected a plan that was written by a sweep; got one whose files were not read yet")
    return Plan(**vars(outline))


def _values(told: Any, of: str, name: str) -> dict[str, tuple[Any, ...]]:
    if not isinstance(told, dict) or not all(isinstance(each, list) for each in told.values()):
        raise FileError(f"{name}: expected a list of values for every setting of {clean_name(of)}; got something else")
    return {key: tuple(values) for key, values in told.items()}


def _file(told: Any, folder: Path, name: str) -> OutlinedFile | PlannedFile:
    if isinstance(told, str):
        told = {"path": told}
    if not isinstance(told, dict) or told.keys() - {"path", "options", "layers"}:
        raise FileError(f"{name}: expected a path, or path, options and layers, for every file; got something else")
    path = str((folder / _of(told, "path", str, None, name)).absolute())
    layers = _of(told, "layers", list, [], name)
    options = _options(_of(told, "options", dict, {}, name), name)
    if layers and all(isinstance(each, dict) for each in layers):
        return PlannedFile(path, tuple(_layer(each, name) for each in layers), options)
    if not all(isinstance(each, str) for each in layers):
        raise FileError(f"{name}: expected names of layers, or what a plan that was written has; got both")
    return OutlinedFile(path, options, tuple(layers))


def _layer(told: Mapping[str, Any], name: str) -> PlannedLayer:
    if told.keys() != {"name", "digest", "rows", "cols"}:
        raise FileError(f"{name}: expected name, digest, rows and cols of every layer; got something else")
    rows, cols = (_of(told, key, int, None, name) for key in ("rows", "cols"))
    digest = _of(told, "digest", str, None, name)
    if min(rows, cols) < 1 or len(digest) != 64 or set(digest) - set("0123456789abcdef"):
        raise FileError(f"{name}: expected the shape and the SHA-256 of every layer; got something else")
    return PlannedLayer(_of(told, "name", str, None, name), digest, rows, cols)


def _options(told: Mapping[str, Any], name: str) -> ReadOptions:
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in told.items()}
    try:
        return ReadOptions(**values)
    except SettingError:
        raise
    except (TypeError, ValueError) as error:
        raise FileError(f"{name}: expected options of reading; got others: {clean_name(str(error))}") from None


def _of(told: Mapping[str, Any], key: str, kind: type, default: Any, name: str) -> Any:
    """Return a value of a kind; without a default it must be there. Raises: FileError."""
    value = told.get(key, default)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        got = "nothing" if key not in told else f"a value of {type(value).__name__}"
        raise FileError(f"{name}: expected {key} to be {_WORDS[kind]}; got {got}")
    return value


_WORDS = {list: "a list", dict: "a mapping", str: "a text", int: "a whole number", bool: "true or false"}


def _object(content: bytes, name: str) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        raise FileError(f"{name}: expected a plan, which is JSON in UTF-8; got something else") from None
    if not isinstance(found, dict):
        raise FileError(f"{name}: expected a plan, a JSON object; got another value")
    return found


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise FileError(f"{clean_name(path.name)}: expected a file that can be read; got {error.strerror}") from None
    if len(content) > _MOST_BYTES:
        raise FileError(f"{clean_name(path.name)}: expected a plan of at most {_MOST_BYTES // 2**20} MiB; got more")
    return content
