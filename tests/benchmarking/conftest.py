"""A small product to measure, quickly: times are never looked at, only what is said of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sparselab.benchmarking import end_to_end as end_module
from sparselab.benchmarking import measurement as session_module
from sparselab.benchmarking.host import Load, LoadMeter
from sparselab.benchmarking.records import Row, Session
from sparselab.benchmarking.roofline import Roofline
from sparselab.core.layer import Layer
from sparselab.core.mask import Mask
from sparselab.core.paths import DATA_VARIABLE
from sparselab.kernels.base import Work, work_of
from sparselab.transforms import Regroup

CALM = Load(0.0, 0.0)


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of the test's own: nothing is written into the user's."""
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is always calm, with a known roofline: a session takes a tenth of a second."""
    for module in (session_module, end_module):
        monkeypatch.setattr(module, "load_now", lambda: CALM)
    monkeypatch.setattr(LoadMeter, "read", lambda _meter: CALM)  # or a busy machine adds a flag to every row
    monkeypatch.setattr(session_module, "measure_roofline", lambda *_: Roofline(1e9, 1e7))
    monkeypatch.setattr("sparselab.benchmarking.timing.SAMPLE_MS", 0.01)
    monkeypatch.setattr("sparselab.benchmarking.timing._WARM_UP_MS", 0.1)


@pytest.fixture
def layer() -> Layer:
    rng = np.random.default_rng(0)
    return Layer("conv", Mask(rng.random((32, 72)) < 0.3), kernel_shape=(3, 3), padding=1)


@pytest.fixture
def work(layer: Layer) -> Work:
    layout = Regroup(rows_per_group=8)(layer, rng=np.random.default_rng(0))
    return work_of(layer, layout, positions=20)


@pytest.fixture
def measured() -> Session:
    """A session made up: three rows, one of each kind that files must carry."""
    timed = {"median_ms": 2.0, "p20_ms": 1.9, "p80_ms": 2.1, "rounds": 9, "repeats": 3, "roof_share": 0.5}
    rows = (
        Row("dense", "baseline", **timed, speedup_vs_dense=1.0, interval=(1.0, 1.0)),
        Row(
            "gather-gemm",
            **timed | {"median_ms": 1.0},
            speedup_vs_dense=2.0,
            interval=(1.9, 2.1),
            max_error=1e-7,
            flags=("noisy", "busy"),
        ),
        Row("csr", obstacle='no "CSR", here'),
    )
    return Session(
        rows=rows,
        shape=(32, 72),
        input_shape=(72, 20),
        positions=20,
        dtype="float32",
        threads=2,
        density=0.25,
        date="2026-11-25T10:00:00+00:00",
        about={"layer": "conv", "transform": "regroup"},
        device={"kind": "cpu", "name": "A processor", "cores": 2},
        protocol={"rounds": 9, "confidence": 0.99},
        versions={"torch": "2.13.0"},
    )
