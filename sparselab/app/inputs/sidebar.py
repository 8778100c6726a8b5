"""What is chosen in the sidebar: layer, transform with its knobs, budget, seed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sparselab.app.inputs.explore_request import ExploreRequest
from sparselab.app.inputs.knobs import knobs, reset_knobs
from sparselab.app.inputs.setting_widget import linked_setting
from sparselab.app.inputs.source import Source, counted, keep_layer
from sparselab.app.shell.address_keys import FIRST_TRANSFORM
from sparselab.app.shell.url_state import linked_select
from sparselab.formats.describe import NOT_COUNTED
from sparselab.transforms import TRANSFORMS

_QUICK_LAYER = 2**26  # weights: 4096 x 14336 is below, the embedding of a language model above


def choose_request(source: Source) -> ExploreRequest:
    """Show the pickers of layer, transform, knobs and seed; return what was chosen."""
    layer = choose_layer(source)
    source = counted(source, layer)
    name = choose_transform()
    settings = knobs(TRANSFORMS[name])
    return ExploreRequest(source, layer, name, settings, choose_seed())


def choose_seed() -> int:
    """Show the seed; return it."""
    return int(linked_setting("seed"))


def first_layer(card: Mapping[str, Any]) -> str:
    """Return the layer that is shown first: the largest that is pruned and shown within seconds.

    An embedding is often the largest, and dense.
    """
    densities = {layer["name"]: layer["density"] for layer in card["layers"]}
    sizes = {layer["name"]: layer["shape"][0] * layer["shape"][1] for layer in card["layers"]}
    quick = [name for name, size in sizes.items() if size <= _QUICK_LAYER] or [min(sizes, key=sizes.__getitem__)]
    pruned = [name for name in quick if densities[name] != 1]
    first: str = max(pruned or quick, key=sizes.__getitem__)
    return first


def choose_layer(source: Source) -> str:
    """Show the layer picker; return the name chosen."""
    layers = {layer["name"]: layer for layer in source.card["layers"]}

    def label(name: str) -> str:
        rows, cols = layers[name]["shape"]
        density = layers[name]["density"]
        return f"{name} · {rows} x {cols} · " + (NOT_COUNTED if density is None else f"{100 * density:.1f} %")

    keep_layer(list(layers))
    first = first_layer(source.card)
    return linked_select("Layer", list(layers), "layer", default=first, label_of=label, is_needed=True)


def choose_transform() -> str:
    """Show the transform picker; return the transform's name."""
    return linked_select(
        "Transform",
        list(TRANSFORMS),
        "transform",
        default=FIRST_TRANSFORM,
        label_of=lambda name: TRANSFORMS[name].title,
        help="  \n".join(f"**{kind.title}**: {kind.source}" for kind in TRANSFORMS.values()),
        then=reset_knobs,
    )


def choose_density(source: Source, layer: str) -> float:
    """Show the budget: as many weights as are kept, or a share of all."""
    kept: float = next(item["density"] for item in counted(source, layer).card["layers"] if item["name"] == layer)
    spend = linked_setting("budget", step=1.0, placeholder=f"{100 * kept:.2f}: as many as are kept")
    return kept if spend is None else spend / 100
