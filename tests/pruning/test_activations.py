"""Channel features: means of each layer's own maps, by hand and against loops."""

import numpy as np
import pytest
import torch
from torch import nn

from sparselab.pruning.activations import channel_features


class Shared(nn.Module):
    """One linear layer called twice, another that does not reach the output."""

    def __init__(self) -> None:
        super().__init__()
        self.twice = nn.Linear(2, 2, bias=False)
        self.idle = nn.Linear(2, 1)

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        self.idle(batch)
        return self.twice(self.twice(batch))  # type: ignore[no-any-return]


def small() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(inplace=True),
        nn.Conv2d(4, 3, 3),
        nn.ReLU(inplace=True),
        nn.Flatten(),
        nn.Linear(3 * 16, 5),
    )


def test_every_layer_reads_its_own_maps() -> None:
    model, batch = small(), torch.randn(4, 2, 6, 6)
    features = channel_features(model, batch)
    assert {name: values.shape for name, values in features.items()} == {"0": (4, 3), "3": (3, 3), "6": (5, 3)}
    model.eval()
    with torch.no_grad():
        maps = {"0": model[0](batch), "3": model[3](model[:3](batch)), "6": model(batch)[:, :, None, None]}
    for name, values in features.items():
        for channel in range(len(values)):
            one = maps[name][:, channel].double().numpy()
            assert values[channel, 0] == pytest.approx(np.abs(one).mean(), rel=1e-5)
            assert values[channel, 1] == pytest.approx(np.sqrt((one**2).mean()), rel=1e-5)
        assert np.isnan(values[:, 2]).all()


def test_saliency_by_hand() -> None:
    """One channel, one example, two positions: a = (2 * 1, 2 * -3) = (2, -6), L = sum of a^2 / 2, so a * dL/da = a^2 and its
    mean is 20. For L = sum of a the products are a itself: mean -2, absolute 2, where the released code would have 8."""
    model = nn.Conv1d(1, 1, 1, bias=False)
    nn.init.constant_(model.weight, 2.0)
    batch = torch.tensor([[[1.0, -3.0]]])
    for loss, expected in ((lambda out: out.square().sum() / 2, 20.0), (lambda out: out.sum(), 2.0)):
        assert channel_features(model, batch, loss)[""].tolist() == [[4, pytest.approx(20**0.5), expected]]


def test_saliency_takes_the_absolute_value_of_each_example() -> None:
    """Two examples of means 3 and -1: their mean absolute value is 2, not |1|."""
    model = nn.Conv1d(1, 1, 1, bias=False)
    nn.init.ones_(model.weight)
    batch = torch.tensor([[[3.0, 3.0]], [[-1.0, -1.0]]])
    assert channel_features(model, batch, lambda out: out.sum())[""][0, 2] == 2


def test_positions_of_a_linear_layer_lie_between_batch_and_channels() -> None:
    model = nn.Linear(1, 2, bias=False)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[1.0], [-2.0]]))
    features = channel_features(model, torch.tensor([[[1.0], [2.0], [3.0]]]))[""]
    assert features[:, 0].tolist() == [2, 4]


def test_activations_in_place_do_not_reach_the_maps() -> None:
    model = nn.Sequential(nn.Conv1d(1, 1, 1, bias=False), nn.ReLU(inplace=True))
    nn.init.ones_(model[0].weight)
    features = channel_features(model, torch.tensor([[[-1.0, 1.0]]]), lambda out: out.sum())["0"]
    assert features.tolist() == [[1, 1, 0.5]]


def test_a_layer_called_twice_and_one_that_does_not_matter() -> None:
    model = Shared()
    with torch.no_grad():
        model.twice.weight.copy_(torch.tensor([[2.0, 0.0], [0.0, 1.0]]))
    features = channel_features(model, torch.ones(1, 2), lambda out: out.sum())
    # First call (2, 1), second (4, 1); dL/da is (2, 1) at the first and 1 at the second: products (4, 1) both times.
    assert features["twice"].tolist() == [[3, 3, 4], [1, 1, 1]]
    assert features["idle"][0, 2] == 0


@pytest.mark.parametrize("frozen", [False, True])
def test_the_model_is_left_as_it_was(frozen: bool) -> None:
    model = small()
    model[1].eval()
    for parameter in model.parameters():
        parameter.requires_grad_(not frozen)
    state = {name: value.clone() for name, value in model.state_dict().items()}
    features = channel_features(model, torch.randn(3, 2, 6, 6), lambda out: out.square().mean())
    assert all((values[:, 2] > 0).any() for values in features.values())
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert model.training
    assert not model[1].training
    assert not model[0]._forward_hooks
