"""Where a file may be written, and of which format it is then."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from sparselab.core.errors import SettingError
from sparselab.formats.names import clean_name
from sparselab.formats.registry import FORMATS
from sparselab.formats.writing.registry import REWRITERS, WRITERS

FOLDER = "model-folder"
_WRITTEN_AS: Mapping[str, str] = MappingProxyType({"torch-legacy": "torch"})
"""Formats that are written as another: what torch.save wrote before 1.6, as what it writes today."""


def written_as(format: str) -> str:
    """Return the format that a file of this one is written in again: its own, or what took its place."""
    return _WRITTEN_AS.get(format, format)


def check_target(source: str, out: Path, *, overwrite: bool, format: str | None = None) -> str:
    """Return the format, a name in FORMATS, that `out` has by its suffix where the format of the source is `source`.

    With a `format` the suffix is left alone. Raises: SettingError for one that cannot be written, a suffix of no format that can be written, a folder that is not there, and an `out` that
        exists: a file may be replaced with `overwrite`, a folder never.
    """
    label = clean_name(out.name)
    if not out.parent.is_dir():
        raise SettingError(f"expected a folder that exists to write to; there is none at {out.parent}")
    if format is None:
        format = _format_of(source, out)
    elif format not in WRITERS and (format != source or source not in REWRITERS):
        raise SettingError(f"format: expected one of {', '.join(WRITERS)}; got {format!r}")
    if out.is_dir() or (format == FOLDER and out.exists()):
        raise SettingError(f"expected a name that is not taken; there is a folder at {label}: choose another")
    if (out.exists() or out.is_symlink()) and not overwrite:
        raise SettingError(
            f"expected a name that is not taken; {label} exists: choose another, or overwrite it (--force)"
        )
    return format


def _format_of(source: str, out: Path) -> str:
    suffix = out.suffix.lower()
    if source == FOLDER and not suffix:
        return FOLDER
    same = written_as(source)
    own = FORMATS[source].suffixes if same in REWRITERS and source != FOLDER else ()
    suffixes = {suffix: name for name in WRITERS for suffix in FORMATS[name].suffixes} | dict.fromkeys(own, same)
    if suffix not in suffixes:
        folder = ", or a folder without a suffix" if source == FOLDER else ""
        read = next((form.title for form in FORMATS.values() if suffix in form.suffixes), None)
        why = "" if read is None else f": {read} is read, and not written"
        raise SettingError(f"expected a file ending in {', '.join(suffixes)}{folder}; got {clean_name(out.name)}{why}")
    return suffixes[suffix]
