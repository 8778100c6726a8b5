"""The networks of a tuning side by side: how good, and how fast on this machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from sparselab.core.errors import SparselabError
from sparselab.core.layout import Layout
from sparselab.nn.converting import Converted
from sparselab.runtime.progress import SILENT, Monitor
from sparselab.training.engine.checkpoint import read_checkpoint
from sparselab.training.engine.loop import evaluate
from sparselab.training.engine.stage_start import transformed_layouts
from sparselab.training.network import Masks, Network, State, tensor_of
from sparselab.training.runs.judging import judgement_text
from sparselab.training.runs.paths import RunPaths
from sparselab.training.runs.stages import REWIND, level_name
from sparselab.training.settings import TrainSettings
from sparselab.training.tasks import Data
from sparselab.tuning.forms import FORMS, TRAINED, ready_forms, time_forms, under


@dataclass(frozen=True, kw_only=True)
class TunedForm:
    """One form of the network: what it keeps, the task's metric on the test examples before and after training, and its time for a batch.

    `runs_as`: what multiplies. The exact form has the weights of the masked one, so its metric too; that its outputs are the same is checked. `speedup` is dense time / this time, with its 99 % interval; None of the dense one.
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
    say: Callable[[str], None] = lambda _text: None,
) -> Tuned:
    """Return how good and how fast the networks of both runs are; the runs have ended. seconds: how long is timed.

    say: hears the metrics before anything is timed, so that a stop loses none.

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
        network.restore(under(state, kept))
        return evaluate(network, data.test, data.metric, channels_last=settings.channels_last)

    before = {form: metric(start, begun[form]) for form in TRAINED}
    after = {form: metric(*ended[form]) for form in TRAINED}
    shown = ", ".join(f"{form} {judgement_text(data.metric.name, after[form])}" for form in TRAINED)
    say(f"{data.metric.name} after training: {shown}; timing now")
    ready = ready_forms(network, data, ended, layouts)
    times = time_forms(network, data, ready, seed=settings.seed, seconds=seconds, monitor=monitor)
    forms = []
    for form in FORMS:
        weights = "masked" if form == "exact" else form
        ratio = None if form == "dense" else times.ratio(form)
        forms.append(
            TunedForm(
                form=form,
                kept=sum(int(mask.sum()) for mask in ended[weights][1].values()),
                size=network.size,
                before=before[weights],
                after=after[weights],
                runs_as=ready.runs_as(form),
                ms=times.ms(form),
                speedup=None if ratio is None else ratio.value,
                interval=None if ratio is None else (ratio.low, ratio.high),
            )
        )
    return Tuned(tuple(forms), layouts, ready.converted, ready.difference, data.metric.name)


def _model(folder: Path, stage: str) -> tuple[State, Masks]:
    found = read_checkpoint(RunPaths(folder).model(stage))
    return found.part("model"), found.part("mask")
