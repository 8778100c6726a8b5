"""Files that no reader takes: each is named for what it is, with the way out."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from sparselab.core.errors import FileError
from sparselab.formats import read_ticket


def _tar() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("storages"))
    return stream.getvalue()


def _zip(*names: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(name, b"{}")
    return stream.getvalue()


class Estimator:
    """An object of a class of somebody's own."""


FILES: Mapping[str, tuple[bytes, str]] = {
    "m.tflite": (b"\x1c\0\0\0TFL3" + bytes(64), "a TFLite model: open the"),
    "m.pte": (b"\x1c\0\0\0ET12" + bytes(64), "an ExecuTorch program: open the"),
    "saved_model.pb": (b"\x08\x01\x12\x07\x0a\x05", "a TensorFlow graph: open the Keras file"),
    "model.ckpt.index": (b"\0\0\x04\x08\x01", "the index of a TensorFlow checkpoint: in Python"),
    "model.ckpt.data-00000-of-00001": (b"\0\0\x04\x08\x01", "the data of a TensorFlow checkpoint: in Python"),
    "a.mat": (b"MATLAB 5.0 MAT-file, Platform: GLNXA64", "a MATLAB file: in Python, numpy.savez"),
    "b.mat": (b"MATLAB 7.3 MAT-file, Platform: GLNXA64", "a MATLAB 7.3 file: in Python, numpy.save"),
    "m.mlmodel": (b"\x08\x04\x12\x1e", "a Core ML model: open the"),
    "m.xml": (b'<?xml version="1.0"?>\n<net name="m" version="11">', "the graph of an OpenVINO model: open the"),
    "m.engine": (b"ftrt\0\0\0", "a TensorRT engine: open the"),
    "m.rknn": (b"RKNN\0\0\0", "an RKNN model: open the"),
    "m.mnn": (b"\x18\0\0\0\0\0", "an MNN model: open the"),
    "m.caffemodel": (b"\x0a\x07AlexNet", "a Caffe model: in Python"),
    "w.gz": (gzip.compress(b"x"), "a gzip archive: unpack it"),
    "w.xz": (b"\xfd7zXZ\0", "an xz archive: unpack it"),
    "w.tar": (_tar(), "a tar archive, which is never opened"),
    "w.zip": (_zip("readme.txt"), "a zip archive that holds neither"),
    "old.pt2": (_zip("serialized_exported_program.json"), "an exported program from before PyTorch 2.8: in Python"),
    "old.pt": (_zip("m/model.json", "m/code/m.py"), "a TorchScript program from before PyTorch 1.4"),
    "m.mlpackage.zip": (_zip("m/Manifest.json"), "a Core ML package: open the"),
    "config.json": (b'{"architectures": ["Bert"]}', "the configuration of a model: open the folder it lies in"),
    "other.json": (json.dumps([1]).encode(), "JSON, which is something else"),
    "mask.csv": (b"1,0,1\n0,1,1\n0,0,1\n", "numbers as text (CSV): in Python, np.save"),
    "mask.txt": (b"1.0 0.5\n1e-3 nan\n", "numbers as text (CSV): in Python, np.save"),
    "w.pt": (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer: fetch the file itself"),
    "w.pth": (b"\n<!DOCTYPE html><html>", "a web page that was saved instead of the file: download"),
    "w.jpg": (b"\xff\xd8\xff\xe0", "a JPEG picture"),
    "model.joblib": (b"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00cjoblib.numpy_pickle\nNumpyArrayWrapper\n.", "a joblib file"),
    "model.pkl": (pickle.dumps(Estimator()), "a bare pickle that would run tests.formats.test_other_files.Estimator"),
    "arrays.pkl": (pickle.dumps({"w": np.ones((2, 2))}), "a bare pickle, which is never opened"),
    "words.dat": (b"hello there", "text, which is something else"),
    "bytes.dat": (bytes(range(1, 256)), "something else"),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_each_is_named_with_the_way_out(name: str, tmp_path: Path) -> None:
    content, says = FILES[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FileError, match="expected") as caught:
        read_ticket(tmp_path / name)
    assert says in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_pattern_of_three_columns_is_one_by_its_other_lines(tmp_path: Path) -> None:
    (tmp_path / "pattern").write_bytes(b"2, 3, 2\n0 1 2\n0 2\n")
    (layer,) = read_ticket(tmp_path / "pattern")
    assert layer.mask.kept.tolist() == [[True, False, False], [False, False, True]]


def test_raw_pairs_of_bytes_are_explained(tmp_path: Path) -> None:
    np.savez(tmp_path / "w.npz", half=np.zeros((2, 2), "V2"), time=np.zeros(2, "m8[s]"), good=np.ones((2, 2)))
    reasons = {item.name: item.reason for item in read_ticket(tmp_path / "w.npz").skipped}
    assert "2-byte raw values (V2: what bfloat16 of ml_dtypes becomes" in reasons["half"]
    assert "Save array.astype(np.float32) instead" in reasons["half"]
    assert reasons["time"] == "spans of time are never read"
