"""Names from a file, made fit to be shown."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

MAX_LENGTH = 200
_CLEAN = re.compile(r"[A-Za-z0-9._:\[\]()-](?:[A-Za-z0-9 ._:\[\]()-]{0,198}[A-Za-z0-9._:\[\]()-])?")
_OTHER = re.compile(r"[^\w ._:\[\]()-]")


def clean_name(raw: str) -> str:
    """Return `raw` in NFC, at most 200 characters, with everything but letters, digits and " ._-:[]()" as "_".

    The answer is for people to read and for keys; it must never become a path.

    Example: >>> clean_name("../<b>conv")
             '..__b_conv'
    """
    if len(raw) <= MAX_LENGTH and _CLEAN.fullmatch(
        raw
    ):  # as nearly all are; a model of many thousand tensors is named in milliseconds
        return raw
    # Cut first: composing a megabyte of combining marks takes long, and four characters compose to one at most.
    text = unicodedata.normalize("NFC", raw[: 4 * MAX_LENGTH])[:MAX_LENGTH]
    return _OTHER.sub("_", text).strip() or "unnamed"


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
