"""JSON of strangers: an object, every name once."""

from __future__ import annotations

import json
from typing import Any

from sparselab.core.errors import FileError
from sparselab.formats.names import clean_name


class _Twice(Exception):
    """A name that comes twice in one object."""


def parse_object(text: bytes, label: str, what: str) -> dict[str, Any]:
    """Return the object that `text` holds.

    Raises: FileError for no JSON, for something else than an object, and for a name that comes twice in any object of it.
    Example: >>> parse_object(b'{"a": 1}', "model.json", "an index")
             {'a': 1}
    """
    try:
        found = json.loads(text, object_pairs_hook=_once)
    except _Twice as twice:
        raise FileError(f"{label}: expected every name once; its header has {clean_name(str(twice))} twice") from None
    except (ValueError, RecursionError):  # a UnicodeDecodeError and a number too long are ValueErrors
        raise FileError(f"{label}: expected {what} of JSON; got something else") from None
    if not isinstance(found, dict):
        raise FileError(f"{label}: expected {what} that maps names; got something else")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise _Twice(name)
        seen.add(name)
    return found
