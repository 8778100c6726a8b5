"""What a pickle would call, read without running it and without importing torch.

Our own check before torch's: torch.load(weights_only=True) remains the guard, but it needs torch, which takes seconds to
import, and refuses with a page of advice on how to open the file without care; this answers at once, with the name of what
would be called.
"""

from __future__ import annotations

import pickletools
import re
from collections.abc import Iterator

from sparselab.core.errors import FileError
from sparselab.formats.base import check_count
from sparselab.formats.names import clean_name
from sparselab.formats.options import ReadLimits

HARMLESS = re.compile(
    r"torch\.(_utils\._rebuild_\w+|(cuda\.|sparse\.|cuda\.sparse\.)?\w+(Storage|Tensor)|Tensor|Size|device|"
    r"storage\.(Typed|Untyped)Storage|nn\.parameter\.Parameter|_tensor\._rebuild_from_type_v2|"
    r"serialization\._get_layout|(b?float|complex|q?u?int|bits|bool|per_)\w*)|"
    r"collections\.(OrderedDict|Counter)|_codecs\.encode|builtins\.(bytearray|complex|set)|"
    r"__builtin__\.(bytearray|complex|set)"
)
"""The names that weights_only lets through: what tensors, their storages and plain containers are rebuilt from."""

_MAX_STEPS = 4_000_000
ADVICE = "in Python, torch.save(model.state_dict(), file) writes a file that holds weights alone"


def called_names(pickle: bytes) -> Iterator[str | None]:
    """Yield the full name of everything a pickle asks Python to import, in order, and None for every tensor.

    Raises: ValueError when it is no pickle, or one of millions of steps (a tensor takes about forty).
    """
    texts: list[str] = []
    for step, (opcode, argument, _) in enumerate(pickletools.genops(pickle)):
        if step > _MAX_STEPS:
            raise ValueError("too many steps")
        if opcode.name in ("GLOBAL", "INST"):
            yield str(argument).replace(" ", ".", 1)
        elif opcode.name == "STACK_GLOBAL":
            # torch never writes this one and weights_only refuses it, so a good guess at the name is enough.
            yield ".".join(texts[-2:]) or "something"
        elif isinstance(argument, str):
            texts = [*texts[-1:], argument]
        elif opcode.name == "BINPERSID":
            yield None


def check_pickle(pickle: bytes, label: str, limits: ReadLimits) -> None:
    """Raises: FileError when a pickle is damaged, asks for anything but tensors, or holds more than the limit."""
    tensors = 0
    try:
        for name in called_names(pickle):
            tensors += name is None
            check_count("tensors", tensors, limits.max_tensors)
            if name is not None and not HARMLESS.fullmatch(name):
                raise FileError(
                    f"{label}: expected nothing but tensors; opening it would run {clean_name(name)}, "
                    f"so it was not opened: {ADVICE}"
                )
    except FileError:
        raise
    except (ValueError, IndexError, AttributeError, OverflowError, EOFError):
        raise FileError(f"{label}: expected the pickle that torch.save writes; it is damaged or too long") from None
