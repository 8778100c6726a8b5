"""Measure kernels on one product: checked against float64 first, then timed in turns, the dense product among them."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sparselab.analysis.tiles import tile_view
from sparselab.benchmarking.conditions import conditions, hot_clock, hot_condition
from sparselab.benchmarking.host import Load, LoadMeter, device_card, load_now, versions
from sparselab.benchmarking.opponents import OPPONENTS
from sparselab.benchmarking.records import PASS, STEP, Session
from sparselab.benchmarking.roofline import Roofline, measure_roofline, necessary
from sparselab.benchmarking.rows import rows_of
from sparselab.benchmarking.statistics import CONFIDENCE, FEWEST_ROUNDS, MARGIN
from sparselab.benchmarking.steps.verification import training_kernels, verify_steps
from sparselab.benchmarking.timing import SAMPLE_MS, TimedRun, Timings, take_turns
from sparselab.benchmarking.verification import Participant, kernels_for, verify
from sparselab.core.errors import SettingError
from sparselab.kernels import KERNELS
from sparselab.kernels.base import TOLERANCES, Work, random_input
from sparselab.runtime.progress import SILENT, Monitor

if TYPE_CHECKING:
    import torch

ROUNDS = 100
SECONDS = 5.0
_TILE = 16


def measure(
    work: Work,
    kernels: Sequence[str] | None = None,
    *,
    opponents: Sequence[str] = (),
    rounds: int = ROUNDS,
    seconds: float = SECONDS,
    threads: int | None = None,
    seed: int = 0,
    backward: bool = False,
    about: Mapping[str, str] | None = None,
    monitor: Monitor = SILENT,
) -> Session:
    """Return the latency of `kernels` (default: all that may suit) on `work`, with the dense product in three roles beside them.

    Every kernel is first compared with the dense product of the masked weight in float64; one that is wrong is reported
    as wrong and never timed. The others run in turns for at most `rounds` or about `seconds`, and at least
    `FEWEST_ROUNDS` rounds. Times depend on what else this process does: call it through `running`, in one of its own.

    opponents: names of `OPPONENTS`, the dense product in other arithmetics and by other libraries, timed beside them.
    backward: whole training steps, Y, dX and dW, of the kernels that train, instead of forward passes; opponents have none.
    threads: for the CPU; stays set in this process. seed: of the inputs, the order of turns and the intervals.
    Raises: SettingError for an unknown kernel or opponent, or a setting out of range; Cancelled before there are enough rounds.
    """
    names = _checked(work, kernels, rounds, seconds, backward=backward)
    opponents = _known("opponents", () if backward else opponents, OPPONENTS)
    import torch

    if threads is not None:
        torch.set_num_threads(threads)
    monitor.progress("measuring the load of this machine")
    before = load_now()
    x = random_input(work, seed)
    if backward:
        participants = verify_steps(work, names, x, seed=seed, monitor=monitor)
    else:
        participants = verify(work, names, x, opponents=opponents, seed=seed, monitor=monitor)
    monitor.progress("measuring the roofline")
    roofline = measure_roofline(work, hot_clock(work))
    timed_runs, refused = _timed_runs(work, participants, x, backward=backward)
    meter = LoadMeter()
    taken = take_turns(timed_runs, rounds=rounds, seconds=seconds, seed=seed, monitor=monitor)
    loads, products = (before, meter.read()), 3 if backward else 1
    return Session(
        rows=rows_of(
            work,
            participants=participants,
            taken=taken,
            refused=refused,
            roofline=roofline,
            loads=loads,
            seed=seed,
            products=products,
        ),
        shape=work.layout.after.shape,
        input_shape=work.input_shape,
        positions=work.positions,
        dtype=work.dtype,
        threads=torch.get_num_threads(),
        density=work.layout.after.density,
        date=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        conv=_conv(work),
        flops_dense=products * necessary(work, dense=True)[0],
        padding_waste=tile_view(work.layout, _TILE).padding_waste,
        about=dict(about or {}),
        device=device_card(work.device),
        protocol=_protocol(work, taken=taken, rounds=rounds, seconds=seconds, seed=seed, roofline=roofline, loads=loads)
        | {"opponents": {name: dict(OPPONENTS[name].facts) for name in opponents}}
        | ({PASS: STEP} if backward else {}),
        versions=versions(),
    )


def _checked(
    work: Work, kernels: Sequence[str] | None, rounds: int, seconds: float, *, backward: bool
) -> tuple[str, ...]:
    usual = training_kernels if backward else kernels_for
    names = usual(work) if kernels is None else _known("kernels", kernels, KERNELS)
    if rounds < FEWEST_ROUNDS:
        raise SettingError(f"rounds: expected at least {FEWEST_ROUNDS}, or no interval means anything; got {rounds}")
    if not 0 < seconds < float("inf"):
        raise SettingError(f"seconds: expected a time above 0; got {seconds:g}")
    return names


def _known(setting: str, names: Sequence[str], registry: Mapping[str, object]) -> tuple[str, ...]:
    unknown = [name for name in names if name not in registry]
    if unknown:
        raise SettingError(f"{setting}: expected some of {', '.join(registry)}; got {unknown[0]!r}")
    return tuple(dict.fromkeys(names))


def _timed_runs(
    work: Work, participants: Sequence[Participant], x: torch.Tensor, *, backward: bool
) -> tuple[list[TimedRun], dict[tuple[int, str], str]]:
    """Return the kernels to time, one per condition; and why others are not timed, by the same key."""
    found: list[TimedRun] = []
    refused: dict[tuple[int, str], str] = {}
    for index, participant in enumerate(participants):
        if participant.run is None:
            continue
        under = hot_condition if backward else conditions  # a step is many launches, timed as they come
        for condition, how in under(work, participant.run, x).items():
            if isinstance(how, str):
                refused[index, condition] = how
            else:
                clock, call = how
                found.append(TimedRun(key=(index, condition), name=participant.name, call=call, clock=clock))
    return found, refused


def _conv(work: Work) -> dict[str, int] | None:
    if work.conv is None:
        return None
    (height, width), conv = work.conv.kernel_shape, work.conv
    return {"kernel_height": height, "kernel_width": width, "stride": conv.stride, "padding": conv.padding}


def _protocol(
    work: Work, *, taken: Timings, rounds: int, seconds: float, seed: int, roofline: Roofline, loads: tuple[Load, Load]
) -> dict[str, Any]:
    return {
        "inputs": "standard normal",
        "turns": "all kernels once a round, in a new random order every round, after a warm-up",
        "rounds": taken.rounds,
        "rounds_at_most": rounds,
        "seconds": round(taken.seconds, 3),
        "seconds_asked": seconds,
        "sample_ms_at_least": SAMPLE_MS,
        "statistic": "median of the rounds' ratios, percentile bootstrap over rounds",
        "confidence": CONFIDENCE,
        "margin": MARGIN,
        "tolerance": TOLERANCES[work.dtype],
        "seed": seed,
        "peak_gflops": round(roofline.flops_per_ms / 1e6, 1),
        "copy_gb_per_s": round(roofline.bytes_per_ms / 1e6, 1),
        "others_load_before": round(loads[0].others + loads[0].stolen, 3),
        "others_load_during": round(loads[1].others + loads[1].stolen, 3),
    }
