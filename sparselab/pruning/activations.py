"""What the channels of a network do on a batch: the means of their feature maps that channel scores need."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sparselab.pruning.scores import CHANNEL_FEATURES

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

LossOf = Callable[["torch.Tensor"], "torch.Tensor"]
"""From the model's output on the batch to a scalar."""


def channel_features(
    model: torch.nn.Module, batch: torch.Tensor, loss: LossOf | None = None
) -> dict[str, NDArray[np.float64]]:
    """Return the features of every convolution and linear layer of `model`, by module name: channels x 3.

    With a[b, c, p] what the layer itself puts out (before any normalisation or activation) for example b and position p:

        feature-l1   mean over b, p of |a|
        feature-l2   square root of the mean over b, p of a^2
        saliency     mean over b of |mean over p of a * dL/da|; NaN without a `loss`

    A linear layer has its channels last; what lies between batch and channels are positions. A layer called several times
    counts the mean of its calls. The model runs in eval mode; its modes, parameters, gradients and hooks are left as they were.

    Source: Structure-LTH (ICML 2022), Sec. 3.2; Molchanov et al., ICLR 2017, Eq. 8 (saliency). Differs from the released code
    of the former, which reads the first layer's maps for every layer, reshapes across the batch, and sums |a * dL/da|
    without a mean inside; we side with the papers.
    """
    import torch

    outputs: dict[str, list[torch.Tensor]] = {}
    with torch.set_grad_enabled(loss is not None), _evaluating(model), _recording(model, outputs):
        result = model(batch)
        value = None if loss is None else loss(result)
    every = [output for calls in outputs.values() for output in calls]
    slopes = iter([None] * len(every) if value is None else torch.autograd.grad(value, every, allow_unused=True))
    linear = {name for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)}
    features = {}
    for name, calls in outputs.items():
        parts = [_features(output.detach(), next(slopes), name in linear, value is None) for output in calls]
        features[name] = torch.stack(parts).mean(dim=0).cpu().numpy()
    return features


def _features(
    output: torch.Tensor, slope: torch.Tensor | None, channels_last: bool, without_loss: bool
) -> torch.Tensor:
    """Return the three columns of one call. A layer that does not reach the loss has no slope: its saliency is 0."""
    import torch

    maps = _by_channel(output, channels_last)
    taylor = torch.zeros_like(maps) if slope is None else maps * _by_channel(slope, channels_last)
    saliency = taylor.mean(dim=2).abs().mean(dim=0)
    if without_loss:
        saliency = torch.full_like(saliency, torch.nan)
    columns = {
        "feature-l1": maps.abs().mean(dim=(0, 2)),
        "feature-l2": maps.square().mean(dim=(0, 2)).sqrt(),
        "saliency": saliency,
    }
    return torch.stack([columns[name] for name in CHANNEL_FEATURES], dim=1)


def _by_channel(values: torch.Tensor, channels_last: bool) -> torch.Tensor:
    """Return a layer's output as float64 batch x channels x positions."""
    import torch

    if channels_last:
        values = values.movedim(-1, 1)
    return values.to(torch.float64).reshape(values.shape[0], values.shape[1], -1)


@contextmanager
def _evaluating(model: torch.nn.Module) -> Iterator[None]:
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode


@contextmanager
def _recording(model: torch.nn.Module, outputs: dict[str, list[torch.Tensor]]) -> Iterator[None]:
    import torch

    kinds = (torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Conv3d, torch.nn.Linear)

    def recorder(name: str) -> Callable[[Any, Any, torch.Tensor], torch.Tensor]:
        def record(_module: Any, _inputs: Any, output: torch.Tensor) -> torch.Tensor:
            if torch.is_grad_enabled() and not output.requires_grad:
                output.requires_grad_()  # a frozen network has slopes too
            outputs.setdefault(name, []).append(output)
            return output.clone()  # an activation in place must not overwrite what we read

        return record

    with ExitStack() as hooks:
        for name, module in model.named_modules():
            if isinstance(module, kinds):
                hooks.enter_context(module.register_forward_hook(recorder(name)))
        yield
