"""The model that the doctor's cure makes, in a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import nn

from sparselab.core.errors import SettingError
from sparselab.nn import convert


def write_converted(model: nn.Module, out: Path) -> tuple[tuple[str, ...], Mapping[str, str]]:
    """Write a model whose pruned layers run their kept weights alone, as `sparselab.nn.load` reads it; return these layers, and why
    others stayed dense.

    Raises: SettingError where no layer of it can be swapped.
    """
    done = convert(model.eval())
    if not done.swapped:
        name, why = next(iter(done.stayed.items()), ("the model", "it has no weight"))
        raise SettingError(f"--out: expected a layer that can run its kept weights alone; got {name}: {why}")
    done.save(out)
    return done.swapped, done.stayed
