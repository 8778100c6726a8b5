"""A whole model converted or sliced gives what the masked model gives."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from sparselab.core.errors import SparselabError
from sparselab.core.layout import Layout
from sparselab.core.mask import Mask
from sparselab.nn import BlockConv2d, BlockLinear, convert, largest_difference, masked, sliced
from tests.nn.networks import block_layout, channel_layout, matrix_shape, prunable, small_network


def layouts_for(model: nn.Module, make: object, names: list[str] | None = None) -> dict[str, Layout]:
    rng = np.random.default_rng(5)
    return {n: make(shape, rng) for n, shape in prunable(model).items() if names is None or n in names}  # type: ignore[operator]


@pytest.mark.parametrize("bias", [True, False])
def test_end_to_end_output_of_a_converted_model(bias: bool) -> None:
    model = small_network(bias=bias)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    layouts = layouts_for(model, block_layout)
    done = convert(model, layouts)
    assert set(done.swapped) == set(layouts)
    assert isinstance(done.model[0], BlockConv2d)
    assert isinstance(done.model[11], BlockLinear)
    assert largest_difference(done.model, masked(model, layouts), torch.randn(4, 3, 12, 12)) < 1e-4
    assert all(value.equal(before[name]) for name, value in model.state_dict().items()), "the original is left alone"


def test_layers_without_blocks_stay_dense_and_masked() -> None:
    model = small_network()
    shape = matrix_shape(model[3])
    kept = np.random.default_rng(0).random(shape) < 0.5
    layouts = layouts_for(model, block_layout, ["0"]) | {"3": Layout.masked(Mask(kept), Mask(kept), reason="pruned")}
    layouts["13"] = Layout.masked(Mask(np.ones((10, 24), bool)), Mask(np.ones((10, 24), bool)), reason="")
    done = convert(model, layouts, kernels={"0": "native-blocks"})
    assert done.swapped == ("0",)
    assert "pruned" in done.stayed["3"]
    assert done.stayed["13"] == "every weight is kept"
    assert largest_difference(done.model, masked(model, layouts), torch.randn(2, 3, 12, 12)) < 1e-4


def test_a_layer_may_be_told_to_stay_dense() -> None:
    model = small_network()
    layouts = layouts_for(model, block_layout, ["0", "3"])
    done = convert(model, layouts, kernels={"3": "conv2d"})
    assert done.swapped == ("0",)
    assert done.stayed == {"3": "dense was chosen"}


def test_names_that_are_no_layers() -> None:
    model = small_network()
    layout = block_layout((16, 27), np.random.default_rng(0))
    for name in ("nowhere", "1"):
        with pytest.raises(SparselabError, match="expected"):
            convert(model, {name: layout})
    with pytest.raises(SparselabError, match="expected a layout for a weight"):
        convert(model, {"3": layout})
    assert convert(model, {"0.weight": layout}).swapped == ("0.weight",)


def drop_normalisation(model: nn.Sequential, layouts: dict[str, Layout]) -> None:
    """Give dropped channels a normalisation without a bias, as a network trained without them has."""
    with torch.no_grad():
        for name, layout in layouts.items():
            dropped = torch.from_numpy(~layout.after.kept.any(axis=1))
            if model[int(name)].bias is not None:
                model[int(name)].bias[dropped] = 0.0
            follower = model[int(name) + 1]
            if isinstance(follower, nn.BatchNorm2d):
                follower.running_mean[dropped] = 0.0
                follower.bias[dropped] = -torch.rand(int(dropped.sum()))  # and a ReLU follows


def test_a_sliced_network_is_narrower_and_gives_the_same() -> None:
    model = small_network()
    layouts = layouts_for(model, channel_layout, ["0", "3", "7", "11"])
    drop_normalisation(model, layouts)
    done = sliced(model, layouts)
    assert done.channels == {"0": (8, 16), "3": (16, 32), "7": (24, 48), "11": (12, 24)}
    assert not done.stayed
    assert largest_difference(done.model, masked(model, layouts), torch.randn(4, 3, 12, 12)) < 1e-4
    shapes = [matrix_shape(m) for m in done.model.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert shapes == [(8, 27), (16, 72), (24, 16), (12, 96), (10, 12)]


def test_channels_that_carry_a_constant_stay() -> None:
    """A dropped channel is not 0 behind a BatchNorm with a positive bias; taking it out would change the answer."""
    model = small_network()
    layouts = layouts_for(model, channel_layout, ["3"])
    with torch.no_grad():
        model[4].running_mean.zero_()
        model[4].bias.fill_(0.5)
    done = sliced(model, layouts)
    assert "constant" in done.stayed["3"]
    assert largest_difference(done.model, masked(model, layouts), torch.randn(4, 3, 12, 12)) < 1e-6


class Residual(nn.Module):
    """A channel that is read twice cannot be taken out at one place alone."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.first(x))
        return x + self.second(x)


def test_a_residual_is_left_whole() -> None:
    model = Residual().eval()
    layouts = layouts_for(model, channel_layout, ["first", "second"])
    done = sliced(model, layouts)
    assert "several places" in done.stayed["first"]
    assert "alone" in done.stayed["second"] or "several" in done.stayed["second"]
    assert largest_difference(done.model, masked(model, layouts), torch.randn(1, 3, 6, 6)) < 1e-6


class Unruly(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x if x.sum() > 0 else -x


def test_a_model_that_cannot_be_traced_is_refused_in_words() -> None:
    with pytest.raises(SparselabError, match=r"torch\.fx"):
        sliced(Unruly(), {})


@pytest.mark.parametrize("others", [False, True])
def test_a_pruned_weight_is_made_permanent_in_the_copy(others: bool) -> None:
    model, x = small_network(), torch.randn(2, 3, 12, 12)
    prune.random_unstructured(model[3], "weight", 0.5)
    if others:
        prune.random_unstructured(model[11], "weight", 0.5)  # which no layout names: it stays under pruning
        prune.random_unstructured(model[11], "bias", 0.5)
    layouts = {"3": block_layout(matrix_shape(model[3]), np.random.default_rng(0))}
    done = convert(model, layouts)
    assert done.swapped == ("3",)
    assert prune.is_pruned(model[3])
    assert prune.is_pruned(done.model) == others
    reference = masked(model, layouts)
    assert torch.equal(reference[3].weight != 0, (model[3].weight != 0) & (reference[3].weight != 0))
    assert largest_difference(done.model, reference, x) < 1e-4


def test_in_inference_mode() -> None:
    model, x = small_network(), torch.randn(2, 3, 12, 12)
    layouts = layouts_for(model, block_layout)
    with torch.inference_mode():
        done = convert(model, layouts)
        assert torch.allclose(done.model(x), masked(model, layouts)(x), atol=1e-4)


def test_dilated_convolutions_stay_dense_with_a_reason() -> None:
    model = nn.Sequential(nn.Conv2d(8, 16, 3, dilation=2), nn.Conv2d(16, 8, 3, padding="same"))
    layouts = layouts_for(model.eval(), block_layout)
    done = convert(model, layouts)
    assert not done.swapped
    assert all("plain convolution" in why for why in done.stayed.values())
    assert largest_difference(done.model, masked(model, layouts), torch.randn(1, 8, 12, 12)) == 0


def test_what_a_swap_would_lose_stays_dense_with_a_reason() -> None:
    class Doubled(nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return 2 * super().forward(x)

    seen: list[torch.Tensor] = []
    twice = nn.Linear(24, 24)
    model = nn.Sequential(
        Doubled(24, 24), nn.Linear(24, 24), twice, nn.ReLU(), twice, nn.Linear(24, 24), nn.Linear(24, 24)
    )
    model[1].register_forward_hook(lambda _, __, y: seen.append(y))
    model[6].weight = model[5].weight
    layouts = layouts_for(model.eval(), block_layout)
    done = convert(model, layouts)
    assert not done.swapped
    assert "Doubled" in done.stayed["0"]
    assert "hooks" in done.stayed["1"]
    assert done.stayed["2"] == "its weight is shared: 2.weight, 4.weight"
    assert done.stayed["5"] == "its weight is shared: 5.weight, 6.weight"
    assert largest_difference(done.model, masked(model, layouts), torch.randn(3, 24)) == 0
    assert len(seen) == 2


def test_a_layer_called_twice_is_swapped_once() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(24, 24)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.layer(self.layer(x))

    model = Twice().eval()
    layouts = layouts_for(model, block_layout)
    done = convert(model, layouts)
    assert done.swapped == ("layer",)
    assert largest_difference(done.model, masked(model, layouts), torch.randn(3, 24)) < 1e-4
