"""One way to write a matrix in each format that is read, by other means than ours."""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sparselab.formats import FORMATS

Matrix = np.ndarray


def _npy(weight: Matrix, path: Path) -> None:
    np.save(path, weight)


def _npz(weight: Matrix, path: Path) -> None:
    np.savez_compressed(path, **{"fc_orig": weight, "fc_mask": weight != 0})


def _safetensors(weight: Matrix, path: Path) -> None:
    from safetensors.numpy import save_file

    save_file({"fc_orig": weight, "fc_mask": weight != 0}, path)


def _torch(weight: Matrix, path: Path) -> None:
    torch.save({"fc_orig": torch.tensor(weight), "fc_mask": torch.tensor(weight != 0)}, path)


def _smtx(weight: Matrix, path: Path) -> None:
    """A pattern alone: rows, columns and kept weights; row offsets; column indices."""
    rows, cols = np.nonzero(weight)
    offsets = np.cumsum([0, *np.bincount(rows, minlength=len(weight))])
    lines = [", ".join(map(str, (*weight.shape, cols.size)))]
    lines += ["".join(f"{number} " for number in numbers) for numbers in (offsets, cols)]
    path.write_text("\n".join(lines) + "\n")


def _torch_legacy(weight: Matrix, path: Path) -> None:
    named = {"fc_orig": torch.tensor(weight), "fc_mask": torch.tensor(weight != 0)}
    torch.save(named, path, _use_new_zipfile_serialization=False)


def _torch_export(weight: Matrix, path: Path) -> None:
    """As torch.export.save writes it, by hand: that takes a second to trace a model."""
    arrays = {"fc_orig": (7, weight.astype(np.float32)), "fc_mask": (12, weight != 0)}
    strides = [{"as_int": weight.shape[1]}, {"as_int": 1}]
    sizes = [{"as_int": size} for size in weight.shape]
    meta = {"sizes": sizes, "strides": strides, "storage_offset": {"as_int": 0}, "layout": 7}
    config = {
        name: {"path_name": name, "use_pickle": False, "tensor_meta": meta | {"dtype": code}}
        for name, (code, _) in arrays.items()
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, (_, array) in arrays.items():
            archive.writestr(f"good/data/weights/{name}", array.tobytes())
        archive.writestr("good/data/weights/model_weights_config.json", json.dumps({"config": config}))


def _blocks(weight: Matrix, path: Path) -> None:
    """A block of each kept weight; the shape is said by blocks that cover nothing."""
    blocks = [([int(row)], [int(col)]) for row, col in zip(*np.nonzero(weight), strict=True)]
    path.write_bytes(pickle.dumps([*blocks, ([weight.shape[0] - 1], []), ([], [weight.shape[1] - 1])]))


def _matrix_market(weight: Matrix, path: Path) -> None:
    import scipy.io
    import scipy.sparse

    scipy.io.mmwrite(path, scipy.sparse.coo_array(weight), field="pattern", symmetry="general")


def _hdf5(weight: Matrix, path: Path) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        file.create_dataset("group/w", data=weight, compression="gzip", shuffle=True, fletcher32=True)


def _png(weight: Matrix, path: Path) -> None:
    from PIL import Image

    Image.fromarray(weight != 0).save(path)


def _gguf(weight: Matrix, path: Path) -> None:
    from gguf import GGUFWriter

    writer = GGUFWriter(path, "llama")
    writer.add_array("tokenizer.ggml.tokens", ["a", "b"])
    writer.add_tensor("blk.0.ffn_up.weight", weight)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def flax_bytes(tree: Any) -> bytes:
    """What flax.serialization.to_bytes writes for maps of arrays."""
    import msgpack  # type: ignore[import-untyped]

    def pack(value: Any) -> msgpack.ExtType:
        parts = value.shape, value.dtype.name, value.tobytes()
        return msgpack.ExtType(1 if isinstance(value, np.ndarray) else 3, msgpack.packb(parts, use_bin_type=True))

    content: bytes = msgpack.packb(tree, default=pack, strict_types=True)
    return content


def _flax(weight: Matrix, path: Path) -> None:
    path.write_bytes(flax_bytes({"params": {"layer": {"w": weight}}}))


def _onnx(weight: Matrix, path: Path) -> None:
    from onnx import TensorProto, helper, numpy_helper

    rows, cols = weight.shape
    node = helper.make_node("Gemm", ["x", "fc.weight"], ["y"], transB=1)
    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, size]) for n, size in (("x", cols), ("y", rows)))
    graph = helper.make_graph([node], "g", [x], [y], [numpy_helper.from_array(weight, "fc.weight")])
    path.write_bytes(helper.make_model(graph).SerializeToString())


def _model_folder(weight: Matrix, path: Path) -> None:
    """An index of two files: the weight in one, its mask in the other."""
    from safetensors.numpy import save_file

    names = {"fc_orig": f"{path.stem}-1.safetensors", "fc_mask": f"{path.stem}-2.safetensors"}
    save_file({"fc_orig": weight}, path.with_name(names["fc_orig"]))
    save_file({"fc_mask": weight != 0}, path.with_name(names["fc_mask"]))
    path.write_text(json.dumps({"metadata": {"total_size": 0}, "weight_map": names}))


WRITE: dict[str, Callable[[Matrix, Path], None]] = {
    "npy": _npy,
    "npz": _npz,
    "safetensors": _safetensors,
    "model-folder": _model_folder,
    "torch": _torch,
    "smtx": _smtx,
    "torch-legacy": _torch_legacy,
    "torch-export": _torch_export,
    "blocks": _blocks,
    "matrix-market": _matrix_market,
    "hdf5": _hdf5,
    "png": _png,
    "gguf": _gguf,
    "flax": _flax,
    "onnx": _onnx,
}


def good_file(form: str, weight: Matrix, folder: Path) -> Path:
    """Write a matrix in a format of the registry; a format that nobody wrote a line for here fails."""
    path = folder / f"good-{form}{FORMATS[form].suffixes[0]}"
    assert form in WRITE, f"{form}: write its good file by other means than ours in {__name__}.WRITE"
    WRITE[form](weight, path)
    return path
