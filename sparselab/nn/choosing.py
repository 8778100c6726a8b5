"""Which layers of a converted model are quicker in blocks: each timed in turns with its dense layer, on its own input."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn

from sparselab.nn.block_module import BlockModule
from sparselab.nn.support.calling import Inputs, called, inferring

_SECONDS, _FEWEST, _MOST = 0.2, 5, 50


@dataclass(frozen=True)
class LayerChoice:
    """What was measured of one layer: milliseconds in blocks and dense, medians of so many turns, and the ratio of their times.

    speedup: the median over the turns of dense time / block time. blocks: whether the layer runs in blocks therefore.
    """

    block_ms: float
    dense_ms: float
    speedup: float
    turns: int

    @property
    def blocks(self) -> bool:
        return self.speedup > 1.0

    def __str__(self) -> str:
        what = "in blocks" if self.blocks else "dense"
        return f"{what}: {self.block_ms:.3g} ms in blocks, {self.dense_ms:.3g} ms dense; {self.speedup:.2f}x, the median of {self.turns} turns"


def choices(
    model: nn.Module, layers: Mapping[str, BlockModule], dense: Mapping[str, nn.Module], inputs: Inputs
) -> dict[str, LayerChoice]:
    """Return what was measured of each layer, on the input of its first call when the model is called with `inputs`.

    A layer that is not called is left out. Both run in eval mode without gradients, with as many threads as torch has.
    """
    seen: dict[str, Any] = {}

    def keep(name: str) -> Callable[..., None]:
        def hook(_: nn.Module, given: tuple[Any, ...]) -> None:
            if name not in seen and given and isinstance(given[0], Tensor):
                seen[name] = given[0].detach()

        return hook

    handles = [layer.register_forward_pre_hook(keep(name)) for name, layer in layers.items()]
    try:
        with inferring(model):
            called(model, inputs)
    finally:
        for handle in handles:
            handle.remove()
    return {name: _choice(layers[name], dense[name], x) for name, x in seen.items()}


def _choice(layer: BlockModule, dense: nn.Module, x: Tensor) -> LayerChoice:
    with inferring(layer, dense):
        layer(x)  # the first call prepares
        dense(x)
        first = _seconds(layer, x) + _seconds(dense, x)
        turns = max(_FEWEST, min(_MOST, int(_SECONDS / max(first, 1e-9))))
        pairs = [(_seconds(layer, x), _seconds(dense, x)) for _ in range(turns)]
    block, plain = (1e3 * median(times) for times in zip(*pairs, strict=True))
    return LayerChoice(block, plain, median(theirs / mine for mine, theirs in pairs), turns)


def _seconds(layer: nn.Module, x: Tensor) -> float:
    start = time.perf_counter()
    layer(x)
    if x.is_cuda:
        torch.cuda.synchronize(x.device)
    return time.perf_counter() - start
