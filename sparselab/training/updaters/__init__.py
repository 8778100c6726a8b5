"""What masks do while a network trains."""

from sparselab.training.updaters.admm import Admm
from sparselab.training.updaters.base import MaskUpdater, Step
from sparselab.training.updaters.block_prune_and_grow import BlockPruneAndGrow, first_blocks
from sparselab.training.updaters.prune_and_grow import PruneAndGrow, UpdateSchedule
from sparselab.training.updaters.top_kast import TopKast

__all__ = [
    "Admm",
    "BlockPruneAndGrow",
    "MaskUpdater",
    "PruneAndGrow",
    "Step",
    "TopKast",
    "UpdateSchedule",
    "first_blocks",
]
