"""Checkpoints that call what they should not, or say of their tensors what is not so."""

from __future__ import annotations

import argparse
import os
import pickle
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tests.formats.hostile.builders import Case, file, npz, save, torch_zip


class Payload:
    """Makes a folder when it is unpickled without care."""

    def __init__(self, marker: Path) -> None:
        self.marker = str(marker)

    def __reduce__(self) -> Any:
        return os.mkdir, (self.marker,)


def payload_checkpoint(folder: Path) -> Path:
    return save(folder / "payload.pt", {"x": Payload(folder / "executed")})


def payload_protocol_4(folder: Path) -> Path:
    return torch_zip(folder / "payload4.pt", pickle.dumps(Payload(folder / "executed"), protocol=4))


def payload_bare(folder: Path) -> Path:
    path = folder / "bare.pt"
    path.write_bytes(pickle.dumps(Payload(folder / "executed"), protocol=2))
    return path


def payload_with_a_harmless_name(folder: Path) -> Path:
    return torch_zip(folder / "disguised.pt", b"\x80\x02ctorch._utils\n_rebuild_anything\n)R.")


def deflated_record(folder: Path) -> Path:
    whole = save(folder / "whole.pt", {"w": torch.zeros(512, 512)})
    with zipfile.ZipFile(whole) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    return npz(folder / "deflated.pt", members, zipfile.ZIP_DEFLATED)


def stride_zero(folder: Path) -> Path:
    return save(folder / "stride0.pt", {"w": torch.ones(1).expand(3000, 3000)})


def overlapping(folder: Path) -> Path:
    return save(folder / "overlap.pt", {"w": torch.arange(20.0).as_strided((8, 8), (1, 1))})


def terabyte(folder: Path) -> Path:
    return save(folder / "terabyte.pt", {"w": torch.ones(1).expand(10**6, 10**6)})


def csr_out_of_range(folder: Path) -> Path:
    places = torch.tensor([0, 1, 2]), torch.tensor([0, 10**9])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the layout is in beta
        wild = torch.sparse_csr_tensor(*places, torch.ones(2), size=(2, 4), check_invariants=False)
    return save(folder / "csr.pt", {"w": wild})


def coo_out_of_range(folder: Path) -> Path:
    places = torch.tensor([[0, 10**9], [0, 1]])
    wild = torch.sparse_coo_tensor(places, torch.ones(2), size=(4, 4), check_invariants=False)
    return save(folder / "coo.pt", {"w": wild})


def coo_huge(folder: Path) -> Path:
    huge = torch.sparse_coo_tensor(torch.tensor([[0], [0]]), torch.ones(1), size=(2**20, 2**20), check_invariants=True)
    return save(folder / "coo-huge.pt", {"w": huge})


def foreign_object(folder: Path) -> Path:
    return save(folder / "object.pt", argparse.Namespace(weight=torch.ones(2, 2)))


def torch_script(folder: Path) -> Path:
    return npz(
        folder / "script.pt", {"m/data.pkl": b"\x80\x02}.", "m/code/m.py": b"", "m/constants.pkl": b"\x80\x02)."}
    )


def pickled(name: str, steps: bytes) -> Callable[[Path], Path]:
    return lambda folder: torch_zip(folder / name, steps)


def changed_pickle(name: str, value: Any, old: bytes, new: bytes) -> Callable[[Path], Path]:
    """A checkpoint whose pickle says something else than its storages; the sum over it is left out, as torch can."""

    def make(folder: Path) -> Path:
        whole = save(folder / "whole.pt", value)
        with zipfile.ZipFile(whole) as archive:
            members = {member: archive.read(member) for member in archive.namelist()}
        pickle_name = next(member for member in members if member.endswith("data.pkl"))
        assert old in members[pickle_name]
        members[pickle_name] = members[pickle_name].replace(old, new)
        whole.unlink()
        return npz(folder / name, members)

    return make


def doubling(name: str, call: bytes) -> Callable[[Path], Path]:
    """Tuples of tuples of tuples: a hundred steps stand for 2^50 values."""
    steps = b"\x80\x02N\x85q\x00" + b"".join(b"h%ch%c\x86q%c" % (i, i, i + 1) for i in range(50))
    return pickled(name, steps + call)


ONE = {"w": torch.ones(2, 2)}


def many_checkpoint_tensors(folder: Path) -> Path:
    one = torch.ones(1, 1)
    return save(folder / "many.pt", {f"l{i}": one for i in range(100_000)})


def pickle_of_one(folder: Path) -> bytes:
    with zipfile.ZipFile(save(folder / "whole.pt", ONE)) as archive:
        return archive.read("whole/data.pkl")


TORCH: dict[str, Case] = {
    "payload": (payload_checkpoint, r"got x \(not a tensor \((posix|nt)\.mkdir\)\): in Python, torch.save"),
    "payload, protocol 4": (payload_protocol_4, r"not a tensor \((posix|nt)\.mkdir\)"),
    "payload, bare": (payload_bare, r"a bare pickle that would run (posix|nt)\.mkdir"),
    "payload, protocol 0": (
        file("zero.pt", b"cposix\nmkdir\n(S'executed'\ntR."),
        r"expected a PyTorch checkpoint \(as its name says\)",
    ),
    "payload, harmless name": (payload_with_a_harmless_name, "rebuild_anything"),
    "object of a class": (
        foreign_object,
        r"not a tensor \(argparse.Namespace\)\): in Python, torch.save\(model.state_dict",
    ),
    "TorchScript of nothing": (torch_script, "expected tensors; got an empty file"),
    "deflated record": (deflated_record, "its storage is compressed"),
    "stride 0": (stride_zero, r"w \(expanded: its elements share memory: save tensor.clone"),
    "overlap": (overlapping, "a view whose elements overlap"),
    "terabyte": (terabyte, "at most 1073741824 elements"),
    "CSR out of range": (csr_out_of_range, "indices out of range"),
    "COO out of range": (coo_out_of_range, "indices out of range"),
    "COO too large": (coo_huge, "at most 1073741824 elements"),
    "pickle cut": (lambda folder: torch_zip(folder / "cut.pt", b"\x80\x02}q\x00X\xff"), "it is damaged"),
    "pickle of nothing": (
        lambda folder: torch_zip(folder / "steps.pt", b"\x80\x02" + b"N0" * 2_100_000 + b"N."),
        "damaged or too long",
    ),
    "100000 checkpoint tensors": (many_checkpoint_tensors, "at most 20000 tensors"),
    "one storage missing": (
        lambda folder: npz(folder / "missing.pt", {"a/data.pkl": pickle_of_one(folder), "a/version": b"3"}),
        "its storage is not in the file",
    ),
    "storage too short": (
        changed_pickle("short.pt", ONE, b"K\x02K\x02\x86", b"K\x7fK\x02\x86"),
        "expected 254 elements in its storage; it holds 4",
    ),
    "tensors in tuples in tuples": (doubling("tuples.pt", b"."), "expected tensors; got"),
    "a key that takes ages to hash": (doubling("keys.pt", b"}h\x32Ns."), "expected tensors; got"),
    "a key a million deep": (
        pickled("key.pt", b"\x80\x02}N" + b"\x85" * 10**6 + b"Ns."),
        "expected tensors; got|too deep",
    ),
    "a name a million deep": (
        pickled("name.pt", b"\x80\x02" + b"}X\x01\x00\x00\x00a" * 10**6 + b"N" + b"s" * 10**6 + b"."),
        "expected tensors; got|too deep|too long",
    ),
    "lists in lists": (pickled("deep.pt", b"\x80\x02" + b"]" * 200_000 + b"a" * 199_999 + b"."), "too deep"),
    "a list in itself": (pickled("loop.pt", b"\x80\x02]q\x00h\x00a."), "expected tensors; got"),
    "a number of a million digits": (pickled("digits.pt", b"I" + b"9" * 10**6 + b"\n."), "damaged"),
    "a number of a million bytes": (
        pickled("long.pt", b"\x8b" + struct.pack("<i", 10**6) + b"9" * 10**6 + b"."),
        "damaged",
    ),
    "a text of 4 GiB": (pickled("text.pt", b"\x80\x02X\xff\xff\xff\xffabc."), "damaged"),
    "a text of less than nothing": (pickled("negative.pt", b"T\xff\xff\xff\xffabc."), "damaged"),
    "a memo that is empty": (pickled("memo.pt", b"\x80\x02h\x05."), "damaged"),
    "no value": (pickled("none.pt", b"\x80\x02."), "damaged"),
    "no mark": (pickled("mark.pt", b"\x80\x02t."), "damaged"),
    "a name to escape a terminal with": (
        pickled("escape.pt", b"cos\n\x1b[31m<b>\n)R."),
        r"not a tensor \(os\._\[31m_b_\)",
    ),
    "a type to escape with": (
        changed_pickle("type.pt", ONE, b"ctorch\nFloatStorage\n", b"ctorch\n\x1b[31mStorage\n"),
        r"torch\._\[31mStorage values are never read|\[31mStorage values",
    ),
    "an extension": (pickled("extension.pt", b"\x80\x02\x82\x01)R."), "extension 1"),
    "buffers elsewhere": (pickled("buffers.pt", b"\x80\x05\x97."), "damaged"),
    "a call of a call": (pickled("calls.pt", b"cbuiltins\neval\n(S'1'\ntR(S'2'\ntR."), "not a tensor .builtins.eval"),
    "a tensor of what is no storage": (
        pickled("storage.pt", b"ctorch._utils\n_rebuild_tensor_v2\n(NNNNNNtR."),
        "description is damaged",
    ),
    "a tensor of nothing": (pickled("args.pt", b"ctorch._utils\n_rebuild_tensor_v2\n)R."), "description is damaged"),
    "an array cut short": (
        pickled(
            "array.pt",
            pickle.dumps(np.zeros((4, 4), np.float32), protocol=2).replace(b"K\x04K\x04\x86", b"K\x04K\x05\x86"),
        ),
        "numbers are cut short",
    ),
    "an array of objects": (
        pickled("objects.pt", pickle.dumps(np.array([[{}]]), protocol=2)),
        "Python objects are never",
    ),
}
