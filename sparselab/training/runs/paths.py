"""The only place that spells the names of a run's files.

config.json          settings, their hash, versions
events.jsonl         one JSON line an event
masks.film           masks while they moved, where the run keeps them (film/layout.py)
results.json         one entry a finished stage
checkpoints/         <stage>-<step>.safetensors, the two newest of the stage under way
models/              <stage>.safetensors, all weights and masks when a stage ended
tickets/             <stage>.safetensors in sparselab's own format
lock                 held by the process that writes the run
lock.holder          which process that is
cancel               put there by whoever wants it to stop
queued               put there while the run waits for its turn
process.json         which process the app started for it
output.txt           what the process said, where the app started it
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sparselab.core.atomic_files import sweep


@dataclass(frozen=True)
class RunPaths:
    """The files of the run in `folder`."""

    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "config.json"

    @property
    def events(self) -> Path:
        return self.folder / "events.jsonl"

    @property
    def results(self) -> Path:
        return self.folder / "results.json"

    @property
    def film(self) -> Path:
        return self.folder / "masks.film"

    @property
    def lock(self) -> Path:
        return self.folder / "lock"

    @property
    def cancel(self) -> Path:
        return self.folder / "cancel"

    @property
    def queued(self) -> Path:
        return self.folder / "queued"

    @property
    def process(self) -> Path:
        return self.folder / "process.json"

    @property
    def output(self) -> Path:
        return self.folder / "output.txt"

    @property
    def parts(self) -> tuple[Path, ...]:
        """The folders in which files appear."""
        return self.folder, self.folder / "checkpoints", self.folder / "models", self.folder / "tickets"

    def checkpoint(self, stage: str, step: int) -> Path:
        return self.folder / "checkpoints" / f"{stage}-{step:09}.safetensors"

    def checkpoints(self, stage: str) -> list[Path]:
        """The checkpoints of a stage, newest first."""
        digits = "[0-9]" * 9
        return sorted((self.folder / "checkpoints").glob(f"{stage}-{digits}.safetensors"), reverse=True)

    def model(self, stage: str) -> Path:
        return self.folder / "models" / f"{stage}.safetensors"

    def ticket(self, stage: str) -> Path:
        return self.folder / "tickets" / f"{stage}.safetensors"

    def make(self) -> None:
        """Make the folders."""
        for folder in self.parts:
            folder.mkdir(parents=True, exist_ok=True)

    def sweep(self) -> None:
        """Remove what a process that was killed left half written; the caller holds the lock."""
        for folder in self.parts:
            sweep(folder)
