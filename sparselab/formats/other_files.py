"""Files that are not read: what each is, known by its content or else its name, and what its owner can do."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from types import MappingProxyType

from sparselab.formats.base import Head
from sparselab.formats.names import clean_name
from sparselab.formats.parsing.checkpoints.pickle_machine import DamagedPickle, PickleMachine
from sparselab.formats.parsing.checkpoints.pickle_opcodes import run
from sparselab.formats.parsing.checkpoints.torch_pickle import ADVICE

_CONVERTED = "open the PyTorch, Keras or ONNX file it was converted from"
_UNPACK = "unpack it and open the file of weights inside"
_AS_NPZ = "in Python, np.savez(file, **arrays) writes arrays that are read"
_STARTS: Mapping[bytes, str] = MappingProxyType({
    b"\xff\xd8\xff": "a JPEG picture", b"GIF8": "a GIF picture", b"BM": "a BMP picture",
    b"II*\0": "a TIFF picture", b"MM\0*": "a TIFF picture",
    b"\x1f\x8b": f"a gzip archive: {_UNPACK}", b"BZh": f"a bzip2 archive: {_UNPACK}",
    b"\xfd7zXZ": f"an xz archive: {_UNPACK}", b"\x28\xb5\x2f\xfd": f"a zstd archive: {_UNPACK}",
    b"7z\xbc\xaf": f"a 7-Zip archive: {_UNPACK}", b"Rar!": f"a RAR archive: {_UNPACK}",
    b"MATLAB 5.0": "a MATLAB file: in Python, numpy.savez(file, **arrays) writes what scipy.io.loadmat reads",
    b"MATLAB 7.3": "a MATLAB 7.3 file: in Python, numpy.save(file, h5py.File(name)[variable][()].T) writes one matrix of it",
    b"RKNN": f"an RKNN model: {_CONVERTED}", b"ftrt": f"a TensorRT engine: {_CONVERTED}",
    b"ptrt": f"a TensorRT engine: {_CONVERTED}", b"7767517": f"an ncnn model: {_CONVERTED}",
    b"PAR1": f"a Parquet table: {_AS_NPZ}", b"ARROW1": f"an Arrow table: {_AS_NPZ}",
    b"SQLite format 3": "a SQLite database", b"%PDF": "a PDF document", b"\x7fELF": "a program", b"MZ": "a program",
    b"version https://git-lfs": "a Git LFS pointer: fetch the file itself with git lfs pull",
})  # fmt: skip
_FLATBUFFERS: Mapping[bytes, str] = MappingProxyType(
    {b"TFL3": f"a TFLite model: {_CONVERTED}", b"ET12": f"an ExecuTorch program: {_CONVERTED}"}
)
"""By the four bytes after the first four."""

_SUFFIXES: Mapping[str, str] = MappingProxyType({
    ".pb": "a TensorFlow graph: open the Keras file, or save model.get_weights() with np.savez",
    ".index": "the index of a TensorFlow checkpoint: in Python, tf.train.load_checkpoint reads it; save its arrays with np.savez",
    ".meta": "the graph of a TensorFlow checkpoint: in Python, tf.train.load_checkpoint reads its weights; save them with np.savez",
    ".mlmodel": f"a Core ML model: {_CONVERTED}", ".caffemodel": f"a Caffe model: {_AS_NPZ}; caffe.Net reads its blobs",
    ".mnn": f"an MNN model: {_CONVERTED}", ".engine": f"a TensorRT engine: {_CONVERTED}",
    ".trt": f"a TensorRT engine: {_CONVERTED}", ".rknn": f"an RKNN model: {_CONVERTED}",
    ".mat": f"a MATLAB file: {_AS_NPZ}; scipy.io.loadmat reads it",
    ".pkl": f"a file named as a pickle: {ADVICE}",
    ".npy": "a file named as a NumPy array without the beginning of one",
})  # fmt: skip
_TF_DATA = re.compile(r"\.data-\d{5}-of-\d{5}$")
_TABLE = re.compile(rb"[\s\d.,;:+\-eE]*(nan|inf|[\s\d.,;:+\-eE])*", re.IGNORECASE)
_FIRST_MEGABYTE = 2**20
_LIBRARIES = ("numpy.", "torch.", "collections.", "_codecs.", "builtins.", "__builtin__.", "copy_reg.", "copyreg.")


def what_it_is(head: Head) -> str:
    """Return what a file is that no format recognises, and the way out where there is one."""
    if head.members is not None:
        return _zip(head.members)
    if head.start[:1] == b"\x80" and head.start[1:2] <= b"\x05":
        return _pickle(head)
    if head.start[257:262] == b"ustar":
        return (
            f"a tar archive, which is never opened (torch.save wrote some before PyTorch 0.2): {_UNPACK}, or {ADVICE}"
        )
    if word := next((word for start, word in _STARTS.items() if head.start.startswith(start)), None):
        return word
    if word := _FLATBUFFERS.get(head.start[4:8]):
        return word
    if _TF_DATA.search(head.path.name):
        return _SUFFIXES[".index"].replace("the index", "the data")
    return _text(head) or _SUFFIXES.get(head.suffix, "something else")


def _text(head: Head) -> str | None:
    """What a text is; None for bytes that are none."""
    text = head.start.lstrip(b"\xef\xbb\xbf \t\r\n")
    low = text[:1000].lower()
    if low.startswith((b"<!doctype html", b"<html")):
        return "a web page that was saved instead of the file: download the file itself"
    if low.startswith(b"<"):
        return f"the graph of an OpenVINO model: {_CONVERTED}" if b"<net" in low else "XML, or a web page"
    if text.startswith((b"{", b"[")):
        return _json(text)
    if b"\0" in text or not text:
        return None
    if _TABLE.fullmatch(text[:1000]):
        return (
            "numbers as text (CSV): in Python, np.save(file, np.loadtxt(csv, delimiter=',')) writes a file that is read"
        )
    try:
        text[:1000].decode("ascii")
    except UnicodeDecodeError:
        return None
    return _SUFFIXES.get(head.suffix, "text, which is something else than weights or masks")


def _json(text: bytes) -> str:
    if b'"architectures"' in text or b'"model_type"' in text:
        return "the configuration of a model: open the folder it lies in"
    return "JSON, which is something else than weights or masks"


def _zip(members: tuple[str, ...]) -> str:
    names = {name.rpartition("/")[2] for name in members}
    if "model.json" in names and any("/code/" in name for name in members):
        return f"a TorchScript program from before PyTorch 1.4: {ADVICE}"
    if any(name.startswith("serialized_exported_program") for name in names):
        return (
            "an exported program from before PyTorch 2.8: in Python, torch.save(torch.export.load(file).state_dict, new) "
            "writes its weights"
        )
    if "Manifest.json" in names or any(name.endswith(".mlmodel") for name in names):
        return f"a Core ML package: {_CONVERTED}"
    if "[Content_Types].xml" in names:
        return "an office document"
    return f"a zip archive that holds neither NumPy arrays nor what torch.save writes: {_UNPACK}"


def _pickle(head: Head) -> str:
    with head.path.open("rb") as file:
        machine = PickleMachine(file.read(_FIRST_MEGABYTE))
    with contextlib.suppress(DamagedPickle):  # what it named before that will do
        run(machine)
    names = [found.name for found in machine.globals]
    if any(name.startswith("joblib.") for name in names):
        return f"a joblib file, which is a pickle and never opened: {_AS_NPZ}"
    foreign = next((name for name in names if not name.startswith(_LIBRARIES)), None)
    runs = f" that would run {clean_name(foreign)}" if foreign else ""
    return f"a bare pickle{runs}, which is never opened: {ADVICE}, {_AS_NPZ}"
