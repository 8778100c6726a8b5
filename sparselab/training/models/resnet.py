"""Residual networks: convolution, BatchNorm, ReLU, with shortcuts round every two or three of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sparselab.training.models.parts import conv, initialised, scaled

_LARGEST_SMALL = 64  # up to this side images get the stem that keeps their size
_EXPANSION = 4  # of a bottleneck

Shortcut = Callable[[int, int, int], nn.Module]


def resnet20(classes: int, channels: int, size: int, width: float) -> nn.Module:
    """Return the ResNet-20 of CIFAR: 16, 32, 64 channels, shortcuts without parameters (option A).

    Source: He et al., CVPR 2016, 4.2 and Table 6 (0.27 M parameters).
    """
    return _cifar(3, (16, 32, 64), classes, channels, width, padded)


def wrn_32_2(classes: int, channels: int, size: int, width: float) -> nn.Module:
    """Return what Structure-LTH calls WRN-32-2: the ResNet-32 of CIFAR with every channel number doubled.

    A wide ResNet in the sense of Zagoruyko & Komodakis has 6n + 4 layers, and 32 is not one of those. 1.86 M parameters for 10 classes.
    Source: Wang et al., ICLR 2020 (GraSP), whose network the paper's code uses: shortcuts by 1 x 1 convolution and BatchNorm.
    """
    return _cifar(5, (32, 64, 128), classes, channels, width, projected)


def resnet18(classes: int, channels: int, size: int, width: float) -> nn.Module:
    """Return ResNet-18; modules bear the names they have in torchvision. Source: He et al., CVPR 2016, Table 1."""
    return _large(Basic, (2, 2, 2, 2), classes, channels, size, width)


def resnet50(classes: int, channels: int, size: int, width: float) -> nn.Module:
    """Return ResNet-50, the stride on the 3 x 3 convolution; modules bear the names they have in torchvision.

    Source: He et al., CVPR 2016, Table 1, there with the stride on the first 1 x 1; we side with torchvision, as the papers do.
    """
    return _large(Bottleneck, (3, 4, 6, 3), classes, channels, size, width)


def projected(inputs: int, outputs: int, stride: int) -> nn.Module:
    """Return a 1 x 1 convolution with BatchNorm, or nothing where the shapes agree (option B)."""
    if stride == 1 and inputs == outputs:
        return nn.Identity()
    return nn.Sequential(conv(inputs, outputs, 1, stride=stride), nn.BatchNorm2d(outputs))


def padded(inputs: int, outputs: int, stride: int) -> nn.Module:
    """Return every `stride`-th position, with channels of zeros on both sides (option A)."""
    return nn.Identity() if stride == 1 and inputs == outputs else Padded(outputs - inputs, stride)


class Padded(nn.Module):
    """A shortcut without parameters."""

    def __init__(self, extra: int, stride: int) -> None:
        super().__init__()
        self.extra, self.stride = extra, stride

    def forward(self, inputs: Tensor) -> Tensor:
        """Return fewer positions and more channels."""
        before = self.extra // 2
        thinned = inputs[:, :, :: self.stride, :: self.stride]
        return F.pad(thinned, (0, 0, 0, 0, before, self.extra - before))


class Basic(nn.Module):
    """Two 3 x 3 convolutions and a shortcut."""

    def __init__(self, inputs: int, middle: int, outputs: int, stride: int, shortcut: Shortcut) -> None:
        super().__init__()
        self.conv1, self.bn1 = conv(inputs, middle, stride=stride), nn.BatchNorm2d(middle)
        self.conv2, self.bn2 = conv(middle, outputs), nn.BatchNorm2d(outputs)
        self.downsample = shortcut(inputs, outputs, stride)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return relu(convolutions + shortcut)."""
        hidden = F.relu(self.bn1(self.conv1(inputs)))
        return F.relu(self.bn2(self.conv2(hidden)) + self.downsample(inputs))


class Bottleneck(nn.Module):
    """1 x 1, 3 x 3 and 1 x 1 convolutions and a shortcut."""

    def __init__(self, inputs: int, middle: int, outputs: int, stride: int, shortcut: Shortcut) -> None:
        super().__init__()
        self.conv1, self.bn1 = conv(inputs, middle, 1), nn.BatchNorm2d(middle)
        self.conv2, self.bn2 = conv(middle, middle, stride=stride), nn.BatchNorm2d(middle)
        self.conv3, self.bn3 = conv(middle, outputs, 1), nn.BatchNorm2d(outputs)
        self.downsample = shortcut(inputs, outputs, stride)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return relu(convolutions + shortcut)."""
        hidden = F.relu(self.bn1(self.conv1(inputs)))
        hidden = F.relu(self.bn2(self.conv2(hidden)))
        return F.relu(self.bn3(self.conv3(hidden)) + self.downsample(inputs))


class ResNet(nn.Module):
    """A stem, stages of blocks of which each but the first halves the image, the mean over positions, one linear layer."""

    def __init__(
        self,
        block: type[Basic] | type[Bottleneck],
        counts: Sequence[int],
        widths: Sequence[int],
        shortcut: Shortcut,
        *,
        channels: int,
        classes: int,
        halving_stem: bool,
    ) -> None:
        super().__init__()
        inputs = widths[0]
        self.conv1 = conv(channels, inputs, 7, stride=2) if halving_stem else conv(channels, inputs)
        self.bn1 = nn.BatchNorm2d(inputs)
        self.maxpool = nn.MaxPool2d(3, 2, padding=1) if halving_stem else nn.Identity()
        expansion = _EXPANSION if block is Bottleneck else 1
        stages = []
        for number, (count, width) in enumerate(zip(counts, widths, strict=True)):
            blocks = []
            for place in range(count):
                stride = 2 if number and not place else 1
                blocks.append(block(inputs, width, width * expansion, stride, shortcut))
                inputs = width * expansion
            stages.append(nn.Sequential(*blocks))
        for number, stage in enumerate(stages, start=1):
            self.add_module(f"layer{number}", stage)
        self.stages = len(stages)
        self.fc = nn.Linear(inputs, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits, n x classes."""
        hidden = self.maxpool(F.relu(self.bn1(self.conv1(images))))
        for number in range(1, self.stages + 1):
            hidden = self.get_submodule(f"layer{number}")(hidden)
        logits: Tensor = self.fc(torch.mean(hidden, dim=(2, 3)))
        return logits


def _cifar(
    count: int, widths: tuple[int, ...], classes: int, channels: int, width: float, shortcut: Shortcut
) -> nn.Module:
    chosen = [scaled(number, width) for number in widths]
    counts = [count] * len(chosen)
    return initialised(ResNet(Basic, counts, chosen, shortcut, channels=channels, classes=classes, halving_stem=False))


def _large(
    block: type[Basic] | type[Bottleneck],
    counts: tuple[int, ...],
    classes: int,
    channels: int,
    size: int,
    width: float,
) -> nn.Module:
    chosen = [scaled(number, width) for number in (64, 128, 256, 512)]
    halving = size > _LARGEST_SMALL
    return initialised(
        ResNet(block, counts, chosen, projected, channels=channels, classes=classes, halving_stem=halving)
    )
