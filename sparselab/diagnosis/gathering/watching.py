"""One forward pass watched operation by operation: what each takes, which weights it reads, which it makes anew.

A dispatch mode and no hooks on modules: torch's fast paths stay as they are, and a forward pass that never calls a layer is
seen too. Names of weights follow the memory: a view of a weight is that weight, and what is computed from one is made from it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from sparselab.core.modules.weights import without_wrappers
from sparselab.core.torch_private import operations_seen_by

PRODUCTS = {
    "mm": (0, 1),
    "bmm": (0, 1),
    "addmm": (1, 2),
    "baddbmm": (1, 2),
    "mv": (0, 1),
    "addmv": (1, 2),
    "linear": (0, 1),
    "convolution": (0, 1),
    "mkldnn_rnn_layer": (1, 2),
    "_sparse_mm": (0, 1),
    "mkldnn_linear": (0, 1),
}
"""Operations that multiply, by the places of their two factors."""

FUSED = ("_transformer_encoder_layer_fwd", "_native_multi_head_attention")
"""Operations that read the weights of layers and call none of them."""

_CASTS = ("_to_copy", "to", "clone", "contiguous", "t", "detach", "alias")
_MASKINGS = ("mul", "where", "masked_fill", "masked_scatter", "index_put", "copy", "addcmul")


@dataclass
class SeenWeight:
    """A weight in one pass: the product that took it, and what made it anew. `operand` is what was multiplied, whole."""

    name: str
    stored: Tensor
    operand: Tensor | None = None
    op: str = ""
    ms: float = 0.0
    remade: list[str] = field(default_factory=list)
    remade_ms: float = 0.0
    masked: bool = False
    output: tuple[int, ...] = ()
    x_shape: tuple[int, ...] = ()
    dtype: str = ""
    is_in_first: bool = False
    arguments: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Operation:
    """An operation of a pass, in order: its name, its time, the weights it read."""

    name: str
    ms: float
    weights: tuple[str, ...]


class Watch:
    """Records the operations of a pass within `seeing()`. `is_paused` leaves out what runs inside our own layers."""

    def __init__(self, model: nn.Module) -> None:
        self.operations: list[Operation] = []
        self.seen: dict[str, SeenWeight] = {}
        self.gates: dict[str, float] = {}
        self.is_paused = False
        self._names: dict[object, str] = {}
        self._masks: dict[object, str] = {}
        self._kept_alive: list[Tensor] = []
        for name, tensor, is_weight in _tensors(model):
            if is_weight:
                self._names.setdefault(_key(tensor), name)
                self.seen.setdefault(name, SeenWeight(name, tensor))
            else:
                self._masks.setdefault(_key(tensor), name)

    def seeing(self) -> AbstractContextManager[Any]:
        """Return the context in which operations are recorded."""
        return operations_seen_by(self._see)

    def _see(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        start = time.perf_counter()
        out = func(*args, **kwargs)
        if isinstance(out, Tensor) and out.is_cuda:
            torch.cuda.synchronize()
        ms = 1e3 * (time.perf_counter() - start)
        if not self.is_paused:
            self._record(func, args, out, ms)
        return out

    def _record(self, func: Any, args: tuple[Any, ...], out: Any, ms: float) -> None:
        name = str(func.overloadpacket.__name__)
        tensors = list(_flat(args))
        read = tuple(dict.fromkeys(self._names[key] for t in tensors if (key := _key(t)) in self._names))
        is_view = isinstance(out, Tensor) and any(_key(out) == _key(t) for t in tensors) and not name.endswith("_")
        if is_view:
            return
        self.operations.append(Operation(name, ms, read))
        if name in PRODUCTS:
            self._product(name, args, out, ms)
        elif name in FUSED:
            sizes = {weight: self.seen[weight].stored.numel() for weight in read}
            for weight, size in sizes.items():
                self._take(weight, name, args, out, ms * size / sum(sizes.values()))
        elif read and isinstance(out, Tensor):
            self._derived(name, tensors, read[0], out, ms)
        elif name.rstrip("_") == "mul" and isinstance(out, Tensor):
            self._gated(tensors, ms)

    def _product(self, name: str, args: tuple[Any, ...], out: Any, ms: float) -> None:
        places = [args[place] for place in PRODUCTS[name] if place < len(args)]
        factors = [each for each in places if isinstance(each, Tensor)]
        for place in (1, 0) if len(factors) == 2 else (0,):
            if place < len(factors) and (weight := self._names.get(_key(factors[place]))) is not None:
                factor, seen = factors[place], self.seen[weight]
                self._take(weight, name, args, out, ms)
                seen.dtype = str(factor.dtype).removeprefix("torch.")
                seen.x_shape = tuple(factors[1 - place].shape) if len(factors) == 2 else ()
                whole = seen.operand if seen.operand is not None else seen.stored
                is_turned = _layout(factor) != _layout(whole)
                is_matrix = name not in ("convolution", "linear", "mkldnn_linear", "mkldnn_rnn_layer")
                seen.is_in_first = is_matrix and (place == 1) != is_turned
                return

    def _take(self, weight: str, name: str, args: tuple[Any, ...], out: Any, ms: float) -> None:
        seen = self.seen[weight]
        first = out[0] if isinstance(out, tuple | list) else out
        seen.op, seen.ms, seen.arguments = name, seen.ms + ms, args
        seen.output = tuple(first.shape) if isinstance(first, Tensor) else ()
        seen.dtype = seen.dtype or (str(first.dtype).removeprefix("torch.") if isinstance(first, Tensor) else "")

    def _derived(self, name: str, tensors: list[Tensor], weight: str, out: Tensor, ms: float) -> None:
        """Follow what is computed from a weight; a mask over it is what makes it anew."""
        seen, base = self.seen[weight], name.rstrip("_")
        if out.numel() != seen.stored.numel():
            return
        self._kept_alive.append(out)
        self._names[_key(out)] = weight
        if out.dim() > 1:
            seen.operand = out
        if base in _CASTS:
            return
        seen.remade.append(name)
        seen.remade_ms += ms
        gated = any(map(_is_gate, tensors)) if base == "mul" else base in _MASKINGS and _has_zeros(out)
        seen.masked = seen.masked or gated or base.endswith("to_sparse")

    def _gated(self, tensors: list[Tensor], ms: float) -> None:
        """Note a multiplication of activations by zeros and ones that the model holds, one a channel."""
        for tensor in tensors:
            name = self._masks.get(_key(tensor))
            wide = sum(size > 1 for size in tensor.shape)
            if name is not None and wide == 1 and _is_gate(tensor):
                self.gates[name] = self.gates.get(name, 0.0) + ms


def _tensors(model: nn.Module) -> Iterable[tuple[str, Tensor, bool]]:
    """Yield what a model holds: parameters first, then buffers and plain attributes; matrices and larger ones are weights."""
    own = (
        (f"{path}.{name}" if path else name, value)
        for path, module in model.named_modules()
        for name, value in vars(module).items()
        if isinstance(value, Tensor)
    )
    named = (model.named_parameters(remove_duplicate=False), model.named_buffers(remove_duplicate=False), own)
    for name, tensor in chain(*named):
        if not is_lazy(tensor):
            yield (
                plain_name(without_wrappers(name)),
                tensor,
                tensor.dim() > 1 and tensor.is_floating_point() and not _is_gate(tensor),
            )


def plain_name(name: str) -> str:
    """Return the name of a weight from that of the parameter it is computed from.

    Example: >>> plain_name("0.weight_orig"), plain_name("a.parametrizations.weight.original")
             ('0.weight', 'a.weight')
    """
    head, found, tail = name.rpartition("parametrizations.")
    if found:
        return head + tail.split(".")[0]
    return name.removesuffix("_orig")


def _layout(tensor: Tensor) -> tuple[tuple[int, ...], tuple[int, ...]]:
    strides = tensor.stride() if tensor.layout == torch.strided else ()
    return tuple(tensor.shape[-2:]), tuple(strides[-2:])


def _key(tensor: Tensor) -> object:
    try:
        return tensor.untyped_storage().data_ptr() or id(tensor)
    except (RuntimeError, NotImplementedError):  # a sparse tensor has no one storage
        return id(tensor)


def _flat(value: Any) -> Iterable[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, tuple | list):
        for each in value:
            yield from _flat(each)


def _has_zeros(tensor: Tensor) -> bool:
    return tensor.layout == torch.strided and tensor.numel() > 1 and bool((tensor == 0).any())


def _is_gate(tensor: Tensor) -> bool:
    if tensor.layout != torch.strided or tensor.numel() < 2:
        return False
    zeros, ones = tensor == 0, tensor == 1
    return bool((zeros | ones).all()) and bool(zeros.any())
