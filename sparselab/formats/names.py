"""Names from a file: those of `core.names`, and what the words of a name say."""

from __future__ import annotations

import re

from sparselab.core.names import MAX_LENGTH, clean_name, unique_names

__all__ = ["MASK_WORDS", "MAX_LENGTH", "clean_name", "is_mask_key", "unique_names", "words_of"]

MASK_WORDS = frozenset({"mask", "masks"})
_AFTER_MASK = frozenset(
    {"dict", "list", "state", "map", "by", "name", "layer", "layers", "tensors", "values", "tree", "all"}
)


def words_of(part: str) -> tuple[str, ...]:
    """Return the words of one part of a name, in lower case.

    Example: >>> words_of("__weight_mma_mask"), words_of("maskDict")
             (('weight', 'mma', 'mask'), ('mask', 'dict'))
    """
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", part[-MAX_LENGTH:])
    return tuple(word for word in text.lower().split("_") if word)


def is_mask_key(part: str) -> bool:
    """Whether a container of this name holds masks: the word stands last, or before words for a container.

    Example: >>> [is_mask_key(key) for key in ("prune_mask", "mask_dict", "mask_decoder")]
             [True, True, False]
    """
    words = words_of(part)
    last = max((index for index, word in enumerate(words) if word in MASK_WORDS), default=None)
    return last is not None and all(word in _AFTER_MASK for word in words[last + 1 :])
