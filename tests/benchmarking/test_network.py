"""A whole network: what is chosen, what it sums up to, and whether it holds when everything runs together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sparselab.benchmarking import end_to_end as end_module
from sparselab.benchmarking import network
from sparselab.benchmarking.end_to_end import EndToEnd, end_to_end
from sparselab.benchmarking.network import add_up, choose, layout_in_network, measure_layer
from sparselab.benchmarking.records import Row, Session
from sparselab.benchmarking.requests import Effort, Measured, MeasurementRequest
from sparselab.core.ticket import Ticket
from sparselab.formats import read_ticket
from sparselab.transforms import Prune
from sparselab.workflows.model import Done, apply_transform


def test_the_fastest_by_verdict_is_chosen(measured: Session) -> None:
    chosen = choose(measured)
    assert (chosen.kernel, chosen.dense_ms, chosen.best_ms) == ("gather-gemm", 2.0, 1.0)
    assert chosen.verdict == "2.0x faster than dense (1.9 to 2.1)"
    assert not chosen.is_trusted  # its row is flagged


def test_noise_chooses_nothing(measured: Session) -> None:
    lucky = replace(measured.rows[1], interval=(0.9, 2.1))
    chosen = choose(replace(measured, rows=(measured.rows[0], lucky)))
    assert (chosen.kernel, chosen.best_ms, chosen.verdict) == ("dense", 2.0, "dense stays")
    assert chosen.is_trusted


def test_only_kernels_that_run_everywhere_have_a_sum(measured: Session) -> None:
    sums = add_up([measured, measured])
    assert (sums.dense_ms, sums.chosen_ms, sums.speedup) == (4.0, 2.0, 2.0)
    assert sums.by_kernel == {"gather-gemm": 2.0, "csr": None}
    other = replace(measured, rows=(measured.rows[0], Row("csr", median_ms=3.0)))
    assert add_up([measured, other]).by_kernel == {"gather-gemm": None, "csr": None}
    assert add_up([measured, other]).chosen_ms == 3.0


@pytest.fixture
def requests(tmp_path: Path) -> list[MeasurementRequest]:
    """A convolution and a linear layer."""
    rng = np.random.default_rng(0)
    arrays = {}
    for name, shape in (("conv.weight", (16, 4, 3, 3)), ("fc.weight", (24, 36))):
        arrays[f"{name}_orig"] = rng.standard_normal(shape).astype(np.float32)
        arrays[f"{name}_mask"] = rng.random(shape) < 0.4
    np.savez(tmp_path / "net.npz", **arrays)
    effort = Effort(rounds=8, seconds=0.1, threads=1)
    shared = {"kernels": ("gather-gemm",), "device": "cpu", "effort": effort}
    path = str(tmp_path / "net.npz")
    return [
        MeasurementRequest(path=path, layer="conv.weight", images=(2, 4, 6, 6), padding=1, **shared),
        MeasurementRequest(path=path, layer="fc.weight", positions=5, **shared),
    ]


def test_a_transform_of_all_layers_sees_them_all(
    requests: list[MeasurementRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `transform` and the Model page apply it: a global threshold leaves layers of different densities."""
    settings = {"scope": "global", "sparsity": 0.9}
    ticket = read_ticket(requests[0].path)
    outcomes = apply_transform(Prune(**settings), ticket, ticket.names, rng=0)
    wanted = {item.layer.name: item.layout.after for item in outcomes if isinstance(item, Done)}
    reads: list[str] = []

    def counted(path: str, *rest: Any) -> Ticket:
        reads.append(path)
        return read_ticket(path, *rest)

    monkeypatch.setattr(network, "read_ticket", counted)
    found = {item.layer: layout_in_network(item, "prune", settings).after for item in requests}
    assert reads == [requests[0].path]  # once, not once a layer
    assert found == {item.layer: wanted[item.layer] for item in requests}
    assert len({mask.density for mask in found.values()}) == 2


@pytest.mark.usefixtures("quick")
def test_a_layer_gets_its_structure_and_is_measured(requests: list[MeasurementRequest]) -> None:
    found = Measured.from_json(measure_layer(requests[0], "regroup", {"rows_per_group": 8})).session
    assert found.about["transform"] == "regroup"
    assert found.about["settings"] == "rows_per_group=8"
    assert found.conv is not None
    assert found.conv["padding"] == 1
    assert found.input_shape == (2, 4, 6, 6)
    row = next(row for row in found.rows if row.kernel == "gather-gemm")
    assert row.max_error is not None
    assert row.max_error < 1e-5


@pytest.mark.usefixtures("quick")
def test_end_to_end_the_converted_layers_are_right(requests: list[MeasurementRequest]) -> None:
    chosen = ("gather-gemm", "dense")
    found = EndToEnd(**end_to_end(requests, "regroup", {"rows_per_group": 8}, chosen))
    assert found.is_right
    assert found.difference < 1e-5
    assert found.swapped == 1
    assert list(found.stayed) == ["fc.weight"]
    assert found.rounds == 8
    assert found.dense_ms > 0


@pytest.mark.usefixtures("quick")
def test_a_wrong_conversion_is_not_timed(requests: list[MeasurementRequest], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sparselab.nn.largest_difference", lambda *_: 0.5)
    found = EndToEnd(**end_module.end_to_end(requests, "regroup", {"rows_per_group": 8}, ("gather-gemm", "dense")))
    assert not found.is_right
    assert (found.dense_ms, found.ratio) == (None, None)
