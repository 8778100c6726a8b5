"""JSON files that are whole or absent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sparselab.core.atomic_files import atomic_path
from sparselab.core.errors import FileError


def write_json(path: Path, document: Any) -> None:
    """Write a document."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a file. Raises: FileError when it is damaged, FileNotFoundError when it is not there."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise FileError(f"expected a JSON object in {path.name} of {path.parent}; it is damaged")
    return document
