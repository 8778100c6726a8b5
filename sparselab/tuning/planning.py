"""Before anything is trained: the transform is chosen, what things take is measured, and what fits into the minutes is written down."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from sparselab.benchmarking.host import LoadMeter
from sparselab.core.device import resolve_device
from sparselab.runtime.progress import Monitor
from sparselab.training.engine.initial import initial
from sparselab.training.named import code_of, load_data
from sparselab.training.network import build_network
from sparselab.training.runs.run_guards import exactly
from sparselab.training.schedule import schedule_of
from sparselab.training.tasks import Data
from sparselab.tuning.budget import MOST_EPOCHS, NETWORKS, Costs, TuningPlan, plan
from sparselab.tuning.choosing import Refused, choose
from sparselab.tuning.forecast import CANDIDATES, Forecast, forecast
from sparselab.tuning.forms import EXAMPLES, batch_within, fewest_turns
from sparselab.tuning.pace import example_seconds, step_seconds
from sparselab.tuning.record import TuneRecord
from sparselab.tuning.request import AUTO, TuneRequest

_TRYING, _TIMING, _PACING = 0.2, 0.1, 0.05
"""Of the minutes, what may go to trying transforms, to timing the forms at the end, and to timing steps of training."""


def prepare(
    request: TuneRequest,
    record: TuneRecord,
    root: Path | None,
    seconds: float,
    monitor: Monitor,
    say: Callable[[str], None],
    *,
    anyway: bool,
) -> None:
    """Choose the transform, measure what things take, and write down what fits.

    Raises: Refused for a structure that cannot pay here, and minutes in which not even one step of each network fits, unless `anyway`.
    """
    begun, whole, meter = time.monotonic(), 60 * request.minutes, LoadMeter()
    first = request.masked(MOST_EPOCHS, CANDIDATES[0] if request.transform == AUTO else "").settled()
    with code_of(first) as code, exactly(first.threads):
        data = load_data(first, root, code)
        network = build_network(first, data, resolve_device(first.device), code)
        fresh, loading = network.capture(), time.monotonic() - begun
        monitor.progress("timing a batch")
        example = example_seconds(first, network, data)
        costs = Costs(
            example=example,
            step=0.0,
            once=0.0,
            per_epoch=schedule_of(first, len(data.train)).per_epoch,
            validation=len(data.validation),
            test=len(data.test),
        )
        if not anyway:
            _check(request, plan(whole - (time.monotonic() - begun), costs))  # before minutes go to trying transforms
        a_try = _TRYING * whole / (len(CANDIDATES) if request.transform == AUTO else 1) / 2

        def try_one(transform: str) -> Forecast:
            network.restore(fresh)
            settings = request.masked(MOST_EPOCHS, transform).settled()
            examples = batch_within(a_try, example, data, forms=3)
            return forecast(
                settings, network, data, seconds=min(seconds / 2, a_try), examples=examples, monitor=monitor
            )

        found, left_out = choose(
            request,
            try_one,
            {told["transform"]: Forecast.from_json(told) for told in record.told["tried"]},
            seconds=_TRYING * whole,
            keep=lambda each: record.add(tried=[*record.told["tried"], each.as_json()]),
            anyway=anyway,
        )
        say(found.told)
        monitor.progress("timing a few steps")
        network.restore(fresh)
        chosen = request.masked(MOST_EPOCHS, found.transform).settled()
        start = initial(chosen, network, lambda _text: None)
        step = step_seconds(chosen, network, data, start, _PACING * whole)
    timing = min(seconds, _TIMING * whole)
    batch = batch_within(_TIMING * whole, example, data)
    once = NETWORKS * loading + found.transform_s + found.ready_s + timing + fewest_turns(batch, example)
    costs = replace(costs, step=step, once=once)
    is_busy = meter.read().is_busy
    plan_ = plan(whole - (time.monotonic() - begun), costs, is_busy=is_busy)
    if not anyway:
        _check(request, plan_)
    left_out = (*left_out, *_left_out(plan_, costs, batch, data))
    record.add(
        transform=found.transform,
        forecast=found.as_json(),
        epochs=plan_.epochs,
        step_seconds=step,
        plan={**plan_.as_json(), "example_seconds": example},
        timed={"seconds": timing, "examples": batch},
        left_out=list(left_out),
    )
    say(_planned(request.minutes, plan_, step))
    if is_busy:
        say("other programs use the processor: two fifths of the time are kept back, for it may become slower yet")
    for text in left_out:
        say(f"left out: {text}")


def _check(request: TuneRequest, found: TuningPlan) -> None:
    """Raises: Refused where the least that a tuning does takes longer than is left."""
    if not found.holds:
        least = request.minutes + (found.seconds - found.left) / 60
        raise Refused(
            f"minutes: expected more than {least:.2g} on this machine, for the fewest steps of {NETWORKS} networks, judging them and "
            f"timing their forms; got {request.minutes:g}: give it more, or --anyway takes longer than it was given"
        )


def _planned(minutes: float, found: TuningPlan, step: float) -> str:
    more = "" if found.holds else f", which is {(found.seconds - found.left) / 60:.2g} minutes more than asked for"
    return (
        f"of {minutes:g} minutes {found.left:.0f} s are left: dense, masked and structured get {found.epochs:g} epochs each, at "
        f"{1000 * step:.1f} ms a step; with judging and timing about {found.seconds:.0f} s{more}"
    )


def _left_out(found: TuningPlan, costs: Costs, timed: int, data: Data) -> list[str]:
    """Return in words what there is no time for."""
    told = []
    for name, judged, whole in (("test", found.test, costs.test), ("validation", found.validation, costs.validation)):
        if judged < whole:
            told.append(
                f"{whole - judged:,} of {whole:,} {name} examples: judging on all takes {_seconds(whole * costs.example)} every time"
            )
    if timed < (usual := min(EXAMPLES, len(data.test))):
        told.append(
            f"timing at {usual} examples: a batch has {timed}, for one of {usual} takes {_seconds(usual * costs.example)}"
        )
    return told


def _seconds(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.2g} s"
