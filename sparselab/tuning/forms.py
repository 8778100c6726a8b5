"""The forms of one network, ready to run and timed in turns: dense, masked, by the exact product, by its blocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from sparselab.benchmarking.statistics import FEWEST_ROUNDS, Ratio, speedup, summarise
from sparselab.benchmarking.timing import TimedRun, WallClock, take_turns
from sparselab.core.errors import SparselabError
from sparselab.core.layout import Layout
from sparselab.kernels.base import TOLERANCES
from sparselab.nn import convert, largest_difference
from sparselab.nn.converting import Converted
from sparselab.nn.permanent import copied
from sparselab.runtime.progress import SILENT, Monitor
from sparselab.training.network import Masks, Network, State
from sparselab.training.tasks import Data

TRAINED = ("dense", "masked", "structured")
FORMS = ("dense", "masked", "exact", "structured")
"""The exact form is the masked network, run by the exact kernel: the same weights, nothing dropped."""

_ROUNDS = 200
EXAMPLES = 64
"""Of a batch that is timed, where there is time for it."""

_CHECKS, _WARM_UP_CALLS = 5, 12
"""Calls before the timing: outputs compared, kernels built; and of every form until it is warm."""

_RUNS_AS = {"exact": "exact kernel in {}", "structured": "blocks in {}"}


@dataclass(frozen=True, eq=False)
class Ready:
    """The forms as they are run; how many layers of each run sparse; the structured one converted; `difference`: of outputs, relative."""

    models: Mapping[str, nn.Module]
    swapped: Mapping[str, int]
    converted: Converted
    difference: float

    def runs_as(self, form: str) -> str:
        """Return what multiplies in a form, in words."""
        count = self.swapped.get(form, 0)
        return _RUNS_AS.get(form, "dense").format(f"{count} layer{'s' * (count != 1)}")


@dataclass(frozen=True, eq=False)
class Times:
    """Milliseconds of a batch by form, a round each in turns."""

    by_form: Mapping[str, np.ndarray]
    seed: int

    def ms(self, form: str) -> float:
        """Return the median."""
        return summarise(self.by_form[form]).median

    def ratio(self, form: str, over: str = "dense") -> Ratio:
        """Return the time of `over` / the time of a form, with its 99 % interval."""
        return speedup(self.by_form[over], self.by_form[form], seed=self.seed)

    @property
    def rounds(self) -> int:
        return len(self.by_form["dense"])


def ready_forms(
    network: Network, batch: torch.Tensor, ended: Mapping[str, tuple[State, Masks]], layouts: Mapping[str, Layout]
) -> Ready:
    """Return each form as it would be run. batch: on which their outputs are compared. ended: weights and masks of `TRAINED`.

    Raises: SparselabError where a converted model does not give the outputs of the masked one.
    """
    network.restore(under(*ended["structured"]))
    converted = convert(network.model.eval(), layouts)
    difference = largest_difference(converted.model, network.model, batch)
    network.restore(under(*ended["masked"]))
    masked = copied(network.model).eval()
    exact = convert(masked)
    for found in (difference, largest_difference(exact.model, masked, batch)):
        if not found <= TOLERANCES["float32"]:
            raise SparselabError(
                f"expected the outputs of the masked model from its blocks; they differ by {found:.1e}: tune another transform"
            )
    network.restore(ended["dense"][0])
    models = {
        "dense": network.model,
        "masked": masked,
        "exact": _as_loaded(exact.model),
        "structured": _as_loaded(converted.model),
    }
    swapped = {"exact": len(exact.swapped), "structured": len(converted.swapped)}
    return Ready({name: model.eval() for name, model in models.items()}, swapped, converted, difference)


def _as_loaded(model: nn.Module) -> nn.Module:
    """Return a converted model with weights in torch's own order, as a file gives them: trained with channels innermost, which is
    quicker for dense convolutions, its layers would have to turn every input around."""
    return model.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload, no-any-return]


def time_forms(
    ready: Ready,
    batch: torch.Tensor,
    *,
    seed: int,
    seconds: float,
    monitor: Monitor = SILENT,
    forms: Sequence[str] = FORMS,
) -> Times:
    """Return the times of a batch, the forms in turns."""
    runs = [
        TimedRun(key=(place, "batch"), name=form, call=_call(ready.models[form], batch), clock=WallClock())
        for place, form in enumerate(forms)
    ]
    with torch.no_grad():
        taken = take_turns(runs, rounds=_ROUNDS, seconds=seconds, seed=seed, monitor=monitor)
    return Times({form: taken.times[place, "batch"] for place, form in enumerate(forms)}, seed)


def batch_within(seconds: float, example_seconds: float, data: Data, *, forms: int = len(FORMS)) -> int:
    """Return of how many test examples a batch is, so that the fewest turns that decide anything take at most `seconds`."""
    fits = int(seconds / max(fewest_turns(1, example_seconds, forms=forms), 1e-12))
    return max(1, min(fits, EXAMPLES, len(data.test)))


def fewest_turns(examples: int, example_seconds: float, *, forms: int = len(FORMS)) -> float:
    """Return the seconds of the fewest turns that decide anything, with what comes before them."""
    return examples * example_seconds * (_CHECKS + forms * (_WARM_UP_CALLS + 2 * FEWEST_ROUNDS))


def one_batch(network: Network, data: Data, examples: int = EXAMPLES) -> torch.Tensor:
    """Return the batch of test examples that is timed."""
    images, _ = data.test.batch(torch.arange(min(examples, len(data.test))), None)
    return images.to(network.device)


def under(state: State, masks: Masks) -> State:
    """Return weights that are 0 outside their masks."""
    covered = {f"{name}.weight": state[f"{name}.weight"] * mask for name, mask in masks.items()}
    return {**state, **covered}


def _call(model: nn.Module, batch: torch.Tensor) -> Callable[[], object]:
    def call() -> object:
        output = model(batch)
        if batch.is_cuda:
            torch.cuda.synchronize()
        return output

    return call
