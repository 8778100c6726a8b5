"""Where a layer stands in its network, by its name: in which block, and as what there."""

from __future__ import annotations

import re
from collections.abc import Sequence

_NUMBER = re.compile(r"[0-9]{1,9}")


def place_of(name: str) -> tuple[str, str]:
    """Return the block that a layer is in and its part there, such as a projection; a layer in no numbered block is its own.

    Example: >>> [place_of(name) for name in ("model.layers.3.mlp.up_proj.weight", "layer1.0.downsample.0", "features.4")]
             [('model.layers.3', 'mlp.up_proj'), ('layer1.0', 'downsample.0'), ('features.4', 'weight')]
    """
    parts = name.removesuffix(".weight").split(".")
    numbered = [i for i, part in enumerate(parts[:-1]) if part.isdigit() and not parts[i + 1].isdigit()]
    if not numbered:
        return ".".join(parts), "weight"
    # The last number that words follow: experts.3 of layers.0 is a block of its own.
    last = next((i for i in reversed(numbered) if any(not part.isdigit() for part in parts[i + 1 :])), numbered[-1])
    return ".".join(parts[: last + 1]), ".".join(parts[last + 1 :])


def in_order(blocks: Sequence[str]) -> list[str]:
    """Return blocks with those that differ in numbers alone in the order of the numbers; safetensors files order names as texts.

    Example: >>> in_order(["embed", "layers.0", "layers.10", "layers.2", "head"])
             ['embed', 'layers.0', 'layers.2', 'layers.10', 'head']
    """
    alike: dict[str, list[str]] = {}
    for block in blocks:
        alike.setdefault(_NUMBER.sub("#", block), []).append(block)
    queues = {form: iter(sorted(found, key=_numbers)) for form, found in alike.items()}
    return [next(queues[_NUMBER.sub("#", block)]) for block in blocks]


def _numbers(block: str) -> list[int]:
    return [int(text) for text in _NUMBER.findall(block)]
