"""What all parts of a run share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sparselab.core.layout import Layout
from sparselab.runtime.progress import Monitor
from sparselab.training.engine.checkpoint import read_checkpoint
from sparselab.training.engine.distributed import ProcessGroup
from sparselab.training.engine.loop import evaluate
from sparselab.training.network import Masks, Network, State
from sparselab.training.runs.events import Events
from sparselab.training.runs.folder import Results
from sparselab.training.runs.paths import RunPaths
from sparselab.training.schedule import Schedule
from sparselab.training.settings import TrainSettings
from sparselab.training.tasks import Data, Split


@dataclass(frozen=True, eq=False, kw_only=True)
class RunContext:
    """A run as its parts know it: what it was told, what it trains on what, and where that is written down.

    `drawn_anew(level)` returns fresh weights that are those of the level, and not those that the run began with. `keep_layouts(stage,
    layouts)` hears what a transform made of a ticket, by layer, before the stage can be resumed.
    """

    settings: TrainSettings
    processes: ProcessGroup
    monitor: Monitor
    say: Callable[[str], None]
    data: Data
    schedule: Schedule
    network: Network
    drawn_anew: Callable[[int], State]
    paths: RunPaths
    events: Events
    results: Results
    keep_layouts: Callable[[str, Mapping[str, Layout]], None] = lambda _stage, _layouts: None

    @property
    def is_asked_to_stop(self) -> bool:
        """Whether the monitor, or a file called `cancel` in the folder, asks to stop."""
        return self.monitor.is_cancelled or self.paths.cancel.exists()

    def model(self, stage: str) -> tuple[State, Masks]:
        """Return the weights and masks with which a stage ended. Raises: FileError when their file is damaged."""
        found = read_checkpoint(self.paths.model(stage))
        return found.part("model"), found.part("mask")

    def evaluate(self, split: Split) -> float:
        """Return the task's metric of the network as it stands."""
        return evaluate(self.network, split, self.data.metric, channels_last=self.settings.channels_last)

    def remove_checkpoints(self, stage: str, *, newest: int = 0) -> None:
        """Remove the checkpoints of a stage but for the `newest` ones."""
        for old in self.paths.checkpoints(stage)[newest:]:
            old.unlink(missing_ok=True)
