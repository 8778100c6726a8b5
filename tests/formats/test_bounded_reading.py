"""Work and words grow with a file's bytes alone: counted, not timed."""

from __future__ import annotations

import errno
import json
import os
import struct
import zipfile
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
from safetensors.numpy import save, save_file

from sparselab.core.errors import FileError, LimitError
from sparselab.formats import read_ticket, read_untrusted
from sparselab.formats.base import ArchiveEntry
from sparselab.formats.containers import flatten
from sparselab.formats.kinds.surroundings import MOST_BESIDE, Named, Surroundings
from sparselab.formats.parsing.zip_members import count_members
from sparselab.formats.reading import readable

WEIGHT = np.eye(4, dtype=np.float32) / 2


def named(name: str) -> Named:
    return Named(ArchiveEntry(name=name, shape=(4, 4), dtype=WEIGHT.dtype, load=lambda: WEIGHT))


@pytest.mark.timeout(60)
@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod."])
def test_wrappers_in_front_of_a_name_take_linear_time(prefix: str, tmp_path: Path) -> None:
    save_file({prefix * 1_000_000 + "w": WEIGHT}, tmp_path / "t.safetensors")
    assert len(read_ticket(tmp_path / "t.safetensors")) == 1


def test_wrappers_in_front_of_a_name_never_take_all_of_it(tmp_path: Path) -> None:
    save_file({"module.": WEIGHT, "module.module.a": WEIGHT}, tmp_path / "t.safetensors")
    assert {name.rpartition(".")[2] for name in read_ticket(tmp_path / "t.safetensors").names} == {"", "a"}


def test_a_list_that_many_refer_to_is_looked_through_once() -> None:
    looks = 0

    def is_tensor(_: Any) -> bool:
        nonlocal looks
        looks += 1
        return False

    history = [1] * 2000
    found = list(flatten({"a": [{}, *[history] * 500]}, is_tensor))
    assert [reason for _, reason, _ in found] == ["not a tensor (list)"] * 500
    assert looks < 10 * (len(history) + 500)


def test_a_name_in_front_of_many_is_not_written_for_each() -> None:
    found = list(flatten({"k" * 100_000: {str(number): 1 for number in range(1000)}}, lambda _: False))
    assert sum(len(name) for name, _, _ in found) < 200_000
    assert "characters" in found[0][1]


def test_a_module_of_thousands_is_not_compared_with_itself() -> None:
    tensors = [named(f"w{number}") for number in range(3000)] + [named("bias")]
    file = Surroundings([*tensors, named("weight")], has_shapes=True)
    for tensor in (tensors[0], tensors[1500], tensors[2999]):
        beside = file.beside(tensor)
        assert tensor not in beside
        assert len(beside) in (MOST_BESIDE, MOST_BESIDE - 1)
    assert file.bias_of(file.by_name["weight"]) is tensors[-1]


@pytest.mark.parametrize("size", [b"9" * 4299, b"9" * 100_000, b"-" + b"9" * 4000])
def test_numbers_of_many_digits_stay_out_of_the_sentence(size: bytes, tmp_path: Path) -> None:
    header = b'{"a":{"dtype":"F32","shape":[' + size + b',1],"data_offsets":[0,4]}}'
    (tmp_path / "t.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    with pytest.raises(FileError) as caught:
        read_ticket(tmp_path / "t.safetensors")
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("comment", [b"", b"text", b"x" * 65535])
@pytest.mark.parametrize("members", [0, 1, 9, 70_000])
def test_members_are_counted_as_the_library_counts_them(members: int, comment: bytes, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "t.zip", "w") as archive:
        for number in range(min(members, 9)):
            archive.writestr(f"{number}.npy", b"1234")
        archive.filelist *= max(1, members // 9)  # more than 65535 are written in the form of zip64
        archive.comment = comment
        expected = len(archive.filelist)
    assert count_members(tmp_path / "t.zip", 10**6) == expected
    assert count_members(tmp_path / "t.zip", 5) == min(expected, 5)


def test_too_many_members_are_refused_before_they_are_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = struct.pack("<4s24x3H12x", b"PK\1\2", 0, 0, 0)
    directory = record * 200_000
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0, 0, len(directory), 4, 0)
    (tmp_path / "t.npz").write_bytes(b"PK\3\4" + directory + end)

    def never(*_: Any, **__: Any) -> NoReturn:
        raise AssertionError("parsed")

    monkeypatch.setattr(zipfile, "ZipFile", never)
    with pytest.raises(FileError, match="expected at most 100000 members"):
        read_ticket(tmp_path / "t.npz")


@pytest.mark.parametrize("text", ["\x1b[2J", "a\nb", "\x07", "\u202egpj", "\x9b31m"])
def test_texts_of_our_own_file_may_not_steer_a_terminal(text: str, tmp_path: Path) -> None:
    item = {"name": "a", "shape": [4, 8], "kernel_shape": None, "stride": 1, "padding": 0, "conversion": text}
    metadata = {"sparselab": "1", "layers": json.dumps([item])}
    (tmp_path / "t.safetensors").write_bytes(save({"a.mask_bits": np.ones((4, 1), np.uint8)}, metadata))
    with pytest.raises(FileError, match="it is damaged") as caught:
        read_ticket(tmp_path / "t.safetensors")
    assert str(caught.value).isprintable()


def test_too_little_memory_is_a_sentence(tmp_path: Path) -> None:
    def needs() -> NoReturn:
        raise MemoryError

    with pytest.raises(LimitError, match=r"t\.npy: this needs more memory"):
        readable(tmp_path / "t.npy", needs)


def test_a_full_folder_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.save(tmp_path / "t.npy", WEIGHT)

    def full(*_: Any) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(LimitError, match="No space left"):
        read_untrusted(tmp_path / "t.npy", tmp_path / "out.safetensors", run=lambda f, *a, **_: f(*a, monitor=_quiet()))
    assert os.listdir(tmp_path) == ["t.npy"]


def _quiet() -> Any:
    from sparselab.runtime.progress import SILENT

    return SILENT
