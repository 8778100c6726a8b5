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
from sparselab.training.runs.judging import judgement_of, judgement_text
from sparselab.training.runs.paths import RunPaths
from sparselab.training.runs.records import read_json
from sparselab.training.runs.stages import REWIND, level_name
from sparselab.training.settings import TrainSettings
from sparselab.training.tasks import ACCURACY, Data
from sparselab.tuning.forms import FORMS, TRAINED, one_batch, ready_forms, time_forms, under
from sparselab.tuning.intervals import accuracy_interval, constant_accuracy, difference_interval
from sparselab.tuning.record import TuneRecord


@dataclass(frozen=True, kw_only=True)
class TunedForm:
    """One form of the network: what it keeps, the task's metric on `examples` test examples before and after training, and its time for
    a batch.

    `runs_as`: what multiplies. The exact form has the weights of the masked one, so its metric too; that its outputs are the same is
    checked. `speedup` is dense time / this time, with its 99 % interval; None of the dense one. `after_interval`: of an accuracy, 99 %,
    for the examples alone, not for other seeds; `over_masked`: the same of after - the masked form's; None of any other metric.
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
    examples: int = 0
    after_interval: tuple[float, float] | None = None
    over_masked: tuple[float, float] | None = None


@dataclass(frozen=True, eq=False)
class Tuned:
    """The forms of a tuning, its converted model, and how many examples a timed batch has; `difference`: of the outputs, relative.

    `constant`: the accuracy of answering every test example with their most frequent class; None of any other metric.
    """

    forms: tuple[TunedForm, ...]
    converted: Converted
    difference: float
    metric: str
    batch: int
    constant: float | None = None

    def as_json(self) -> dict[str, Any]:
        """Return what is told of it, as plain values."""
        return {
            "metric": self.metric,
            "batch": self.batch,
            "constant": self.constant,
            "forms": [asdict(form) for form in self.forms],
            "swapped": list(self.converted.swapped),
            "stayed": dict(self.converted.stayed),
            "difference": self.difference,
        }


def measure(
    settings: TrainSettings,
    network: Network,
    data: Data,
    record: TuneRecord,
    timed: Mapping[str, Any],
    *,
    monitor: Monitor = SILENT,
    say: Callable[[str], None] = lambda _text: None,
) -> Tuned:
    """Return how good and how fast the networks of both runs of a tuning are; the runs have ended.

    What was found before a stop is taken from the record: the layouts, the metrics before training; those after it are results of the
    runs. timed: "seconds" in turns, and how many "examples" a batch has. say: hears the metrics before anything is timed.

    Raises: SparselabError where the converted model does not give the outputs of the masked one.
    """
    masked, dense = record.folder / "masked", record.folder / "dense"
    (item,) = settings.follow_ups
    name = level_name(0)
    stages = {"dense": (dense, name), "masked": (masked, name), "structured": (masked, f"{name}-{item.label}")}
    ended = {form: _model(*stage) for form, stage in stages.items()}
    begun = _model(masked, REWIND)
    layouts = _layouts(settings, network, data, record, begun[0], ended["masked"], monitor)
    for layer, layout in layouts.items():
        mask = ended["structured"][1][layer]
        if not torch.equal(tensor_of(layout.after, mask), mask.bool()):
            raise SparselabError(f"{layer}: expected the layout that was trained; got another: tune anew")
    kept = {"dense": network.full, "masked": begun[1], "structured": ended["structured"][1]}
    monitor.progress("evaluating")
    before = _judged_before(settings, network, data, record, begun[0], kept)
    after = {form: _result(*stage) for form, stage in stages.items()}
    shown = ", ".join(f"{form} {judgement_text(data.metric.name, after[form])}" for form in TRAINED)
    say(f"{data.metric.name} after training: {shown}; timing now")
    batch = one_batch(network, data, timed["examples"])
    ready = ready_forms(network, batch, ended, layouts)
    times = time_forms(ready, batch, seed=settings.seed, seconds=timed["seconds"], monitor=monitor)
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
                examples=len(data.test),
                **_intervals(data, after[weights], None if weights == "masked" else after["masked"]),
            )
        )
    constant = constant_accuracy(data.test) if data.metric.name == ACCURACY.name else None
    return Tuned(tuple(forms), ready.converted, ready.difference, data.metric.name, len(batch), constant)


def _layouts(
    settings: TrainSettings,
    network: Network,
    data: Data,
    record: TuneRecord,
    start: State,
    ticket: tuple[State, Masks],
    monitor: Monitor,
) -> dict[str, Layout]:
    """Return what the transform made of the masked network: as it was kept when it was trained, else made anew."""
    kept = record.layouts()
    if kept is None:
        (item,) = settings.follow_ups
        found = transformed_layouts(settings, network, data, item=item, rewound=start, ticket=ticket, monitor=monitor)
        kept = {layer.name: layout for layer, layout in found}
        record.keep_layouts(kept)
    return kept


def _judged_before(
    settings: TrainSettings, network: Network, data: Data, record: TuneRecord, start: State, kept: Mapping[str, Masks]
) -> dict[str, float]:
    """Return the metric at the checkpoint's weights under each form's masks. Each is written down at once, and equal weights are judged once."""
    found: dict[str, float] = dict(record.told["before"] or {})
    states = {form: under(start, kept[form]) for form in TRAINED}
    for form, state in states.items():
        if form in found:
            continue
        same = next((other for other in found if _equal(states[other], state)), None)
        if same is None:
            network.restore(state)
            found[form] = evaluate(network, data.test, data.metric, channels_last=settings.channels_last)
        else:
            found[form] = found[same]
        record.add(before=found)
    return found


def _equal(one: State, other: State) -> bool:
    return all(torch.equal(value, other[name]) for name, value in one.items())


def _intervals(data: Data, after: float, masked: float | None) -> dict[str, tuple[float, float]]:
    """Return the intervals of an accuracy; {} of another metric, of which one number says nothing of its spread."""
    if data.metric.name != ACCURACY.name:
        return {}
    examples = len(data.test)
    found = {"after_interval": accuracy_interval(after, examples)}
    return found if masked is None else found | {"over_masked": difference_interval(after, masked, examples)}


def _model(folder: Path, stage: str) -> tuple[State, Masks]:
    found = read_checkpoint(RunPaths(folder).model(stage))
    return found.part("model"), found.part("mask")


def _result(folder: Path, stage: str) -> float:
    """Return the test metric that a run found when a stage ended."""
    entries = read_json(RunPaths(folder).results)["stages"]
    return judgement_of(next(entry for entry in entries if entry["stage"] == stage)).test
