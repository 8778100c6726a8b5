"""Names of tensors: the modules they lead through, the wrappers that frameworks put between, and the words of the last part."""

from __future__ import annotations

import re

from sparselab.formats.names import MASK_WORDS, is_mask_key, words_of

Path = tuple[str, ...]

WEIGHT_NAMES = frozenset({"weight", "weights", "kernel", "w"})
"""What a module calls its weight; a mask may be named after the module alone."""

MAX_DEPTH = 16
"""Parts of a name that are looked at, from its end: a stranger's name may have a million."""

_NOT_OF_THE_WEIGHT = MASK_WORDS | {"", "mma", "orig", "original"}
_WRAPPERS = re.compile(r"module|base_layer|_\w*(mod|module|wrapped|wrapper)\w*")


def path_of(name: str) -> Path:
    """Return the parts of a name, the last `MAX_DEPTH` of them, without Keras's ":0".

    Example: >>> path_of("params/Conv_0/kernel:0")
             ('params', 'Conv_0', 'kernel')
    """
    parts = re.split(r"[./]", re.sub(r":\d+$", "", name))
    return tuple(part for part in parts if part)[-MAX_DEPTH:]


def without_wrappers(path: Path) -> Path:
    """Return a path without the modules that only wrap another, such as `_orig_mod`; the last part always stays.

    Example: >>> without_wrappers(("blocks", "0", "_orig_mod", "fc", "weight"))
             ('blocks', '0', 'fc', 'weight')
    """
    return (*(part for part in path[:-1] if not _WRAPPERS.fullmatch(part)), *path[-1:])


def is_mask_name(path: Path) -> bool:
    """Whether the last part of a name, or the container in front of all, says that it is a mask."""
    return bool(MASK_WORDS & set(words_of(path[-1]))) or (len(path) > 1 and is_mask_key(path[0]))


def weight_path(path: Path) -> Path:
    """Return the modules and the parameter that a weight stands for, whatever wraps or reparametrises it.

    Example: >>> weight_path(("fc", "parametrizations", "weight", "original"))
             ('fc', 'weight')
    """
    bare = without_wrappers(path)
    if "parametrizations" in bare[:-1]:
        place = bare.index("parametrizations")
        return bare[:place] + bare[place + 1 : place + 2]
    return _without_words(bare, frozenset({"orig", "original"}))


def masked_path(path: Path) -> Path:
    """Return the modules and the parameter that a mask of this name is of, as far as the name says.

    Example: >>> masked_path(("mask", "fc", "weight")), masked_path(("fc", "__weight_mma_mask")), masked_path(("mask_fc",))
             (('fc', 'weight'), ('fc', 'weight'), ('fc',))
    """
    bare = without_wrappers(path)
    if "parametrizations" in bare[:-1]:
        return weight_path(path)
    if len(bare) > 1 and is_mask_key(bare[0]):
        bare = bare[1:]
    return _without_words(bare, _NOT_OF_THE_WEIGHT)


def module_of(path: Path) -> Path:
    """Return the module that a tensor belongs to."""
    bare = without_wrappers(path)
    return bare[: bare.index("parametrizations")] if "parametrizations" in bare[:-1] else bare[:-1]


def _without_words(path: Path, unwanted: frozenset[str]) -> Path:
    words = [word for word in path[-1].split("_") if word.lower() not in unwanted] if path else []
    if path and len(words) == len(path[-1].split("_")):
        return path
    return (*path[:-1], "_".join(words)) if words else path[:-1]
