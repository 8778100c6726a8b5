"""Cures and honest alternatives, tried: each makes a changed copy, which is timed in turns with the model as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from sparselab.benchmarking.opponents.base import quickest_way
from sparselab.benchmarking.statistics import speedup, summarise
from sparselab.benchmarking.timing import Clock, TimedRun, WallClock, take_turns
from sparselab.core.modules.values import in_blocks
from sparselab.diagnosis.evidence import Evidence
from sparselab.diagnosis.gathering.passes import Inputs
from sparselab.diagnosis.gathering.threading import ThreadsClock
from sparselab.diagnosis.put_back import put_back
from sparselab.diagnosis.quantised import in_int8
from sparselab.diagnosis.report import Tried
from sparselab.nn import convert
from sparselab.nn.permanent import copied
from sparselab.runtime.progress import SILENT, Monitor

_LONGEST = 200


@dataclass(frozen=True)
class Subject:
    """What is tried on."""

    model: nn.Module
    inputs: Inputs
    evidence: Evidence

    @property
    def uncompiled(self) -> nn.Module:
        """The model inside what torch.compile made of it."""
        inner = getattr(self.model, "_orig_mod", self.model)
        assert isinstance(inner, nn.Module)
        return inner


@dataclass(frozen=True)
class Attempt:
    """The changed pass, and the clock that times it."""

    run: Callable[[], Any]
    clock: Clock


@dataclass(frozen=True)
class Trial:
    """A change by its name for people; `make` returns it ready to run, or why it cannot be made.

    always: tried beside every cure, as an honest alternative. is_slow: takes a minute, and is tried only when asked for.
    """

    title: str
    make: Callable[[Subject], Attempt | str]
    always: bool = False
    is_slow: bool = False


class _InFloat32(nn.Module):
    """A layer that autocast leaves alone: it multiplies in float32 and gives back the type it was given."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            y: Tensor = self.layer(x.float())
        return y.to(x.dtype)


def _exact(subject: Subject) -> Attempt | str:
    done = convert(subject.uncompiled)
    if not done.swapped:
        if remade := [
            layer.name for layer in subject.evidence.layers if layer.remade and layer.name not in done.stayed
        ]:
            return f"{remade[0]}: its mask is applied by code of the model: apply it once, and convert takes the layer"
        return "; ".join(f"{name}: {why}" for name, why in list(done.stayed.items())[:2]) or "no layer has a weight"
    return _attempt(subject, done.model)


def _float32(subject: Subject) -> Attempt | str:
    """Convert in float32, and keep autocast away from the converted layers."""
    model = convert(copied(subject.uncompiled).float()).model
    is_cast = bool(subject.evidence.autocast)
    paths = [path for path, module in model.named_modules() if in_blocks(module)]
    if not paths:
        return "no layer of it can be swapped"
    if is_cast and "" not in paths:
        for path in paths:
            parent, _, leaf = path.rpartition(".")
            setattr(model.get_submodule(parent), leaf, _InFloat32(model.get_submodule(path)))
    elif is_cast:
        model = _InFloat32(model)
    given = subject.inputs
    as_float = Inputs(tuple(map(_floated, given.by_place)), {k: _floated(v) for k, v in (given.by_name or {}).items()})
    return Attempt(as_float.call(model.eval()), WallClock())


def _threads(subject: Subject) -> Attempt | str:
    threads = subject.evidence.threads
    if threads is None or threads.cores == threads.used:
        return "as many threads as cores are used already"
    return Attempt(subject.inputs.call(subject.model), ThreadsClock(threads.cores))


def _one_thread(subject: Subject) -> Attempt | str:
    if torch.get_num_threads() == 1:
        return "one thread is used already"
    return Attempt(subject.inputs.call(subject.model), ThreadsClock(1))


def _eager(subject: Subject) -> Attempt | str:
    if not subject.evidence.compiled:
        return "nothing of it is compiled"

    def run() -> Any:
        with torch.compiler.set_stance("force_eager"):
            return subject.inputs.run(subject.model)

    return Attempt(run, WallClock())


def _dense(subject: Subject) -> Attempt | str:
    """Put plain layers back where layers of blocks are."""
    model = copied(subject.uncompiled)
    swapped = 0
    for path, module in list(model.named_modules()):
        plain = put_back(module) if path else None
        if plain is not None:
            parent, _, leaf = path.rpartition(".")
            setattr(model.get_submodule(parent), leaf, plain)
            swapped += 1
    return _attempt(subject, model) if swapped else "no layer of blocks inside it can be put back"


def _bfloat16(subject: Subject) -> Attempt | str:
    device = next((part.device.type for part in subject.model.parameters()), "cpu")
    if subject.evidence.autocast:
        return f"autocast is on already, to {subject.evidence.autocast}"

    def run() -> Any:
        with torch.autocast(device, dtype=torch.bfloat16):
            return subject.inputs.run(subject.model)

    return Attempt(run, WallClock())


def _int8(subject: Subject) -> Attempt | str:
    if subject.evidence.autocast:
        return "autocast is on, and torch quantises inputs in float32 alone"
    found = in_int8(subject.uncompiled)
    if isinstance(found, str):
        return found
    ways = {name: subject.inputs.call(model) for name, model in found.items()}
    return Attempt(quickest_way(ways).product, WallClock()) if ways else "no engine of torch takes all of its layers"


def _compiled(subject: Subject) -> Attempt | str:
    if subject.evidence.compiled:
        return "it is compiled already"
    return _attempt(subject, torch.compile(copied(subject.model)))  # type: ignore[arg-type]


TRIALS: Mapping[str, Trial] = MappingProxyType(
    {
        "exact": Trial("the kept weights alone, by sparselab.convert", _exact, always=True),
        "float32": Trial("these layers converted, in float32", _float32),
        "threads": Trial("as many threads as cores", _threads),
        "eager": Trial("without torch.compile", _eager),
        "dense": Trial("layers of blocks put back to dense", _dense),
        "bfloat16": Trial("dense in bfloat16 (autocast)", _bfloat16, always=True),
        "int8": Trial("linear layers in int8, quantised dynamically", _int8, always=True),
        "one-thread": Trial("one thread", _one_thread, always=True),
        "compile": Trial("torch.compile", _compiled, always=True, is_slow=True),
    }
)


def try_out(
    names: Iterable[str], subject: Subject, *, rounds: int, seconds: float, monitor: Monitor = SILENT
) -> tuple[Tried, ...]:
    """Try what is named, one after the other, each in turns with the model as it is; outputs are compared beside the times."""
    found = []
    for name in names:
        trial = TRIALS[name]
        monitor.progress(f"trying {trial.title}")
        try:
            attempt = trial.make(subject)
            tried = (
                Tried(name=name, title=trial.title, obstacle=attempt)
                if isinstance(attempt, str)
                else _timed(name, subject, attempt, rounds, seconds, monitor)
            )
        except Exception as error:  # the model's own code, and what torch refuses to copy or to compile
            told = " ".join(str(error).split())[:_LONGEST] or type(error).__name__
            tried = Tried(name=name, title=trial.title, obstacle=f"it failed: {told}")
        found.append(tried)
    return tuple(found)


def _timed(name: str, subject: Subject, attempt: Attempt, rounds: int, seconds: float, monitor: Monitor) -> Tried:
    as_it_is = subject.inputs.call(subject.model)
    difference = _difference(as_it_is(), attempt.run())
    runs = [
        TimedRun(key=(0, "hot"), name="the model as it is", call=as_it_is, clock=WallClock()),
        TimedRun(key=(1, "hot"), name=TRIALS[name].title, call=attempt.run, clock=attempt.clock),
    ]
    taken = take_turns(runs, rounds=rounds, seconds=seconds, monitor=monitor)
    before, after = taken.times[0, "hot"], taken.times[1, "hot"]
    ratio = speedup(before, after)
    return Tried(
        name=name,
        title=TRIALS[name].title,
        before_ms=summarise(before).median,
        after_ms=summarise(after).median,
        speedup=ratio.value,
        low=ratio.low,
        high=ratio.high,
        rounds=taken.rounds,
        difference=difference,
    )


def _attempt(subject: Subject, model: nn.Module) -> Attempt:
    return Attempt(subject.inputs.call(model.eval()), WallClock())


def _difference(one: Any, other: Any) -> float | None:
    """Return max |a - b| / max |a| of the first tensors of two answers; None where they are no floating tensors of one shape."""
    first, second = _first(one), _first(other)
    if first is None or second is None or first.shape != second.shape or not first.numel():
        return None
    first, second = first.double(), second.double()
    found = float((first - second).abs().max() / first.abs().max().clamp_min(1e-300))
    return found if found == found and found != float("inf") else None


def _first(value: Any) -> Tensor | None:
    if isinstance(value, Tensor):
        return value if value.is_floating_point() else None
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, tuple | list) else ()
    return next((found for part in parts if (found := _first(part)) is not None), None)


def _floated(value: Any) -> Any:
    return value.float() if isinstance(value, Tensor) and value.is_floating_point() else value
