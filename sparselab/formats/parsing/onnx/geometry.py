"""Stride, padding and groups of a convolution in an ONNX graph."""

from __future__ import annotations

from sparselab.formats.base import ConvGeometry
from sparselab.formats.parsing.onnx.graph import Node

_CONVOLUTIONS = {"Conv", "QLinearConv", "com.microsoft/FusedConv"}
_MAX_NUMBER = 2**16
_OPEN = ": its stride and padding are left open"


def geometry_of(node: Node, rows: int) -> tuple[ConvGeometry | None, str]:
    """Return the geometry of a convolution of so many outputs, None for other nodes; and what of it is not told, "" if all is.

    Strides, paddings or dilations that differ by direction, dilation and automatic padding have no place in a geometry: then
    its groups alone are told, and None without groups. The stride of a ConvTranspose is another thing, and not told.
    """
    if node.op not in _CONVOLUTIONS:
        return None, ""
    groups = node.number("group", 1)
    if groups < 1 or rows % groups:
        return None, "groups that do not divide its rows: its geometry is left open"
    rest = ConvGeometry(groups=groups) if groups > 1 else None
    strides, pads = node.numbers("strides") or (1,), node.numbers("pads") or (0,)
    if len(set(strides)) > 1 or not 1 <= strides[0] <= _MAX_NUMBER:
        return rest, f"strides that differ{_OPEN}"
    if set(node.numbers("dilations") or (1,)) != {1}:
        return rest, f"a dilation{_OPEN}"
    if node.attributes.get("auto_pad", "NOTSET") not in ("NOTSET", "VALID", ""):
        return rest, f"automatic padding{_OPEN}"
    if node.attributes.get("auto_pad") == "VALID":
        pads = (0,)
    if len(set(pads)) > 1 or not 0 <= pads[0] <= _MAX_NUMBER:
        return rest, f"paddings that differ{_OPEN}"
    return ConvGeometry(stride=strides[0], padding=pads[0], groups=groups), ""
