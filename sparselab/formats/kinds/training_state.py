"""Tensors of training that repeat the weights: moments of optimisers, averages and other copies of the network."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import pairwise

from sparselab.formats.kinds.rule import KindRule, registry
from sparselab.formats.kinds.spelling import Path, weight_path
from sparselab.formats.kinds.surroundings import Named, Surroundings
from sparselab.formats.names import clean_name, words_of

_MOMENTS = frozenset(
    {"exp_avg", "exp_avg_sq", "max_exp_avg_sq", "exp_inf", "momentum_buffer", "square_avg", "acc_delta"}
)
_MOMENTS |= {"grad_avg", "exp_avg_diff", "exp_avg_slow", "prev_grad", "ax", "sum_sq"}
_OPTIMISERS = frozenset({"opt", "optim", "optims", "optimizer", "optimizers", "optimiser", "optimisers"})
_TWINS = (("mu", "nu"), ("nu", "mu"))
_AVERAGES = frozenset({"ema", "average", "averaged", "avg", "swa", "shadow", "polyak", "target"})
_EARLIER = frozenset(
    {"init", "initial", "best", "old", "previous", "prev", "backup", "rewind", "copy", "original", "first"}
)


def _moment(tensor: Named, file: Surroundings) -> str | None:
    path = tensor.path
    if tensor.path[-1] in _MOMENTS or any(_OPTIMISERS & set(words_of(part)) for part in path[:-1]):
        return ""
    if any(a == "state" and b.isdigit() for a, b in pairwise(path[:-1])):
        return ""
    return "" if any(_has_twin(path, file, *pair) for pair in _TWINS) else None


def _has_twin(path: Path, file: Surroundings, own: str, other: str) -> bool:
    """Whether the first and second moments of one tensor stand under mu and nu, and a tensor of its shape elsewhere."""
    if own not in path[:-1]:
        return False
    shapes, shapes_elsewhere = file.once(_shapes), file.once(_shapes_elsewhere)
    places = [place for place, part in enumerate(path[:-1]) if part == own]
    twins = [(*path[:place], other, *path[place + 1 :]) for place in places]
    return shapes[path] in shapes_elsewhere and any(shapes.get(twin) == shapes[path] for twin in twins)


def _copy(tensor: Named, file: Surroundings) -> str | None:
    return file.once(_copies).get(tensor.entry.name)


def _shapes(file: Surroundings) -> Mapping[Path, tuple[int, ...]]:
    return {tensor.path: tensor.shape for tensor in file.tensors}


def _shapes_elsewhere(file: Surroundings) -> frozenset[tuple[int, ...]]:
    return frozenset(tensor.shape for tensor in file.tensors if not {"mu", "nu"} & set(tensor.path[:-1]))


def _copies(file: Surroundings) -> Mapping[str, str]:
    """Return the tensors that a second copy of the network holds, each with the name of the one that is read."""
    groups: dict[str, list[Named]] = {}
    for tensor in file.tensors:
        if len(tensor.shape) > 1 and len(tensor.path) > 1 and not tensor.is_mask and not tensor.has_mask_name:
            groups.setdefault(tensor.path[0], []).append(tensor)
    averages = {key for key in groups if _AVERAGES & set(words_of(key))}
    read = [tensor for tensor in file.tensors if tensor.path[0] not in averages]
    found: dict[str, str] = {}
    for key, members in groups.items():
        outside = [tensor for tensor in read if tensor.path[0] != key]
        if key in averages:
            found |= _counterparts(members, _by_letters(outside))
        elif _EARLIER & set(words_of(key)) or len(members) > 1:
            # Without a word for it, a copy is one only of names that stand bare, all of them: two networks in one file are two.
            bare = {weight_path(tensor.path): tensor for tensor in outside if not tensor.has_mask_name}
            same = {tensor.entry.name: bare.get(weight_path(tensor.path[1:])) for tensor in members}
            weights = [tensor for tensor in bare.values() if len(tensor.shape) > 1]
            if len(weights) == len(members) and all(
                twin is not None and twin.shape == tensor.shape
                for tensor, twin in zip(members, same.values(), strict=True)
            ):
                found |= {name: twin.entry.name for name, twin in same.items() if twin is not None}
    return {name: clean_name(twin) for name, twin in found.items()}


def _counterparts(members: Iterable[Named], read: Mapping[str, Named]) -> dict[str, str]:
    """Return the tensor that is read for each member of an average, or nothing when one of them has none."""
    found = {}
    for tensor in members:
        twin = read.get(_letters(weight_path(tensor.path[1:])))
        if twin is None or twin.shape != tensor.shape:
            return {}
        found[tensor.entry.name] = twin.entry.name
    return found


def _by_letters(tensors: Iterable[Named]) -> dict[str, Named]:
    found: dict[str, Named] = {}
    for tensor in tensors:
        path = weight_path(tensor.path)
        for part in (path, path[1:]):
            if part and not tensor.has_mask_name:
                found.setdefault(_letters(part), tensor)
    return found


def _letters(path: Path) -> str:
    return re.sub(r"[^0-9a-z]", "", "".join(path).lower())


STATE_RULES = registry(
    (
        KindRule(
            name="optimiser-state",
            title="Moments of optimisers",
            outcome="left alone",
            says="training state, not weights",
            line="Under a key for an optimiser, under state.NUMBER, or by structure: exp_avg, momentum_buffer, mu beside nu.",
            catches=_moment,
        ),
        KindRule(
            name="second-copy",
            title="Averages and other copies of the network",
            outcome="left alone",
            says="a second copy of every weight of the network: the one that is read is {}",
            line="Every name comes again, under a key such as ema, or beside the network's own bare names. Two networks (g., d.) are both read.",
            catches=_copy,
        ),
    )
)
