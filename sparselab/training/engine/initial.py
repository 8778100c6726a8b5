"""What a run begins with: fresh weights and full masks, or those of a checkpoint or ticket."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from sparselab.core.errors import FileError, SettingError
from sparselab.core.modules.saved import saved_tensors, without_pairs
from sparselab.core.modules.weights import without_wrappers
from sparselab.formats import read_ticket
from sparselab.training.methods import AFTER_TRAINING
from sparselab.training.network import Masks, Network, State, tensor_of
from sparselab.training.settings import TrainSettings


@dataclass(frozen=True, eq=False)
class Initial:
    """Weights, buffers and masks of step 0."""

    state: State
    masks: Masks


def initial(settings: TrainSettings, network: Network, say: Callable[[str], None]) -> Initial:
    """Return what the run begins with: the network as it stands, and what `take` says of the file of `from_file`.

    Weights: of a state dict, or of a model that a run keeps, all that the network has must be there, of the same shape; a
    ticket holds prunable layers alone, and the others stay fresh, which is said. Masks: those of the layers that the file
    has, the others full.

    Raises: FileError for a file that cannot be read or lacks a weight. SettingError for masks and a method that chooses its own.
    """
    start = Initial(network.capture(), network.full)
    if not settings.from_file:
        return start
    path = Path(settings.from_file)
    state, masks = start.state, start.masks
    if settings.take != "masks":
        state = _weights(path, network, state, say)
    if settings.take != "weights":
        masks = _masks(path, network, masks)
        kept = sum(int(mask.sum()) for mask in masks.values())
        if kept < network.size and settings.method not in ("dense", *AFTER_TRAINING):
            raise SettingError(
                f"method: expected dense or one of {', '.join(AFTER_TRAINING)}, which go on from the masks of {path.name}; "
                f"{settings.method} chooses its own: take=weights leaves them out"
            )
        wanted = round((1 - settings.sparsity) * network.size)
        if settings.method in AFTER_TRAINING and settings.method != "imp" and kept < wanted:
            raise SettingError(
                f"sparsity: expected to keep at most the {kept:,} weights of {path.name}; got {wanted:,}"
            )
    return Initial(state, masks)


def _weights(path: Path, network: Network, own: State, say: Callable[[str], None]) -> State:
    found = _tensors(path)
    parts = {name.removeprefix("model."): value for name, value in found.items() if name.startswith("model.")}
    named = parts if own.keys() <= parts.keys() else found
    if own.keys() <= named.keys():
        for name, value in own.items():
            if named[name].shape != value.shape:
                raise FileError(
                    f"{path.name}: expected {name} of shape {tuple(value.shape)}, as the network has it; got "
                    f"{tuple(named[name].shape)}"
                )
        return {name: named[name].to(value.dtype).contiguous() for name, value in own.items()}
    layers = {_module(layer.name): layer for layer in read_ticket(path)}
    state, missing = dict(own), sorted(own.keys() - named.keys())
    taken = []
    for name, weight in network.weights.items():
        layer = layers.get(name)
        if layer is None or layer.weight is None or layer.mask.kept.size != weight.numel():
            raise FileError(
                f"{path.name}: expected the weights of this network; {missing[0]} is not there, and {name} neither: take a "
                "state dict or a ticket of the same network"
            )
        state[f"{name}.weight"] = torch.from_numpy(layer.weight.copy()).reshape(weight.shape).to(weight.dtype)
        taken.append(name)
    say(f"{path.name} holds the weights of {len(taken)} layers; what else the network has begins fresh")
    return state


def _masks(path: Path, network: Network, full: Masks) -> Masks:
    kept = _tensors(path) if path.suffix == ".safetensors" else {}
    if all(f"mask.{name}" in kept and kept[f"mask.{name}"].shape == mask.shape for name, mask in full.items()):
        return {name: kept[f"mask.{name}"].bool() for name in full}  # a model that a run keeps
    layers = {_module(layer.name): layer for layer in read_ticket(path)}
    masks = dict(full)
    for name in full.keys() & layers.keys():
        mask = layers[name].mask
        if mask.kept.size != full[name].numel() or mask.rows != full[name].shape[0]:
            raise FileError(
                f"{path.name}: expected a mask of {name} for shape {tuple(full[name].shape)}; got {mask.shape}"
            )
        masks[name] = tensor_of(mask, full[name])
    if not full.keys() & layers.keys():
        raise FileError(f"{path.name}: expected masks of {next(iter(full))} and the like; it has {next(iter(layers))}")
    return masks


def _module(name: str) -> str:
    return without_wrappers(name).removesuffix(".weight")


def _tensors(path: Path) -> dict[str, torch.Tensor]:
    return without_pairs(saved_tensors(path, what="a checkpoint or ticket"))
