"""The layers of the samples that lessons are about, and what transforms make of them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from sparselab.analysis.metrics import report
from sparselab.analysis.worth import worth_of
from sparselab.core.data_files import SAMPLE_MASKS
from sparselab.core.errors import SettingError
from sparselab.core.layer import Layer
from sparselab.core.layout import Layout
from sparselab.core.mask import Mask
from sparselab.core.settings import settings_of
from sparselab.formats import ReadOptions, load_layer, read_ticket
from sparselab.lessons.words import Fact, Facts
from sparselab.transforms import TRANSFORMS
from sparselab.transforms.base import Transform
from sparselab.workflows.chance import chance_of

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
DEVICE = "cpu"


def sample_file(name: str) -> Path:
    """Return the file of a sample. Raises: SettingError where there is none of that name."""
    path = SAMPLE_MASKS / f"{name}.npz"
    if not _NAME.fullmatch(name) or not path.is_file():
        known = ", ".join(sorted(each.stem for each in SAMPLE_MASKS.glob("*.npz")))
        raise SettingError(f"sample: expected one of {known}; got {name[:60]!r}")
    return path


@lru_cache(maxsize=32)
def layer_names(sample: str) -> tuple[str, ...]:
    """Return the names of the layers of a sample."""
    return read_ticket(sample_file(sample)).names


def check_layer(sample: str, layer: str) -> None:
    """Raises: SettingError unless the sample has the layer."""
    names = layer_names(sample)
    if layer not in names:
        raise SettingError(f"layer: expected one of {', '.join(names)}; got {layer[:60]!r}")


def sample_layer(sample: str, layer: str, *, values: bool = True) -> Layer:
    """Return a layer of a sample; without its weights' values where only the mask is to count."""
    check_layer(sample, layer)
    found = load_layer(str(sample_file(sample)), layer, ReadOptions())
    return found if values else replace(found, weight=None)


def sample_mask(sample: str, layer: str) -> Mask:
    """Return the mask of a layer of a sample, read as cheaply as can be."""
    check_layer(sample, layer)
    return read_ticket(sample_file(sample)).found(layer).mask()


def transform_of(name: str, settings: Mapping[str, Any]) -> Transform:
    """Return a transform under settings. Raises: SettingError."""
    if name not in TRANSFORMS:
        raise SettingError(f"transform: expected one of {', '.join(TRANSFORMS)}; got {name[:60]!r}")
    known = {each.name for each in settings_of(TRANSFORMS[name])}
    if unknown := sorted(set(settings) - known):
        raise SettingError(f"settings: expected some of {', '.join(sorted(known))}; got {unknown[0][:60]!r}")
    return TRANSFORMS[name](**settings)


def knob_meanings(name: str) -> dict[str, str]:
    """Return the knobs of a transform with their help; none for no transform."""
    return {each.name: each.doc for each in settings_of(TRANSFORMS[name])} if name else {}


def layout_of(
    sample: str, layer: str, transform: str, settings: Mapping[str, Any], seed: int, *, values: bool = True
) -> tuple[Layer, Layout]:
    """Return a layer of a sample and what a transform makes of it."""
    return _layout(sample, layer, transform, json.dumps(dict(settings), sort_keys=True), seed, values)


@lru_cache(maxsize=16)
def _layout(sample: str, layer: str, transform: str, settings: str, seed: int, values: bool) -> tuple[Layer, Layout]:
    found = sample_layer(sample, layer, values=values)
    run = transform_of(transform, json.loads(settings))
    return found, run(found, rng=np.random.default_rng(seed), device=DEVICE)


def mask_facts(layer: Layer) -> dict[str, Fact]:
    """Return the counts of a mask: rows, cols, weights, kept, density."""
    mask = layer.mask
    return {
        "rows": mask.rows,
        "cols": mask.cols,
        "weights": mask.rows * mask.cols,
        "kept": mask.count,
        "density": mask.density,
    }


def layout_facts(layer: Layer, layout: Layout, run: Transform) -> Facts:
    """Return the numbers of a layout: the mask's, a report's under its fields' names, its groups, and what random groups keep.

    weights_kept: coverage. stays: how many of the weights kept before are still there. worth, chance, gain: share kept by the measure of
    `analysis.worth`, what random groups keep of it, and the difference. bound: 1 / density after, the most that sparsity could gain.
    """
    numbers = report(layout, layer).as_json()
    facts: dict[str, Fact] = mask_facts(layer)
    facts |= {name: value for name, value in numbers.items() if isinstance(value, int | float | str)}
    facts |= {"kept_after": layout.after.count, "stays": layout.covered.count, "grown": layout.grown.count}
    facts |= {"groups": len({block.rows.tobytes() for block in layout.blocks})}
    if layout.after.count:
        facts["bound"] = 1 / layout.after.density
    if isinstance(kept := numbers["coverage"], float):
        facts["weights_kept"] = kept
        facts["worth"] = worth_of(numbers)
    chance = chance_of(layer, layout, run, device=DEVICE)
    if chance is not None:
        facts |= {"chance": chance.mean, "chance_low": chance.low, "chance_high": chance.high}
        facts["gain"] = chance.gain(worth_of(numbers))
    return facts
