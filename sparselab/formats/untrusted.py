"""Uploads: parsed in a process of its own with little of everything, then checked again here.

The worker turns the upload into sparselab's own format, which the parent reads without any library that could be led astray.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sparselab.core.errors import FileError, LimitError
from sparselab.formats.describe import Card, describe
from sparselab.formats.names import clean_name
from sparselab.formats.options import DEFAULT_LIMITS, DEFAULT_OPTIONS, ReadLimits, ReadOptions
from sparselab.formats.reading import read_ticket
from sparselab.formats.registry import FORMATS
from sparselab.formats.ticket_file import write_own
from sparselab.runtime.pipes import GIB, Limits
from sparselab.runtime.progress import SILENT, Monitor
from sparselab.runtime.worker import run_isolated

UNTRUSTED_LIMITS = Limits(memory_bytes=2 * GIB, cpu_seconds=20, wall_seconds=120, threads=1)
"""What reading a stranger's file may take, from where it begins. The wall time is for a machine that hardly gets to it."""

_OUTPUT_BYTES = 2 * GIB
_TEXT_LENGTH = 500


def read_untrusted(
    path: str | Path,
    out_path: str | Path,
    options: ReadOptions = DEFAULT_OPTIONS,
    limits: Limits = UNTRUSTED_LIMITS,
    read_limits: ReadLimits = DEFAULT_LIMITS,
    monitor: Monitor = SILENT,
    run: Callable[..., Any] = run_isolated,
) -> Card:
    """Read a stranger's file in a limited worker, write it to `out_path` in sparselab's own format, return its card.

    `read_ticket(out_path)` then opens it. `limits` hold for reading. run: runs the worker's part, as `run_isolated` does;
    nobody else may use the process afterwards.

    Raises: FileError for what `read_ticket` refuses, LimitError when a limit was reached, Cancelled. `out_path`
    is written only after all of that has been ruled out.
    """
    path, out_path = Path(path).absolute(), Path(out_path).absolute()
    try:
        with TemporaryDirectory(dir=out_path.parent, prefix=".") as folder:
            parsed = Path(folder) / "parsed.safetensors"
            call = (str(path), str(parsed), options, read_limits)
            card = _confirm(run(parse, *call, limits=limits, monitor=monitor), parsed, read_limits)
            os.replace(parsed, out_path)
    except OSError as error:
        raise _not_stored(error) from None
    return card


def parse(path: str, out_path: str, options: ReadOptions, limits: ReadLimits, *, monitor: Monitor) -> Card:
    """The worker's part: write `out_path` and return the card."""
    _limit_output()
    monitor.progress("reading the file")
    ticket = read_ticket(path, options, limits)
    card = describe(ticket, count=True)
    read = {layer["name"] for layer in card["layers"]}
    ticket = replace(ticket, entries=tuple(entry for entry in ticket.entries if entry.name in read))
    monitor.progress("writing the file")
    try:
        write_own(ticket, Path(out_path))
    except OSError as error:
        raise _not_stored(error) from None
    return card


def _not_stored(error: OSError) -> LimitError:
    return LimitError(f"expected room for the file's layers; got {error.strerror}: free some of the temporary folder")


def _confirm(card: Any, out_path: Path, limits: ReadLimits) -> Card:
    """Return a card that this process has seen to be true of `out_path`; the worker may have been taken over."""
    wrong = FileError("the file could not be read safely: what came out of it is not what was found in it")
    ticket = read_ticket(out_path, limits=limits)
    seen = describe(ticket, count=True)
    if ticket.meta["format"] != "sparselab" or ticket.skipped or not isinstance(card, dict):
        raise wrong
    if card.get("layers") != seen["layers"] or card.get("format") not in (*FORMATS, "sparselab"):
        raise wrong
    try:
        skipped = [{"name": clean_name(item["name"]), "reason": _text(item["reason"])} for item in card["skipped"]]
        notes = [_text(note) for note in card["notes"]]
    except (KeyError, TypeError, AttributeError):
        raise wrong from None
    return {"format": card["format"], "layers": seen["layers"], "skipped": skipped, "notes": notes}


def _text(value: str) -> str:
    return "".join(c for c in value[:_TEXT_LENGTH] if c.isprintable())


def _limit_output() -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    resource.setrlimit(resource.RLIMIT_FSIZE, (_OUTPUT_BYTES, _OUTPUT_BYTES))
