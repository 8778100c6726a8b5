"""Everything that is used of torch's private interface, one function each: nothing else here reads a private name of torch.

torch may change these without a word; `tests/core/test_torch_private.py` says what is expected of each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from sparselab.core.errors import UnavailableError

if TYPE_CHECKING:
    import torch
    from torch import nn

_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
BSR_PRODUCT = "bsr_dense_addmm"
"""What torch calls its block-sparse product on CUDA."""

BSR_PARAMETERS = ("GROUP_SIZE_ROW", "SPLIT_N", "num_stages", "num_warps")
"""What it can be tuned in."""


def int8_product(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Return `left @ right` of two int8 matrices on the CPU as int32; no public product of torch accumulates int8 in int32."""
    import torch

    product: torch.Tensor = _of(torch, "_int_mm")(left, right)
    return product


def foreach_add(targets: Sequence[torch.Tensor], values: Sequence[torch.Tensor], *, alpha: float = 1.0) -> None:
    """Add alpha * values to the targets in place, all in one call; torch's own optimizers do it so."""
    import torch

    _of(torch, "_foreach_add_")(targets, values, alpha=alpha)


def foreach_multiply(targets: Sequence[torch.Tensor], factors: float | Sequence[torch.Tensor]) -> None:
    """Multiply the targets in place by a number or by one tensor each, all in one call."""
    import torch

    _of(torch, "_foreach_mul_")(targets, factors)


def foreach_copy(targets: Sequence[torch.Tensor], values: Sequence[torch.Tensor]) -> None:
    """Copy the values over the targets, all in one call."""
    import torch

    _of(torch, "_foreach_copy_")(targets, values)


def has_dynamic_int8() -> bool:
    """Whether torch quantises dynamically, which it announced to give up."""
    import torch

    return hasattr(torch.ops.quantized, "linear_dynamic") and hasattr(torch, "quantize_per_channel")


def packed_int8(weight: torch.Tensor, bias: torch.Tensor | None) -> object:
    """Return a quantised weight as the chosen engine of torch multiplies it."""
    import torch

    return torch.ops.quantized.linear_prepack(weight, bias)


def dynamic_int8_product(x: torch.Tensor, packed: object, *, reduce_range: bool) -> torch.Tensor:
    """Return X W^T + b of float X, quantised here, and a packed int8 W."""
    import torch

    y: torch.Tensor = torch.ops.quantized.linear_dynamic(x, packed, reduce_range=reduce_range)
    return y


def operations_seen_by(see: Callable[[Any, tuple[Any, ...], Mapping[str, Any]], Any]) -> AbstractContextManager[Any]:
    """Return a context in which every operation of torch is handed to `see(operation, args, kwargs)`, which returns its answer."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class _Seen(TorchDispatchMode):  # type: ignore[no-untyped-call]
        def __torch_dispatch__(
            self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
        ) -> Any:
            return see(func, args, kwargs or {})

    mode: AbstractContextManager[Any] = _Seen()  # type: ignore[no-untyped-call]
    return mode


def why_not_compiled() -> str | None:
    """Return why torch.compile cannot build C++ here; None when it can."""
    try:
        from torch._inductor.cpp_builder import get_cpp_compiler

        get_cpp_compiler()
    except ImportError:
        return "this torch has no inductor"
    except Exception as failure:  # inductor's own class of error, which has moved between versions
        return f"torch.compile needs a C++ compiler: {' '.join(str(failure).split())[:120]}"
    return None


def in_function_transform() -> bool:
    """Whether a transform of torch.func (vmap, grad, ...) is at work, to which a tensor's numbers are not all there is."""
    import torch

    return bool(_of(_of(torch, "_C"), "_are_functorch_transforms_active")())


def in_dispatch_mode() -> bool:
    """Whether a dispatch mode watches or replaces operations, as tracers and fake tensors do."""
    import torch

    return int(_of(_of(torch, "_C"), "_len_torch_dispatch_stack")()) > 0


def version_of(tensor: torch.Tensor) -> int:
    """Return how often torch has seen the tensor changed in place; one made in inference mode has no count."""
    return int(_of(tensor, "_version"))


def has_hooks(module: nn.Module) -> bool:
    """Whether anything is called before or after a module's forward or backward pass."""
    return any(_of(module, hooks) for hooks in _HOOKS)


def forward_pre_hooks(module: nn.Module) -> tuple[Any, ...]:
    """Return what is called before a module's forward pass, in order."""
    return tuple(_of(module, "_forward_pre_hooks").values())


def children_of(module: nn.Module) -> Mapping[str, nn.Module]:
    """Return a module's children by name, one that it has under two names under both; `named_children` gives it once."""
    children = _of(module, "_modules")
    return {name: child for name, child in children.items() if child is not None}


def semi_structured_multiples(backend: Any, dtype: torch.dtype) -> tuple[int, int]:
    """Return what the rows and columns of a 2:4 weight must be multiples of, for a class of torch.sparse that compresses it."""
    limits = _of(backend, "_DTYPE_SHAPE_CONSTRAINTS")[dtype]
    return limits.sparse_min_rows, limits.sparse_min_cols


def semi_structured_product(weight: Any, x: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    """Return weight @ x + bias[:, None] of a 2:4 weight; `torch.mm` of one takes no bias."""
    y: torch.Tensor = _of(weight, "_mm")(x, bias=bias)
    return y


def choose_cusparselt_algorithm(weight: Any, x: torch.Tensor, bias: torch.Tensor | None) -> None:
    """Make a 2:4 weight of cuSPARSELt multiply by the algorithm that is quickest for an x, found by timing them all."""
    import torch

    search = _of(_of(_of(torch, "_C"), "_cusparselt"), "mm_search")
    # No scale, Y in the type of X and not transposed; of what it finds, torch's tensors keep the algorithm's number alone.
    weight.alg_id_cusparselt = int(search(weight.packed, x, bias, None, None, False)[0])


def tune_bsr_product(weight: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> Mapping[str, int]:
    """Return the quickest BSR_PARAMETERS that torch's tuner finds for y = weight @ x on CUDA; empty where none it tries runs."""
    from torch.sparse import _triton_ops_meta as meta

    return dict(_of(meta, "tune_bsr_dense_addmm")(y, weight, x, beta=0, alpha=1) or {})


def bsr_lookup(weight: torch.Tensor, positions: int) -> tuple[int | bool, ...]:
    """Return what torch looks the BSR_PARAMETERS of a product up by: sizes, sides of a block; beta is 0, is not 1, alpha is 1."""
    rows, cols = weight.shape
    block_rows, block_cols = weight.values().shape[1:]
    return (rows, cols, positions, block_rows, block_cols, True, False, True)


def set_bsr_parameters(
    lookup: tuple[int | bool, ...],
    parameters: Mapping[str, int],
    *,
    dtype: torch.dtype,
    sparsity: float,
    device_name: str,
) -> None:
    """Let torch's block-sparse product use these BSR_PARAMETERS in this process, for products of this lookup.

    sparsity: share of the weight outside blocks, to two digits. device_name: as `torch.cuda.get_device_name` spells it.
    """
    from torch.sparse import _triton_ops_meta as meta

    values = tuple(parameters[name] for name in BSR_PARAMETERS)
    _of(meta, "update")(BSR_PRODUCT, device_name, (0, dtype, sparsity), lookup, values)


def operation(name: str) -> Any:
    """Return an operation that `torch.library.define` made, by its name "library::operation"."""
    import torch

    library, _, of = name.partition("::")
    return getattr(getattr(torch.ops, library), of).default


def _of(owner: Any, name: str) -> Any:
    """Return a private member. Raises: UnavailableError that says which, where this torch has none."""
    import torch

    try:
        return getattr(owner, name)
    except AttributeError:
        of = getattr(owner, "__name__", type(owner).__name__)
        raise UnavailableError(
            f"expected a torch with {of}.{name}; torch {torch.__version__} has none: install another version of torch"
        ) from None
