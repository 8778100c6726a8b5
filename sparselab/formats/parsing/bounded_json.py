"""A JSON object from a stranger: its values are counted before it is parsed, and every name comes once."""

from __future__ import annotations

import json
import re
from typing import Any

from sparselab.core.errors import FileError
from sparselab.formats.names import clean_name

_FREE_BYTES = 2**20
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)', re.DOTALL)  # one that never ends is one too


class _Twice(Exception):
    """A name that comes twice in one object."""


def parse_json(text: bytes, label: str, most_values: int, what: str = "a header") -> dict[str, Any]:
    """Return the object in `text`; up to a megabyte nothing is counted.

    Raises: FileError when it is no JSON object, has more than `most_values` values, or a name twice.
    Example: >>> parse_json(b'{"a": [1, 2]}', "f.safetensors", 10)
             {'a': [1, 2]}
    """
    if len(text) > _FREE_BYTES:
        bare = _STRING.sub(b"", text)
        if (count := sum(map(bare.count, (b"{", b"[", b",")))) > most_values:
            raise FileError(f"{label}: expected {what} of at most {most_values} values; it has {count}")

    try:
        header = json.loads(text, object_pairs_hook=_once)
    except _Twice as twice:
        raise FileError(f"{label}: expected every name once; its header has {clean_name(str(twice))} twice") from None
    except (ValueError, RecursionError):  # a UnicodeDecodeError and a number too long are ValueErrors
        raise FileError(f"{label}: expected {what} of JSON; got something else") from None
    if not isinstance(header, dict):
        raise FileError(f"{label}: expected {what} that maps names; got something else")
    return header


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
