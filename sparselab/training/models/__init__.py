"""The networks that are trained: one entry a model, listed here. Nothing imports torch before it builds."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from sparselab.training.models.base import Model, prunable

if TYPE_CHECKING:
    from torch import nn


def _vgg_small(classes: int, channels: int, size: int, width: float) -> nn.Module:
    from sparselab.training.models.vgg import vgg_small

    return vgg_small(classes, channels, size, width)


def _vgg_small_plain(classes: int, channels: int, size: int, width: float) -> nn.Module:
    from sparselab.training.models.vgg import vgg_small

    return vgg_small(classes, channels, size, width, batch_norm=False)


MODELS: Mapping[str, Model] = MappingProxyType(
    {
        "vgg-small": Model("Small VGG", "after Simonyan & Zisserman, ICLR 2015", _vgg_small, smallest=8),
        "vgg-small-plain": Model("Small VGG without BatchNorm", "as vgg-small", _vgg_small_plain, smallest=8),
    }
)

__all__ = ["MODELS", "Model", "prunable"]
