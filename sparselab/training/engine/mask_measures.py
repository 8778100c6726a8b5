"""The numbers of a network's masks, layer by layer and in all."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from sparselab.core.mask import Mask

_MEASURED = ("name", "shape", "kept", "channels", "digest")


def mask_measures(masks: Mapping[str, Mask], told: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return what a result says of masks; `told` is what a transform said of each layer.

    kept, size, sparsity       weights kept, prunable weights, 1 - kept / size
    channels, channels_size    output rows that keep anything, all rows
    blocks                     dense blocks that hold all kept weights; absent where some layer has none
    mask_digest                SHA-256 over the layers' digests in order
    """
    layers = [_layer(name, mask, told.get(name, {})) for name, mask in masks.items()]
    kept, size = sum(mask.count for mask in masks.values()), sum(mask.kept.size for mask in masks.values())
    whole = hashlib.sha256("".join(mask.digest for mask in masks.values()).encode()).hexdigest()
    found: dict[str, Any] = {
        "kept": kept,
        "size": size,
        "sparsity": 1 - kept / size,
        "channels": sum(layer["channels"] for layer in layers),
        "channels_size": sum(mask.rows for mask in masks.values()),
        "mask_digest": whole,
        "layers": layers,
    }
    if all(layer.get("status") in ("blocked", "dense") for layer in layers):
        found["blocks"] = sum(layer["blocks"] for layer in layers)
    return found


def told_of(layers: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return what was told of every layer of a result, by name: what `mask_measures` did not measure itself.

    Example: >>> import numpy as np
             >>> mask = {"0": Mask(np.ones((2, 3), dtype=bool))}
             >>> told_of(mask_measures(mask, {"0": {"status": "blocked", "blocks": 1}})["layers"])
             {'0': {'status': 'blocked', 'blocks': 1}}
    """
    return {layer["name"]: {key: layer[key] for key in layer if key not in _MEASURED} for layer in layers}


def _layer(name: str, mask: Mask, told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "shape": list(mask.shape),
        "kept": mask.count,
        "channels": int(mask.kept.any(axis=1).sum()),
        "digest": mask.digest,
        **told,
    }
