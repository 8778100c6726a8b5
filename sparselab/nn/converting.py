"""Swap the layers of a real model for block layers, and leave the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from torch import nn

from sparselab.core.errors import SettingError
from sparselab.core.layout import Layout
from sparselab.core.modules.weights import ModuleWeight
from sparselab.kernels import exact_kernel
from sparselab.nn.block_module import BlockModule
from sparselab.nn.choosing import LayerChoice, choices
from sparselab.nn.exact import computed_weights, layouts_as_they_are
from sparselab.nn.fast_paths import restore_fast_paths, run_layers_of_encoders
from sparselab.nn.located import located
from sparselab.nn.masking import apply_mask, layout_out_first, refuse_other_weight
from sparselab.nn.permanent import copied, make_permanent
from sparselab.nn.reporting import LayerReport, layer_report
from sparselab.nn.saving import SavedLayouts, save
from sparselab.nn.support.calling import Inputs
from sparselab.nn.swaps import DENSE_WAS_CHOSEN, block_layer


@dataclass(frozen=True)
class Converted:
    """A model with block layers; why layers that were named stayed what they were.

    The dropped weights of a layer that stayed are 0, unless its reason says that the mask is not applied. `slow_path`: the
    encoder layers of torch that call their layers now, where their fast path would have read the weights of block layers.
    choices: with `only_if_faster`, what was measured of every layer that was called.
    """

    model: nn.Module
    swapped: tuple[str, ...]
    stayed: Mapping[str, str]
    slow_path: tuple[str, ...] = ()
    choices: Mapping[str, LayerChoice] = field(default_factory=dict)

    @property
    def report(self) -> Mapping[str, LayerReport]:
        """What each block layer of the model costs, by the path of its module: bytes by structure and type, density, time.

        Example: >>> from torch.nn.utils import prune
                 >>> done = convert(nn.Sequential(prune.l1_unstructured(nn.Linear(64, 32), "weight", amount=0.75)))
                 >>> told = done.report["0"]
                 >>> told.structure, told.density, told.dense_bytes, told.value_bytes, told.index_bytes
                 ('mask', 0.25, 8192, 2048, 2432)
        """
        layers = {path: part for path, part in self.model.named_modules() if isinstance(part, BlockModule)}
        measured = located(self.model, self.choices)
        times = {found.path: self.choices[name] for name, found in measured.items() if not isinstance(found, str)}
        return {path: layer_report(layer, times.get(path)) for path, layer in layers.items()}

    def save(self, path: str | Path) -> None:
        """Write the layouts of all block layers and the model's state to a file that `sparselab.nn.load` reads.

        Raises: SettingError for a state that holds anything but tensors; FileError where the file cannot be written.
        """
        save(self.model, Path(path))


def convert(
    model: nn.Module,
    layouts: Mapping[str, Layout] | None = None,
    *,
    kernels: Mapping[str, str] | None = None,
    strict: bool = False,
    example_inputs: Inputs | None = None,
    only_if_faster: bool = False,
) -> Converted:
    """Return a copy of `model` in which the layers named in `layouts` run their blocks.

    Without layouts, every layer with enough zeros runs its mask as it is, by the exact kernel: nothing is dropped, nothing
    grows. A layer stays dense where it keeps so many weights that the dense product is as fast, or where the exact kernel
    cannot run it; `stayed` says so. With layouts, a mask without blocks is run so where `kernels` names that kernel for it.

    Linear layers, convolutions over sequences and images, in groups too, and GPT-2's Conv1D are swapped. A layer whose layout
    has no blocks, or whose kind no kernel runs, stays what it was with its mask applied; so does one that would lose something:
    a subclass of its own, hooks, a weight that other modules share. `stayed` says why. A weight under torch.nn.utils.prune or
    a parametrization that is a plain mask becomes a plain one; without layouts in every layer, those that stay too. Names and layouts may come from the model or from a file of it.
    kernels: by layer name, which kernel runs it (one of `DENSE`: it stays dense); "auto" where nothing is said.
    only_if_faster: call the model with `example_inputs` (a tensor, a tuple of arguments, or arguments by name), time every
    block layer in turns with its dense layer on the input it gets there, and put the dense one back, its mask applied, where blocks
    are not faster; `choices` has the times, `stayed` the reason. Times depend on the machine and on what else it does.
    The outputs are those of the masked model, up to the order of additions; of an `nn.TransformerEncoder`, at the positions that
    no padding mask hides.

    Layouts of `load_layouts` are taken for weights of their own masks alone.

    Raises: SettingError for a name that is no weight of the model, a layout of another shape, a weight of another mask than that
        of a loaded layout, and with `strict` for a layer
        that stays though no dense kernel was chosen for it and none was measured; `only_if_faster` without `example_inputs`.
    Example: >>> from sparselab.transforms import Regroup
             >>> model, run = nn.Sequential(nn.Linear(64, 32), nn.Embedding(10, 8)), Regroup(rows_per_group=8, density=0.5)
             >>> layouts = {name: run(model.get_submodule(name).weight, device="cpu") for name in ("0", "1")}
             >>> convert(model, layouts).swapped, convert(model, layouts).stayed
             (('0',), {'1': 'an embedding looks rows up and multiplies nothing'})
             >>> from torch.nn.utils import prune
             >>> pruned = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
             >>> _ = prune.l1_unstructured(pruned[0], "weight", amount=0.9)
             >>> convert(pruned).swapped, convert(pruned).stayed
             (('0.weight',), {'2.weight': 'every weight is kept'})
    """
    if only_if_faster and example_inputs is None:
        raise SettingError("only_if_faster: expected example_inputs to measure with; got none")
    chosen = dict(kernels or {})
    new = copied(model)
    stayed: dict[str, str] = {}
    if layouts is None:
        layouts, stayed = layouts_as_they_are(new)
        for weight in computed_weights(new):  # a mask that no block layer holds costs a product at every call
            if weight.raw_name in stayed:
                make_permanent(weight)
        chosen = dict.fromkeys(layouts, exact_kernel()) | chosen
    unknown = sorted(set(chosen) - set(layouts))
    if unknown:
        raise SettingError(f"kernels: expected names among the layouts; got {unknown[0]!r}")
    swapped: dict[str, BlockModule] = {}
    replaced: dict[str, ModuleWeight] = {}
    for name, found in located(new, layouts).items():
        if isinstance(layouts, SavedLayouts):
            refuse_other_weight(name, found, layouts[name])
        made = _swapped(new, found, layouts[name], chosen.get(name, "auto"))
        if isinstance(made, str):
            stayed[name] = made
        else:
            new, layer = made
            swapped[name] = layer
            assert not isinstance(found, str)
            replaced[name] = found
    if strict and (left := [f"{name}: {why}" for name, why in stayed.items() if why != DENSE_WAS_CHOSEN]):
        raise SettingError(f"expected layers that all run blocks; got {len(left)} that would stay dense: {left[0]}")
    slow_path = run_layers_of_encoders(new)
    measured: dict[str, LayerChoice] = {}
    if only_if_faster and example_inputs is not None:
        measured = choices(new, swapped, {name: found.module for name, found in replaced.items()}, example_inputs)
        for name in [name for name, choice in measured.items() if not choice.blocks]:
            new = with_module(new, replaced[name].path, replaced[name].module)
            stayed[name] = f"dense was measured to be as fast or faster: {measured[name]}"
            del swapped[name]
        restore_fast_paths(new)
        slow_path = run_layers_of_encoders(new)
    return Converted(new, tuple(swapped), stayed, slow_path, measured)


def masked(model: nn.Module, layouts: Mapping[str, Layout]) -> nn.Module:
    """Return a copy of `model` with the weights outside the layouts set to 0: what `convert` must agree with."""
    new = copied(model)
    for name, found in located(new, layouts).items():
        _masked(found, layouts[name])
    return new


def _swapped(
    model: nn.Module, found: ModuleWeight | str, layout: Layout, kernel: str
) -> tuple[nn.Module, BlockModule] | str:
    """Return the model with a layer swapped, and the layer; or why the layer stays, its mask applied."""
    if isinstance(found, str):
        return found
    given = _masked(found, layout)
    made = given if isinstance(given, str) else block_layer(model, found, given, kernel)
    return made if isinstance(made, str) else (with_module(model, found.path, made), made)


def with_module(model: nn.Module, path: str, module: nn.Module) -> nn.Module:
    """Return the model with another module at a path; the module itself where the path is that of the whole model."""
    if not path:
        return module
    parent, _, leaf = path.rpartition(".")
    setattr(model.get_submodule(parent), leaf, module)
    return model


def _masked(found: ModuleWeight | str, layout: Layout) -> Layout | str:
    """Apply a mask to a weight, which becomes a plain parameter; return the layout out x n, or why it could not be."""
    if isinstance(found, str):
        return found
    layout = layout_out_first(found, layout)
    if why := make_permanent(found):
        return why
    apply_mask(found, layout.after.kept)
    return layout
