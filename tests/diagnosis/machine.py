"""A machine of formulas: times for evidence that was gathered without any, the same at every run."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from sparselab.diagnosis.evidence import CUDA_24, Evidence, LayerEvidence, Product, Threads
from sparselab.diagnosis.gathering import Inputs, gather
from sparselab.diagnosis.gathering.passes import in_inference
from tests.diagnosis.cases import Case

GFLOPS, GBYTES = 100.0, 20.0
CALL_MS, SPARSE_CALL_MS, SPARSE_FACTOR = 0.004, 0.03, 2.0
CORES = 2
ROUNDS = 40


def dense_ms(layer: LayerEvidence) -> float:
    """Roofline plus the cost of a call."""
    rows, cols = layer.shape
    multiply = 2 * rows * cols * max(layer.positions, 1) / GFLOPS / 1e6
    move = 4 * (rows * cols + (rows + cols) * max(layer.positions, 1)) / GBYTES / 1e6
    return CALL_MS + max(multiply, move)


def sparse_ms(layer: LayerEvidence, density: float) -> float:
    return SPARSE_CALL_MS + SPARSE_FACTOR * density * dense_ms(layer)


def timed(evidence: Evidence, used: int = CORES) -> Evidence:
    """Return evidence with the times of the machine of formulas, on `used` threads."""
    layers = tuple(map(_timed, evidence.layers))
    ops = len(layers) + 4
    ops_ms = sum(layer.ms + layer.remade_ms for layer in layers) + 4 * CALL_MS
    threads = Threads(
        used=used, cores=CORES, ms={count: ops_ms * (2 if count > CORES else 1) for count in (1, CORES, used)}
    )
    return replace(
        evidence,
        target=evidence.target,
        layers=layers,
        ops=ops,
        ops_ms=ops_ms,
        total_ms=ops_ms,
        call_ms=CALL_MS,
        gflops=GFLOPS,
        gbytes=GBYTES,
        threads=threads,
    )


def _timed(layer: LayerEvidence) -> LayerEvidence:
    dense, exact = dense_ms(layer), sparse_ms(layer, layer.density)
    product = Product(
        dense_ms=dense,
        exact_ms=exact,
        floor_ms=sparse_ms(layer, 0.02),
        own_ms=exact if layer.is_sparse_run else None,
        speedup=dense / exact,
        low=0.98 * dense / exact,
        high=1.02 * dense / exact,
        rounds=ROUNDS,
    )
    remade = 2 * CALL_MS if layer.remade else 0.0
    ran = exact if layer.is_sparse_run else dense
    return replace(layer, ms=ran, remade_ms=remade, product=product if layer.is_pruned and not layer.obstacle else None)


def seen(model: nn.Module, *inputs: Tensor, target: str = "this-machine") -> Evidence:
    """Return what passes through a model show, with the times of the machine of formulas."""
    with in_inference(model):
        found = gather(model, Inputs(inputs), CUDA_24)  # nothing is timed for this target
    return timed(replace(found, target=target), torch.get_num_threads() if torch.get_num_threads() > CORES else CORES)


def seen_of(case: Case) -> Evidence:
    """Return the evidence of a case."""
    torch.manual_seed(0)
    model, x = case.make()
    with case.around():
        return seen(model, x, target=case.target)
