"""How the commands speak: one JSON document on standard output, everything else on standard error."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from sparselab.core.version import __version__

SCHEMA = 1
"""Number of the form of the documents: it grows when a key goes or changes its meaning, not when one is added."""


def print_document(
    document: Mapping[str, Any], command: str, *, file: Path | None, seed: int | None, settings: Mapping[str, Any]
) -> None:
    """Print exactly one JSON document on standard output: `document` in its `envelope`."""
    whole = {**envelope(command, file=file, seed=seed, settings=settings), **document}
    click.echo(json.dumps(whole, indent=2, allow_nan=False))


def envelope(command: str, *, file: Path | None, seed: int | None, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what every document says first: what was run, by which version, on what.

    "schema", "version", "command", "file", "digest" (SHA-256 of the file's bytes), "seed", "settings"; None where a command
    reads no single file, as of a folder, or draws nothing at random. Raises: OSError when the file is gone.
    """
    digest = None
    if file is not None and not file.is_dir():
        with file.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
    return {
        "schema": SCHEMA,
        "version": __version__,
        "command": command,
        "file": None if file is None else str(file),
        "digest": digest,
        "seed": seed,
        "settings": dict(settings),
    }


def print_table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a table for people: text to the left, numbers to the right."""
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(len(head[i]), *(len(row[i]) for row in cells)) if cells else len(head[i]) for i in range(len(head))]
    right = [bool(rows) and all(not isinstance(row[i], str) for row in rows) for i in range(len(head))]
    for line in [list(head), *cells]:
        parts = [text.rjust(w) if r else text.ljust(w) for text, w, r in zip(line, widths, right, strict=True)]
        click.echo("  ".join(parts).rstrip())


def printable(text: str) -> str:
    """Return a text with "_" for what could steer a terminal: a stranger names files too.

    Example: >>> printable("a\\x1b[2J.npz")
             'a_[2J.npz'
    """
    return "".join(c if c.isprintable() else "_" for c in text)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4f}" if isinstance(value, float) else str(value)
