"""The networks of a tuning side by side: how good, and how fast on this machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from sparselab.benchmarking.statistics import speedup, summarise
from sparselab.benchmarking.timing import TimedRun, WallClock, take_turns
from sparselab.core.errors import SparselabError
from sparselab.core.layout import Layout
from sparselab.kernels.base import TOLERANCES
from sparselab.nn import convert, largest_difference
from sparselab.nn.converting import Converted
from sparselab.runtime.progress import SILENT, Monitor
from sparselab.training.engine.checkpoint import read_checkpoint
from sparselab.training.engine.loop import evaluate
from sparselab.training.engine.stage_start import transformed_layouts
from sparselab.training.network import Masks, Network, State, tensor_of
from sparselab.training.runs.paths import RunPaths
from sparselab.training.runs.stages import REWIND, level_name
from sparselab.training.settings import TrainSettings
from sparselab.training.tasks import Data

_ROUNDS, _IMAGES = 200, 64
FORMS = ("dense", "masked", "structured")
_RUNS_AS = {"dense": "dense", "masked": "exact kernel in {}", "structured": "blocks in {}"}


@dataclass(frozen=True, kw_only=True)
class TunedForm:
    """One network: what it keeps, the task's metric on the test examples before and after training, and its time for a batch.

    `runs_as`: what multiplies. `speedup` is dense time / this time, with its 99 % interval; None of the dense one.
    """

    form: str
    kept: int
    size: int
    before: float
    after: float
    runs_as: str
    ms: float
    speedup: float | None = None
    interval: tuple[float, float] | None = None


@dataclass(frozen=True, eq=False)
class Tuned:
    """The forms of a tuning, the layouts of the structured one, and its converted model; `difference`: of the outputs, relative."""

    forms: tuple[TunedForm, ...]
    layouts: Mapping[str, Layout]
    converted: Converted
    difference: float
    metric: str

    def as_json(self) -> dict[str, Any]:
        """Return what is told of it, as plain values."""
        return {
            "metric": self.metric,
            "forms": [asdict(form) for form in self.forms],
            "swapped": list(self.converted.swapped),
            "stayed": dict(self.converted.stayed),
            "difference": self.difference,
        }


def measure(
    settings: TrainSettings,
    network: Network,
    data: Data,
    masked: Path,
    dense: Path,
    *,
    seconds: float,
    monitor: Monitor = SILENT,
) -> Tuned:
    """Return how good and how fast the networks of both runs are; the runs have ended. seconds: how long is timed.

    Raises: SparselabError where the converted model does not give the outputs of the masked one.
    """
    (item,) = settings.follow_ups
    name = level_name(0)
    ended = {
        "dense": _model(dense, name),
        "masked": _model(masked, name),
        "structured": _model(masked, f"{name}-{item.label}"),
    }
    start, masks = _model(masked, REWIND)
    layers = transformed_layouts(
        settings, network, data, item=item, rewound=start, ticket=ended["masked"], monitor=monitor
    )
    layouts = {layer.name: layout for layer, layout in layers}
    for layer, layout in layers:
        if not torch.equal(
            tensor_of(layout.after, ended["structured"][1][layer.name]), ended["structured"][1][layer.name].bool()
        ):
            raise SparselabError(f"{layer.name}: expected the layout that was trained; got another: tune anew")
    begun = {"dense": network.full, "masked": masks, "structured": ended["structured"][1]}
    monitor.progress("evaluating")

    def metric(state: State, kept: Masks) -> float:
        network.restore(_under(state, kept))
        return evaluate(network, data.test, data.metric, channels_last=settings.channels_last)

    before = {form: metric(start, begun[form]) for form in FORMS}
    after = {form: metric(*ended[form]) for form in FORMS}
    models, swapped, converted, difference = _models(network, data, ended, layouts)
    times = _times(network, data, models, settings.seed, seconds, monitor)
    forms = []
    for form in FORMS:
        ratio = None if form == "dense" else speedup(times["dense"], times[form], seed=settings.seed)
        kept = ended[form][1]
        forms.append(
            TunedForm(
                form=form,
                kept=sum(int(mask.sum()) for mask in kept.values()),
                size=network.size,
                before=before[form],
                after=after[form],
                runs_as=_RUNS_AS[form].format(f"{swapped[form]} layer{'s' * (swapped[form] != 1)}"),
                ms=summarise(times[form]).median,
                speedup=None if ratio is None else ratio.value,
                interval=None if ratio is None else (ratio.low, ratio.high),
            )
        )
    return Tuned(tuple(forms), layouts, converted, difference, data.metric.name)


def _models(
    network: Network, data: Data, ended: Mapping[str, tuple[State, Masks]], layouts: Mapping[str, Layout]
) -> tuple[dict[str, nn.Module], dict[str, int], Converted, float]:
    """Return each form as it would be run, how many layers run sparse, the converted model, and how far its outputs are off.

    The masked one runs by exact kernels where they pay, the structured one by its blocks.
    """
    network.restore(_under(*ended["structured"]))
    converted = convert(network.model.eval(), layouts)
    difference = largest_difference(converted.model, network.model, _batch(network, data))
    if not difference <= TOLERANCES["float32"]:
        raise SparselabError(
            f"expected the outputs of the masked model from its blocks; they differ by {difference:.1e}: tune another transform"
        )
    network.restore(_under(*ended["masked"]))
    exact = convert(network.model)
    network.restore(ended["dense"][0])
    models = {"dense": network.model, "masked": exact.model.eval(), "structured": converted.model.eval()}
    swapped = {"dense": 0, "masked": len(exact.swapped), "structured": len(converted.swapped)}
    return models, swapped, converted, difference


def _times(
    network: Network, data: Data, models: Mapping[str, nn.Module], seed: int, seconds: float, monitor: Monitor
) -> dict[str, np.ndarray]:
    batch = _batch(network, data)
    network.model.eval()
    runs = [
        TimedRun(key=(place, "batch"), name=form, call=_call(models[form], batch), clock=WallClock())
        for place, form in enumerate(FORMS)
    ]
    with torch.no_grad():
        taken = take_turns(runs, rounds=_ROUNDS, seconds=seconds, seed=seed, monitor=monitor)
    return {form: taken.times[place, "batch"] for place, form in enumerate(FORMS)}


def _call(model: nn.Module, batch: torch.Tensor) -> Callable[[], object]:
    def call() -> object:
        output = model(batch)
        if batch.is_cuda:
            torch.cuda.synchronize()
        return output

    return call


def _batch(network: Network, data: Data) -> torch.Tensor:
    images, _ = data.test.batch(torch.arange(min(_IMAGES, len(data.test))), None)
    return images.to(network.device)


def _model(folder: Path, stage: str) -> tuple[State, Masks]:
    found = read_checkpoint(RunPaths(folder).model(stage))
    return found.part("model"), found.part("mask")


def _under(state: State, masks: Masks) -> State:
    """Return weights that are 0 outside their masks."""
    covered = {f"{name}.weight": state[f"{name}.weight"] * mask for name, mask in masks.items()}
    return {**state, **covered}
