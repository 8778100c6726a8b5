"""Ways to put like rows together: one file each, listed here."""

from collections.abc import Mapping
from types import MappingProxyType

from sparselab.grouping.agglomerative import Agglomerative
from sparselab.grouping.base import Goal, Grouper, Groups
from sparselab.grouping.controls import Natural, Random
from sparselab.grouping.hypergraph_partition import HypergraphPartition
from sparselab.grouping.jaccard_metis import JaccardMetis
from sparselab.grouping.spectral import Spectral

GROUPERS: Mapping[str, Grouper] = MappingProxyType(
    {
        "natural": Natural(),
        "random": Random(),
        "jaccard-metis": JaccardMetis(),
        "hypergraph": HypergraphPartition(),
        "agglomerative": Agglomerative(),
        "spectral": Spectral(),
    }
)

__all__ = ["GROUPERS", "Goal", "Grouper", "Groups"]
