"""An .onnx file, run and profiled by onnxruntime."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from sparselab.core.errors import FileError, UnavailableError
from sparselab.diagnosis.inputs import parse_inputs
from sparselab.diagnosis.onnx import doctor_onnx
from tests.formats.onnx_models import node, save, tensor, weight


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Two products: one pruned, one not."""
    tensors = [tensor("w", weight(256, 512, density=0.1)), tensor("v", weight(512, 64, density=1.0))]
    nodes = [
        node("MatMul", ["x", "w"], ["h"], name="first"),
        node("Relu", ["h"], ["r"]),
        node("MatMul", ["r", "v"], ["y"], name="second"),
    ]
    return save(tmp_path / "m.onnx", nodes, tensors, x=("n", 256))


def test_the_kernels_of_onnxruntime_are_named_and_the_pruned_product_told(file: Path) -> None:
    report = doctor_onnx(file, parse_inputs(["64,256"]))
    found = {finding.cause: finding for finding in report.findings}
    assert found["zeros-multiplied"].basis == "rule"
    assert found["zeros-multiplied"].layers == ("w",)
    first, second = report.evidence.layers
    assert (first.shape, first.positions, first.op) == ((512, 256), 64, "MatMul")
    assert first.ms > 0
    assert second.density == 1.0
    assert report.evidence.kernels[0].calls in (1, 2)
    assert report.evidence.total_ms == pytest.approx(sum(kernel.ms for kernel in report.evidence.kernels))


@pytest.mark.parametrize(
    ("inputs", "said"),
    [(["64,255"], "runs on these inputs"), (["y=1,1"], "inputs among x"), ([], "an --input for each")],
)
def test_inputs_that_do_not_fit(file: Path, inputs: list[str], said: str) -> None:
    with pytest.raises(FileError, match=said):
        doctor_onnx(file, parse_inputs(inputs))


def test_a_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(np.random.default_rng(0).bytes(200))
    with pytest.raises(FileError):
        doctor_onnx(tmp_path / "a.onnx", parse_inputs(["1"]))


def test_without_the_library_one_sentence_says_what_to_install(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(UnavailableError, match=r"pip install onnxruntime"):
        doctor_onnx(file, parse_inputs(["64,256"]))
