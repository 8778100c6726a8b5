"""Code that multiplies on a device: one file each, listed here."""

from sparselab.core.plugins import Registry
from sparselab.kernels.base import Kernel, check_kernel
from sparselab.kernels.native.blocks import NativeBlocks
from sparselab.kernels.native.sparse import NativeSparse
from sparselab.kernels.torch_ops.bsr import Bsr
from sparselab.kernels.torch_ops.channel_slice import ChannelSlice
from sparselab.kernels.torch_ops.csr import Csr
from sparselab.kernels.torch_ops.dense import Conv2d, Dense
from sparselab.kernels.torch_ops.gather_gemm import GatherGemm
from sparselab.kernels.torch_ops.semi_structured import SemiStructured
from sparselab.kernels.triton_blocks.kernel import TritonBlocks

KERNELS: Registry[Kernel] = Registry(
    "kernels",
    {
        "dense": Dense(),
        "conv2d": Conv2d(),
        "csr": Csr(),
        "bsr": Bsr(),
        "channel-slice": ChannelSlice(),
        "gather-gemm": GatherGemm(),
        "native-blocks": NativeBlocks(),
        "native-sparse": NativeSparse(),
        "triton-blocks": TritonBlocks(),
        "semi-structured": SemiStructured(),
    },
    check_kernel,
)

DENSE = tuple(name for name, kernel in KERNELS.builtin.items() if kernel.is_dense)
"""Names of the dense products."""


def preferred_kernels() -> tuple[str, ...]:
    """Return the names of the kernels that a converted model tries, in this order."""
    places = {name: kernel.preference for name, kernel in KERNELS.items() if kernel.preference is not None}
    return tuple(sorted(places, key=places.__getitem__))


def exact_kernel() -> str:
    """Return the name of the kernel that a converted model runs masks without blocks by: the first preferred that can."""
    return next(name for name in preferred_kernels() if KERNELS[name].runs_any_mask)


__all__ = ["DENSE", "KERNELS", "Kernel", "exact_kernel", "preferred_kernels"]
