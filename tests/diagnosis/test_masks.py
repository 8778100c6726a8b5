"""However a mask is applied at every call, it is seen; what is no mask is not taken for one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrize, prune

from sparselab.diagnosis import diagnose
from tests.diagnosis.machine import seen


class Masked(nn.Module):
    """A linear layer whose weight a function of weight and mask computes at every call."""

    def __init__(self, apply: Callable[[Tensor, Tensor], Tensor], *, as_buffer: bool = True) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.randn(64, 96) / 10)
        mask = (torch.rand(64, 96) < 0.2).float()
        if as_buffer:
            self.register_buffer("mask", mask)
        else:
            self.mask = mask
        self.apply_mask = apply

    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(x, self.apply_mask(self.kernel, self.mask))


class Convolved(nn.Module):
    """A convolution of a masked kernel, and the mask a parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(16, 8, 3, 3))
        self.mask = nn.Parameter((torch.rand(16, 8, 3, 3) < 0.3).float(), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        return functional.conv2d(x, self.mask * self.weight, padding=1)


class Multiplied(nn.Module):
    """x @ (W * M) and no call of functional.linear."""

    def __init__(self, *, einsum: bool) -> None:
        super().__init__()
        self.w, self.einsum = nn.Parameter(torch.randn(96, 64)), einsum
        self.register_buffer("m", torch.rand(96, 64) < 0.2)

    def forward(self, x: Tensor) -> Tensor:
        return torch.einsum("bi,io->bo", x, self.w * self.m) if self.einsum else x @ (self.w * self.m)


class Gated(nn.Module):
    """Channels set to zero after they were computed."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(8, 16, 3, padding=1)
        self.register_buffer("alive", (torch.arange(16) % 2).float())

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(x) * self.alive[:, None, None]
        return y


class Constant(nn.Module):
    """A parametrization: a constant mask."""

    def __init__(self, mask: Tensor) -> None:
        super().__init__()
        self.register_buffer("mask", mask)

    def forward(self, weight: Tensor) -> Tensor:
        return weight * self.mask


def parametrized() -> nn.Module:
    layer = nn.Linear(96, 64)
    parametrize.register_parametrization(layer, "weight", Constant((torch.rand(64, 96) < 0.2).float()))
    return layer


def hooked() -> nn.Module:
    layer = nn.Linear(96, 64)
    mask = (torch.rand(64, 96) < 0.2).float()

    def apply(module: Any, _args: Any) -> None:
        module.weight.data.mul_(mask)

    layer.register_forward_pre_hook(apply)
    return layer


MASKS: dict[str, Callable[[], nn.Module]] = {
    "multiplied": lambda: Masked(lambda w, m: w * m),
    "mask first": lambda: Masked(lambda w, m: m * w),
    "plain attribute": lambda: Masked(lambda w, m: w * m, as_buffer=False),
    "bool": lambda: Masked(lambda w, m: w * m.bool()),
    "where": lambda: Masked(lambda w, m: torch.where(m > 0, w, torch.zeros_like(w))),
    "masked_fill": lambda: Masked(lambda w, m: w.masked_fill(m == 0, 0.0)),
    "by size": lambda: Masked(lambda w, _m: w * (w.abs() > 0.1)),
    "packed anew": lambda: Masked(lambda w, m: (w * m).to_sparse().to_dense()),
    "convolution": Convolved,
    "matmul": lambda: Multiplied(einsum=False),
    "einsum": lambda: Multiplied(einsum=True),
    "parametrization": parametrized,
    "hook": hooked,
    "channels": Gated,
}


@pytest.mark.parametrize("name", MASKS)
def test_a_mask_at_every_call_is_the_first_cause(name: str) -> None:
    torch.manual_seed(0)
    model = MASKS[name]()
    x = torch.randn(1, 8, 12, 12) if name in ("convolution", "channels") else torch.randn(32, 96)
    findings = diagnose(seen(model, x))
    assert findings[0].cause == "own-mask"
    before = {key: value.clone() for key, value in model.state_dict().items()}
    seen(model, x)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items()), (
        "a model is left as it was"
    )


def test_pairs_are_told_from_masks_of_ones_own_and_both_are_named() -> None:
    model = nn.Sequential(nn.Linear(96, 96), Masked(lambda w, m: w * m))
    prune.random_unstructured(model[0], "weight", amount=0.5)
    found = {finding.cause: finding.layers for finding in diagnose(seen(model, torch.randn(32, 96)))}
    assert found["prune-pairs"] == ("0.weight",)
    assert found["own-mask"] == ("1.kernel",)


@pytest.mark.parametrize("turned", [False, True])
def test_a_weight_is_read_out_by_in_however_it_lies(turned: bool) -> None:
    model = Multiplied(einsum=False)
    if turned:
        model.forward = lambda x: x @ (model.w.t() * model.m.t()).t()  # type: ignore[method-assign]
    (layer,) = seen(model, torch.randn(32, 96)).layers
    assert layer.shape == (64, 96)
    assert layer.positions == 32
    assert layer.density == pytest.approx(float(model.m.float().mean()))


def test_a_layer_counts_once_however_often_it_is_called() -> None:
    layer = nn.Linear(64, 64)
    model = nn.Sequential(layer, nn.ReLU(), layer)
    assert len(seen(model, torch.randn(8, 64)).layers) == 1
