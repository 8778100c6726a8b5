"""Films from files: what a run kept, within limits, without torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparselab.core.atomic_files import atomic_path
from sparselab.core.errors import FileError, SettingError
from sparselab.training.runs.film.film import Film, FilmedLayer, MeasuredAt
from sparselab.training.runs.film.layout import (
    MOST_SIDE,
    FilmHeader,
    dict_of,
    expanded,
    header_bytes,
    parse_header,
    record_bytes,
    records,
    whole_bytes,
)

MOST_BYTES = 2**28
"""What a film may take, as a file and as bits: twice what a run keeps (`recording.FILM_BYTES`)."""
_MOST_LOOKS = 100_000
_MOST_TEXT = 2000


def read_film_file(path: Path, *, layer: str | None = None) -> Film:
    """Return the film in a file, of all its layers or of one.

    A half or damaged frame ends it, and the note says so.
    Raises: FileError where the file is no film, is damaged in its header, or asks for more memory than it may have; SettingError
        where it has no layer of that name.
    """
    content = _content(path)
    header, start = parse_header(bytes(content[: 2**20 + 64]), path.name)
    wanted = [name for name, _, _ in header.layers if layer in (None, name)]
    if not wanted:
        names = ", ".join(name for name, _, _ in header.layers[:8])
        raise SettingError(f"layer: expected one of {path.name} ({names}); got {layer!r}")
    kept: dict[str, list[tuple[NDArray[np.uint8], NDArray[np.int32] | None]]] = {name: [] for name in wanted}
    places: list[tuple[int, int]] = []
    note = "" if whole_bytes(content, start) == len(content) else "The end of the file is damaged, or not yet written."
    for frame in records(content, start):
        if (len(places) + 1) * header.frame_bytes > MOST_BYTES:
            raise FileError(
                f"expected a film of at most {MOST_BYTES:,} bytes of masks in {path.name}; it says that it holds more"
            )
        body = expanded(frame, header)
        if body is None:
            note = f"Frames from {frame.at:,} on are damaged and left out."
            break
        places.append((frame.at, frame.updates))
        for name, part in _parts(header, body, wanted):
            kept[name].append(part)
    return _film(header, places, kept, note)


def filmed_names(path: Path) -> tuple[str, ...]:
    """Return the names of the layers in a file. Raises: FileError."""
    with path.open("rb") as file:
        header, _ = parse_header(file.read(2**20 + 64), path.name)
    return tuple(name for name, _, _ in header.layers)


def write_film(film: Film, path: Path) -> None:
    """Write a whole film to a file of its own, with what is known of accuracy."""
    with_groups = all(layer.groups is not None for layer in film.layers)
    header = FilmHeader(
        layers=tuple((layer.name, *layer.shape) for layer in film.layers),
        groups=with_groups,
        facts={
            **{
                "title": film.title,
                "unit": film.unit,
                "metric": film.metric,
                "split": film.split,
                "stage": film.stage,
                "note": film.note,
            },
            "looks": [[look.at, look.value] for look in film.looks],
        },
    )
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        file.write(header_bytes(header))
        for place, (at, updates) in enumerate(zip(film.at, film.updates, strict=True)):
            groups = [layer.groups[place] for layer in film.layers if layer.groups is not None]
            bits = [layer.packed[place] for layer in film.layers]
            file.write(record_bytes(at, updates, bits, groups if with_groups else None))


def _content(path: Path) -> memoryview:
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise FileError(f"expected a film of at most {MOST_BYTES:,} bytes in {path.name}; got {size:,}")
        with path.open("rb") as file:
            return memoryview(file.read(MOST_BYTES))
    except OSError as error:
        raise FileError(f"expected a film in {path.name}; it cannot be read ({error.strerror})") from None


def _parts(
    header: FilmHeader, body: bytes, wanted: Sequence[str]
) -> Iterator[tuple[str, tuple[NDArray[np.uint8], NDArray[np.int32] | None]]]:
    start, chosen = 0, set(wanted)
    for name, rows, cols in header.layers:
        size = rows * -(-cols // 8)
        if name in chosen:  # copied: a view would keep the other layers too
            bits = np.frombuffer(body, np.uint8, size, start).reshape(rows, -1).copy()
            groups = np.frombuffer(body, "<u4", rows, start + size).astype(np.int32) if header.groups else None
            yield name, (bits, groups)
        start += size + 4 * rows * header.groups


def _film(
    header: FilmHeader,
    places: Sequence[tuple[int, int]],
    kept: Mapping[str, Sequence[tuple[NDArray[np.uint8], NDArray[np.int32] | None]]],
    note: str,
) -> Film:
    shapes, facts = dict_of(header.layers), header.facts
    layers = tuple(_filmed(name, shapes[name], frames) for name, frames in kept.items())
    said = " ".join(text for text in (_text(facts, "note", ""), note) if text)
    return Film(
        title=_text(facts, "title", "film"),
        unit="level" if facts.get("unit") == "level" else "step",
        at=tuple(at for at, _ in places),
        updates=tuple(updates for _, updates in places),
        layers=layers,
        looks=_looks(facts.get("looks", [])),
        metric=_text(facts, "metric", "accuracy"),
        split="test" if facts.get("split") == "test" else "validation",
        stage=_text(facts, "stage", ""),
        note=said,
    )


def _filmed(
    name: str, shape: tuple[int, int], frames: Sequence[tuple[NDArray[np.uint8], NDArray[np.int32] | None]]
) -> FilmedLayer:
    rows, cols = shape
    packed = np.zeros((len(frames), rows, -(-cols // 8)), np.uint8)
    grouped = bool(frames) and frames[0][1] is not None
    groups = np.zeros((len(frames), rows), np.int32) if grouped else None
    for place, (bits, of_rows) in enumerate(frames):
        packed[place] = bits
        if groups is not None:
            groups[place] = 0 if of_rows is None else of_rows
    if cols % 8:
        packed[..., -1] &= np.uint8(0xFF << (8 - cols % 8) & 0xFF)  # bits beyond the last column are no weights
    for array in (packed, groups):
        if array is not None:
            array.flags.writeable = False
    return FilmedLayer(name=name, shape=shape, packed=packed, groups=groups)


def _text(facts: Mapping[str, Any], name: str, default: str) -> str:
    found = facts.get(name, default)
    return found[:_MOST_TEXT] if isinstance(found, str) else default


def _looks(told: Any) -> tuple[MeasuredAt, ...]:
    if not isinstance(told, list):
        return ()
    found = []
    for item in told[:_MOST_LOOKS]:
        match item:
            case [int(at), float() | int() as value] if 0 <= at <= MOST_SIDE and np.isfinite(value):
                found.append(MeasuredAt(at, float(value)))
    return tuple(found)
