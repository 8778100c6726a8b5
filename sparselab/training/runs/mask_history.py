"""What moved in a mask while it trained: one entry an update of a dynamic run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sparselab.core.csv_text import read_rows
from sparselab.training.runs.views import RunView


def updates_of(view: RunView) -> tuple[Mapping[str, Any], ...]:
    """Return the updates of a run: step, dropped, grown, kept, and blocks where there are some."""
    return tuple(event for event in view.events() if event["event"] == "exchange")


def study_updates(path: Path, run: str) -> tuple[Mapping[str, Any], ...]:
    """Return the updates of one run of the study that comes with the project; none where they are not here."""
    if not path.is_file():
        return ()
    rows = [row for row in read_rows(path.read_bytes().decode()) if row["run"] == run]
    names = ("step", "dropped", "grown", "kept")
    return tuple({name: int(row[name]) for name in names} for row in rows)
