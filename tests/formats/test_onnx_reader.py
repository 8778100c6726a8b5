"""What the graph of an ONNX model says of its tensors: weights, their axes and geometry, names, zeros of quantised ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import AttributeProto, TensorProto, helper

from sparselab.formats import read_ticket
from sparselab.formats.base import Archive, ArchiveEntry, ConvGeometry
from sparselab.formats.options import DEFAULT_LIMITS
from sparselab.formats.parsing.onnx.tensors import TYPES
from sparselab.formats.parsing.onnx.weights import OPERANDS, WITHOUT_SCALE
from sparselab.formats.readers.onnx import open_onnx
from tests.conftest import ROOT
from tests.formats.onnx_models import node, save, save_outside, sparse_tensor, tensor, weight

REAL = ROOT.parent / "shared" / "cases" / "files" / "filetype.onnx"


def opened(path: Path) -> Archive:
    return open_onnx(path, DEFAULT_LIMITS)


def entry_of(path: Path, name: str = "w") -> ArchiveEntry:
    return next(entry for entry in opened(path).entries if entry.name == name)


def reason(path: Path, name: str = "w") -> str:
    return next(item.reason for item in opened(path).skipped if item.name == name)


CONSUMERS = {
    "OIHW": (node("Conv", ["x", "w"], ["y"]), (8, 4, 3, 3)),
    "OIW": (node("Conv", ["x", "w"], ["y"]), (8, 4, 3)),
    "OIDHW": (node("Conv", ["x", "w"], ["y"]), (8, 4, 3, 3, 3)),
    "IOHW": (node("ConvTranspose", ["x", "w"], ["y"]), (8, 4, 3, 3)),
    "IO": (node("MatMul", ["x", "w"], ["y"]), (8, 4)),
    "IO of Gemm": (node("Gemm", ["x", "w"], ["y"], alpha=0.5), (8, 4)),
    "OI": (node("Gemm", ["x", "w"], ["y"], transB=1), (8, 4)),
    "OI on the left": (node("MatMul", ["w", "x"], ["y"]), (8, 4)),
    "OI on the left of Gemm": (node("Gemm", ["w", "x"], ["y"]), (8, 4)),
    "IO on the left of Gemm": (node("Gemm", ["w", "x"], ["y"], transA=1), (8, 4)),
    "EIO": (node("MatMul", ["x", "w"], ["y"]), (2, 8, 4)),
    "EOI": (node("LSTM", ["x", "w", "r"], ["y"], hidden_size=2), (2, 8, 4)),
    "EOI of GRU": (node("GRU", ["x", "r", "w"], ["y"], hidden_size=2), (2, 6, 4)),
    "EOI of RNN": (node("RNN", ["x", "r", "w"], ["y"], hidden_size=2), (2, 2, 4)),
    "OIHW of FusedConv": (node("FusedConv", ["x", "w"], ["y"], domain="com.microsoft"), (8, 4, 3, 3)),
    "OI of FusedGemm": (node("FusedGemm", ["x", "w"], ["y"], domain="com.microsoft", transB=1), (8, 4)),
    "EOI of FusedMatMul": (node("FusedMatMul", ["x", "w"], ["y"], domain="com.microsoft", transB=1), (2, 8, 4)),
    "IO of Attention": (node("Attention", ["x", "w", "b"], ["y"], domain="com.microsoft", num_heads=2), (8, 24)),
}


@pytest.mark.parametrize("axes", CONSUMERS)
def test_the_graph_says_how_the_axes_run(axes: str, tmp_path: Path) -> None:
    consumer, shape = CONSUMERS[axes]
    values = weight(*shape)
    entry = entry_of(save(tmp_path / "m.onnx", [consumer], [tensor("w", values)]))
    assert (entry.role, entry.axes, entry.shape) == ("weight", axes.split()[0], shape)
    assert np.array_equal(entry.load(), values)


def test_every_operator_that_takes_weights_is_tried() -> None:
    tried = {f"{item.domain}/{item.op_type}".removeprefix("/") for item, _ in CONSUMERS.values()}
    assert tried | set(QUANTISED) == set(OPERANDS) | {"DequantizeLinear"}


def through(*ops: str) -> list[str]:
    """Names from w through each operator to z."""
    return ["w", *(f"v{i}" for i in range(len(ops) - 1)), "z"]


STEPS = {
    "OI": ["Transpose"],
    "IO": ["Identity", "Cast"],
    "OI after three": ["Cast", "Transpose", "Identity"],
    "IO after two": ["Transpose", "Transpose"],
}


@pytest.mark.parametrize("axes", STEPS)
def test_a_weight_is_followed_through_what_only_moves_it(axes: str, tmp_path: Path) -> None:
    ops, names = STEPS[axes], through(*STEPS[axes])
    more = {"Cast": {"to": TensorProto.FLOAT}, "Transpose": {"perm": [1, 0]}}
    nodes = [node(op, [names[i]], [names[i + 1]], **more.get(op, {})) for i, op in enumerate(ops)]
    path = save(tmp_path / "m.onnx", [*nodes, node("MatMul", ["x", "z"], ["y"])], [tensor("w", weight(6, 4))])
    assert entry_of(path).axes == axes.split()[0]


@pytest.mark.parametrize(
    ("shape", "to", "consumer", "axes"),
    [
        ((8, 4, 1, 1), [8, 4], node("Gemm", ["x", "z"], ["y"], transB=1), "OIHW"),
        ((8, 4), [8, 4, 1, 1], node("Conv", ["x", "z"], ["y"]), "OI"),
        ((8, 4, 3, 3), [0, -1], node("Gemm", ["x", "z"], ["y"], transB=1), ""),
        ((8, 4, 3, 3), [32, 9], node("Gemm", ["x", "z"], ["y"], transB=1), None),
        ((8, 4, 3, 3), [8, 36], node("MatMul", ["x", "z"], ["y"]), None),
    ],
)
@pytest.mark.parametrize("is_node", [False, True])
def test_a_weight_is_followed_through_reshape_as_far_as_its_axes_are_known(
    shape: tuple[int, ...], to: list[int], consumer: helper.NodeProto, axes: str | None, is_node: bool, tmp_path: Path
) -> None:
    sizes = np.array(to, np.int64)
    constant = [node("Constant", [], ["s"], value_ints=to)] if is_node else []
    tensors = [tensor("w", weight(*shape)), *([] if is_node else [tensor("s", sizes)])]
    path = save(tmp_path / "m.onnx", [*constant, node("Reshape", ["w", "s"], ["z"]), consumer], tensors)
    entry = entry_of(path)
    assert entry.role == ("unknown" if axes is None else "weight")
    assert entry.axes == (axes or "")


@pytest.mark.parametrize("steps", [[], ["Cast"]])
def test_a_weight_that_the_graph_multiplies_by_its_mask_is_a_pair(steps: list[str], tmp_path: Path) -> None:
    values, mask = weight(8, 4, 3, 3, density=1.0), weight(8, 4, 3, 3, seed=1) != 0
    names = {"c.weight_orig": values, "c.weight_mask": mask if steps else mask.astype(np.float32)}
    nodes = [node("Cast", ["c.weight_mask"], ["m"], to=TensorProto.FLOAT)] if steps else []
    nodes += [
        node("Mul", ["c.weight_orig", "m" if steps else "c.weight_mask"], ["w"]),
        node("Conv", ["x", "w"], ["y"], strides=[2, 2]),
    ]
    path = save(tmp_path / "m.onnx", nodes, [tensor(name, each) for name, each in names.items()])
    for name in names:
        entry = entry_of(path, name)
        assert (entry.role, entry.axes, entry.geometry) == ("unknown", "OIHW", ConvGeometry(stride=2))
    (layer,) = read_ticket(path)
    assert np.array_equal(layer.mask.kept, mask.reshape(8, -1))


def test_a_product_of_products_is_not_followed_twice(tmp_path: Path) -> None:
    """Each multiplies the one before by itself: the ways back to the tensor double with every node."""
    nodes = [node("Mul", [f"v{i}", f"v{i}"], [f"v{i + 1}"]) for i in range(60)] + [node("MatMul", ["x", "v60"], ["y"])]
    path = save(tmp_path / "m.onnx", nodes, [tensor("v0", weight(6, 4))])
    assert entry_of(path, "v0").role == "unknown"


@pytest.mark.parametrize(
    ("attributes", "geometry", "note"),
    [
        ({}, ConvGeometry(), ""),
        ({"strides": [2, 2], "pads": [1, 1, 1, 1], "group": 2}, ConvGeometry(stride=2, padding=1, groups=2), ""),
        ({"auto_pad": "VALID", "strides": [3, 3]}, ConvGeometry(stride=3), ""),
        ({"strides": [2, 1]}, None, "strides that differ"),
        ({"pads": [0, 0, 1, 1]}, None, "paddings that differ"),
        ({"dilations": [2, 2], "group": 4}, ConvGeometry(groups=4), "a dilation"),
        ({"auto_pad": "SAME_UPPER"}, None, "automatic padding"),
        ({"group": 3}, None, "groups that do not divide"),
    ],
)
def test_stride_padding_and_groups(
    attributes: dict[str, object], geometry: ConvGeometry | None, note: str, tmp_path: Path
) -> None:
    path = save(tmp_path / "m.onnx", [node("Conv", ["x", "w"], ["y"], **attributes)], [tensor("w", weight(8, 2, 3, 3))])
    assert entry_of(path).geometry == geometry
    assert any(note in text for text in opened(path).notes) == bool(note)


def test_a_transposed_convolution_of_groups_is_left_alone(tmp_path: Path) -> None:
    consumer = node("ConvTranspose", ["x", "w"], ["y"], group=2)
    assert "2 groups" in reason(save(tmp_path / "m.onnx", [consumer], [tensor("w", weight(8, 2, 3, 3))]))


def test_a_weight_of_two_nodes_is_there_once_and_says_what_both_agree_on(tmp_path: Path) -> None:
    nodes = [node("MatMul", ["x", "w"], ["v"]), node("Gemm", ["v", "w"], ["y"], transB=1)]
    archive = opened(save(tmp_path / "m.onnx", nodes, [tensor("w", weight(6, 4))]))
    assert [(entry.name, entry.role, entry.axes) for entry in archive.entries] == [("w", "weight", "")]
    assert any("used by two nodes" in note for note in archive.notes)


@pytest.mark.parametrize(
    ("raw", "path", "shown"),
    [
        ("onnx::MatMul_123", "/encoder/layers.0/linear1/MatMul", "encoder.layers.0.linear1.weight"),
        ("onnx::Conv_9", "/layer1/layer1.0/conv1/MatMul", "layer1.0.conv1.weight"),
        ("193", "Conv_12", "Conv_12.weight"),
        ("a/b/Const_4:0", "a/b/dense/MatMul", "a.b.dense.weight"),
        ("onnx::MatMul_5_quantized", "/attn/MatMul_1", "attn.MatMul_1.weight"),
        ("encoder.weight", "/fc/MatMul", ""),
        ("onnx::MatMul_4", "", ""),
    ],
)
def test_weights_named_by_number_are_shown_by_their_node(raw: str, path: str, shown: str, tmp_path: Path) -> None:
    model = save(tmp_path / "m.onnx", [node("MatMul", ["x", raw], ["y"], path)], [tensor(raw, weight(6, 4))])
    archive = opened(model)
    (entry,) = archive.entries
    assert (entry.name, entry.shown) == (raw, shown)
    assert any("named by number" in note for note in archive.notes) == bool(shown)
    assert read_ticket(model).names == (shown or raw.replace("/", "_"),)


def test_the_modules_that_the_exporter_wrote_into_a_node_name_its_weight(tmp_path: Path) -> None:
    product = node("MatMul", ["x", "val_86"], ["y"], "node_MatMul_85")
    product.metadata_props.add(key="pkg.torch.onnx.stack_trace", value="File x, line 1" * 9)
    product.metadata_props.add(key="pkg.torch.onnx.name_scopes", value="['', 'layer', 'layer.linear1', 'linear_2']")
    (entry,) = opened(save(tmp_path / "m.onnx", [product], [tensor("val_86", weight(6, 4))])).entries
    assert entry.shown == "layer.linear1.weight"


def test_two_weights_of_one_module_are_shown_by_two_names(tmp_path: Path) -> None:
    nodes = [node("MatMul", ["x", f"onnx::MatMul_{i}"], [f"y{i}"], "/fc/MatMul") for i in range(3)]
    tensors = [tensor(f"onnx::MatMul_{i}", weight(6, 4)) for i in range(3)] + [tensor("fc.weight", weight(6, 4))]
    path = save(tmp_path / "m.onnx", nodes, tensors, ends=("y0",))
    assert len(set(read_ticket(path).names)) == 4


def test_what_no_product_takes_is_no_weight(tmp_path: Path) -> None:
    nodes = [
        node("Gather", ["table", "ids"], ["v"]),
        node("Add", ["x", "shift"], ["u"]),
        node("MatMul", ["u", "v"], ["y"]),
    ]
    tensors = [tensor("table", weight(6, 4)), tensor("shift", weight(1, 6)), tensor("ids", np.arange(4))]
    path = save(tmp_path / "m.onnx", nodes, tensors)
    assert entry_of(path, "table").role == "unknown"
    assert "goes into Add" in reason(path, "shift")


QUANTISED = {
    "QLinearMatMul": (["x", "s", "p", "w", "s", "p", "s", "p"], (6, 4), "IO", (1, 4)),
    "QLinearConv": (["x", "s", "p", "w", "s", "p", "s", "p"], (4, 3, 2, 2), "OIHW", (4, 1, 1, 1)),
    "DequantizeLinear": (["w", "s", "p"], (6, 4), "IO", (1, 4)),
}


@pytest.mark.parametrize("zero_point", [0, 3, [1, 2, 3, 4]])
@pytest.mark.parametrize("op", QUANTISED)
def test_zeros_of_a_quantised_weight_are_where_it_is_its_zero_point(
    op: str, zero_point: int | list[int], tmp_path: Path
) -> None:
    inputs, shape, axes, spread = QUANTISED[op]
    points = np.array(zero_point, np.int8)
    scale = np.full(points.shape, 0.25, np.float32)
    numbers = np.random.default_rng(0).integers(-4, 5, shape).astype(np.int8)
    nodes = [node(op, inputs, ["y"])]
    if op == "DequantizeLinear":
        nodes = [node(op, inputs, ["z"], axis=1), node("MatMul", ["x", "z"], ["y"])]
    path = save(tmp_path / "m.onnx", nodes, [tensor("w", numbers), tensor("s", scale), tensor("p", points)])
    entry = entry_of(path)
    assert (entry.role, entry.axes, entry.dtype) == ("weight", axes, np.float32)
    points = points.reshape(spread if points.ndim else ())
    assert np.array_equal(entry.load(), (numbers - points.astype(np.float32)) * 0.25)
    assert np.array_equal(entry.load() == 0, np.broadcast_to(numbers == points, shape))
    assert any("(number - zero point) * scale" in note for note in opened(path).notes)


def test_blocks_of_a_quantised_weight_have_scales_of_their_own(tmp_path: Path) -> None:
    numbers, scale = np.arange(24, dtype=np.int8).reshape(6, 4), np.arange(1, 13, dtype=np.float32).reshape(3, 4)
    nodes = [node("DequantizeLinear", ["w", "s"], ["z"], axis=0, block_size=2), node("MatMul", ["x", "z"], ["y"])]
    path = save(tmp_path / "m.onnx", nodes, [tensor("w", numbers), tensor("s", scale)])
    assert np.array_equal(entry_of(path).load(), numbers * np.repeat(scale, 2, axis=0))
    assert reason(path, "s") == "a scale or zero point of a quantised tensor"


@pytest.mark.parametrize("op", WITHOUT_SCALE)
def test_quantised_weights_without_a_scale_are_named(op: str, tmp_path: Path) -> None:
    domain, _, name = op.rpartition("/")
    inputs = [*("abc"[: WITHOUT_SCALE[op]]), "w"]
    path = save(
        tmp_path / "m.onnx", [node(name, inputs, ["y"], domain=domain)], [tensor("w", np.ones((6, 4), np.int8))]
    )
    assert f"{op}, whose scale lies elsewhere" in reason(path)


def test_a_scale_that_is_computed_is_named(tmp_path: Path) -> None:
    computed = [node("DequantizeLinear", ["w", "s"], ["z"]), node("MatMul", ["x", "z"], ["y"])]
    assert "is computed" in reason(save(tmp_path / "m.onnx", computed, [tensor("w", np.ones((6, 4), np.int8))]))


@pytest.mark.parametrize("is_rounded", [True, False])
def test_a_weight_that_is_rounded_in_the_graph_is_read_as_before(is_rounded: bool, tmp_path: Path) -> None:
    nodes = [
        node("QuantizeLinear", ["w", "s"], ["q"]),
        node("DequantizeLinear", ["q", "s"], ["z"]),
        node("MatMul", ["x", "z" if is_rounded else "w"], ["y"]),
    ]
    values = weight(6, 4)
    path = save(tmp_path / "m.onnx", nodes, [tensor("w", values), tensor("s", np.array(0.5, np.float32))])
    assert (entry_of(path).role, entry_of(path).axes) == ("weight", "IO")
    assert np.array_equal(entry_of(path).load(), values)
    assert any("rounded to whole numbers" in note for note in opened(path).notes) == is_rounded


@pytest.mark.parametrize("code", TYPES)
@pytest.mark.parametrize("way", ["raw", "typed", "outside"])
def test_numbers_of_every_type_and_place(code: int, way: str, tmp_path: Path) -> None:
    kind = TYPES[code]
    words = (np.abs(weight(6, 4)) * 9 if "u" in kind.words else weight(6, 4) * 9).astype(kind.words)
    found = TensorProto(name="w", dims=(6, 4), data_type=code)
    if way == "typed":
        field = next(field for field in found.DESCRIPTOR.fields if field.number == kind.typed)
        whole = words.view({"<f2": "<u2", "?": "u1"}.get(kind.words, kind.words))
        getattr(found, field.name).extend(whole.reshape(-1).tolist())
    else:
        found.raw_data = words.tobytes()
    place = save_outside if way == "outside" else save
    entry = entry_of(place(tmp_path / "m.onnx", [node("MatMul", ["x", "w"], ["y"])], [found]))
    assert entry.stored == kind.stored
    if entry.load_stored is not None:
        assert np.array_equal(entry.load_stored(), words)
        words = (words.astype(np.uint32) << 16).view(np.float32)
    assert entry.dtype == words.dtype
    assert np.array_equal(entry.load(), words)


@pytest.mark.parametrize("is_linear", [True, False])
@pytest.mark.parametrize("is_node", [True, False])
def test_sparse_tensors(is_linear: bool, is_node: bool, tmp_path: Path) -> None:
    values = weight(6, 4, density=0.3)
    found = sparse_tensor("w", values, is_linear=is_linear)
    nodes = [node("MatMul", ["x", "w"], ["y"])]
    if is_node:
        constant = node("Constant", [], ["w"])
        constant.attribute.append(
            AttributeProto(name="sparse_value", type=AttributeProto.SPARSE_TENSOR, sparse_tensor=found)
        )
        nodes.insert(0, constant)
    entry = entry_of(save(tmp_path / "m.onnx", nodes, [], sparse=[] if is_node else [found]))
    assert (entry.role, entry.axes) == ("weight", "IO")
    assert np.array_equal(entry.load(), values)


def test_constants_that_are_weights_are_read_and_others_are_not_listed(tmp_path: Path) -> None:
    nodes = [
        node("Constant", [], ["w"], value=tensor("value", weight(6, 4))),
        node("Constant", [], ["c"], value=tensor("value", weight(6, 4))),
        node("MatMul", ["x", "w"], ["v"]),
        node("Add", ["v", "c"], ["y"]),
    ]
    archive = opened(save(tmp_path / "m.onnx", nodes, []))
    assert [entry.name for entry in archive.entries] == ["w"]
    assert not archive.skipped


def test_what_is_not_read_is_said(tmp_path: Path) -> None:
    inner = helper.make_graph([node("Identity", ["x"], ["b"])], "branch", [], [])
    nodes = [node("If", ["q"], ["y"], then_branch=inner, else_branch=inner), node("MatMul", ["x", "w"], ["z"])]
    archive = opened(save(tmp_path / "m.onnx", nodes, [tensor("w", weight(6, 4))]))
    assert "what lies inside If is not read (1 node)" in archive.notes


def test_a_bad_tensor_never_costs_the_file(tmp_path: Path) -> None:
    bad = TensorProto(name="bad", dims=(2, 3), data_type=1, raw_data=bytes(20))
    nodes = [node("MatMul", ["x", name], [end]) for name, end in (("w", "y"), ("bad", "z"), ("far", "u"))]
    far = TensorProto(name="far", dims=(2, 3), data_type=1, data_location=TensorProto.EXTERNAL)
    far.external_data.add(key="location", value="far.bin")
    path = save(tmp_path / "m.onnx", nodes, [tensor("w", weight(6, 4))])
    content = path.read_bytes()
    model = helper.onnx.ModelProto.FromString(content)
    model.graph.initializer.extend([bad, far])
    path.write_bytes(model.SerializeToString())
    assert read_ticket(path).names == ("w",)
    assert reason(path, "bad") == "expected 24 bytes, as its shape says; got 20"
    assert "no such file" in reason(path, "far")


def test_a_model_is_known_by_its_fields_in_any_order(tmp_path: Path) -> None:
    path = save(tmp_path / "m.onnx", [node("MatMul", ["x", "w"], ["y"])], [tensor("w", weight(6, 4))])
    model = helper.onnx.ModelProto.FromString(path.read_bytes())
    whole = model.SerializeToString()
    graph = model.graph.SerializeToString()
    model.ClearField("graph")
    rest = model.SerializeToString()
    length = helper.onnx.ModelProto(graph=helper.onnx.GraphProto.FromString(graph)).SerializeToString()
    for content in (whole, length + rest, rest + length):
        other = tmp_path / "unnamed.bin"
        other.write_bytes(content)
        ticket = read_ticket(other)
        assert (ticket.meta["format"], ticket.names) == ("onnx", ("w",))


@pytest.mark.skipif(not REAL.is_file(), reason="the real files are not here")
def test_a_real_model() -> None:
    archive = opened(REAL)
    weights = {entry.shape: (entry.axes, entry.geometry) for entry in archive.entries if entry.role == "weight"}
    assert weights == {
        (512, 256, 5, 1): ("OIHW", ConvGeometry()),
        (512, 214): ("IO", None),
        (257, 64): ("IO", None),
    }
    assert len(read_ticket(REAL)) == 3
