"""The networks: published sizes, the layers masks may cover, the same seed the same weights."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from sparselab.core.errors import SettingError
from sparselab.training.models import MODELS, prunable
from sparselab.training.settings import TrainSettings

NARROW = 0.125


def small(name: str, classes: int = 10, channels: int = 1) -> nn.Module:
    torch.manual_seed(0)
    return MODELS[name].build(classes, channels, max(8, MODELS[name].smallest), NARROW)


# Parameters, and where the number is printed or how it comes about. BatchNorm's scale and shift count, its buffers do not.
PUBLISHED = {
    "resnet20": ((10, 3, 32), 269_722),  # 0.27 M: He et al., Table 6
    "resnet18": ((10, 3, 32), 11_173_962),  # 11.17 M: the usual CIFAR version
    "resnet50": ((1000, 3, 224), 25_557_032),  # 25.56 M: torchvision
    "vgg16-bn": ((10, 3, 32), 14_724_042),  # 14.7 M; 4,224 biases fewer than versions that keep them before BatchNorm
    "mobilenet-v1": ((1000, 3, 224), 4_231_976),  # 4.2 M: Howard et al., Table 8
    "wrn-32-2": ((10, 3, 32), 1_860_522),  # ResNet-32 (0.46 M) with four times the weights, and two projections
    "wrn-22-2": ((10, 3, 32), 1_079_642),  # stages of 3 blocks: 1.08 M
    "vgg-small": ((10, 1, 24), 246_394),  # 9 (16 + 16*32 + 32*64 + 64*128 + 128*128) + 2*368 + 1,290
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameter_counts(name: str) -> None:
    arguments, expected = PUBLISHED[name]
    assert sum(p.numel() for p in MODELS[name].build(*arguments).parameters()) == expected


@pytest.mark.parametrize("name", MODELS)
def test_every_weight_that_can_be_pruned_takes_part(name: str) -> None:
    model = small(name)
    side = max(8, MODELS[name].smallest)
    logits = model(torch.randn(4, 1, side, side))
    assert logits.shape == (4, 10)
    logits.square().sum().backward()
    parts = dict(model.named_modules())
    for layer in prunable(model, first=True, head=True):
        gradient = parts[layer].weight.grad
        assert gradient is not None, layer
        assert gradient.isfinite().all(), layer
        assert gradient.abs().sum() > 0, layer


@pytest.mark.parametrize("name", MODELS)
def test_the_first_convolution_and_the_head_are_in_or_out(name: str) -> None:
    model = small(name)
    both = prunable(model, first=True, head=True)
    parts = dict(model.named_modules())
    assert [layer for layer in parts if isinstance(parts[layer], nn.Conv2d | nn.Linear)] == list(both)
    assert prunable(model, first=False, head=True) == both[1:]
    assert prunable(model, first=True, head=False) == both[:-1]
    assert prunable(model, first=False, head=False) == both[1:-1]
    assert isinstance(parts[both[0]], nn.Conv2d)
    assert parts[both[0]].in_channels == 1
    assert isinstance(parts[both[-1]], nn.Linear)
    assert parts[both[-1]].out_features == 10


def test_layers_are_found_by_type_in_any_network() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))
    assert prunable(model, first=False, head=False) == ("1",)
    assert prunable(nn.Sequential(nn.Conv2d(1, 2, 1), nn.ConvTranspose2d(2, 2, 1)), first=True, head=True) == ("0",)
    assert prunable(nn.ReLU(), first=True, head=True) == ()


@pytest.mark.parametrize("name", MODELS)
def test_the_same_seed_gives_the_same_weights(name: str) -> None:
    one, two = small(name).state_dict(), small(name).state_dict()
    assert list(one) == list(two)
    assert all(torch.equal(one[key], two[key]) for key in one)


def test_convolutions_start_as_kaiming_normal_fan_out() -> None:
    torch.manual_seed(0)
    model = MODELS["vgg16-bn"].build(10, 3, 32)
    wide = max((part for part in model.modules() if isinstance(part, nn.Conv2d)), key=lambda part: part.weight.numel())
    expected = math.sqrt(2 / (wide.out_channels * 9))
    assert wide.weight.std().item() == pytest.approx(expected, rel=0.01)


def test_one_network_is_without_batchnorm() -> None:
    assert not [part for part in small("vgg-small-plain").modules() if isinstance(part, nn.BatchNorm2d)]
    assert [part for part in small("vgg-small").modules() if isinstance(part, nn.BatchNorm2d)]


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "mobilenet-v1"])
def test_small_images_keep_their_size_in_the_stem(name: str) -> None:
    def first(size: int) -> nn.Conv2d:
        model = MODELS[name].build(10, 3, size, 0.05)
        return next(part for part in model.modules() if isinstance(part, nn.Conv2d))

    assert first(64).stride == (1, 1)
    assert first(64).kernel_size == (3, 3)
    assert first(224).stride == (2, 2)


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_residual_networks_bear_the_names_of_torchvision(name: str) -> None:
    keys = set(MODELS[name].build(10, 3, 224, 0.05).state_dict())
    wanted = {"conv1.weight", "bn1.running_mean", "layer1.1.bn2.bias", "layer4.0.downsample.0.weight", "fc.weight"}
    assert wanted <= keys
    assert "layer4.0.downsample.1.running_var" in keys
    assert not [
        key for key in keys if key.split(".")[0] not in {"conv1", "bn1", "fc", *(f"layer{i}" for i in range(1, 5))}
    ]


@pytest.mark.parametrize("shape", [(2, 4), (4, 7)])
def test_the_shortcut_without_parameters_thins_and_pads(shape: tuple[int, int]) -> None:
    from sparselab.training.models.resnet import padded

    inputs, outputs = shape
    images = torch.randn(2, inputs, 6, 6)
    answer = padded(inputs, outputs, 2)(images)
    before = (outputs - inputs) // 2
    assert answer.shape == (2, outputs, 3, 3)
    assert torch.equal(answer[:, before : before + inputs], images[:, :, ::2, ::2])
    answer[:, before : before + inputs] = 0
    assert not answer.any()


@pytest.mark.parametrize("arguments", [(1, 1, 24, 1.0), (10, 0, 24, 1.0), (10, 1, 24, 0.0), (10, 1, 7, 1.0)])
def test_what_no_network_can_be_is_refused(arguments: tuple[int, int, int, float]) -> None:
    with pytest.raises(SettingError, match="expected"):
        MODELS["vgg-small"].build(*arguments)


WITH_SETTINGS = [name for name in MODELS if MODELS[name].settings is not None]


@pytest.mark.parametrize("name", WITH_SETTINGS)
def test_dropout_is_off_by_default_and_changes_training_alone(name: str) -> None:
    model = MODELS[name]
    assert model.settings is not None
    networks, images = [], torch.randn(4, 1, 8, 8)
    for dropout in (None, 0.0, 0.5):
        torch.manual_seed(0)
        chosen = None if dropout is None else model.settings(dropout=dropout)
        networks.append(model.build(10, 1, 8, NARROW, chosen))
    plain, none, half = networks
    states = [network.state_dict() for network in networks]
    assert states[0].keys() == states[2].keys()
    assert all(torch.equal(states[0][key], states[2][key]) for key in states[0])
    assert torch.equal(plain.eval()(images), half.eval()(images))
    torch.manual_seed(1)
    one = half.train()(images)
    assert torch.equal(plain.train()(images), none.train()(images))
    torch.manual_seed(1)
    assert torch.equal(half(images), one)
    assert not torch.equal(half(images), one)
    for refused in (-0.1, 1.0):
        with pytest.raises(SettingError, match="dropout"):
            model.build(10, 1, 8, NARROW, model.settings(dropout=refused))


def test_settings_of_a_network_are_given_as_text() -> None:
    assert TrainSettings(model="wrn-22-2", model_settings="dropout=0.3").model_values().dropout == 0.3
    with pytest.raises(SettingError, match=r"wrn-22-2: expected name=value with one of dropout; got 'depth=3'"):
        TrainSettings(model="wrn-22-2", model_settings="depth=3")
    with pytest.raises(SettingError, match="dropout"):
        TrainSettings(model="wrn-22-2", model_settings="dropout=2")
