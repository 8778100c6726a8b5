"""Mutations of good files, seeded, and what must hold of each: a sentence, or a ticket of true densities."""

from __future__ import annotations

import io
import json
import random
import re
import struct
import time
import warnings
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from sparselab.core.errors import SparselabError
from sparselab.formats import describe, read_ticket

CPU_SECONDS = 2.0
_LARGEST_REBUILT = 2**20
_NUMBERS = (0, 1, -1, 2, 3, 7, 8, 255, 2**15, 2**16 - 1, 2**24, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1)
_DIGITS = re.compile(rb"\d+")


def flip(content: bytearray, rng: random.Random) -> bytearray:
    """Change a few bytes."""
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        content[rng.randrange(len(content))] = rng.randrange(256)
    return content


def cut(content: bytearray, rng: random.Random) -> bytearray:
    """Leave out the end, or a piece."""
    start = rng.randrange(len(content))
    return content[:start] + (content[rng.randrange(start, len(content)) :] if rng.random() < 0.5 else b"")


def splice(content: bytearray, rng: random.Random) -> bytearray:
    """Put a piece of the file somewhere else in it, once or many times."""
    start, to = rng.randrange(len(content)), rng.randrange(len(content))
    piece = content[start : start + rng.choice((1, 4, 16, 64, 256))]
    return content[:to] + piece * rng.choice((1, 1, 2, 100)) + content[to + rng.choice((0, len(piece))) :]


def set_number(content: bytearray, rng: random.Random) -> bytearray:
    """Write a number at the edge of its type over 1, 2, 4 or 8 bytes near the beginning or the end, where headers are."""
    width = rng.choice((1, 2, 4, 8))
    if len(content) <= width:
        return content
    near = min(len(content) - width, rng.choice((16, 64, 512, len(content))))
    at = rng.randint(0, near) if rng.random() < 0.7 else len(content) - width - rng.randint(0, near)
    order = rng.choice(("little", "big"))
    content[at : at + width] = (rng.choice(_NUMBERS) % 2 ** (8 * width)).to_bytes(width, order)
    return content


def set_digits(content: bytearray, rng: random.Random) -> bytearray:
    """Write another number over one that stands in the file as text, of the same length where an offset may depend on it."""
    found = list(_DIGITS.finditer(bytes(content[: 2**16])))
    if not found:
        return flip(content, rng)
    match = rng.choice(found)
    text = rng.choice((*(str(number).encode() for number in _NUMBERS), b"9" * 30, b"9" * 5000))
    if rng.random() < 0.5:
        text = text[: len(match.group())].rjust(len(match.group()), b"0")
    return content[: match.start()] + text + content[match.end() :]


def set_header(content: bytearray, rng: random.Random) -> bytearray:
    """Do as `set_digits` in a header of known length, and make its length right again."""
    size = int.from_bytes(content[:8], "little")
    if not 0 < size <= len(content) - 8 or content[8:9] != b"{":
        return set_digits(content, rng)
    header = rng.choice((set_digits, flip, splice))(content[8 : 8 + size], rng)
    return bytearray(struct.pack("<Q", len(header))) + header + content[8 + size :]


def rebuild(content: bytearray, rng: random.Random) -> bytearray:
    """Change a member of a zip archive, and write the archive anew with right sums; other files as `flip` does."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            items = archive.infolist()
            if sum(item.file_size for item in items) > _LARGEST_REBUILT:  # a bomb is not blown up here
                return flip(content, rng)
            members = [(item.filename, archive.read(item), item.compress_type) for item in items]
    except (
        zipfile.BadZipFile,
        ValueError,
        OSError,
        EOFError,
        NotImplementedError,
        RuntimeError,
        OverflowError,
        struct.error,
        zlib.error,
    ):
        return flip(content, rng)
    full = [index for index, (_, data, _) in enumerate(members) if data]
    if not full:
        return flip(content, rng)
    index = rng.choice(full)
    name, data, _ = members[index]
    members[index] = (name, bytes(rng.choice(_PLAIN)(bytearray(data), rng)), rng.choice((0, 8)))
    if rng.random() < 0.1:
        members.append(members[rng.randrange(len(members))])
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a name that comes twice is meant
        for name, data, method in members:
            archive.writestr(zipfile.ZipInfo(name), data, compress_type=method)
    return bytearray(out.getvalue())


_PLAIN: tuple[Callable[[bytearray, random.Random], bytearray], ...] = (flip, cut, splice, set_number, set_digits)
MUTATIONS = (*_PLAIN, set_header, rebuild)


def mutated(content: bytes, rng: random.Random) -> bytes:
    """Return the content of a file changed in one to three ways."""
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        if changed:
            changed = rng.choice(MUTATIONS)(changed, rng)
    return bytes(changed)


def fault_of(path: Path) -> str | None:
    """Read a file and describe it; return what is wrong with what came of it, or None."""
    begin = time.process_time()
    try:
        card = describe(read_ticket(path), count=True)
    except SparselabError as error:
        text = str(error)
        if not text.isprintable() or not 0 < len(text) < 600:
            return f"a text of {len(text)} characters: {text[:200]!r}"
    except Exception as error:
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        place = "" if trace is None else f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
        return f"{type(error).__name__} at {place}: {str(error)[:200]}"
    else:
        told = json.dumps(card, ensure_ascii=False)
        if not told.isprintable():
            return f"texts that are not printable: {told[:200]!r}"
        if not all(0 <= layer["density"] <= 1 for layer in card["layers"]):
            return "a density outside of 0 to 1"
    spent = time.process_time() - begin
    return f"{spent:.1f} s of processor time" if spent > CPU_SECONDS else None
