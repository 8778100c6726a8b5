"""Which channels may be taken out: every step that does not treat each alone must keep them, in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from sparselab.nn import largest_difference, masked, sliced
from tests.nn.networks import channel_layout, matrix_shape


class Net(nn.Module):
    """A module for each name, and how they are called."""

    def __init__(self, how: Callable[[Net, Tensor], Tensor], **modules: nn.Module) -> None:
        super().__init__()
        self.how = how
        for name, module in modules.items():
            self.add_module(name, module)

    def forward(self, x: Tensor) -> Tensor:
        return self.how(self, x)


def conv(before: int, after: int, side: int = 3, **more: object) -> nn.Conv2d:
    return nn.Conv2d(before, after, side, padding=side // 2, bias=False, **more)  # type: ignore[arg-type]


def linear(before: int, after: int) -> nn.Linear:
    return nn.Linear(before, after, bias=False)


class PlusOne(nn.Conv2d):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + 1


IMAGE, TOKENS = (2, 3, 8, 8), (2, 5, 8)
TAKEN_OUT: Mapping[str, tuple[nn.Module, tuple[int, ...]]] = {
    "mean over the map": (Net(lambda s, x: s.b(s.a(x).mean((2, 3))), a=conv(3, 8), b=linear(8, 5)), IMAGE),
    "the same from behind": (Net(lambda s, x: s.b(s.a(x).mean(dim=(-1, -2))), a=conv(3, 8), b=linear(8, 5)), IMAGE),
    "mean, kept": (Net(lambda s, x: s.b(s.a(x).mean((2, 3), keepdim=True)), a=conv(3, 8), b=conv(8, 5)), IMAGE),
    "flatten": (Net(lambda s, x: s.b(s.a(x).flatten(1)), a=conv(3, 8), b=linear(512, 5)), IMAGE),
    "flatten by name": (
        Net(lambda s, x: s.b(torch.flatten(s.a(x), start_dim=1)), a=conv(3, 8), b=linear(512, 5)),
        IMAGE,
    ),
    "norm of the batch": (
        Net(
            lambda s, x: s.b(s.n(s.a(x)).relu()),
            a=conv(3, 8),
            n=nn.BatchNorm2d(8, track_running_stats=False),
            b=conv(8, 4),
        ),
        IMAGE,
    ),
    "ReLU in place": (Net(lambda s, x: s.b(functional.relu(s.a(x), inplace=True)), a=conv(3, 8), b=conv(8, 4)), IMAGE),
    "pool by function": (Net(lambda s, x: s.b(functional.avg_pool2d(s.a(x), 2)), a=conv(3, 8), b=conv(8, 4)), IMAGE),
    "tokens": (Net(lambda s, x: s.b(s.a(x).relu()), a=linear(8, 16), b=linear(16, 4)), TOKENS),
}
LEFT_WHOLE: Mapping[str, tuple[nn.Module, tuple[int, ...]]] = {
    "flatten of the map": (Net(lambda s, x: s.b(s.a(x).flatten(2)), a=conv(3, 8), b=linear(64, 5)), IMAGE),
    "flatten of all": (Net(lambda s, x: s.b(s.a(x).flatten()), a=conv(3, 8), b=linear(1024, 5)), IMAGE),
    "Flatten(0)": (
        nn.Sequential(conv(3, 8), nn.AdaptiveAvgPool2d(1), nn.Flatten(0), linear(16, 5)),
        IMAGE,
    ),
    "mean over channels": (Net(lambda s, x: s.b(s.a(x).mean(1)), a=conv(3, 8), b=linear(8, 5)), IMAGE),
    "mean over width": (Net(lambda s, x: s.b(s.a(x).mean(-1)), a=conv(3, 8), b=linear(8, 5)), IMAGE),
    "mean over all": (Net(lambda s, x: s.b(s.a(x).mean().expand(1, 8)), a=conv(3, 8), b=linear(8, 5)), IMAGE),
    "linear over width": (nn.Sequential(conv(3, 8), nn.ReLU(), linear(8, 5)), IMAGE),
    "view": (Net(lambda s, x: s.b(s.a(x).view(2, -1)), a=conv(3, 8), b=linear(512, 5)), IMAGE),
    "softmax": (Net(lambda s, x: s.b(torch.softmax(s.a(x), 1)), a=conv(3, 8), b=conv(8, 5)), IMAGE),
    "called twice": (Net(lambda s, x: s.b(s.a(s.a(x))), a=conv(3, 3), b=conv(3, 4)), IMAGE),
    "reader called twice": (
        Net(lambda s, x: s.b(s.a(x)) + s.b(s.c(x)), a=conv(3, 8), c=conv(3, 8), b=conv(8, 4)),
        IMAGE,
    ),
    "norm called twice": (
        Net(
            lambda s, x: s.b(s.n(s.a(x)).relu()) + s.n(s.c(x)).sum(),
            a=conv(3, 8),
            n=nn.BatchNorm2d(8),
            c=conv(3, 8),
            b=conv(8, 4),
        ),
        IMAGE,
    ),
    "weight read elsewhere": (Net(lambda s, x: s.b(s.a(x)) + s.a.weight.mean(), a=conv(3, 8), b=conv(8, 4)), IMAGE),
    "grouped": (nn.Sequential(conv(4, 8, groups=2), nn.ReLU(), conv(8, 4)), (2, 4, 8, 8)),
    "read in groups": (nn.Sequential(conv(3, 8), nn.ReLU(), conv(8, 8, groups=8)), IMAGE),
    "a reader of its own kind": (nn.Sequential(conv(3, 8), nn.ReLU(), PlusOne(8, 4, 3)), IMAGE),
    "tokens flattened": (nn.Sequential(linear(8, 16), nn.Flatten(), linear(80, 4)), TOKENS),
    "tokens averaged": (Net(lambda s, x: s.b(s.a(x).mean(1)), a=linear(8, 16), b=linear(16, 4)), TOKENS),
    "tokens normalised": (nn.Sequential(linear(8, 16), nn.BatchNorm1d(5), linear(16, 4)), TOKENS),
    "features as a map": (nn.Sequential(linear(8, 3), nn.ReLU(), conv(3, 4)), (2, 3, 8, 8)),
}


def slice_first(model: nn.Module, shape: tuple[int, ...]) -> tuple[dict[str, str], dict[str, tuple[int, int]]]:
    """Slice the first layer by half; return why it stayed and what is left. The outputs must be the masked model's."""
    name = next(iter(dict(model.named_children())))
    layout = channel_layout(matrix_shape(model.get_submodule(name)), np.random.default_rng(1))
    done = sliced(model.eval(), {name: layout})
    torch.manual_seed(0)
    assert largest_difference(done.model, masked(model, {name: layout}), torch.randn(shape)) < 1e-5
    return dict(done.stayed), dict(done.channels)


@pytest.mark.parametrize("case", TAKEN_OUT)
def test_channels_are_taken_out(case: str) -> None:
    stayed, channels = slice_first(*TAKEN_OUT[case])
    assert not stayed
    ((left, before),) = channels.values()
    assert left == before // 2


@pytest.mark.parametrize("case", LEFT_WHOLE)
def test_channels_are_left_in(case: str) -> None:
    stayed, channels = slice_first(*LEFT_WHOLE[case])
    assert not channels
    assert len(stayed) == 1


def test_a_constant_averaged_at_a_border_is_none() -> None:
    """A bias averaged with the padding is less at the border; normalisation makes 0 of it in the middle alone."""
    first, norm = nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8)
    with torch.no_grad():
        first.bias.fill_(1.0)
        norm.running_mean.fill_(1.0)
    stayed, _ = slice_first(nn.Sequential(first, nn.AvgPool2d(3, 1, 1), norm, conv(8, 4)), IMAGE)
    assert "constant" in stayed["0"]
