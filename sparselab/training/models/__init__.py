"""The networks that are trained: one entry a model, listed here. Nothing imports torch before it builds."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sparselab.core.plugins import Registry
from sparselab.training.models.base import Builder, DropoutSettings, Model, check_model, prunable

if TYPE_CHECKING:
    from torch import nn


def _when_built(file: str, function: str) -> Builder:
    def build(*arguments: Any) -> nn.Module:
        builder: Builder = getattr(import_module(f"sparselab.training.models.{file}"), function)
        return builder(*arguments)

    return build


MODELS: Registry[Model] = Registry(
    "models",
    {
        "vgg-small": Model(
            "Small VGG, 5 convolutions",
            "after Simonyan & Zisserman, ICLR 2015; ours",
            _when_built("vgg", "vgg_small"),
            smallest=8,
        ),
        "vgg-small-plain": Model(
            "Small VGG without BatchNorm",
            "as vgg-small; for training in several processes, where BatchNorm would see part of a batch",
            _when_built("vgg", "vgg_small_plain"),
            smallest=8,
        ),
        "resnet20": Model("ResNet-20", "He et al., CVPR 2016, 4.2", _when_built("resnet", "resnet20")),
        "vgg16-bn": Model(
            "VGG-16 with BatchNorm",
            "Simonyan & Zisserman, ICLR 2015; one linear layer, as is usual on CIFAR",
            _when_built("vgg", "vgg16_bn"),
            smallest=32,
        ),
        "resnet18": Model("ResNet-18", "He et al., CVPR 2016", _when_built("resnet", "resnet18")),
        "resnet50": Model("ResNet-50", "He et al., CVPR 2016", _when_built("resnet", "resnet50")),
        "wrn-32-2": Model(
            "ResNet-32, doubled in width (WRN-32-2)",
            "Wang et al., ICLR 2020 (GraSP); the WRN-32-2 of Structure-LTH",
            _when_built("resnet", "wrn_32_2"),
        ),
        "wrn-22-2": Model(
            "Wide ResNet-22-2",
            "Zagoruyko & Komodakis, BMVC 2016; as in RigL",
            _when_built("wide_resnet", "wrn_22_2"),
            settings=DropoutSettings,
        ),
        "mobilenet-v1": Model(
            "MobileNet v1", "Howard et al., 2017, arXiv 1704.04861", _when_built("mobilenet", "mobilenet_v1")
        ),
    },
    check_model,
)

__all__ = ["MODELS", "Model", "prunable"]
