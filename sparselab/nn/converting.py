"""Swap the layers of a real model for block layers, and leave the rest."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sparselab.core.errors import SettingError, SparselabError
from sparselab.core.layout import Layout
from sparselab.core.torch_private import has_hooks
from sparselab.kernels import DENSE
from sparselab.kernels.support.panels import blocks_unsupported_reason
from sparselab.nn.block_module import BlockModule
from sparselab.nn.conv2d import BlockConv2d
from sparselab.nn.linear import BlockLinear


@dataclass(frozen=True)
class Converted:
    """A model with block layers; why layers that were named stayed dense (their dropped weights are 0 there)."""

    model: nn.Module
    swapped: tuple[str, ...]
    stayed: Mapping[str, str]


def convert(model: nn.Module, layouts: Mapping[str, Layout], *, kernels: Mapping[str, str] | None = None) -> Converted:
    """Return a copy of `model` in which the layers named in `layouts` run their blocks.

    A layer whose layout has no blocks, or whose kind no kernel runs, stays what it was with its mask applied; so does one that
    would lose something: a subclass of its own, hooks, a weight that other modules share. `stayed` says why.
    kernels: by layer name, which kernel runs it (one of `DENSE`: it stays dense); "auto" where nothing is said.
    The outputs are those of the masked model, up to the order of additions.

    Raises: SettingError for a name that is no linear layer or convolution of the model, or a layout of another shape.
    """
    chosen = dict(kernels or {})
    unknown = sorted(set(chosen) - set(layouts))
    if unknown:
        raise SettingError(f"kernels: expected names among the layouts; got {unknown[0]!r}")
    new, swapped, stayed = _copied(model, layouts), [], {}
    for name, layout in layouts.items():
        layer = layer_of(new, name)
        apply_mask(layer, layout)
        made = _own_ways(new, layer) or _block_layer(layer, layout, chosen.get(name, "auto"))
        if isinstance(made, str):
            stayed[name] = made
        else:
            _replace(new, name, made)
            swapped.append(name)
    return Converted(new, tuple(swapped), stayed)


def masked(model: nn.Module, layouts: Mapping[str, Layout]) -> nn.Module:
    """Return a copy of `model` with the weights outside the layouts set to 0: what `convert` must agree with."""
    new = _copied(model, layouts)
    for name, layout in layouts.items():
        apply_mask(layer_of(new, name), layout)
    return new


def layer_of(model: nn.Module, name: str) -> nn.Linear | nn.Conv2d:
    """Return a layer by its module's name; a trailing ".weight" is no part of it. Raises: SettingError."""
    name = name.removesuffix(".weight")
    try:
        layer = model.get_submodule(name)
    except AttributeError:
        raise SettingError(f"expected the name of a layer of the model; it has no {name!r}") from None
    if not isinstance(layer, nn.Linear | nn.Conv2d):
        raise SettingError(f"{name}: expected a linear layer or a convolution; got {type(layer).__name__}")
    if "weight" not in dict(
        layer.named_parameters(recurse=False, remove_duplicate=False)
    ):  # computed anew at every call, from parameters of other names
        raise SettingError(
            f"{name}: expected a plain weight; this one is computed by a hook or a parametrization: make it permanent first, "
            "as with torch.nn.utils.prune.remove or torch.nn.utils.parametrize.remove_parametrizations"
        )
    return layer


def apply_mask(layer: nn.Linear | nn.Conv2d, layout: Layout) -> None:
    """Set the weights outside a layout to 0. Raises: SettingError for a layout of another shape."""
    rows = layer.weight.shape[0]
    if layout.after.shape != (rows, layer.weight.numel() // rows):
        raise SettingError(f"expected a layout for a weight of {tuple(layer.weight.shape)}; got {layout.after.shape}")
    kept = torch.from_numpy(layout.after.kept.copy()).to(layer.weight.device).view_as(layer.weight)
    with torch.no_grad():
        layer.weight.masked_fill_(~kept, 0.0)


def largest_difference(model: nn.Module, other: nn.Module, x: Tensor) -> float:
    """Return max |a - b| / max |b| of two models' outputs in eval mode, 0 where both are 0 everywhere."""
    modes = [(module, module.training) for module in (*model.modules(), *other.modules())]
    try:
        with torch.no_grad():
            mine, theirs = model.eval()(x).double(), other.eval()(x).double()
    finally:
        for module, mode in modes:
            module.training = mode
    return float((mine - theirs).abs().max() / theirs.abs().max().clamp_min(torch.finfo(torch.float64).tiny))


def _copied(model: nn.Module, names: Iterable[str]) -> nn.Module:
    """Return a copy, once every name is known to be a layer: torch refuses to copy computed weights, less kindly."""
    for name in names:
        layer_of(model, name)
    return copy.deepcopy(model)


def _own_ways(model: nn.Module, layer: nn.Linear | nn.Conv2d) -> str:
    """Return what a swap would lose of a layer; "" when nothing."""
    if type(layer) not in (nn.Linear, nn.Conv2d):
        return f"{type(layer).__name__} may compute in a way of its own"
    if has_hooks(layer):
        return "it has hooks"
    names = [name for name, part in model.named_parameters(remove_duplicate=False) if part is layer.weight]
    return f"its weight is shared: {', '.join(names)}" if len(names) > 1 else ""


def _block_layer(layer: nn.Linear | nn.Conv2d, layout: Layout, kernel: str) -> BlockModule | str:
    if kernel in DENSE:
        return "dense was chosen"
    if why := blocks_unsupported_reason(layout):
        return why
    if layout.status == "dense":
        return "every weight is kept"
    try:
        return (
            BlockLinear(layout, layer, kernel) if isinstance(layer, nn.Linear) else BlockConv2d(layout, layer, kernel)
        )
    except SparselabError as error:
        return str(error)


def _replace(model: nn.Module, name: str, new: nn.Module) -> None:
    parent, _, leaf = name.removesuffix(".weight").rpartition(".")
    setattr(model.get_submodule(parent), leaf, new)
