"""Modules that run a layout, and a whole model's layers swapped for them."""

from sparselab.nn.choosing import LayerChoice
from sparselab.nn.conv1d import BlockConv1d
from sparselab.nn.conv2d import BlockConv2d
from sparselab.nn.converting import Converted, convert, masked
from sparselab.nn.dense_again import dense
from sparselab.nn.linear import BlockLinear
from sparselab.nn.loading import load
from sparselab.nn.reporting import LayerReport
from sparselab.nn.saving import SavedLayouts, load_layouts, save_layouts
from sparselab.nn.slicing import Sliced, sliced
from sparselab.nn.support.calling import largest_difference

__all__ = [
    "BlockConv1d",
    "BlockConv2d",
    "BlockLinear",
    "Converted",
    "LayerChoice",
    "LayerReport",
    "SavedLayouts",
    "Sliced",
    "convert",
    "dense",
    "largest_difference",
    "load",
    "load_layouts",
    "masked",
    "save_layouts",
    "sliced",
]
