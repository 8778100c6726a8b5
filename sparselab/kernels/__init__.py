"""Code that multiplies on a device: one file each, listed here."""

from collections.abc import Mapping
from types import MappingProxyType

from sparselab.kernels.base import Kernel
from sparselab.kernels.native.blocks import NativeBlocks
from sparselab.kernels.torch_ops.bsr import Bsr
from sparselab.kernels.torch_ops.channel_slice import ChannelSlice
from sparselab.kernels.torch_ops.csr import Csr
from sparselab.kernels.torch_ops.dense import Conv2d, Dense
from sparselab.kernels.torch_ops.gather_gemm import GatherGemm
from sparselab.kernels.torch_ops.semi_structured import SemiStructured
from sparselab.kernels.triton_blocks.kernel import TritonBlocks

KERNELS: Mapping[str, Kernel] = MappingProxyType(
    {
        "dense": Dense(),
        "conv2d": Conv2d(),
        "csr": Csr(),
        "bsr": Bsr(),
        "channel-slice": ChannelSlice(),
        "gather-gemm": GatherGemm(),
        "native-blocks": NativeBlocks(),
        "triton-blocks": TritonBlocks(),
        "semi-structured": SemiStructured(),
    }
)

DENSE = tuple(name for name, kernel in KERNELS.items() if kernel.is_dense)
"""Names of the dense products."""

_PLACES = {name: kernel.preference for name, kernel in KERNELS.items() if kernel.preference is not None}
PREFERRED = tuple(sorted(_PLACES, key=_PLACES.__getitem__))
"""Names of the kernels that a converted model tries, in this order."""

__all__ = ["DENSE", "KERNELS", "PREFERRED", "Kernel"]
