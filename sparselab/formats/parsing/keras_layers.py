"""What a Keras file says of its kernels: the order of their axes, and their groups.

Keras keeps kernels with the outputs last, but for transposed convolutions, and a depthwise kernel as (h, w, in, multiplier).
Which layer a variable belongs to stands in the file's `model_config`, or in the name of its group: Keras names a layer
after its class, such as "conv2d_3". Of a layer with a name of somebody's own, without a config, nothing is said.
Source: keras.layers, `build` of each layer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sparselab.formats.base import ConvGeometry

_CONV = re.compile(r"(?P<kind>Conv|DepthwiseConv|SeparableConv)(?P<rank>[123])D(?P<back>Transpose)?")
_MATRICES = {"Dense", "LSTM", "GRU", "SimpleRNN", "LSTMCell", "GRUCell", "SimpleRNNCell"}
_KNOWN = [
    *_MATRICES,
    *(f"{kind}{rank}D" for kind in ("Conv", "DepthwiseConv", "SeparableConv") for rank in (1, 2, 3)),
    *(f"Conv{rank}DTranspose" for rank in (1, 2, 3)),
]
_WRAPPER = "prune_low_magnitude_"
_MASK_NAMES = {"mask", "kernel_mask"}
_MOST_LAYERS = 100_000
_MOST_DEPTH = 32


@dataclass(frozen=True)
class KerasLayer:
    """The class of a layer, and what its config says."""

    name: str
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class KernelKind:
    """How to read a kernel: the letters of its axes; `depthwise` when they are (h, w, in, multiplier)."""

    axes: str = ""
    depthwise: bool = False
    geometry: ConvGeometry | None = None


def layers_of(config: str) -> dict[str, KerasLayer]:
    """Return the layers of a `model_config` by name, in its order; a name that stands for two classes says nothing.

    Empty for what is no config.
    """
    try:
        model = json.loads(config)
    except (ValueError, RecursionError):
        return {}
    found: dict[str, KerasLayer] = {}
    doubled: set[str] = set()
    waiting: list[tuple[Any, int]] = [(model, 0)]
    while waiting and len(found) < _MOST_LAYERS:
        item, depth = waiting.pop()
        inner = item.get("config") if isinstance(item, dict) else None
        if not isinstance(inner, dict) or depth > _MOST_DEPTH:
            continue
        parts = inner.get("layers")
        wrapped = [inner[key] for key in ("layer", "forward_layer", "backward_layer") if key in inner]
        within = [*(parts if isinstance(parts, list) else ()), *wrapped]
        waiting += [(part, depth + 1) for part in reversed(within)]
        name, kind = inner.get("name"), item.get("class_name")
        if isinstance(inner.get("layer"), dict):  # a wrapper's variables are those of the layer in it
            kind, inner = inner["layer"].get("class_name"), inner["layer"].get("config")
        if isinstance(name, str) and isinstance(kind, str) and isinstance(inner, dict):
            if name in found and found[name].name != kind:
                doubled.add(name)
            found[name] = KerasLayer(kind, inner)
    return {name: layer for name, layer in found.items() if name not in doubled}


def order_of(path: str, layer_name: str, places: Mapping[str, int]) -> tuple[int, tuple[tuple[int, str], ...]]:
    """Return a key that sorts variables as the model runs: by the layers' places in the config, else by numbers in the name.

    HDF5 lists names in the order of their letters: conv2d_10 before conv2d_2.
    """
    place = next((places[name] for name in (layer_name, *path.split("/")) if name in places), len(places))
    words = re.split(r"(\d+)", path)
    return place, tuple((len(word.lstrip("0")) if word.isdigit() else 0, word) for word in words)


def kernel_kind(path: str, layer_name: str, shape: tuple[int, ...], layers: Mapping[str, KerasLayer]) -> KernelKind:
    """Return what is known of the variable at `path`; `layer_name` is what its group says its layer is called, or ""."""
    *groups, last = path.split("/")
    variable = last.partition(":")[0]
    if groups[-1:] == ["vars"]:
        groups = [name for name in groups[:-1] if name != "cell"][-1:]
        variable = {"0": "kernel", "1": "pointwise_kernel"}.get(variable, variable)
    named = next((found for name in reversed(groups) if (found := _layer(name, layers))), None)
    return _kind(layers.get(layer_name) or named or KerasLayer(""), variable, shape)


def is_mask(path: str) -> bool:
    """Whether a variable is one of the masks that tensorflow_model_optimization keeps beside a kernel."""
    return path.rpartition("/")[2].partition(":")[0] in _MASK_NAMES


def _layer(name: str, layers: Mapping[str, KerasLayer]) -> KerasLayer | None:
    if name in layers:
        return layers[name]
    plain = re.sub(r"_\d+$", "", name.removeprefix(_WRAPPER)).replace("_", "")
    return next((KerasLayer(known) for known in _KNOWN if known.lower() == plain), None)


def _kind(layer: KerasLayer, variable: str, shape: tuple[int, ...]) -> KernelKind:
    is_kernel = variable in {"kernel", "recurrent_kernel", "depthwise_kernel", "pointwise_kernel", *_MASK_NAMES}
    if not is_kernel:
        return KernelKind()
    if layer.name in _MATRICES:
        return KernelKind("IO" if len(shape) == 2 else "")
    conv = _CONV.fullmatch(layer.name)
    spatial = "DHW"[-(len(shape) - 2) :] if 3 <= len(shape) <= 5 else ""
    if (variable == "depthwise_kernel" and spatial) or (conv and conv["kind"] == "DepthwiseConv" and spatial):
        return KernelKind(f"{spatial}IO", True, ConvGeometry(groups=shape[-2]) if shape[-2] > 0 else None)
    if conv is None or len(shape) != int(conv["rank"]) + 2:
        return KernelKind()
    if conv["kind"] == "SeparableConv":
        # The first kernel of a SeparableConv is the depthwise one; its second has a window of 1.
        depthwise = variable == "kernel"
        geometry = ConvGeometry(groups=shape[-2]) if depthwise and shape[-2] > 0 else None
        return KernelKind(f"{spatial}IO", depthwise, geometry)
    return KernelKind(spatial + ("OI" if conv["back"] else "IO"), False, _geometry(layer, shape))


def _geometry(layer: KerasLayer, shape: tuple[int, ...]) -> ConvGeometry | None:
    """Return what the config says of a convolution; None without one.

    Keras pads "same" by its output: where the two sides differ, this is the padding that gives as many outputs.
    """
    groups = layer.config.get("groups", 1)
    if not layer.config or type(groups) is not int or groups < 1 or shape[-1] % groups:
        return None
    if layer.name.endswith("Transpose"):
        return ConvGeometry()
    stride, dilation = (_one(layer.config.get(key, 1)) or 1 for key in ("strides", "dilation_rate"))
    window = _one(list(shape[:-2])) or 1
    padding = dilation * (window - 1) // 2 if layer.config.get("padding") == "same" else 0
    return ConvGeometry(stride=stride, padding=padding, groups=groups)


def _one(value: Any) -> int | None:
    """Return the number that a list of equal numbers holds."""
    numbers = value if isinstance(value, list) and value else [value]
    whole = all(type(number) is int and 1 <= number < 2**24 for number in numbers)
    return numbers[0] if whole and numbers.count(numbers[0]) == len(numbers) else None
