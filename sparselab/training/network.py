"""A network under training: its weights that masks cover, and its whole state, taken and put back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn

from sparselab.core.errors import SettingError
from sparselab.core.layer import Layer
from sparselab.core.mask import Mask
from sparselab.training.models import prunable
from sparselab.training.named import NO_CODE, Code, build_model
from sparselab.training.seeds import derive
from sparselab.training.settings import TrainSettings
from sparselab.training.tasks import Data

State = dict[str, torch.Tensor]
"""Parameters and buffers by name, on the CPU, contiguous, nobody else's."""
Masks = dict[str, torch.Tensor]
"""What is kept of every prunable weight, by module name: bool, of the weight's shape, on the CPU."""


@dataclass(frozen=True, eq=False)
class Network:
    """A model on its device. `weights` are those that masks cover, by module name, in order of registration."""

    model: nn.Module
    weights: Mapping[str, nn.Parameter]
    device: torch.device

    @property
    def full(self) -> Masks:
        """Masks that keep every weight."""
        return {name: torch.ones(weight.shape, dtype=torch.bool) for name, weight in self.weights.items()}

    @property
    def size(self) -> int:
        """Number of prunable weights."""
        return sum(weight.numel() for weight in self.weights.values())

    def capture(self) -> State:
        """Return a copy of all parameters and buffers."""
        return {
            name: value.detach().to("cpu", copy=True).contiguous() for name, value in self.model.state_dict().items()
        }

    @torch.no_grad()
    def restore(self, state: State) -> None:
        """Set all parameters and buffers to those of `state`, bit for bit. Raises: SettingError when names or shapes differ."""
        own = self.model.state_dict()
        if {k: v.shape for k, v in own.items()} != {k: v.shape for k, v in state.items()}:
            raise SettingError("expected the weights of this very network; names or shapes differ")
        for name, value in own.items():
            value.copy_(state[name])


def build_network(settings: TrainSettings, data: Data, device: torch.device, code: Code = NO_CODE) -> Network:
    """Return the network with the fresh weights that belong to the seed, and leave torch's generator as it was.

    Raises: SettingError when the settings leave no layer to prune, or the network does not take such images.
    """
    model = _drawn(derive(settings.seed, "weights"), settings, data, code)
    names = prunable(model, first=settings.prune_first, head=settings.prune_head)
    if not names:
        raise SettingError(
            f"expected at least one prunable layer in {settings.model}: Conv1d, Conv2d or Linear beside the first convolution and the "
            "last linear layer; prune_first or prune_head adds these"
        )
    model = model.to(device)
    if settings.channels_last and all(parameter.ndim <= 4 for parameter in model.parameters()):
        model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Network(model, {name: model.get_submodule(name).weight for name in names}, device)  # type: ignore[misc]


def drawn_anew(settings: TrainSettings, data: Data, level: int, code: Code = NO_CODE) -> State:
    """Return fresh weights with a seed of their own, which belongs to the run's seed and the level."""
    model = _drawn(derive(settings.seed, "weights anew", level), settings, data, code)
    return {name: value.detach().clone().contiguous() for name, value in model.state_dict().items()}


def _drawn(seed: int, settings: TrainSettings, data: Data, code: Code) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build_model(settings, data, code)


def layers_of(network: Network, masks: Masks, *, state: State, rewound: State) -> list[Layer]:
    """Return every prunable layer with its mask, its weights of `state` (0 where dropped) and its weights of `rewound`."""
    found = []
    for name, kept in masks.items():
        module = network.model.get_submodule(name)
        mask = mask_of(kept)
        weight, early = (values[f"{name}.weight"].reshape(mask.shape).numpy() for values in (state, rewound))
        convolution = module if isinstance(module, nn.Conv1d | nn.Conv2d) else None
        found.append(
            Layer(
                name,
                mask,
                weight * mask.kept,
                early,
                kernel_shape=None if convolution is None else tuple(kept.shape[2:]),
                stride=1 if convolution is None else int(convolution.stride[0]),
                padding=0 if convolution is None else padding_of(convolution)[0],
                groups=1 if convolution is None else convolution.groups,
            )
        )
    return found


def padding_of(convolution: nn.Conv1d | nn.Conv2d) -> tuple[int, ...]:
    """Return the zeros before each axis: torch writes them as numbers, or as a word.

    Example: >>> padding_of(nn.Conv2d(1, 1, (3, 5), padding="same")), padding_of(nn.Conv1d(1, 1, 3, padding=2))
             ((1, 2), (2,))
    """
    if isinstance(convolution.padding, str):
        half = 1 if convolution.padding == "same" else 0
        sizes = zip(convolution.dilation, convolution.kernel_size, strict=True)
        return tuple(half * (dilation * (kernel - 1) // 2) for dilation, kernel in sizes)
    return tuple(convolution.padding)


def mask_of(kept: torch.Tensor) -> Mask:
    """Return the mask of a weight as a matrix out x (in * kh * kw)."""
    return Mask(kept.reshape(kept.shape[0], -1).numpy())


def tensor_of(mask: Mask, like: torch.Tensor) -> torch.Tensor:
    """Return a mask in the shape of a weight."""
    return torch.from_numpy(mask.kept.copy()).reshape(like.shape)
