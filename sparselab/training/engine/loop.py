"""The training loop: from one step to another, under a updater, with a look around every few steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch.nn import functional as F

from sparselab.core.errors import SettingError, SparselabError
from sparselab.training.engine.batch_order import Order
from sparselab.training.engine.distributed import SINGLE_PROCESS, ProcessGroup
from sparselab.training.engine.optimizer import AdamW, Sgd, clip
from sparselab.training.network import Network
from sparselab.training.schedule import Schedule
from sparselab.training.seeds import derive
from sparselab.training.settings import TrainSettings
from sparselab.training.tasks import Data, Metric, Split
from sparselab.training.tasks.base import in_order
from sparselab.training.updaters import MaskUpdater, Step

LOOKS_PER_EPOCH, MOST_BETWEEN_LOOKS = 10, 50
_EVALUATED_AT_ONCE = 500


@dataclass
class TrainingProgress:
    """How far a training is: the next step, and the summed loss of the epoch under way and of the last stretch."""

    step: int
    epoch_loss: float = 0.0
    epoch_steps: int = 0
    stretch_loss: float = 0.0
    stretch_steps: int = 0
    news: list[dict[str, Any]] = field(default_factory=list)


class Trainer:
    """A network, its optimizer and the updater of its masks, on their way from step to step.

    Raises: SparselabError from `advance` when the loss is no longer a number.
    """

    def __init__(
        self,
        *,
        network: Network,
        updater: MaskUpdater,
        settings: TrainSettings,
        schedule: Schedule,
        data: Data,
        processes: ProcessGroup = SINGLE_PROCESS,
        l1: float = 0.0,
    ) -> None:
        self.network, self.updater, self.settings, self.schedule, self.data = network, updater, settings, schedule, data
        self.processes, self.l1 = processes, l1
        self.parameters = [parameter for parameter in network.model.parameters() if parameter.requires_grad]
        places = {id(parameter): place for place, parameter in enumerate(self.parameters)}
        self.prunable = [places[id(weight)] for weight in network.weights.values()]
        undecayed = self.prunable if updater.decays_weights else ()
        self.optimizer = _optimizer(settings, self.parameters, undecayed)
        self.order = Order(images=len(data.train), batch=settings.batch, seed=settings.seed)

    @property
    def velocities(self) -> list[torch.Tensor]:
        """Momentum of the prunable weights."""
        return [self.optimizer.velocities[place] for place in self.prunable]

    def advance(self, progress: TrainingProgress, stop: int, look: Callable[[TrainingProgress], None]) -> None:
        """Train from `progress.step` to `stop`; call `look` every stretch of steps and at the end of every epoch."""
        between = max(1, min(MOST_BETWEEN_LOOKS, self.schedule.per_epoch // LOOKS_PER_EPOCH))
        total = torch.zeros((), device=self.network.device)
        self.network.model.train()
        with _own_generator(self.network.device):
            while progress.step < stop:
                total += self._step(progress.step)
                progress.step += 1
                progress.stretch_steps += 1
                place = progress.step % self.schedule.per_epoch
                if place % between == 0 or progress.step == stop:
                    self._account(progress, self.processes.mean_of(total))
                    total.zero_()
                    look(progress)
                    progress.stretch_loss, progress.stretch_steps = 0.0, 0
                    self.network.model.train()

    def _account(self, progress: TrainingProgress, loss: float) -> None:
        if not math.isfinite(loss):
            raise SparselabError(
                f"expected a finite loss; it was {loss} before step {progress.step}: lower lr, or give it warmup_epochs"
            )
        progress.stretch_loss = loss
        progress.epoch_loss += loss
        progress.epoch_steps += progress.stretch_steps
        progress.news += self.updater.news()

    def _step(self, step: int) -> torch.Tensor:
        self.updater.before(step)
        images, labels = self._batch(step)
        # What a network draws, for dropout say, follows from the step: so it is the same when a run is resumed.
        torch.manual_seed(derive(self.settings.seed, "network", step, self.processes.rank))
        with torch.autocast("cuda", torch.bfloat16, enabled=self.settings.amp and self.network.device.type == "cuda"):
            loss = loss_of(self.data, self.settings.label_smoothing)(self.network.model(images), labels)
        # A parameter that the loss does not hang on has a gradient of 0.
        slopes = torch.autograd.grad(loss, self.parameters, allow_unused=True, materialize_grads=True)
        gradients = self.processes.averaged(list(slopes))
        if self.l1:
            for place in self.prunable:
                gradients[place].add_(self.parameters[place].detach().sign(), alpha=self.l1)
        if self.settings.clip is not None:
            clip(gradients, self.settings.clip)
        mine = [gradients[place] for place in self.prunable]
        seen = Step(step, mine, self.velocities)
        if self.updater.update(seen):
            self.optimizer.step(gradients, self.schedule.rate(step))
            self.updater.after(seen)
        return loss.detach().float()

    def _batch(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        images, labels = self.data.train.batch(self.order.indices(step), self.order.augmentation(step))
        images, labels = self.processes.share(images), self.processes.share(labels)
        images = _in_memory(images, channels_last=self.settings.channels_last)
        device = self.network.device
        return images.to(device, non_blocking=True), labels.to(device, non_blocking=True)


def loss_of(data: Data, smoothing: float = 0.0) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """Return what training lowers: the task's own loss, or cross entropy, with labels smoothed (Szegedy et al., CVPR 2016).

    Raises: SettingError for smoothing and a loss of the task's own.
    """
    if data.loss is None:
        return partial(F.cross_entropy, label_smoothing=smoothing)
    if smoothing:
        raise SettingError("label_smoothing: expected 0, for the task has a loss of its own")
    return data.loss


def _optimizer(settings: TrainSettings, parameters: Sequence[torch.Tensor], undecayed: Sequence[int]) -> Sgd | AdamW:
    if settings.optimizer == "adamw":
        return AdamW(parameters, momentum=settings.momentum, decay=settings.weight_decay, undecayed=undecayed)
    return Sgd(
        parameters,
        momentum=settings.momentum,
        decay=settings.weight_decay,
        undecayed=undecayed,
        nesterov=settings.nesterov,
    )


@torch.no_grad()
def evaluate(network: Network, split: Split, metric: Metric, *, channels_last: bool) -> float:
    """Return the metric of a network on a split, with BatchNorm in eval. Raises: SparselabError when it is not finite."""
    network.model.eval()
    total = 0.0
    for inputs, targets in in_order(split, _EVALUATED_AT_ONCE):
        outputs = network.model(_in_memory(inputs, channels_last=channels_last).to(network.device)).cpu()
        values = metric.of(outputs, targets)
        if values.shape[:1] != targets.shape[:1]:
            raise SettingError(
                f"{metric.name}: expected one number an example, {len(targets)} in all; got shape {tuple(values.shape)}"
            )
        total += float(values.double().flatten(1).mean(dim=1).sum() if values.ndim > 1 else values.double().sum())
    value = float(metric.finish(total / len(split)))
    if not math.isfinite(value):
        raise SparselabError(f"{metric.name}: expected a finite number; it was {value}")
    return value


def _in_memory(inputs: torch.Tensor, *, channels_last: bool) -> torch.Tensor:
    """Return inputs with channels innermost where that is asked for and they are images, n x C x H x W."""
    if channels_last and inputs.ndim == 4:
        return inputs.contiguous(memory_format=torch.channels_last)
    return inputs


@contextmanager
def _own_generator(device: torch.device) -> Iterator[None]:
    """Let the block draw from torch's global generators, and leave them as they were."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        yield
