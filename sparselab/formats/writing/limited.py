"""Writing back into a stranger's file: what a library in C parses, a process of its own reads and writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from sparselab.core.layout import Layout
from sparselab.formats.limited import bounded, limits_of, parsed_by
from sparselab.formats.options import DEFAULT_OPTIONS, ReadOptions
from sparselab.formats.writing.back import WrittenFile, write_back
from sparselab.formats.writing.forms import Form
from sparselab.runtime.pipes import Limits
from sparselab.runtime.progress import Monitor
from sparselab.runtime.worker import run_isolated


def write_back_limited(
    source: Path,
    layouts: Mapping[str, Layout],
    out: Path,
    *,
    options: ReadOptions = DEFAULT_OPTIONS,
    form: Form = "own",
    overwrite: bool = False,
) -> WrittenFile:
    """Do as `write_back` on a file that `read_limited` has read; no library in C parses it in this process. Raises as it does."""
    limits = limits_of(source, options.masks)
    if "library" not in bounded(lambda: parsed_by(source, options.masks), limits):
        return write_back(source, layouts, out, options=options, form=form, overwrite=overwrite)
    packed = {name: layout.pack() for name, layout in layouts.items()}
    call = (str(source), packed, str(out), options, form, overwrite)
    told = run_isolated(write_packed, *call, limits=_twice(limits))
    return WrittenFile(**{**told, "path": out, "notes": tuple(told["notes"])})


def _twice(limits: Limits) -> Limits:
    """What reading and writing may take: the file's layers are held a second time, as they are written."""
    memory, seconds = limits.memory_bytes or 0, limits.cpu_seconds or 0
    return replace(limits, memory_bytes=2 * memory, cpu_seconds=2 * seconds)


def write_packed(
    source: str,
    packed: Mapping[str, Any],
    out: str,
    options: ReadOptions,
    form: Form,
    overwrite: bool,
    *,
    monitor: Monitor,
) -> dict[str, Any]:
    """The worker's part: a `WrittenFile` as plain values."""
    monitor.progress("writing the file")
    layouts = {name: Layout.unpack(layout) for name, layout in packed.items()}
    written = write_back(source, layouts, out, options=options, form=form, overwrite=overwrite)
    return {**{name: value for name, value in vars(written).items() if name != "path"}, "zeros": dict(written.zeros)}
