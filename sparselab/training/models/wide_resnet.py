"""Wide residual networks: BatchNorm and ReLU come before each convolution."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from sparselab.training.models.base import DropoutSettings
from sparselab.training.models.parts import Classifier, conv, initialised, scaled


def wrn_22_2(classes: int, channels: int, size: int, width: float, settings: DropoutSettings) -> nn.Module:
    """Return WRN-22-2: three stages of three blocks, 32, 64 and 128 channels, a stem of 16.

    Source: Zagoruyko & Komodakis, BMVC 2016; the network of RigL's CIFAR experiments, which drop .3 inside every block.
    """
    inputs = scaled(16, width)
    layers: list[nn.Module] = [conv(channels, inputs)]
    for number, stage in enumerate((32, 64, 128)):
        for place in range(3):
            outputs = scaled(stage, width)
            layers.append(PreActivated(inputs, outputs, 2 if number and not place else 1, settings.dropout))
            inputs = outputs
    layers += [nn.BatchNorm2d(inputs), nn.ReLU(inplace=True)]
    return initialised(Classifier(nn.Sequential(*layers), inputs, classes))


class PreActivated(nn.Module):
    """BatchNorm, ReLU, 3 x 3 convolution, twice; where channels change, the shortcut is a 1 x 1 convolution after the first ReLU.

    Dropout comes before the second convolution (Zagoruyko & Komodakis, 2.4).
    """

    def __init__(self, inputs: int, outputs: int, stride: int, dropout: float) -> None:
        super().__init__()
        self.dropout = dropout
        self.bn1, self.conv1 = nn.BatchNorm2d(inputs), conv(inputs, outputs, stride=stride)
        self.bn2, self.conv2 = nn.BatchNorm2d(outputs), conv(outputs, outputs)
        changes = stride != 1 or inputs != outputs
        self.shortcut = conv(inputs, outputs, 1, stride=stride) if changes else None

    def forward(self, inputs: Tensor) -> Tensor:
        """Return convolutions + shortcut."""
        active = F.relu(self.bn1(inputs))
        middle = F.relu(self.bn2(self.conv1(active)))
        hidden: Tensor = self.conv2(F.dropout(middle, self.dropout, self.training) if self.dropout else middle)
        return hidden + (inputs if self.shortcut is None else self.shortcut(active))
