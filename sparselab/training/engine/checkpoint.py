"""Tensors and a few facts in one file that knows whether it is intact."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from sparselab.core.atomic_files import atomic_path
from sparselab.core.errors import FileError


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Tensors by name, and facts that JSON can hold."""

    tensors: Mapping[str, torch.Tensor]
    facts: Mapping[str, Any]

    def part(self, prefix: str) -> dict[str, torch.Tensor]:
        """Return the tensors whose names start with `prefix` and a dot, without it."""
        start = prefix + "."
        return {name.removeprefix(start): value for name, value in self.tensors.items() if name.startswith(start)}


def write_checkpoint(path: Path, parts: Mapping[str, Mapping[str, torch.Tensor]], facts: Mapping[str, Any]) -> None:
    """Write the tensors of all parts as part.name, with the facts and a SHA-256 of both."""
    from safetensors.torch import save

    tensors = {f"{part}.{name}": value for part, group in parts.items() for name, value in group.items()}
    text = json.dumps(dict(facts), allow_nan=False)
    with atomic_path(path) as temporary:
        temporary.write_bytes(save(tensors, metadata={"facts": text, "sha256": _digest(tensors, text)}))


def read_checkpoint(path: Path) -> Checkpoint:
    """Return what `write_checkpoint` wrote. Raises: FileError when a byte of it is not as it was."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            metadata = file.metadata() or {}
            names = file.keys()
            tensors = {name: file.get_tensor(name) for name in names}
    except (SafetensorError, OSError) as error:
        raise FileError(f"expected a checkpoint in {path.name}; it is damaged ({error})") from None
    text = metadata.get("facts", "")
    if metadata.get("sha256") != _digest(tensors, text):
        raise FileError(f"expected {path.name} as it was written; its SHA-256 differs: it is damaged")
    return Checkpoint(tensors, json.loads(text))


def _digest(tensors: Mapping[str, torch.Tensor], facts: str) -> str:
    found = hashlib.sha256(facts.encode())
    for name in sorted(tensors):
        value = tensors[name]
        found.update(f"{name}:{value.dtype}:{tuple(value.shape)}".encode())
        found.update(value.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()
