"""A film in the making: frames added to a file while masks move."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparselab.training.runs.film.layout import FilmHeader, header_bytes, most_record_bytes, record_bytes
from sparselab.training.updaters import MaskUpdater

FILM_BYTES = 2**27
"""What a film may take on the disk. It is known before the first step how often masks will move: where all frames could be more than
this, every second, third ... of those asked for is kept, from the start on, so that nothing is ever thrown away or written twice."""


def spacing(asked: int, moves: int, frame_bytes: int, most_bytes: int) -> int:
    """Return at every which update a frame is kept: a multiple of `asked`; 0 where not even the first and the last frame fit.

    The smallest n = asked * k for which floor(moves / n) + 2 frames are at most `most_bytes`.

    Example: >>> spacing(1, 60, 30_000, 2**27), spacing(2, 60_000, 30_000, 2**27), spacing(1, 60, 2**27, 2**27)
             (1, 14, 0)
    """
    frames = most_bytes // most_record_bytes(frame_bytes)
    return asked * (moves // (asked * (frames - 1)) + 1) if frames >= 2 else 0


class FilmRecorder:
    """Adds a frame of all masks to the file at `path` at the start, whenever they have moved `every` times, and at the end.

    `note` says where the limit of bytes asks for fewer frames than told. A checkpoint holds `facts`; a run that is resumed goes back to
    them, and what came after is written again, the same to the bit.
    """

    def __init__(
        self,
        path: Path,
        updater: MaskUpdater,
        *,
        asked: int,
        steps: int,
        facts: Mapping[str, Any],
        most_bytes: int = FILM_BYTES,
    ) -> None:
        """`steps` of the training; `facts`: what the header is to tell besides."""
        self._path, self._updater, self._moves = path, updater, 0
        named = zip(updater.names, updater.masks, strict=True)
        layers = tuple((name, len(mask), mask.numel() // len(mask)) for name, mask in named)
        groups, moves = updater.row_groups() is not None, updater.moves(steps)
        size = FilmHeader(layers=layers, groups=groups).frame_bytes
        self.every = spacing(asked, moves, size, most_bytes)
        self.note = _note(self.every, asked, moves, size, most_bytes)
        self._header = FilmHeader(layers=layers, groups=groups, facts={**facts, "note": self.note})
        updater.on_move = self._moved

    @property
    def facts(self) -> dict[str, int]:
        """Where the film stands: the bytes of the file, and how often the masks had moved."""
        return {"position": self._path.stat().st_size, "moves": self._moves}

    def begin(self, at: int) -> None:
        """Start a new file with the masks as they are."""
        self._path.write_bytes(header_bytes(self._header))
        self._add(at)

    def go_on(self, facts: Mapping[str, int], at: int) -> bool:
        """Go back to where the film stood; return False where the file has lost frames and starts anew with the masks of now."""
        self._moves = facts["moves"]
        if self._path.is_file() and self._path.stat().st_size >= facts["position"]:
            os.truncate(self._path, facts["position"])
            return True
        self.begin(at)
        return False

    def end(self, at: int) -> None:
        """Add the masks with which the training ends, and bring all to the disk."""
        self._add(at)
        self.sync()

    def sync(self) -> None:
        """Bring what was written to the disk."""
        with self._path.open("rb+") as file:
            os.fsync(file.fileno())

    def _moved(self, step: int) -> None:
        self._moves += 1
        if self.every and self._moves % self.every == 0:
            self._add(step)

    def _add(self, at: int) -> None:
        if self.every:
            masks = [_packed(mask) for mask in self._updater.masks]
            with self._path.open("ab") as file:
                file.write(record_bytes(at, self._moves, masks, self._updater.row_groups()))


def _packed(mask: Any) -> NDArray[np.uint8]:
    return np.packbits(mask.reshape(len(mask), -1).cpu().numpy(), axis=1)


def _note(every: int, asked: int, moves: int, frame_bytes: int, most_bytes: int) -> str:
    limit = f"the film's limit of {most_bytes:,} bytes"
    if not every:
        return f"No masks are kept: two frames of {frame_bytes:,} bytes are more than {limit}."
    if every != asked:
        return f"One mask in {every} of the {moves:,} updates is kept, not one in {asked}: more could pass {limit}."
    return ""
