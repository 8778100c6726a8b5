"""tune.json and what lies beside it: what a tuning was told, and what it found so far, written as soon as it is found."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sparselab.core.atomic_files import atomic_path
from sparselab.core.errors import SettingError
from sparselab.core.layout import Layout
from sparselab.runtime import messages
from sparselab.training.runs.records import read_json
from sparselab.tuning.request import TuneRequest

_RECORD, _LAYOUTS = "tune.json", "structured.layouts"
_FOUND_LATER = ("transform", "forecast", "epochs", "step_seconds", "plan", "timed", "before", "result")


class TuneRecord:
    """What is known of the tuning in a folder. `told`: what tune.json holds, None where that is not known yet.

    Raises: SettingError for a folder that holds another tuning, or this one and nobody asked to resume it.
    """

    def __init__(self, folder: Path, request: TuneRequest, *, resume: bool) -> None:
        self.folder = folder
        begun: dict[str, Any] = {
            "request": request.as_json(),
            "tried": [],
            "left_out": [],
            **dict.fromkeys(_FOUND_LATER),
        }
        if not self._path.exists():
            self.told = begun
            return
        self.told = {**begun, **read_json(self._path)}
        if not resume:
            raise SettingError(
                f"--out: expected an empty folder, or --resume; {folder} holds a tuning of {self.told['request']['checkpoint']}"
            )
        changed = next(_changes(self.told["request"], request.as_json()), None)
        if changed is not None:
            name, was, asked = changed
            raise SettingError(
                f"--resume: expected what the tuning in {folder} was told, {name} {was}; got {asked}: give that, or an empty folder as --out"
            )

    @property
    def _path(self) -> Path:
        return self.folder / _RECORD

    def add(self, **found: Any) -> None:
        """Write down what was found."""
        self.told |= found
        self.folder.mkdir(parents=True, exist_ok=True)
        with atomic_path(self._path) as temporary:
            temporary.write_text(json.dumps(self.told, indent=2, allow_nan=False), encoding="utf-8")

    def discard(self) -> None:
        """Remove what was written of a tuning that is not to begin."""
        self._path.unlink(missing_ok=True)
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()

    def keep_layouts(self, layouts: Mapping[str, Layout]) -> None:
        """Write what the transform made of the masked network, by layer."""
        with atomic_path(self.folder / _LAYOUTS) as temporary:
            temporary.write_bytes(messages.dump({name: layout.pack() for name, layout in layouts.items()}))

    def layouts(self) -> dict[str, Layout] | None:
        """Return what `keep_layouts` wrote; None where tunings of older versions wrote none."""
        place = self.folder / _LAYOUTS
        if not place.exists():
            return None
        return {name: Layout.unpack(packed) for name, packed in messages.load(place.read_bytes()).items()}


def _changes(was: Mapping[str, Any], asked: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Yield the name and both values of what two requests differ in."""
    flat = [{**request, **request["values"]} for request in (was, asked)]
    for name in dict.fromkeys((*flat[0], *flat[1])):
        before, after = (request.get(name) for request in flat)
        if before != after and name != "values":
            yield name, "as by default" if before is None else before, "none" if after is None else after
