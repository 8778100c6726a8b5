"""Code that multiplies on a device: one file each, listed here."""

from collections.abc import Mapping
from types import MappingProxyType

from sparselab.kernels.base import Kernel
from sparselab.kernels.dense import Conv2d, Dense
from sparselab.kernels.triton_blocks import TritonBlocks

KERNELS: Mapping[str, Kernel] = MappingProxyType(
    {
        "dense": Dense(),
        "conv2d": Conv2d(),
        "triton-blocks": TritonBlocks(),
    }
)

__all__ = ["KERNELS", "Kernel"]
