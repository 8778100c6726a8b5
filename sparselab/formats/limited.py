"""A stranger's file read by the command line: bounded like an upload, streamed like a file of one's own.

How a format is parsed (`Format.parsed_by`) says who reads it first:

    "header"   a bounded header, then plain reads: this process, under limits of its own for as long as it opens the file
    "python"   code of ours: a limited process opens and describes it; what passed is opened here, under the same limits
    "library"  code in C: a limited process alone; it hands over the layers in our own format
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from sparselab.core.errors import FileError
from sparselab.core.ticket import Skipped, Ticket
from sparselab.formats.base import ParsedBy
from sparselab.formats.describe import describe
from sparselab.formats.detect import recognise
from sparselab.formats.names import clean_name
from sparselab.formats.options import DEFAULT_OPTIONS, ReadOptions
from sparselab.formats.parsing.model_folder import list_files
from sparselab.formats.reading import read_ticket
from sparselab.formats.untrusted import UNTRUSTED_LIMITS, read_untrusted
from sparselab.runtime.limiting import limited_here
from sparselab.runtime.pipes import Limits
from sparselab.runtime.progress import SILENT, Monitor
from sparselab.runtime.worker import WorkerError, run_isolated

_BYTES_PER_SECOND = 2**25  # how fast a byte of the file must be dealt with, beyond what every file may take

T = TypeVar("T")


def limits_of(*paths: str | Path | None) -> Limits:
    """Return what reading files may take: as much as an upload, and more by their bytes: time, and twice themselves in memory.

    Example: >>> import tempfile
             >>> limits_of(tempfile.gettempdir() + "/none") == replace(UNTRUSTED_LIMITS, wall_seconds=None)
             True
    """
    size = sum(map(_size, (Path(path) for path in paths if path is not None)))
    memory, seconds = UNTRUSTED_LIMITS.memory_bytes or 0, UNTRUSTED_LIMITS.cpu_seconds or 0
    # No wall time: whoever waits at a terminal can stop it.
    return Limits(memory_bytes=memory + 2 * size, cpu_seconds=seconds + size // _BYTES_PER_SECOND, threads=1)


def read_limited(
    path: str | Path,
    options: ReadOptions = DEFAULT_OPTIONS,
    *,
    folder: Callable[[], Path],
    monitor: Monitor = SILENT,
) -> Ticket:
    """Return the layers of a stranger's file, as `read_ticket` does, within `limits_of` it.

    `folder` makes a folder for what a library in C parsed, which must stay as long as the ticket is used.

    Raises: as `read_ticket`; LimitError when a limit was reached.
    """
    path = Path(path)
    limits = limits_of(path, options.masks)
    by = bounded(lambda: parsed_by(path, options.masks), limits)
    if "library" in by:
        return _converted(path, options, folder() / "layers.safetensors", limits, monitor)
    if "python" in by:
        _alone(path, lambda: run_isolated(check, str(path), options, limits=limits, monitor=monitor))
    return bounded(lambda: read_ticket(path, options), limits)


def parsed_by(*paths: str | Path | None) -> set[ParsedBy]:
    """Return by what files are parsed; those that are None are left out. Raises: FileError for a file of no known format."""
    return {recognise(Path(path)).parsed_by for path in paths if path is not None}


def bounded(read: Callable[[], T], limits: Limits) -> T:
    """Return what `read` does in this process, within limits. Raises: LimitError past its processor time."""
    with limited_here(limits):
        return read()


def check(path: str, options: ReadOptions, *, monitor: Monitor) -> None:
    """The worker's part: open and describe a file; its small layers are read, of large ones the headers."""
    describe(read_ticket(path, options), monitor=monitor)


def _converted(path: Path, options: ReadOptions, out: Path, limits: Limits, monitor: Monitor) -> Ticket:
    card = _alone(path, lambda: read_untrusted(path, out, options, limits, monitor=monitor))
    ticket = read_ticket(out)
    told: dict[str, Any] = {"format": card["format"], "container": card["format"], "file": clean_name(path.name)}
    skipped = tuple(Skipped(item["name"], item["reason"]) for item in card["skipped"])
    return replace(ticket, skipped=skipped, meta={**told, "notes": card["notes"]})


def _alone(path: Path, run: Callable[[], T]) -> T:
    try:
        return run()
    except WorkerError as error:
        last = clean_name(str(error).strip().rpartition("\n")[2])
        raise FileError(
            f"{clean_name(path.name)}: expected a file that can be read; reading it failed: {last}"
        ) from None


def _size(path: Path) -> int:
    try:
        folder = path if path.is_dir() else path.parent
        if path.is_dir() or path.suffix == ".json":
            return sum((folder / name).stat().st_size for name in list_files(folder))
        return path.stat().st_size
    except (OSError, ValueError, FileError):
        return 0
