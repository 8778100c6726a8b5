"""The passes through a model that the doctor looks at, and one pass as a call to be timed."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from sparselab.diagnosis.evidence import OpTime
from sparselab.diagnosis.gathering.calling import Calls, calls_of
from sparselab.diagnosis.gathering.watching import Operation, Watch

_FEWEST, _MOST, _SECONDS = 5, 40, 0.3
"""Passes: so many at least, and at most as many as fit into so many seconds; of every operation the quickest counts."""

_LONGEST_KERNEL = 120


@dataclass(frozen=True)
class Inputs:
    """What a forward pass is given: by place, and by name."""

    by_place: tuple[Any, ...] = ()
    by_name: Mapping[str, Any] | None = None

    def run(self, model: nn.Module) -> Any:
        """Run a forward pass, and wait for the device."""
        out = model(*self.by_place, **(self.by_name or {}))
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return out

    def call(self, model: nn.Module) -> Callable[[], Any]:
        return lambda: self.run(model)


@dataclass(frozen=True)
class Passes:
    """What several passes showed: the quickest time of every operation, the last watched pass, and the modules' calls."""

    watch: Watch
    operations: tuple[Operation, ...]
    calls: Calls


@contextmanager
def in_inference(model: nn.Module) -> Iterator[None]:
    """Run the block without gradients and with the model in eval mode; its modes are given back."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, mode in modes:
            module.training = mode


def watched(model: nn.Module, inputs: Inputs) -> Passes:
    """Return what passes through a model show; what torch.compile made of it runs as it was written."""
    best: dict[str, tuple[float, float]] = {}
    kept: tuple[Operation, ...] = ()
    watch = Watch(model)
    with torch.compiler.set_stance("force_eager"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*global hooks on.*modules")  # they fire twice for a wrapper alone
        for _ in _turns():
            watch = Watch(model)
            with calls_of(model, watch), watch.seeing():
                inputs.run(model)
            kept = _quickest(kept, tuple(watch.operations))
            for name, seen in watch.seen.items():
                ms, remade = best.get(name, (seen.ms, seen.remade_ms))
                best[name] = min(ms, seen.ms), min(remade, seen.remade_ms)
        calls = Calls()
        for _ in _turns():
            with calls_of(model) as found:
                inputs.run(model)
            for path, call in found.by_path.items():
                call.ms = min(call.ms, calls.by_path.get(path, call).ms)
            calls = found
    for name, seen in watch.seen.items():
        seen.ms, seen.remade_ms = best[name]
    return Passes(watch, kept, calls)


def _turns() -> Iterator[int]:
    start = time.perf_counter()
    for done in range(_MOST):
        if done >= _FEWEST and time.perf_counter() - start > _SECONDS:
            return
        yield done


def _quickest(first: Sequence[Operation], second: tuple[Operation, ...]) -> tuple[Operation, ...]:
    if [each.name for each in first] != [each.name for each in second]:
        return second
    return tuple(min(pair, key=lambda each: each.ms) for pair in zip(first, second, strict=True))


def call_cost() -> float:
    """Return the milliseconds that an operation on one number takes, watched as all others are: the mean of two kinds."""
    one = nn.Linear(1, 1).eval()
    x = torch.ones(1, 1)
    found = []
    with torch.no_grad():
        for _ in range(_MOST):
            watch = Watch(one)
            with watch.seeing():
                torch.relu(one(x))
            found.append([operation.ms for operation in watch.operations])
    return float(sum(min(times) for times in zip(*found, strict=True)) / len(found[0]))


def kernels_run(model: nn.Module, inputs: Inputs, most: int = 30) -> tuple[OpTime, ...]:
    """Return the operations and kernels that really ran in one pass, by name, those that took longest first (torch.profiler).

    On CUDA the kernels' own time; else the operations' own, in which no other operation ran.
    """
    from torch.profiler import ProfilerActivity, profile

    on_cuda = torch.cuda.is_available()
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_cuda else [])]
    inputs.run(model)
    with profile(activities=activities) as seen:
        inputs.run(model)
    found = []
    for event in seen.key_averages():
        device_us = float(getattr(event, "self_device_time_total", 0.0)) if on_cuda else 0.0
        found.append(
            OpTime(
                name=event.key[:_LONGEST_KERNEL], ms=(device_us or event.self_cpu_time_total) / 1e3, calls=event.count
            )
        )
    return tuple(sorted(found, key=lambda each: -each.ms)[:most])
