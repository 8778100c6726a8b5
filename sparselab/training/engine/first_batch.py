"""Code of one's own, tried on two examples before a run begins: what does not fit together is said then."""

from __future__ import annotations

import torch

from sparselab.core.errors import SettingError
from sparselab.training.engine.loop import loss_of
from sparselab.training.network import Network
from sparselab.training.tasks import Data


@torch.no_grad()
def try_out(network: Network, data: Data) -> None:
    """Take two examples of every split through the network, its loss and its metric; nothing of the network changes.

    Raises: SettingError where the outputs do not fit the targets.
    """
    before = network.capture()
    network.model.eval()
    with torch.random.fork_rng(devices=[]):
        for split in (data.train, data.validation, data.test):
            inputs, targets = split.batch(torch.arange(min(2, len(split))))
            outputs = network.model(inputs.to(network.device))
            _check_outputs(outputs, targets, data)
            loss = loss_of(data)(outputs, targets.to(network.device))
            if loss.numel() != 1:
                raise SettingError(f"expected a loss that is one number; got shape {tuple(loss.shape)}")
            data.metric.of(outputs.cpu(), targets)
    network.restore(before)


def _check_outputs(outputs: object, targets: torch.Tensor, data: Data) -> None:
    if not isinstance(outputs, torch.Tensor):
        raise SettingError(f"expected a network that returns a tensor; it returned {type(outputs).__name__}")
    if data.loss is not None:
        return
    if targets.ndim != 1 or targets.is_floating_point():
        raise SettingError(
            f"expected targets that are classes, one whole number an example; got {targets.dtype} of shape "
            f"{tuple(targets.shape[1:])} each: give the task's Data a loss and a metric"
        )
    if outputs.ndim != 2 or len(outputs) != len(targets):
        raise SettingError(
            f"expected outputs of shape ({len(targets)}, classes) for {len(targets)} examples; got {tuple(outputs.shape)}: "
            "give the task's Data a loss and a metric"
        )
    if int(targets.min()) < 0 or int(targets.max()) >= outputs.shape[1]:
        raise SettingError(
            f"expected classes from 0 to {outputs.shape[1] - 1}, as many as the network has outputs; got "
            f"{int(targets.max())}"
        )
