"""Checkpoints from before PyTorch 1.6 that are damaged, or say of their storages what is not so."""

from __future__ import annotations

import pickle
import struct
from collections.abc import Callable
from pathlib import Path

import torch

from tests.formats.hostile.builders import Case, file

HEAD = pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2) + pickle.dumps({"little_endian": True}, 2)


def storage(key: str = "0", count: int = 4, kind: str = "Float", view: bytes = b"N") -> bytes:
    """The steps that name a storage of so many elements."""
    texts = b"".join(b"X" + struct.pack("<I", len(text)) + text.encode() for text in (key, "cpu"))
    return b"(X\x07\x00\x00\x00storagectorch\n%bStorage\n%bJ%b%btQ" % (
        kind.encode(),
        texts,
        struct.pack("<i", count),
        view,
    )


def rebuilt(
    storage: bytes, first: int = 0, sizes: bytes = b"K\x02K\x02\x86", strides: bytes = b"K\x02K\x01\x86"
) -> bytes:
    """The steps of one dictionary with one tensor."""
    tensor = b"ctorch._utils\n_rebuild_tensor_v2\n(%bJ%b%b%b\x89NtR" % (
        storage,
        struct.pack("<i", first),
        sizes,
        strides,
    )
    return b"\x80\x02}X\x01\x00\x00\x00w%bs." % tensor


def legacy(
    name: str, value: bytes, keys: object = ("0",), count: int = 4, data: bytes = bytes(16)
) -> Callable[[Path], Path]:
    return file(
        f"{name}.th",
        HEAD
        + value
        + pickle.dumps(list(keys) if isinstance(keys, tuple) else keys, 2)
        + struct.pack("<q", count)
        + data,
    )


def call(folder: Path) -> Path:
    path = folder / "call.th"
    path.write_bytes(HEAD + b"cposix\nmkdir\n(S'" + str(folder / "executed").encode() + b"'\ntR." + pickle.dumps([], 2))
    return path


def call_for_the_keys(folder: Path) -> Path:
    path = folder / "keys.th"
    path.write_bytes(
        HEAD + rebuilt(storage()) + b"cposix\nmkdir\n(S'" + str(folder / "executed").encode() + b"'\ntR." + bytes(24)
    )
    return path


def expanded(folder: Path) -> Path:
    torch.save({"w": torch.ones(1).expand(3000, 3000)}, folder / "expanded.th", _use_new_zipfile_serialization=False)
    return folder / "expanded.th"


TORCH_LEGACY: dict[str, Case] = {
    "legacy call": (call, r"not a tensor \(posix.mkdir\)"),
    "legacy call for the keys": (call_for_the_keys, "expected the keys of its storages; the file is damaged"),
    "legacy count": (legacy("count", rebuilt(storage()), count=5), "expected 4 numbers of 4 bytes .* damaged"),
    "legacy huge": (legacy("huge", rebuilt(storage(count=2**31 - 1)), count=2**31 - 1), "cut short or damaged"),
    "legacy short": (legacy("short", rebuilt(storage()), data=bytes(15)), "cut short or damaged"),
    "legacy key unknown": (
        legacy("unknown", rebuilt(storage()), keys=("1",)),
        "keys of its storages, each once; got 1",
    ),
    "legacy key twice": (
        legacy("twice", rebuilt(storage()), keys=("0", "0"), data=bytes(40)),
        "damaged|each once; got 0",
    ),
    "legacy key missing": (legacy("missing", rebuilt(storage()), keys=()), "its storage is not in the file"),
    "legacy keys": (legacy("number", rebuilt(storage()), keys=7), "expected the keys of its storages; the file"),
    "legacy outside": (
        legacy("outside", rebuilt(storage(), first=1)),
        "expected 5 elements in its storage; it holds 4",
    ),
    "legacy before": (legacy("before", rebuilt(storage(), first=-1)), "description is damaged"),
    "legacy type": (legacy("type", rebuilt(storage(kind="Odd"))), "types that torch has; got OddStorage"),
    "legacy view": (legacy("view", rebuilt(storage(view=b"(X\x01\x00\x00\x00vK\x03K\x03t"))), "each once; got 0"),
    "legacy wide": (legacy("wide", rebuilt(storage(), sizes=b"J\xff\xff\xff\x7fK\x01\x86")), "dimensions up to"),
    "legacy expanded": (expanded, "expanded: its elements share memory"),
    "legacy pickles": (file("pickles.th", HEAD + b"\x80\x02}."), "damaged or too long"),
}
