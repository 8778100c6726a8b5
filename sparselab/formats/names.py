"""Names from a file, made fit to be shown."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

MAX_LENGTH = 200
MASK_WORDS = frozenset({"mask", "masks"})
_ALLOWED = frozenset(" ._-:[]()")
_AFTER_MASK = frozenset(
    {"dict", "list", "state", "map", "by", "name", "layer", "layers", "tensors", "values", "tree", "all"}
)


def clean_name(raw: str) -> str:
    """Return `raw` in NFC, at most 200 characters, with everything but letters, digits and " ._-:[]()" as "_".

    The answer is for people to read and for keys; it must never become a path.

    Example: >>> clean_name("../<b>conv")
             '..__b_conv'
    """
    # Cut first: composing a megabyte of combining marks takes long, and four characters compose to one at most.
    text = unicodedata.normalize("NFC", raw[: 4 * MAX_LENGTH])[:MAX_LENGTH]
    return "".join(c if c.isalnum() or c in _ALLOWED else "_" for c in text).strip() or "unnamed"


def unique_names(raws: Iterable[str]) -> list[str]:
    """Return the clean names in order; where two are alike the later one ends in _2, _3 and so on."""
    taken: set[str] = set()
    last: dict[str, int] = {}
    names = []
    for raw in raws:
        base = name = clean_name(raw)
        while name in taken:
            last[base] = last.get(base, 1) + 1
            ending = f"_{last[base]}"
            name = base[: MAX_LENGTH - len(ending)] + ending
        taken.add(name)
        names.append(name)
    return names


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
