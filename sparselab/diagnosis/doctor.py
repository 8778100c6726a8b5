"""The question itself: a live model and an input go in, a report comes out."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

from torch import nn

from sparselab.benchmarking.lock import alone
from sparselab.core.errors import SettingError
from sparselab.core.modules.weights import is_module
from sparselab.diagnosis.causes import diagnose
from sparselab.diagnosis.evidence import CUDA_24, ONNXRUNTIME, TARGETS, THIS_MACHINE
from sparselab.diagnosis.gathering.gather import GatheringEffort, gather
from sparselab.diagnosis.gathering.passes import Inputs, in_inference
from sparselab.diagnosis.report import Diagnosis
from sparselab.diagnosis.trials import TRIALS, Subject, try_out
from sparselab.runtime.progress import SILENT, Monitor


def doctor(
    model: nn.Module,
    *inputs: Any,
    target: str = THIS_MACHINE,
    named: Mapping[str, Any] | None = None,
    seconds: float = 1.0,
    try_cures: bool = True,
    try_compile: bool = False,
    monitor: Monitor = SILENT,
) -> Diagnosis:
    """Say why a pruned model is not faster: with evidence measured here, the cheapest cure, and the cure tried and timed.

    The model runs as it is, on its own device, in eval mode without gradients, under whatever autocast the caller has on;
    it is given back as it was. Cures are tried on copies.

    Args:
        inputs: what the model is called with; `named`: what it is given by name.
        target: "this-machine", or "cuda-2:4" for the rules of 2:4 on CUDA devices, of which nothing is timed.
        seconds: of turns for every comparison. try_cures: whether cures and alternatives are tried.
        try_compile: whether torch.compile is among them, which takes a minute.
    Returns: a `Diagnosis`: `cause` is the name of the first cause, "" where nothing is wrong; `paragraph` and `text` are for people,
        `as_json()` is what `sparselab doctor --json` prints.
    Raises: SettingError for what is no module, a target that is not known, or a model that cannot run on these inputs.
    Example: >>> import torch
             >>> from torch.nn.utils import prune
             >>> model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
             >>> _ = prune.l1_unstructured(model[0], "weight", amount=0.9)
             >>> doctor(model, torch.randn(32, 64), seconds=0.01, try_cures=False).cause
             'prune-pairs'
    """
    if not is_module(model):
        raise SettingError(f"expected a module of torch; got a {type(model).__name__}")
    if target == ONNXRUNTIME:
        raise SettingError(
            "target: expected an .onnx file for onnxruntime; got a module: write one with torch.onnx.export, and give it to "
            "`sparselab doctor FILE.onnx --for onnxruntime`"
        )
    if target not in TARGETS:
        raise SettingError(f"target: expected one of {', '.join(TARGETS)}; got {target!r}")
    given, effort = Inputs(inputs, named), GatheringEffort(seconds=seconds)
    with in_inference(model):
        _run_once(model, given)
        with nullcontext() if target == CUDA_24 else alone(monitor):
            evidence = gather(model, given, target, effort=effort, monitor=monitor)
            findings = diagnose(evidence)
            if target == CUDA_24 or not try_cures or not evidence.pruned:
                return Diagnosis(evidence=evidence, findings=findings)
            left_dense = any(not layer.is_sparse_run for layer in evidence.pruned)
            wanted = [finding.trial for finding in findings if finding.trial]
            wanted += [
                name
                for name, trial in TRIALS.items()
                if trial.always and (findings or left_dense) and (try_compile or not trial.is_slow)
            ]
            tried = try_out(
                dict.fromkeys(wanted),
                Subject(model, given, evidence),
                rounds=effort.rounds,
                seconds=effort.seconds,
                monitor=monitor,
            )
    return Diagnosis(evidence=evidence, findings=findings, tried=tried)


def _run_once(model: nn.Module, inputs: Inputs) -> None:
    try:
        inputs.run(model)
    except Exception as error:
        said = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise SettingError(f"expected a model that runs on these inputs; it raised {said}") from error
