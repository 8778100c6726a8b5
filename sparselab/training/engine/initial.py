"""What a run begins with: fresh weights and full masks, or those of a checkpoint or ticket."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch

from sparselab.core.errors import FileError, SettingError
from sparselab.core.layer import Layer
from sparselab.core.modules.saved import saved_tensors, state_dict_in
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

    Weights: those of a state dict, as torch.nn.utils.prune writes one too, of a model that a run keeps, or of a ticket. Every
    prunable layer must be there; what else the file lacks stays fresh, which is said. Masks: those of the layers that the file
    has, the others full.

    Raises: FileError for a file that cannot be read or lacks a weight. SettingError for masks and a method that chooses its own.
    """
    start = Initial(network.capture(), network.full)
    if not settings.from_file:
        return start
    path = Path(settings.from_file)
    source, state, masks = _Source(path), start.state, start.masks
    if settings.take != "masks":
        state = _weights(source, network, state, say)
    if settings.take != "weights":
        masks = _masks(source, network, masks)
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


@dataclass(frozen=True)
class _Source:
    """The file, in each of two ways read once and only where it is asked."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @cached_property
    def tensors(self) -> dict[str, torch.Tensor]:
        return saved_tensors(self.path, what="a checkpoint or ticket", unwrap=state_dict_in)

    @cached_property
    def layers(self) -> dict[str, Layer]:
        """The layers of a ticket, or of what can be read as one, by their modules."""
        return {without_wrappers(layer.name).removesuffix(".weight"): layer for layer in read_ticket(self.path)}


def _weights(source: _Source, network: Network, own: State, say: Callable[[str], None]) -> State:
    named = _named(source, own)
    whole = own.keys() <= named.keys()
    layered = {f"{name}.weight" for name in network.weights}  # a ticket has these as matrices
    if not whole:
        named = {name: value for name, value in named.items() if name not in layered or value.shape == own[name].shape}
    for name in own.keys() & named.keys():
        if named[name].shape != own[name].shape:
            raise FileError(
                f"{source.name}: expected {name} of shape {tuple(own[name].shape)}, as the network has it; got "
                f"{tuple(named[name].shape)}"
            )
    state = dict(own) | {name: named[name].to(own[name].dtype).contiguous() for name in own.keys() & named.keys()}
    if whole:
        return state
    for name, weight in network.weights.items():
        layer = source.layers.get(name)
        if layer is None or layer.weight is None or layer.mask.kept.size != weight.numel():
            raise FileError(
                f"{source.name}: expected the weights of this network; {min(own.keys() - named.keys())} is not there, and {name} "
                "neither: take a state dict or a ticket of the same network"
            )
        state[f"{name}.weight"] = torch.from_numpy(layer.weight.copy()).reshape(weight.shape).to(weight.dtype)
    fresh = sorted(own.keys() - named.keys() - layered)
    if fresh:
        say(
            f"{source.name} lacks {len(fresh)} of the network's {len(own)} tensors, which begin fresh: {', '.join(fresh[:3])}"
            f"{' and more' * (len(fresh) > 3)}"
        )
    return state


def _named(source: _Source, own: State) -> dict[str, torch.Tensor]:
    """Return the tensors of a state dict, or of a model that a run keeps, by the network's names: pruning pairs multiplied."""
    found = {without_wrappers(name): value for name, value in source.tensors.items()}
    kept = {name.removeprefix("model."): value for name, value in found.items() if name.startswith("model.")}
    found = kept if own.keys() <= kept.keys() else found
    for name in [name.removesuffix("_orig") for name in found if name.endswith("_orig")]:
        weight, mask = found[f"{name}_orig"], found.get(f"{name}_mask")
        if mask is not None and mask.shape == weight.shape:
            found[name] = weight * mask.to(weight.dtype)
    return found


def _masks(source: _Source, network: Network, full: Masks) -> Masks:
    kept = source.tensors if source.path.suffix == ".safetensors" else {}
    if all(f"mask.{name}" in kept and kept[f"mask.{name}"].shape == mask.shape for name, mask in full.items()):
        return {name: kept[f"mask.{name}"].bool() for name in full}  # a model that a run keeps
    layers, masks = source.layers, dict(full)
    for name in full.keys() & layers.keys():
        mask = layers[name].mask
        if mask.kept.size != full[name].numel() or mask.rows != full[name].shape[0]:
            raise FileError(
                f"{source.name}: expected a mask of {name} for shape {tuple(full[name].shape)}; got {mask.shape}"
            )
        masks[name] = tensor_of(mask, full[name])
    if not full.keys() & layers.keys():
        raise FileError(
            f"{source.name}: expected masks of {next(iter(full))} and the like; it has {next(iter(layers))}"
        )
    return masks
