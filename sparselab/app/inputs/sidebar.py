"""What is chosen in the sidebar: layer, transform with its knobs, budget, seed."""

from __future__ import annotations

from sparselab.app.inputs.explore_request import ExploreRequest
from sparselab.app.inputs.knobs import knobs, reset_knobs
from sparselab.app.inputs.setting_widget import linked_setting
from sparselab.app.inputs.source import Source, counted, keep_layer
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


def choose_layer(source: Source) -> str:
    """Show the layer picker; return the name chosen.

    First chosen is the largest layer that is pruned and shown within seconds: an embedding is often the largest, and dense.
    """
    layers = {layer["name"]: layer for layer in source.card["layers"]}
    names = list(layers)
    sizes = {name: layer["shape"][0] * layer["shape"][1] for name, layer in layers.items()}

    def label(name: str) -> str:
        rows, cols = layers[name]["shape"]
        density = layers[name]["density"]
        return f"{name} · {rows} x {cols} · " + (NOT_COUNTED if density is None else f"{100 * density:.1f} %")

    quick = [name for name in names if sizes[name] <= _QUICK_LAYER] or [min(names, key=sizes.__getitem__)]
    pruned = [name for name in quick if layers[name]["density"] != 1]
    first = max(pruned or quick, key=sizes.__getitem__)
    keep_layer(names)
    return linked_select("Layer", names, "layer", default=first, label_of=label, is_needed=True)


def choose_transform() -> str:
    """Show the transform picker, Regroup first chosen; return the transform's name."""
    return linked_select(
        "Transform",
        list(TRANSFORMS),
        "transform",
        default="regroup",
        label_of=lambda name: TRANSFORMS[name].title,
        help="  \n".join(f"**{kind.title}**: {kind.source}" for kind in TRANSFORMS.values()),
        then=reset_knobs,
    )


def choose_density(source: Source, layer: str) -> float:
    """Show the budget: as many weights as are kept, or a share of all."""
    kept: float = next(item["density"] for item in counted(source, layer).card["layers"] if item["name"] == layer)
    spend = linked_setting("budget", step=1.0, placeholder=f"{100 * kept:.2f}: as many as are kept")
    return kept if spend is None else spend / 100
