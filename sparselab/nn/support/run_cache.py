"""Prepared runs of one layer: found again for the shapes they were tuned for, forgotten when the values change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import log

import torch
from torch import Tensor

from sparselab.core.torch_private import version_of
from sparselab.kernels.base import Run
from sparselab.kernels.support.autotune import Chosen

_MOST_SHAPES = 8
_MOST_CHOICES = 64

_Shape = tuple[int, ...]


@dataclass(eq=False)
class _Runs:
    """Runs prepared from the same values, by shape, type and device of their input."""

    made_from: tuple[object, ...]
    held: tuple[Tensor, ...]  # so that nothing new can come to lie at the addresses in made_from
    content: int  # of the values, to be compared where they may have been written to behind torch's back
    by_input: dict[tuple[_Shape, torch.dtype, torch.device], Run] = field(default_factory=dict)
    is_doubted: bool = False


class RunCache:
    """At most eight prepared runs a type and device; inputs of further shapes take the run of the nearest size."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self._runs = _Runs((), (), 0)
        self._choices: dict[
            tuple[_Shape, torch.dtype, torch.device], str
        ] = {}  # which outlive the values they were tried with

    def doubt(self) -> None:
        """Have the next call look whether the values are still the same numbers."""
        self._runs.is_doubted = True

    def run(self, x: Tensor, values: tuple[Tensor, ...], prepare: Callable[[str | None], Run]) -> Run:
        """Return the run for inputs like x of a layer with these values, prepared now unless it was before.

        prepare: is given what was told of the run for such inputs with other values, None where there was none.
        """
        made_from = tuple(state for part in values for state in (part.data_ptr(), _version(part)))
        runs = self._runs  # another thread may put others in their place meanwhile
        is_same = runs.made_from == made_from
        content = _content(values) if runs.is_doubted or not is_same else runs.content
        if not is_same or content != runs.content:
            runs = self._runs = _Runs(made_from, tuple(part.detach() for part in values), content)
        runs.is_doubted = False
        key = (tuple(x.shape), x.dtype, x.device)
        found = runs.by_input.get(key)
        if found is not None:
            return found
        alike = [(of[0], run) for of, run in tuple(runs.by_input.items()) if of[1:] == key[1:]]
        if len(alike) >= _MOST_SHAPES:
            return min(alike, key=lambda other: _distance(other[0], key[0]))[1]
        prepared = runs.by_input[key] = prepare(self._choices.get(key))
        if isinstance(prepared, Chosen) and (len(self._choices) < _MOST_CHOICES or key in self._choices):
            self._choices[key] = prepared.told
        return prepared


def _distance(shape: _Shape, other: _Shape) -> float:
    return sum(abs(log(mine / theirs)) for mine, theirs in zip(shape, other, strict=True))


def _version(values: Tensor) -> int:
    """Return how often a tensor was changed in place; of one made in inference mode, which does not count, what it holds."""
    if not values.is_inference():
        return version_of(values)
    return _content((values,))


def _content(values: tuple[Tensor, ...]) -> int:
    """Return a hash of all numbers."""
    plain = (part.detach().contiguous().view(torch.uint8).cpu().numpy() for part in values)
    return hash(tuple(part.tobytes() for part in plain))
