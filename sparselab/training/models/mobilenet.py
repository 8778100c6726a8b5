"""MobileNet v1: a 3 x 3 convolution of every channel by itself, then a 1 x 1 convolution of them all, 13 times."""

from __future__ import annotations

from torch import nn

from sparselab.training.models.parts import Classifier, conv, initialised, scaled

_PLAN = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *((512, 1),) * 5, (1024, 2), (1024, 1))
_LARGEST_SMALL = 64  # up to this side the stem keeps the images' size


def mobilenet_v1(classes: int, channels: int, size: int, width: float) -> nn.Module:
    """Return MobileNet v1. Images of up to 64 pixels get a stem of stride 1, as is usual on CIFAR.

    Source: Howard et al., 2017 (arXiv 1704.04861), Table 1 (4.2 M parameters for ImageNet).
    """
    inputs = scaled(32, width)
    layers = [*_active(conv(channels, inputs, stride=1 if size <= _LARGEST_SMALL else 2))]
    for step, stride in _PLAN:
        outputs = scaled(step, width)
        layers += _active(conv(inputs, inputs, stride=stride, groups=inputs))
        layers += _active(conv(inputs, outputs, 1))
        inputs = outputs
    return initialised(Classifier(nn.Sequential(*layers), inputs, classes))


def _active(convolution: nn.Conv2d) -> list[nn.Module]:
    return [convolution, nn.BatchNorm2d(convolution.out_channels), nn.ReLU(inplace=True)]
