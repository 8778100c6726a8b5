"""HDF5 and Keras, Flax, GGUF: each tensor as it was written, with what the file says of its axes and nothing from outside."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import gguf
import h5py
import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparselab.core.errors import UnavailableError
from sparselab.formats import FORMATS, describe, read_ticket, read_untrusted
from sparselab.formats.base import Archive, ArchiveEntry
from sparselab.formats.options import DEFAULT_LIMITS
from tests.formats.good_files import flax_bytes
from tests.formats.libraries.test_sparse_files import CASES
from tests.formats.test_untrusted import LIMITS

NAMES = st.text("abz09_. -é本", min_size=1, max_size=8).map(lambda text: f"L{text}w")
TYPES = [np.float16, np.float32, np.float64, np.int8, np.int64, bool, ml_dtypes.bfloat16]


@st.composite
def trees(draw: st.DrawFn) -> dict[str, np.ndarray]:
    """Arrays of any rank and type that is read, by paths of one or two names."""
    paths = draw(st.lists(st.tuples(NAMES, NAMES), min_size=1, max_size=4, unique_by=lambda path: path[0]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shapes = st.lists(st.integers(1, 5), min_size=1, max_size=4)
    return {
        "/".join(path): np.round(3 * rng.standard_normal(draw(shapes))).astype(draw(st.sampled_from(TYPES)))
        for path in paths
    }


def opened(path: Path) -> Archive:
    (kind,) = (kind for kind in FORMATS.values() if path.suffix in kind.suffixes)
    return kind.open(path, DEFAULT_LIMITS)


def entry(path: Path, name: str) -> ArchiveEntry:
    return next(item for item in opened(path).entries if item.name == name)


def holds(path: Path, tree: dict[str, np.ndarray]) -> bool:
    """Whether a file holds these arrays, bfloat16 both as it lies there and widened."""
    entries = {item.name: item for item in opened(path).entries}
    for name, array in tree.items():
        found, is_half = entries.pop(name), array.dtype == ml_dtypes.bfloat16
        plain = array.astype(np.float32) if is_half else array
        assert (found.shape, found.dtype, found.load().dtype) == (array.shape, plain.dtype, plain.dtype)
        assert np.array_equal(found.load(), plain)
        assert (found.load_stored is not None) == is_half == (found.stored == "bfloat16")
        if found.load_stored is not None:
            assert np.array_equal(found.load_stored(), array.view(np.uint16))
    return not entries


@given(tree=trees())
@settings(max_examples=25)
def test_flax(tree: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> None:
    path, nested = tmp_path_factory.getbasetemp() / "f.msgpack", {}
    for name, array in tree.items():
        nested[name.split("/")[0]] = {name.split("/")[1]: array}
    path.write_bytes(flax_bytes(nested))
    assert holds(path, tree)


def test_flax_says_axes_and_joins_chunks(tmp_path: Path) -> None:
    table = np.arange(20, dtype=np.float32).reshape(5, 4)
    chunks = {"0": table.reshape(-1)[:11], "1": table.reshape(-1)[11:]}
    chunked = {"__msgpack_chunked_array__": True, "shape": {"0": 5, "1": 4}, "chunks": chunks}
    layers = {"Conv_0": {"kernel": np.ones((3, 3, 2, 8), "f4")}, "Dense_0": {"kernel": np.ones((4, 6), "f4")}}
    path = tmp_path / "f.msgpack"
    path.write_bytes(flax_bytes({"params": {**layers, "Embed_0": {"embedding": chunked}}, "step": np.int32(7)}))
    assert entry(path, "params/Conv_0/kernel").axes == "HWIO"
    assert entry(path, "params/Dense_0/kernel").axes == "IO"
    assert np.array_equal(entry(path, "params/Embed_0/embedding").load(), table)
    assert [item.name for item in opened(path).skipped] == ["step"]


@given(tree=trees(), packed=st.booleans())
@settings(max_examples=25)
def test_hdf5(tree: dict[str, np.ndarray], packed: bool, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "h.h5"
    with h5py.File(path, "w") as file:
        for name, array in tree.items():
            options = {"compression": "lzf", "shuffle": True} if packed else {}
            made = file.create_dataset(name, data=array, **options)
            if array.dtype == ml_dtypes.bfloat16:
                made.attrs["dtype"] = "bfloat16"  # as Keras does
    assert holds(path, tree)


def keras_file(path: Path, variables: dict[str, np.ndarray], layers: list[dict[str, Any]]) -> Path:
    """What Keras 2 writes: a group per layer in model_weights, and the config beside it."""
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": {"layers": layers}})
        for name, array in variables.items():
            file[f"model_weights/{name}"] = array
            file[f"model_weights/{name.split('/')[0]}"].attrs["weight_names"] = ["any"]
        file["optimizer_weights/Adam/m"] = np.ones((3, 3))
    return path


def layer(kind: str, name: str, **config: Any) -> dict[str, Any]:
    return {"class_name": kind, "config": {"name": name, **config}}


@pytest.mark.parametrize(
    ("kind", "shape", "axes"),
    [
        ("Dense", (4, 6), "IO"),
        ("Conv1D", (3, 4, 6), "WIO"),
        ("Conv2D", (3, 3, 4, 6), "HWIO"),
        ("Conv3D", (2, 3, 3, 4, 6), "DHWIO"),
        ("Conv2DTranspose", (3, 3, 6, 4), "HWOI"),
    ],
)
def test_keras_says_axes_by_its_config_or_by_its_own_name_of_a_layer(
    kind: str, shape: tuple[int, ...], axes: str, tmp_path: Path
) -> None:
    variables = {f"{name}/{name}/kernel:0": np.ones(shape) for name in ("mine", f"{_snake(kind)}_3", "yours")}
    path = keras_file(tmp_path / "k.h5", variables, [layer(kind, "mine")])
    assert entry(path, "mine/kernel:0").axes == axes
    assert entry(path, f"{_snake(kind)}_3/kernel:0").axes == axes
    assert entry(path, "yours/kernel:0").axes == ""
    assert [item.name for item in opened(path).skipped] == ["optimizer_weights"]


def _snake(kind: str) -> str:
    return {"Conv2DTranspose": "conv2d_transpose", "DepthwiseConv2D": "depthwise_conv2d"}.get(kind, kind.lower())


def test_keras_says_groups_strides_and_padding(tmp_path: Path) -> None:
    config = {"groups": 2, "strides": [1, 1], "dilation_rate": [1, 1], "padding": "same"}
    variables = {
        "c/c/kernel:0": np.ones((3, 3, 2, 8)),
        "d/d/depthwise_kernel:0": np.arange(36.0).reshape(3, 3, 2, 2),
        "lie/lie/kernel:0": np.ones((3, 3, 2, 8)),
    }
    layers = [layer("Conv2D", "c", **config), layer("Conv2D", "lie", **config | {"groups": 3, "strides": [[{}]]})]
    path = keras_file(tmp_path / "k.h5", variables, layers)
    geometry = entry(path, "c/kernel:0").geometry
    assert geometry is not None
    assert (geometry.groups, geometry.stride, geometry.padding) == (2, 1, 1)
    assert entry(path, "lie/kernel:0").geometry is None
    depthwise = entry(path, "d/depthwise_kernel:0")
    assert depthwise.geometry is not None
    assert (depthwise.shape, depthwise.axes, depthwise.geometry.groups) == ((3, 3, 1, 4), "HWIO", 2)
    # Output i * multiplier + m sees input i.
    assert depthwise.load()[1, 2, 0, 3] == variables["d/d/depthwise_kernel:0"][1, 2, 1, 1]


def test_keras_variables_come_in_the_order_of_the_model(tmp_path: Path) -> None:
    """By its config, and without one by the numbers that Keras counts; HDF5 has them by their letters."""
    names = ["z", "b", "a", *(f"conv2d_{number}" for number in (2, 10, 11))]
    variables = {f"{name}/{name}/kernel:0": np.ones((3, 3, 2, 4)) for name in names}
    path = keras_file(tmp_path / "k.h5", variables, [layer("Conv2D", name) for name in names[:3]])
    assert [item.name.split("/")[0] for item in opened(path).entries] == names


def test_the_masks_of_tensorflows_pruning_are_masks(tmp_path: Path) -> None:
    wrapped = "prune_low_magnitude_dense/prune_low_magnitude_dense"
    kept = np.random.default_rng(0).random((4, 6)) < 0.5
    variables = {
        f"{wrapped}/kernel:0": np.where(kept, 0.5, 0),
        f"{wrapped}/mask:0": kept.astype("f4"),
        f"{wrapped}/threshold:0": np.float32(0.1),
        f"{wrapped}/pruning_step:0": np.int64(9),
    }
    inner = {"layer": layer("Dense", "dense")}
    path = keras_file(tmp_path / "k.h5", variables, [layer("PruneLowMagnitude", "prune_low_magnitude_dense", **inner)])
    mask, kernel = (entry(path, f"prune_low_magnitude_dense/{name}:0") for name in ("mask", "kernel"))
    assert (mask.role, kernel.role) == ("mask", "unknown")
    assert (mask.axes, kernel.axes) == ("IO", "IO")
    assert np.array_equal(mask.load(), kept)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_keras_archive(method: int, tmp_path: Path) -> None:
    kernel = np.random.default_rng(0).standard_normal((3, 3, 2, 8)).astype("f4")
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file["layers/conv2d/vars/0"], file["layers/conv2d/vars/1"] = kernel, np.ones(8)
        file["layers/conv2d/vars"].attrs["name"] = "mine"
    config = {"config": {"layers": [layer("Conv2D", "mine", groups=2, strides=[2, 2], padding="valid")]}}
    with zipfile.ZipFile(tmp_path / "m.keras", "w", method) as archive:
        archive.writestr("config.json", json.dumps(config))
        archive.write(tmp_path / "w.h5", "model.weights.h5")
    found = entry(tmp_path / "m.keras", "layers/conv2d/vars/0")
    assert np.array_equal(found.load(), kernel)
    assert found.geometry is not None
    assert (found.axes, found.geometry.groups, found.geometry.stride) == ("HWIO", 2, 2)


def test_links_are_left_alone_and_the_rest_is_read(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "secret.h5", "w") as other:
        other["w"] = np.ones((3, 3))
    path = tmp_path / "h.h5"
    with h5py.File(path, "w") as file:
        file["good"] = np.eye(4) / 2
        file["soft"], file["out"] = h5py.SoftLink("/good"), h5py.ExternalLink("secret.h5", "w")
    found = opened(path)
    assert [item.name for item in found.entries] == ["good"]
    assert {item.name: item.reason.split()[0] for item in found.skipped} == {"soft": "a", "out": "a"}
    load = found.entries[0].load
    with h5py.File(path, "a") as file:
        del file["good"]
        file["good"] = h5py.ExternalLink("secret.h5", "w")
    with pytest.raises(ValueError, match="the file has changed"):
        load()


def test_without_h5py_one_sentence_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with h5py.File(tmp_path / "h.h5", "w") as file:
        file["w"] = np.eye(4)
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(UnavailableError, match=r"expected h5py.*pip install h5py"):
        read_ticket(tmp_path / "h.h5")


def test_a_published_keras_model() -> None:
    path = CASES / "keras-pruned.h5"
    if not path.is_file():
        pytest.skip("the published model is not here")
    kernels = [item for item in opened(path).entries if len(item.shape) == 2]
    assert {item.name: item.axes for item in kernels} == {f"dense_{n}/kernel:0": "IO" for n in (9, 10, 11)}


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=15)
def test_gguf(seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The library's own values of every type that is read; the other types by name, with the way out."""
    path, rng = tmp_path_factory.getbasetemp() / "g.gguf", np.random.default_rng(seed)
    weight = (rng.standard_normal((rng.integers(1, 5), 32 * rng.integers(1, 4))) * 2).astype("f4")
    weight[rng.random(weight.shape) < 0.5] = 0
    types = gguf.GGMLQuantizationType
    kinds = [types.F32, types.F16, types.BF16, types.Q8_0, types.Q4_0]
    quantised = {kind.name: gguf.quants.quantize(weight, kind) for kind in kinds}
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("a model")
    for kind in kinds:
        writer.add_tensor(kind.name, quantised[kind.name], raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    found = opened(path)
    assert found.metadata["general.name"] == "a model"
    assert [item.name for item in found.entries] == [kind.name for kind in kinds[:-1]]
    for item in found.entries:
        assert np.array_equal(item.load(), gguf.quants.dequantize(quantised[item.name], types[item.name]))
        assert item.shape == weight.shape
    assert [item.reason.split()[0] for item in found.skipped] == ["q4_0"]


@pytest.mark.parametrize("form", ["hdf5", "flax", "gguf", "png", "matrix-market"])
def test_an_upload_is_read_in_the_limited_worker(form: str, tmp_path: Path) -> None:
    from tests.formats.good_files import good_file

    path = good_file(form, np.eye(8, 32, dtype=np.float32) / 2, tmp_path)
    card = read_untrusted(path, tmp_path / "out.safetensors", limits=LIMITS)
    assert card == describe(read_ticket(path))
    assert card["format"] == form
