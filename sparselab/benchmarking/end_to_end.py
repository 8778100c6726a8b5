"""All layers of a file in one forward pass, converted and dense in turns: do the layers' gains add up, and are the outputs right?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sparselab.benchmarking.host import LoadMeter, load_now
from sparselab.benchmarking.lock import alone
from sparselab.benchmarking.network import layout_in_network
from sparselab.benchmarking.requests import Effort, MeasurementRequest, layer_of_request, product_of
from sparselab.benchmarking.statistics import Ratio, speedup, summarise
from sparselab.benchmarking.timing import Call, Clock, TimedRun, take_turns
from sparselab.kernels.base import TOLERANCES, Work
from sparselab.runtime.progress import SILENT, Monitor


@dataclass(frozen=True, kw_only=True)
class EndToEnd:
    """What one forward pass through all layers takes, dense and converted, and how far their outputs lie apart.

    difference: largest difference of an output / largest output; up to `tolerance` is right. A wrong one is not timed.
    swapped: how many layers run blocks. stayed: why the others are dense, by layer. flags: as those of a `Row`.
    """

    difference: float
    tolerance: float
    swapped: int
    stayed: Mapping[str, str]
    dense_ms: float | None = None
    converted_ms: float | None = None
    speedup: float | None = None
    interval: tuple[float, float] | None = None
    rounds: int = 0
    flags: tuple[str, ...] = ()

    @property
    def ratio(self) -> Ratio | None:
        """The speedup with its interval; None where nothing was timed."""
        return None if self.speedup is None or self.interval is None else Ratio(self.speedup, *self.interval)

    @property
    def is_right(self) -> bool:
        return self.difference <= self.tolerance


def end_to_end(
    requests: Sequence[MeasurementRequest],
    transform: str,
    settings: Mapping[str, Any],
    kernels: Sequence[str],
    *,
    monitor: Monitor = SILENT,
) -> dict[str, Any]:
    """Convert all layers with `sparselab.nn.convert`, compare with the masked model, time both in turns. Runs in a worker.

    kernels: one a layer, as `whole.choose` chose them; the dense ones leave their layer dense.
    Returns: the fields of an `EndToEnd`, as plain values.
    """
    import torch

    effort = requests[0].effort
    works = []
    for done, request in enumerate(requests):
        monitor.progress("transforming the layers", done, len(requests))
        works.append(_work(request, transform, settings, monitor))
    with alone(monitor):
        if effort.threads is not None:
            torch.set_num_threads(effort.threads)
        found = _compare(works, requests, kernels, monitor)
    return dict(vars(found)) | {"stayed": dict(found.stayed)}


def _work(request: MeasurementRequest, transform: str, settings: Mapping[str, Any], monitor: Monitor) -> Work:
    layout = layout_in_network(request, transform, settings, monitor=monitor)
    return product_of(request, layer_of_request(request), layout)


def _compare(
    works: Sequence[Work], requests: Sequence[MeasurementRequest], kernels: Sequence[str], monitor: Monitor
) -> EndToEnd:
    import torch

    from sparselab.benchmarking.conditions import hot_clock
    from sparselab.benchmarking.layer_stack import LayerStack, name_of
    from sparselab.nn import convert, largest_difference, masked

    effort = requests[0].effort
    stack = LayerStack(works, effort.seed).eval()
    layouts = {name_of(index): work.layout for index, work in enumerate(works)}
    chosen = {name_of(index): kernel for index, kernel in enumerate(kernels)}
    monitor.progress("converting the layers")
    dense, converted = masked(stack, layouts), convert(stack, layouts, kernels=chosen)
    x = torch.empty(0, device=works[0].device)
    monitor.progress("comparing the outputs")
    stayed = {
        requests[index].layer: converted.stayed[key] for index, key in enumerate(layouts) if key in converted.stayed
    }
    difference = largest_difference(converted.model, dense, x)
    found = EndToEnd(
        difference=difference,
        tolerance=TOLERANCES[works[0].dtype],
        swapped=len(converted.swapped),
        stayed=stayed,
    )
    if not found.is_right:
        return found
    calls = (lambda: dense(x), lambda: converted.model(x))
    return _timed(found, calls, hot_clock(works[0]), effort, monitor)


def _timed(found: EndToEnd, calls: tuple[Call, Call], clock: Clock, effort: Effort, monitor: Monitor) -> EndToEnd:
    """Return `found` with the times of the dense and the converted model, taken in turns."""
    import torch

    before, meter = load_now(), LoadMeter()
    names = ("dense", "converted")
    timed_runs = [TimedRun(key=(i, "hot"), name=names[i], call=call, clock=clock) for i, call in enumerate(calls)]
    with torch.no_grad():
        taken = take_turns(timed_runs, rounds=effort.rounds, seconds=effort.seconds, seed=effort.seed, monitor=monitor)
    busy = before.is_busy or meter.read().is_busy
    dense, converted = taken.times[0, "hot"], taken.times[1, "hot"]
    summaries = summarise(dense), summarise(converted)
    ratio = speedup(dense, converted, seed=effort.seed)
    return replace(
        found,
        dense_ms=summaries[0].median,
        converted_ms=summaries[1].median,
        speedup=ratio.value,
        interval=(ratio.low, ratio.high),
        rounds=taken.rounds,
        flags=("noisy",) * any(item.is_noisy for item in summaries) + ("busy",) * busy,
    )
