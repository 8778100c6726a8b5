"""VGG: stacks of 3 x 3 convolutions between max pools, global average pooling, one linear layer."""

from __future__ import annotations

from torch import nn

from sparselab.training.models.parts import Classifier, conv, initialised, scaled

_SMALL = (16, "pool", 32, "pool", 64, "pool", 128, 128)
_SIXTEEN = (64, 64, "pool", 128, 128, "pool", 256, 256, 256, "pool", 512, 512, 512, "pool", 512, 512, 512, "pool")


def vgg_small(classes: int, channels: int, size: int, width: float) -> nn.Module:
    """Return five convolutions with BatchNorm and a linear layer."""
    return _vgg(_SMALL, classes, channels, width, batch_norm=True)


def vgg_small_plain(classes: int, channels: int, size: int, width: float) -> nn.Module:
    """Return five convolutions with biases, no BatchNorm, and a linear layer."""
    return _vgg(_SMALL, classes, channels, width, batch_norm=False)


def vgg16_bn(classes: int, channels: int, size: int, width: float) -> nn.Module:
    """Return VGG-16 with BatchNorm as it is used on CIFAR: 13 convolutions, one linear layer."""
    return _vgg(_SIXTEEN, classes, channels, width, batch_norm=True)


def _vgg(plan: tuple[int | str, ...], classes: int, channels: int, width: float, *, batch_norm: bool) -> nn.Module:
    layers: list[nn.Module] = []
    for step in plan:
        if isinstance(step, str):
            layers.append(nn.MaxPool2d(2))
            continue
        outputs = scaled(step, width)
        layers.append(conv(channels, outputs, bias=not batch_norm))
        if batch_norm:
            layers.append(nn.BatchNorm2d(outputs))
        layers.append(nn.ReLU(inplace=True))
        channels = outputs
    return initialised(Classifier(nn.Sequential(*layers), channels, classes))
