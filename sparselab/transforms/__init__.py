"""What can be made of a layer: one file each, listed here."""

from collections.abc import Mapping
from types import MappingProxyType

from sparselab.transform import Transform
from sparselab.transforms.regroup import Regroup

TRANSFORMS: Mapping[str, type[Transform]] = MappingProxyType({"regroup": Regroup})

__all__ = ["TRANSFORMS", "Regroup"]
