"""`doctor` on a file of one's own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

Run = Callable[..., tuple[int, str, str]]

NET = """
import torch
from torch import nn
from torch.nn.utils import prune


def net(width: int = 32) -> nn.Module:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(16, width), nn.ReLU(), nn.Linear(width, 4))
    prune.l1_unstructured(model[0], "weight", amount=0.75)
    return model


def example_inputs():
    return (torch.zeros(3, 16),)


model = net()
number = 3


def needs(width):
    return model
"""
QUICK = ("--for", "cuda-2:4")


@pytest.fixture
def net(tmp_path: Path) -> Path:
    (tmp_path / "net.py").write_text(NET, encoding="utf-8")
    return tmp_path / "net.py"


@pytest.mark.parametrize("name", ["net", "model"])
@pytest.mark.parametrize("given", ["3,16", "{file}:example_inputs"])
def test_a_function_or_a_model_with_inputs_in_words_or_from_a_function(
    name: str, given: str, net: Path, run: Run
) -> None:
    status, out, err = run("doctor", f"{net}:{name}", "--input", given.format(file=net), *QUICK, "--json")
    assert (status, "watching a forward pass" in err) == (0, True)
    document = json.loads(out)
    assert (document["target"], document["cause"], document["file"]) == ("cuda-2:4", "prune-pairs", str(net))
    assert document["evidence"]["layers"][0]["positions"] == 3


def test_the_report_for_people_ends_with_the_paragraph(net: Path, run: Run) -> None:
    status, out, _ = run("doctor", f"{net}:net", "--input", "8,16", "--seconds", "0.01", "--no-cures")
    assert status == 0
    lines = out.splitlines()
    assert lines[0].startswith("target: this-machine")
    assert any("The pruning pairs were never removed" in line for line in lines)
    assert "Cheapest cure" in lines[-1]


def test_a_checkpoint_is_loaded_first(net: Path, tmp_path: Path, run: Run) -> None:
    torch.save({"0.weight": torch.ones(4, 16), "0.bias": torch.zeros(4)}, tmp_path / "a.pt")
    status, _, err = run("doctor", f"{net}:net", "--checkpoint", tmp_path / "a.pt", "--input", "8,16", *QUICK)
    assert status == 2
    assert "expected all that the model has" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("{net}", "--input", "1"), "expected FILE.py:NAME, package.module:NAME or FILE.onnx"),
        (("{net}:nothing", "--input", "1"), "expected net.py to define nothing"),
        (("{net}:number", "--input", "1"), "expected a function or a class; got int"),
        (("{net}:needs", "--input", "1"), "width is not"),
        (("{net}:net", "--input", "1x"), "--input: expected"),
        (("{net}:net", "--input", "1,17", *QUICK), "expected a model that runs on these inputs"),
        (
            ("{net}:net", "--input", "1", "--for", "onnxruntime"),
            "expected an .onnx file together with --for onnxruntime",
        ),
        (("{net}.onnx", "--input", "1"), "expected an .onnx file together with --for onnxruntime"),
    ],
)
def test_what_cannot_be_asked_is_one_line(words: tuple[str, ...], said: str, net: Path, run: Run) -> None:
    status, out, err = run("doctor", *(word.format(net=net) for word in words))
    assert (status, out) == (2, "")
    assert said in err.splitlines()[-1]
    assert err.splitlines()[-1].startswith("error: ")


def test_the_converted_model_is_written_and_nothing_is_replaced(net: Path, run: Run, tmp_path: Path) -> None:
    from sparselab.nn import load
    from sparselab.training.own_code.loading import loaded
    from sparselab.training.own_code.reference import parse_reference

    out = tmp_path / "fast.safetensors"
    line = ("doctor", f"{net}:net", "--input", "8,16", "--seconds", "0.01", "--no-cures", "--out", out)
    status, _, err = run(*line)
    assert (status, out.exists()) == (0, True)
    assert "sparselab.nn.load" in err
    assert "2.weight stays dense" in err
    reference = parse_reference(f"{net}:net")
    assert reference is not None
    with loaded({"net": reference}) as code, torch.no_grad():
        model, x = code["net"].value().eval(), torch.randn(8, 16)
        fresh = torch.nn.Sequential(torch.nn.Linear(16, 32), torch.nn.ReLU(), torch.nn.Linear(32, 4))
        assert torch.allclose(load(out, fresh).model.eval()(x), model(x), atol=1e-5)
    status, _, err = run(*line)
    assert status == 2
    assert "not there yet" in err
