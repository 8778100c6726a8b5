"""The evidence about one model and one input, gathered once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import nn

from sparselab.benchmarking.host import LoadMeter, device_card, versions
from sparselab.core.errors import SparselabError
from sparselab.core.modules.weights import without_wrappers
from sparselab.diagnosis.evidence import CUDA_24, Evidence, LayerEvidence, OpTime
from sparselab.diagnosis.gathering.layers import Found, layers_of
from sparselab.diagnosis.gathering.passes import Inputs, Passes, call_cost, kernels_run, watched
from sparselab.diagnosis.gathering.products import roofline_here, time_product
from sparselab.diagnosis.gathering.threading import thread_times
from sparselab.diagnosis.gathering.watching import FUSED
from sparselab.runtime.progress import SILENT, Monitor


@dataclass(frozen=True, kw_only=True)
class GatheringEffort:
    """How much is timed: turns, seconds of them for every comparison, and of how many layers the product alone."""

    rounds: int = 40
    seconds: float = 1.0
    layers: int = 3


def gather(
    model: nn.Module, inputs: Inputs, target: str, *, effort: GatheringEffort | None = None, monitor: Monitor = SILENT
) -> Evidence:
    """Run a model and look. The model is in eval mode and gradients are off: `passes.in_inference` around the call.

    For `cuda-2:4` nothing is timed: the rules ask for patterns, types and shapes alone.
    Raises: whatever the model raises.
    """
    effort = effort or GatheringEffort()
    monitor.progress("watching a forward pass")
    passes = watched(model, inputs)
    found = layers_of(model, passes)
    known = Evidence(
        target=target,
        layers=tuple(layer for layer, _ in found),
        autocast=passes.calls.autocast,
        compiled=compiled_parts(model),
        fused=tuple(dict.fromkeys(each.name for each in passes.operations if each.name in FUSED)),
        gates=tuple(OpTime(name=name, ms=ms, calls=1) for name, ms in passes.watch.gates.items()),
        notes=("run in eval mode, without gradients",),
    )
    if target == CUDA_24:
        return known
    return _timed(model, inputs, passes, found, known, effort, monitor)


def compiled_parts(model: nn.Module) -> tuple[str, ...]:
    """Return the names of the modules that torch.compile runs, "the model" for all of it."""
    found = []
    for name, module in model.named_modules():
        methods = (getattr(module, "_compiled_call_impl", None), vars(module).get("forward"), type(module).forward)
        is_compiled = type(module).__name__ == "OptimizedModule" or methods[0] is not None
        if is_compiled or any(hasattr(method, "_torchdynamo_orig_callable") for method in methods):
            found.append(without_wrappers(name) or "the model")
    return tuple(found)


def _timed(
    model: nn.Module,
    inputs: Inputs,
    passes: Passes,
    found: Sequence[Found],
    known: Evidence,
    effort: GatheringEffort,
    monitor: Monitor,
) -> Evidence:
    meter = LoadMeter()
    call = inputs.call(model)
    monitor.progress("timing a forward pass")
    threads = thread_times(call, rounds=effort.rounds, seconds=effort.seconds, monitor=monitor)
    monitor.progress("naming the kernels that ran")
    kernels = kernels_run(model, inputs)
    pruned = [layer for layer, _ in found if layer.is_pruned]
    monitor.progress("measuring this machine")
    roof = roofline_here() if pruned else None
    blocks_ms = sum(layer.ms for layer, _ in found if layer.how == "in blocks")
    evidence = replace(
        known,
        total_ms=threads.ms[threads.used],
        ops_ms=sum(each.ms for each in passes.operations) + blocks_ms,
        ops=len(passes.operations),
        call_ms=call_cost(),
        kernels=kernels,
        threads=threads,
        layers=_with_products(found, effort, monitor),
        gflops=None if roof is None else roof.flops_per_ms / 1e6,
        gbytes=None if roof is None else roof.bytes_per_ms / 1e6,
        device=str(device_card("cpu")["name"]),
        versions=versions(),
    )
    return replace(evidence, is_busy=meter.read().is_busy)


def _with_products(found: Sequence[Found], effort: GatheringEffort, monitor: Monitor) -> tuple[LayerEvidence, ...]:
    """Return the layers, with the products of those pruned ones timed that take longest."""
    pruned = [index for index, (layer, product) in enumerate(found) if layer.is_pruned and product is not None]
    slowest = sorted(pruned, key=lambda index: -found[index][0].ms)[: effort.layers]
    layers = [layer for layer, _ in found]
    for done, index in enumerate(slowest):
        product = found[index][1]
        assert product is not None
        monitor.progress("timing the products of pruned layers alone", done, len(slowest))
        try:
            timed = time_product(product, rounds=effort.rounds, seconds=effort.seconds, monitor=monitor)
        except SparselabError:  # no kernel here multiplies in this type
            continue
        layers[index] = replace(layers[index], product=timed)
    return tuple(layers)
