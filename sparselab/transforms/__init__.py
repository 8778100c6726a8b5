"""What can be made of a layer: one file each, listed here."""

from sparselab.core.plugins import Registry
from sparselab.transforms.base import Transform
from sparselab.transforms.check import check_transform
from sparselab.transforms.n_m.n_m import NM
from sparselab.transforms.prune import Prune
from sparselab.transforms.refill.refill import Refill, RefillPlus
from sparselab.transforms.regroup.regroup import Regroup
from sparselab.transforms.shuffled_blocks.shuffled_blocks import ShuffledBlocks

TRANSFORMS: Registry[type[Transform]] = Registry(
    "transforms",
    {
        "prune": Prune,
        "refill": Refill,
        "refill-plus": RefillPlus,
        "regroup": Regroup,
        "shuffled-blocks": ShuffledBlocks,
        "n-m": NM,
    },
    check_transform,
)

__all__ = ["NM", "TRANSFORMS", "Prune", "Refill", "RefillPlus", "Regroup", "ShuffledBlocks"]
