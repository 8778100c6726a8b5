"""What moved in a mask while it trained: one entry an update of a dynamic run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sparselab.core.csv_text import read_rows
from sparselab.training.runs.views import RunView


def updates_of(view: RunView) -> tuple[Mapping[str, Any], ...]:
    """Return the updates of a run: step, dropped, grown, kept, energy_lost (not of older runs), and blocks where there are some."""
    return tuple(event for event in view.events() if event["event"] == "exchange")


@dataclass(frozen=True)
class EnergyLost:
    """The `share` of the kept weights' energy, in [0, 1], that the update after `step` dropped."""

    step: int
    share: float


def energy_lost_of(events: Iterable[Mapping[str, Any]]) -> tuple[EnergyLost, ...]:
    """Return what every update threw away; none for events of runs that did not write it down.

    Example: >>> energy_lost_of([{"event": "exchange", "step": 3, "energy_lost": 0.5}, {"event": "loss", "step": 4}])
             (EnergyLost(step=3, share=0.5),)
    """
    updates = (event for event in events if event["event"] == "exchange" and "energy_lost" in event)
    return tuple(EnergyLost(event["step"], event["energy_lost"]) for event in updates)


def study_updates(path: Path, run: str) -> tuple[Mapping[str, Any], ...]:
    """Return the updates of one run of the study that comes with the project; none where they are not here."""
    if not path.is_file():
        return ()
    rows = [row for row in read_rows(path.read_bytes().decode()) if row["run"] == run]
    names = ("step", "dropped", "grown", "kept")
    return tuple({name: int(row[name]) for name in names} for row in rows)
