"""What can be made of a layer: one file each, listed here."""

from collections.abc import Mapping
from types import MappingProxyType

from sparselab.transforms.base import Transform
from sparselab.transforms.n_m.n_m import NM
from sparselab.transforms.prune import Prune
from sparselab.transforms.refill.refill import Refill, RefillPlus
from sparselab.transforms.regroup.regroup import Regroup
from sparselab.transforms.shuffled_blocks.shuffled_blocks import ShuffledBlocks

TRANSFORMS: Mapping[str, type[Transform]] = MappingProxyType(
    {
        "prune": Prune,
        "refill": Refill,
        "refill-plus": RefillPlus,
        "regroup": Regroup,
        "shuffled-blocks": ShuffledBlocks,
        "n-m": NM,
    }
)

__all__ = ["NM", "TRANSFORMS", "Prune", "Refill", "RefillPlus", "Regroup", "ShuffledBlocks"]
