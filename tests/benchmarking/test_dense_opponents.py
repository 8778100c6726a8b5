"""The dense product in other arithmetics and by other libraries: right within its bound, or a row that says why it is not there."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from sparselab.benchmarking import measurement, verification
from sparselab.benchmarking.csv_table import as_csv, read_csv
from sparselab.benchmarking.measurement import measure
from sparselab.benchmarking.opponents import OPPONENTS, USUAL_OPPONENTS, DenseOpponent
from sparselab.benchmarking.opponents import compiled as compiled_module
from sparselab.benchmarking.records import Session
from sparselab.benchmarking.verdicts import Verdict
from sparselab.core.errors import SettingError, UnavailableError
from sparselab.kernels.base import Conv, Work, random_input, reference

pytestmark = pytest.mark.usefixtures("quick")


def products(work: Work) -> Mapping[str, Work]:
    """A matrix product and a convolution of one layer, with a bias and without."""
    bias = np.random.default_rng(1).standard_normal(work.layout.after.rows, dtype=np.float32)
    images = replace(work, input_shape=(2, 8, 6, 5), conv=Conv((3, 3), 2, 1))
    return {"matrix": work, "with bias": replace(work, bias=bias), "images": images, "both": replace(images, bias=bias)}


@pytest.mark.parametrize("name", OPPONENTS)
def test_every_opponent_is_right_within_its_bound_or_says_why_it_is_not_there(name: str, work: Work) -> None:
    opponent = OPPONENTS[name]
    assert all(opponent.facts.values())
    for product in (
        products(work).values() if opponent.is_usual else ()
    ):  # compiling takes seconds: tests/long has the others
        check(opponent, product)


def check(opponent: DenseOpponent, product: Work) -> None:
    """Check a product against float64, or the reason for its absence."""
    x = random_input(product)
    if (why := opponent.unavailable(product)) is not None:
        assert product.product not in opponent.products or "install" in why
        return
    run = opponent.prepare(product, x)
    y, exact = run(x), reference(product, x)
    assert tuple(y.shape) == product.output_shape
    error = float((y.double() - exact).abs().max() / exact.abs().max())
    assert error <= opponent.tolerance
    assert run.told
    if opponent.arithmetic != "float32":
        assert error > 1e-5, "another arithmetic has another rounding"


@pytest.mark.parametrize("name", OPPONENTS)
def test_an_opponent_stands_beside_float32_products_on_the_cpu_alone(name: str, work: Work) -> None:
    assert "float32" in (OPPONENTS[name].unavailable(replace(work, dtype="bfloat16")) or "")
    assert "CUDA" in (OPPONENTS[name].unavailable(replace(work, device="cuda")) or "")


def test_a_session_has_a_row_of_every_opponent_and_says_which_it_had(work: Work, tmp_path: Any) -> None:
    found = measure(work, ["gather-gemm"], opponents=USUAL_OPPONENTS, rounds=8, seconds=0.2)
    rows = {row.kernel: row for row in found.rows if row.role == "opponent"}
    assert tuple(rows) == USUAL_OPPONENTS == tuple(found.protocol["opponents"])
    assert found.arithmetic(rows["dense-bfloat16"]) == "bfloat16"
    assert found.arithmetic(found.rows[0]) == "float32"
    assert all(row.roof_share is None for row in rows.values())
    assert found.fastest is None or found.fastest.role == "kernel"
    again = Session.from_json(json.loads(json.dumps(found.as_json(), allow_nan=False)))
    assert (again, again.key) == (found, found.key)
    (tmp_path / "sessions.csv").write_text(as_csv([found]))
    assert read_csv(tmp_path / "sessions.csv") == (found,)


def test_unknown_opponents_are_refused(work: Work) -> None:
    with pytest.raises(SettingError, match="opponents: expected some of dense-bfloat16"):
        measure(work, ["dense"], opponents=["dense-float4"], rounds=8)


@dataclass(frozen=True)
class Told(DenseOpponent):
    """An opponent that does what a test tells it to."""

    make: Callable[[Work, torch.Tensor], torch.Tensor]
    title: ClassVar[str] = "Told"
    in_words: ClassVar[str] = "what a test told"
    source: ClassVar[str] = "this test"
    arithmetic: ClassVar[str] = "bfloat16"
    tolerance: ClassVar[float] = 0.05

    def missing(self) -> str | None:
        return None

    def ways(self, work: Work, x: torch.Tensor) -> Mapping[str, Callable[[], torch.Tensor]]:
        return {"told": lambda: self.make(work, x)}


def test_an_opponent_is_held_to_its_own_bound(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    def off_by(share: float) -> Told:
        return Told(lambda work, x: (1 + share) * torch.from_numpy(work.masked_weight) @ x)

    def broken(work: Work, x: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("no such instruction")

    known = MappingProxyType({"near": off_by(0.04), "far": off_by(0.06), "broken": Told(broken)})
    for module in (verification, measurement):
        monkeypatch.setattr(module, "OPPONENTS", known)
    found = measure(work, ["dense"], opponents=list(known), rounds=8, seconds=0.1)
    rows = {row.kernel: row for row in found.rows}
    assert rows["near"].median_ms is not None
    assert (rows["far"].verdict, rows["far"].median_ms) == (Verdict.WRONG, None)
    assert found.verdict_text(rows["far"]) == "wrong: error 6.0e-02; up to 5e-02 is right"
    assert rows["broken"].obstacle == "it failed: no such instruction"


def test_what_is_not_installed_is_named(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sparselab.benchmarking.opponents.onnx_runtime.find_spec", lambda _name: None)
    row = measure(work, ["dense"], opponents=["dense-onnxruntime"], rounds=8).rows[-1]
    assert row.obstacle.endswith("pip install onnx onnxruntime")
    assert (row.role, row.verdict) == ("opponent", Verdict.NOT_MEASURED)


def test_compiling_is_bounded_and_leaves_no_alarm() -> None:
    with pytest.raises(UnavailableError, match="compiling took more than"), compiled_module._at_most(0.05):
        time.sleep(5)
    with compiled_module._at_most(60):
        pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_compiling_is_offered_only_where_it_can_be_bounded() -> None:
    said: list[str | None] = []
    thread = threading.Thread(target=lambda: said.append(OPPONENTS["dense-compiled"].missing()))
    thread.start()
    thread.join()
    assert "main thread" in (said[0] or "")
    assert "dense-compiled" not in USUAL_OPPONENTS
