"""Ways to put like rows together: one file each, listed here."""

from sparselab.core.plugins import Registry
from sparselab.grouping.agglomerative import Agglomerative
from sparselab.grouping.base import Goal, Grouper, Groups, check_grouper
from sparselab.grouping.controls import Natural, Random
from sparselab.grouping.hypergraph_partition import HypergraphPartition
from sparselab.grouping.jaccard_metis import JaccardMetis
from sparselab.grouping.spectral import Spectral

GROUPERS: Registry[Grouper] = Registry(
    "groupers",
    {
        "natural": Natural(),
        "random": Random(),
        "jaccard-metis": JaccardMetis(),
        "hypergraph": HypergraphPartition(),
        "agglomerative": Agglomerative(),
        "spectral": Spectral(),
    },
    check_grouper,
)

BY_CHANCE = next(name for name, grouper in GROUPERS.builtin.items() if grouper.by_chance)
"""The grouper that every other is measured against."""

__all__ = ["BY_CHANCE", "GROUPERS", "Goal", "Grouper", "Groups"]
