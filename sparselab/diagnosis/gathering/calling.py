"""One forward pass as modules see it: which were called, how long each took, what our block layers were given.

Hooks of all modules at once and not of single ones: torch asks the single ones before it takes a fast path.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

from sparselab.core.modules.values import in_blocks
from sparselab.diagnosis.gathering.watching import Watch


@dataclass
class Call:
    """What a module was given and took. `dtype` is the type autocast turned a floating input into, where it was on."""

    x_shape: tuple[int, ...] = ()
    dtype: str = ""
    ms: float = 0.0


@dataclass
class Calls:
    """The calls of a pass, by the module's path; `autocast`: the type it was on with anywhere, or ""."""

    by_path: dict[str, Call] = field(default_factory=dict)
    autocast: str = ""


@contextmanager
def calls_of(model: nn.Module, watch: Watch | None = None) -> Iterator[Calls]:
    """Record the calls of a model's modules in the block. What runs inside our layers is left out of `watch`."""
    paths = {id(module): path for path, module in model.named_modules()}
    found = Calls()
    starts: dict[int, float] = {}

    def before(module: nn.Module, args: Any) -> None:
        path = paths.get(id(module))
        if path is None:
            return
        call = found.by_path.setdefault(path, Call())
        x = next((each for each in args if isinstance(each, Tensor)), None)
        if x is not None:
            call.x_shape, call.dtype = tuple(x.shape), _name(x.dtype)
            if torch.is_autocast_enabled(x.device.type):
                found.autocast = _name(torch.get_autocast_dtype(x.device.type))
                call.dtype = found.autocast if x.is_floating_point() else call.dtype
        if watch is not None and in_blocks(module):
            watch.is_paused = True
        starts[id(module)] = time.perf_counter()

    def after(module: nn.Module, args: Any, out: Any) -> None:
        path, start = paths.get(id(module)), starts.pop(id(module), None)
        if path is None or start is None:
            return
        found.by_path[path].ms += 1e3 * (time.perf_counter() - start)
        if watch is not None and in_blocks(module):
            watch.is_paused = False

    hooks = (register_module_forward_pre_hook(before), register_module_forward_hook(after))
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
