"""A session: the oracle before the clock, and nothing hidden."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import torch

from sparselab.benchmarking import measurement, verification
from sparselab.benchmarking.host import Load
from sparselab.benchmarking.measurement import measure
from sparselab.benchmarking.records import Session
from sparselab.benchmarking.roofline import measure_roofline, necessary
from sparselab.benchmarking.timing import TimedRun, Timings, WallClock
from sparselab.benchmarking.verdicts import Verdict
from sparselab.benchmarking.verification import without_zeros
from sparselab.core.errors import Cancelled, SettingError, UnavailableError
from sparselab.core.layer import Layer
from sparselab.core.layout import Layout
from sparselab.kernels import KERNELS
from sparselab.kernels.base import Kernel, Run, Work, random_input, reference, work_of
from sparselab.runtime.progress import Monitor

pytestmark = pytest.mark.usefixtures("quick")


@dataclass(frozen=True)
class Told(Kernel):
    """A kernel that does what a test tells it to."""

    make: Callable[[Work], Run]
    why_not: str = ""

    def unsupported_reason(self, work: Work) -> str:
        return self.why_not

    def prepare(self, work: Work) -> Run:
        return self.make(work)


def _dense(work: Work) -> Run:
    return KERNELS["dense"].prepare(work)


def _off(work: Work) -> Run:
    run = _dense(work)
    return lambda x: run(x) * 1.001


def _no_numbers(work: Work) -> Run:
    run = _dense(work)
    return lambda x: run(x) * float("nan")


def _short(work: Work) -> Run:
    run = _dense(work)
    return lambda x: run(x)[:-1]


def _broken(work: Work) -> Run:
    raise RuntimeError("no memory\nfor this")


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Put kernels of the test into the registry."""

    def register(**kernels: Kernel) -> None:
        known = MappingProxyType({**KERNELS, **kernels})
        for module in (verification, measurement):
            monkeypatch.setattr(module, "KERNELS", known)

    return register


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, Any]], None]:
    """Give every kernel the times a test chooses, by its position in the line-up."""

    def choose(times: dict[int, Any]) -> None:
        def told(timed_runs: list[TimedRun], **_: Any) -> Timings:
            keys = [timed_run.key for timed_run in timed_runs]
            found = {key: np.asarray(times.get(key[0], np.full(20, 1.0))) for key in keys}
            return Timings(times=found, repeats=dict.fromkeys(keys, 2), rounds=20, seconds=0.5)

        monkeypatch.setattr(measurement, "take_turns", told)

    return choose


def by_name(found: Session) -> dict[str, Any]:
    return {row.label: row for row in found.rows}


def test_dense_is_there_in_three_roles_and_every_row_is_complete(work: Work) -> None:
    found = measure(work, ["dense"], rounds=8, seed=1)
    assert list(by_name(found)) == ["dense", "dense (again)", "dense (no zeros)"]
    for row in found.rows:
        assert row.p20_ms <= row.median_ms <= row.p80_ms
        assert (row.rounds, row.condition, row.obstacle) == (8, "hot", "")
        assert 0 <= row.max_error < 1e-5
        assert row.repeats >= 1
        assert row.roof_share > 0
        assert row.interval[0] <= row.speedup_vs_dense <= row.interval[1]
    assert found.rows[0].verdict is Verdict.BASELINE
    assert found.device["kind"] == "cpu"
    assert found.device["name"]
    assert found.versions["torch"] == torch.__version__
    assert found.protocol["inputs"] == "standard normal"
    assert found.density == work.layout.after.density
    assert found.positions == 20


def test_it_survives_json_and_has_a_name(work: Work) -> None:
    found = measure(work, ["dense"], rounds=8, about={"layer": "conv"})
    again = Session.from_json(json.loads(json.dumps(found.as_json(), allow_nan=False)))
    assert again == found
    assert again.key == found.key


def test_a_wrong_kernel_is_named_and_never_timed(work: Work, register: Callable[..., None]) -> None:
    register(off=Told(_off), empty=Told(_no_numbers))
    found = measure(work, ["off", "empty"], rounds=8)
    rows = by_name(found)
    assert found.verdict_text(rows["off"]).startswith("wrong: error 1.0e-03; up to 1e-04 is right")
    assert found.verdict_text(rows["empty"]).startswith("wrong: outputs that are no numbers")
    for row in (rows["off"], rows["empty"]):
        assert (row.median_ms, row.rounds, row.speedup_vs_dense, row.flags) == (None, 0, None, ("wrong",))
        assert row.verdict is Verdict.WRONG


def test_one_that_cannot_run_is_a_row_with_its_reason(work: Work, register: Callable[..., None]) -> None:
    register(absent=Told(_dense, "needs a device"), broken=Told(_broken), short=Told(_short))
    rows = by_name(measure(work, ["absent", "broken", "short"], rounds=8))
    assert rows["absent"].obstacle == "needs a device"
    assert rows["broken"].obstacle == "it failed: no memory for this"
    assert "expected outputs of shape (32, 20); got (31, 20)" in rows["short"].obstacle
    assert {rows[name].verdict for name in ("absent", "broken", "short")} == {Verdict.NOT_MEASURED}
    assert rows["dense"].median_ms is not None


def test_without_a_dense_product_there_is_nothing_to_compare(work: Work, register: Callable[..., None]) -> None:
    register(dense=Told(_dense, "not here"))
    with pytest.raises(UnavailableError, match="dense: not here"):
        measure(work, ["dense"], rounds=8)


def test_verdicts_flags_and_the_fastest(
    work: Work, register: Callable[..., None], timed: Callable[[dict[int, Any]], None]
) -> None:
    register(quick=Told(_dense), quicker=Told(_dense), slow=Told(_dense), wild=Told(_dense))
    timed({3: np.full(20, 0.5), 4: np.full(20, 0.25), 5: np.full(20, 2.0), 6: np.tile([0.1, 3.0], 10)})
    found = measure(work, ["quick", "quicker", "slow", "wild"], rounds=20)
    rows = by_name(found)
    assert found.verdict_text(rows["quick"]) == "2.0x faster than dense (2.0-2.0)"
    assert found.verdict_text(rows["slow"]) == "2.0x slower than dense here (2.0-2.0)"
    assert (rows["quicker"].speedup_vs_dense, rows["quicker"].interval) == (4.0, (4.0, 4.0))
    assert rows["wild"].flags == ("noisy",)
    assert rows["quick"].flags == ()
    assert found.fastest is not None
    assert found.fastest.kernel == "quicker"


def test_nobody_is_fastest_where_nobody_beats_dense(
    work: Work, register: Callable[..., None], timed: Callable[[dict[int, Any]], None]
) -> None:
    register(same=Told(_dense))
    timed({})
    assert measure(work, ["same"], rounds=20).fastest is None


def test_a_baseline_that_differs_from_itself_flags_every_row(
    work: Work, timed: Callable[[dict[int, Any]], None]
) -> None:
    timed({1: np.full(20, 1.2)})
    assert {row.flags for row in measure(work, ["dense"], rounds=20).rows} == {("control",)}


def test_a_busy_machine_is_flagged(
    work: Work, monkeypatch: pytest.MonkeyPatch, timed: Callable[[dict[int, Any]], None]
) -> None:
    timed({})
    monkeypatch.setattr(measurement, "load_now", lambda: Load(0.3, 0.1))
    found = measure(work, ["dense"], rounds=20)
    assert {row.flags for row in found.rows} == {("busy",)}
    assert found.protocol["others_load_before"] == 0.4


def test_convolutions_are_compared_with_conv2d(layer: Layer) -> None:
    layout = Layout.unchanged(layer.mask, "as it is")
    found = measure(work_of(layer, layout, images=(2, 8, 6, 6)), ["dense"], rounds=8)
    rows = by_name(found)
    assert found.verdict_text(rows["conv2d"]) == "the baseline"
    assert "for a convolution take conv2d" in rows["dense"].obstacle
    assert found.conv == {"kernel_height": 3, "kernel_width": 3, "stride": 1, "padding": 1}
    assert (found.input_shape, found.positions) == ((2, 8, 6, 6), 72)


def test_the_dense_weight_has_no_zeros_and_keeps_the_kept_ones(work: Work) -> None:
    full = without_zeros(work, 0)
    assert np.all(full.weight != 0)
    kept = work.layout.after.kept
    assert np.array_equal(full.weight[kept], work.weight[kept])
    x = random_input(full)
    assert torch.equal(reference(full, x), torch.from_numpy(full.weight).double() @ x.double())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"kernels": ["fast"]}, "kernels: expected some of dense"),
        ({"rounds": 7}, "rounds: expected at least 8"),
        ({"seconds": 0.0}, "seconds: expected a time above 0"),
    ],
)
def test_what_cannot_be_measured_is_said(work: Work, arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingError, match=said):
        measure(work, **arguments)


def test_a_cancel_comes_through(work: Work) -> None:
    with pytest.raises(Cancelled):
        measure(work, ["dense"], monitor=Monitor(cancelled=lambda: True))


def test_what_a_product_cannot_do_without(work: Work) -> None:
    kept, moved = work.layout.after.count, 72 * 20 + 32 * 20
    assert necessary(work, dense=False) == (2.0 * kept * 20, 4.0 * (kept + moved))
    assert necessary(work, dense=True) == (2.0 * 32 * 72 * 20, 4.0 * (32 * 72 + moved))
    roofline = measure_roofline(work, WallClock())
    assert roofline.flops_per_ms > 0
    assert roofline.bytes_per_ms > 0
    assert roofline.share(2.0, flops=roofline.flops_per_ms, moved_bytes=0.0) == 0.5


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", ["float32", "tf32", "float16"])
def test_cuda_is_timed_hot_cold_and_as_a_graph(layer: Layer, dtype: str) -> None:
    layout = Layout.unchanged(layer.mask, "as it is")
    found = measure(work_of(layer, layout, positions=64, dtype=dtype, device="cuda"), ["dense"], rounds=8)
    assert [row.label for row in found.rows[:3]] == ["dense", "dense, cold", "dense, graph"]
    assert all(row.median_ms is not None for row in found.rows)
    assert found.device["kind"] == "cuda"
