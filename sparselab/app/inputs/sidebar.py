"""What is chosen in the sidebar: layer, transform with its knobs, budget, seed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from sparselab.app.inputs.explore_request import ExploreRequest
from sparselab.app.inputs.knobs import knobs, new_transform
from sparselab.app.inputs.source import Source, counted
from sparselab.app.shell.url_state import linked_select
from sparselab.formats.describe import NOT_COUNTED
from sparselab.transforms import TRANSFORMS

FIRST_TRANSFORM = "regroup"
"""The transform that Explore shows first."""

_QUICK_REFINE = 300_000  # weights; measured on two cores: 256 x 1152 takes 0.7 s, 256 x 2304 takes 1.3 s
_QUICK_LAYER = 2**26  # weights: 4096 x 14336 is below, the embedding of a language model above


def choose_request(source: Source) -> ExploreRequest:
    """Show the pickers of layer, transform, knobs and seed; return what was chosen."""
    layer = choose_layer(source)
    source = counted(source, layer)
    name = choose_transform()
    settings = knobs(TRANSFORMS[name], **quick_defaults(source, layer))
    return ExploreRequest(source, layer, name, settings, choose_seed())


def choose_seed() -> int:
    """Show the seed; return it."""
    help = "The seed of every random choice: the same seed gives the same answer."
    return int(st.number_input("Seed", 0, 2**31 - 1, 0, key="seed", bind="query-params", help=help))


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

    return linked_select("Layer", list(layers), "layer", default=first_layer(source.card), label_of=label)


def choose_transform() -> str:
    """Show the transform picker; return the transform's name."""
    names = list(TRANSFORMS)
    name: str = st.selectbox(
        "Transform",
        names,
        index=names.index(FIRST_TRANSFORM),
        key="transform",
        bind="query-params",
        on_change=new_transform,
        help="  \n".join(f"**{name}**: {kind.title}. {kind.source}" for name, kind in TRANSFORMS.items()),
    )
    return name


def choose_density(source: Source, layer: str) -> float:
    """Show the budget: as many weights as are kept, or a share of all."""
    kept: float = next(item["density"] for item in counted(source, layer).card["layers"] if item["name"] == layer)
    spend = st.number_input(
        "Budget, % of the weights",
        min_value=0.1,
        max_value=100.0,
        value=None,
        step=1.0,
        key="budget",
        bind="query-params",
        placeholder=f"{100 * kept:.2f}: as many as are kept",
        help="Every contender at one budget spends this many weights.",
    )
    return kept if spend is None else spend / 100


def quick_defaults(source: Source, layer: str) -> dict[str, Any]:
    """Return the defaults that depend on the layer: refinement starts switched on where its default steps take under a second."""
    rows, cols = next(item["shape"] for item in source.card["layers"] if item["name"] == layer)
    return {"refine": bool(rows * cols <= _QUICK_REFINE)}
