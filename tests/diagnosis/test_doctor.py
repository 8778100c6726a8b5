"""The doctor from end to end: small models, really run and timed; what is said of times is not asked for, only that it is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

import sparselab
from sparselab.core.errors import SettingError
from sparselab.diagnosis.evidence import Evidence
from sparselab.diagnosis.gathering.passes import Inputs
from sparselab.diagnosis.report import Diagnosis, Tried
from sparselab.diagnosis.trials import TRIALS, Subject, try_out
from tests.diagnosis.cases import STAGED, InBfloat16, pruned, threads

SECONDS = 0.02


def small() -> nn.Sequential:
    return nn.Sequential(pruned(nn.Linear(128, 128)), nn.ReLU(), nn.Linear(128, 32))


def test_pairs_are_found_the_cure_is_tried_and_the_model_left_as_it_was() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(128, 128), nn.ReLU(), nn.Dropout(), nn.Linear(128, 32)).train()
    prune.l1_unstructured(model[0], "weight", amount=0.9)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    count, x = torch.get_num_threads(), torch.randn(64, 128)
    report = sparselab.doctor(model, x, seconds=SECONDS)
    assert report.cause == "prune-pairs"
    cure = next(each for each in report.tried if each.name == "exact")
    assert cure.difference is not None
    assert cure.difference < 1e-4
    assert cure.speedup is not None
    assert report.paragraph in report.text
    assert "prune.remove" in report.paragraph
    evidence = report.evidence
    assert evidence.total_ms > 0
    assert {layer.name for layer in evidence.layers} == {"0.weight", "3.weight"}
    assert any(kernel.name == "aten::addmm" for kernel in evidence.kernels)
    assert evidence.layers[0].product is not None
    assert model.training
    assert torch.get_num_threads() == count
    assert model.state_dict().keys() == before.keys()
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    document = json.loads(json.dumps(report.as_json(), allow_nan=False))
    assert (document["cause"], document["schema"]) == ("prune-pairs", 1)


def test_a_dense_model_is_told_that_nothing_is_pruned() -> None:
    report = sparselab.doctor(nn.Linear(64, 64), torch.randn(8, 64), seconds=SECONDS)
    assert (report.cause, report.tried) == ("", ())
    assert "No layer that ran is pruned" in report.paragraph


def test_rules_of_another_device_are_marked_and_nothing_is_timed() -> None:
    torch.manual_seed(0)
    model, x = STAGED["broken-window"].make()
    report = sparselab.doctor(model, x, target="cuda-2:4")
    assert (report.cause, report.findings[0].basis) == ("broken-window", "rule")
    assert "row 77, column 40" in report.text
    assert "not measured here" in report.paragraph
    assert report.evidence.total_ms == 0


def test_an_input_by_name() -> None:
    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(16, 16)

        def forward(self, *, ids: torch.Tensor) -> torch.Tensor:
            y: torch.Tensor = self.layer(ids.float())
            return y

    report = sparselab.doctor(Named(), named={"ids": torch.zeros(2, 16, dtype=torch.int64)}, target="cuda-2:4")
    assert [layer.name for layer in report.evidence.layers] == ["layer.weight"]


@pytest.mark.parametrize(
    ("model", "x", "target", "said"),
    [
        ("a.pt", torch.zeros(1), "this-machine", "expected a module of torch; got a str"),
        (nn.Linear(4, 4), torch.zeros(1, 4), "gpu", "expected one of this-machine, cuda-2:4, onnxruntime; got 'gpu'"),
        (nn.Linear(4, 4), torch.zeros(1, 4), "onnxruntime", "expected an .onnx file"),
        (
            nn.Linear(4, 4),
            torch.zeros(1, 5),
            "this-machine",
            "expected a model that runs on these inputs; it raised RuntimeError",
        ),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(model: nn.Module, x: torch.Tensor, target: str, said: str) -> None:
    with pytest.raises(SettingError, match=said.replace(".", r"\.")) as error:
        sparselab.doctor(model, x, target=target)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", TRIALS)
def test_every_trial_gives_the_same_answers_or_says_why_it_was_not_tried(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import functools

    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="eager"))
    torch.manual_seed(0)
    model, x = small().eval(), torch.randn(32, 128)
    if name in ("dense", "float32", "eager"):
        model = sparselab.convert(model).model  # type: ignore[assignment]
    autocast = "bfloat16" if name == "float32" else ""
    whole = InBfloat16(model) if autocast else torch.compile(model) if name == "eager" else model
    evidence = Evidence(
        target="this-machine", layers=(), autocast=autocast, compiled=("the model",) * (name == "eager")
    )
    with torch.no_grad(), threads(1 if name == "threads" else 2):
        (tried,) = try_out([name], Subject(whole, Inputs((x,)), evidence), rounds=8, seconds=SECONDS)
    if name == "threads":
        assert tried.obstacle
    else:
        assert tried.obstacle == ""
        assert tried.difference is not None
        assert tried.difference < {"bfloat16": 2e-2, "float32": 2e-2, "int8": 1e-1}.get(name, 1e-4)
        assert (tried.rounds, tried.before_ms is not None) == (8, True)


def test_int8_is_tried_in_an_encoder_too_whose_fast_path_reads_weights() -> None:
    model = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True).eval()
    subject = Subject(model, Inputs((torch.randn(2, 5, 32),)), Evidence(target="this-machine", layers=()))
    with torch.no_grad():
        (tried,) = try_out(["int8"], subject, rounds=8, seconds=SECONDS)
    assert "failed" not in tried.obstacle, tried.obstacle


def test_a_trial_that_fails_is_said_and_ends_nothing() -> None:
    class Fragile(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x

        def __deepcopy__(self, memo: object) -> Fragile:
            raise RuntimeError("no copies of this")

    subject = Subject(Fragile(), Inputs((torch.zeros(1),)), Evidence(target="this-machine", layers=()))
    (tried,) = try_out(["exact"], subject, rounds=8, seconds=SECONDS)
    assert tried.obstacle == "it failed: no copies of this"
    assert "no copies of this" in tried.shown


def test_a_cure_that_was_not_faster_is_not_called_so() -> None:
    slow = Tried(name="exact", title="t", before_ms=1.0, after_ms=2.0, speedup=0.5, low=0.4, high=0.6, rounds=40)
    assert not slow.is_faster
    assert "slower" in slow.shown
    assert Diagnosis(evidence=Evidence(target="this-machine", layers=()), findings=()).cause == ""


def test_a_checkpoint_with_pairs_runs_as_it_was_saved(tmp_path: Path) -> None:
    from sparselab.core.errors import FileError
    from sparselab.diagnosis.checkpoint import load_checkpoint

    saved = nn.Sequential(nn.Linear(16, 8), nn.Linear(8, 4))
    prune.l1_unstructured(saved[0], "weight", amount=0.5)
    torch.save(
        {"state_dict": {f"module.{name}": value for name, value in saved.state_dict().items()}}, tmp_path / "a.pt"
    )
    plain = nn.Sequential(nn.Linear(16, 8), nn.Linear(8, 4))
    assert load_checkpoint(plain, tmp_path / "a.pt") == ("a.pt holds pruning pairs of 0.weight",)
    x = torch.randn(3, 16)
    assert torch.equal(plain(x), saved(x))
    assert prune.is_pruned(plain[0])  # type: ignore[no-untyped-call]
    with pytest.raises(FileError, match="expected all that the model has"):
        load_checkpoint(nn.Sequential(nn.Linear(16, 8), nn.Linear(8, 4), nn.Linear(4, 2)), tmp_path / "a.pt")
    (tmp_path / "b.pt").write_bytes(b"\x80\x04.")
    with pytest.raises(FileError, match=r"b\.pt: expected a safetensors file or a state dict"):
        load_checkpoint(plain, tmp_path / "b.pt")
