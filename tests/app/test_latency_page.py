"""The Latency page without a browser: measured shortly, on a small layer; times are never looked at."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from sparselab.benchmarking.records import Row, Session
from sparselab.benchmarking.storage_paths import database_path
from sparselab.benchmarking.store import Store
from sparselab.core.paths import DATA_VARIABLE
from tests.browsing import PATIENCE_S

ROOT = Path(__file__).resolve().parents[2]
ROOTS = "SPARSELAB_ROOTS"


@pytest.fixture(autouse=True)
def _data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path / "data"))
    monkeypatch.setenv(ROOTS, str(tmp_path))
    monkeypatch.setattr("sparselab.app.jobs.measured.stored_results", lambda: ())


@pytest.fixture
def file(tmp_path: Path) -> str:
    rng = np.random.default_rng(0)
    arrays = {}
    for name, shape in (("a.weight", (32, 8, 3, 3)), ("b.weight", (16, 64))):
        arrays[f"{name}_orig"] = rng.standard_normal(shape).astype(np.float32)
        arrays[f"{name}_mask"] = rng.random(shape) < 0.3
    np.savez(tmp_path / "net.npz", **arrays)
    return str(tmp_path / "net.npz")


def page(file: str, **query: str) -> AppTest:
    at = AppTest.from_file(str(ROOT / "pages" / "latency.py"), default_timeout=PATIENCE_S)
    for key, value in ({"source": "Path", "path": file, "rows_per_group": "8"} | query).items():
        at.query_params[key] = value
    return at.run()


def press(at: AppTest, label: str) -> AppTest:
    return next(button for button in at.button if button.label.startswith(label)).click().run()


def test_this_layer_is_measured_with_its_protocol_and_its_verdict(file: str) -> None:
    at = page(file, layer="a.weight", size="4", seconds="1", threads="1")
    assert not at.exception
    at.multiselect(key="_latency_kernels").set_value(["gather-gemm", "channel-slice"]).run()
    at.multiselect(key="_latency_opponents").set_value(["dense-bfloat16"]).run()
    at = press(at, "Measure here")
    assert not at.exception
    assert not at.error
    answers = [item.value for item in (*at.success, *at.info, *at.warning)]
    assert any("Gather + GEMM" in text for text in answers)
    table = next(item.value for item in at.dataframe if "verdict" in item.value)
    assert set(table["kernel"]) == {"Dense", "Dense (again)", "Dense (no zeros)", "Gather + GEMM", "Dense, bfloat16"}
    in_float32 = table["arithmetic"] == "float32"
    assert set(table["arithmetic"][~in_float32]) == {"bfloat16, another"}
    assert (table["error"][in_float32] < 1e-4).all()
    dense = table["median"][table["kernel"] == "Dense"].item()
    assert np.array_equal(table["speedup"], dense / table["median"])
    assert any("Channel slice: " in item.value for item in at.markdown)
    protocol = next(item.value for item in at.dataframe if "part" in item.value)
    said = dict(zip(protocol["what"], protocol["value"], strict=True))
    assert said["inputs"] == "standard normal"
    assert said["threads"] == "1"
    assert said["opponents"] == "dense-bfloat16"
    (stored,) = Store(database_path()).sessions()
    assert (stored.about["layer"], stored.positions) == ("a.weight", 4)
    assert any(button.label == "Measure again" for button in at.button)
    colleague = page(file, layer="a.weight", size="4", seconds="1", threads="1")
    colleague = press(colleague, "Measured on")
    assert not colleague.exception
    assert "Gather + GEMM" in set(next(x.value for x in colleague.dataframe if "verdict" in x.value)["kernel"])
    assert not any("It differs" in item.value for item in colleague.info)
    other = press(page(file, layer="a.weight", size="8", seconds="1", threads="1"), "Measured on")
    assert any("It differs from what is asked for below: 4 positions" in item.value for item in other.info)
    for without in ({"layer": "b.weight"}, {"layer": "a.weight", "rows_per_group": "16"}):
        assert not any(button.label.startswith("Measured on") for button in page(file, **without).button)


def test_a_convolution_is_compared_with_conv2d(file: str) -> None:
    at = page(file, layer="a.weight", product="Convolution", height="6", width="6", seconds="1")
    at.multiselect(key="_latency_kernels").set_value([]).run()
    at = press(at, "Measure here")
    assert not at.exception
    assert any(
        "Dense, int8: not available: it has no convolution" in item.value.replace("\\", "") for item in at.markdown
    )
    (stored,) = Store(database_path()).sessions()
    assert stored.input_shape == (1, 8, 6, 6)
    assert stored.conv == {"kernel_height": 3, "kernel_width": 3, "stride": 1, "padding": 1}
    assert stored.rows[0].kernel == "conv2d"


def test_what_cannot_be_is_said_in_one_sentence(file: str) -> None:
    at = page(file, layer="a.weight", product="Convolution", height="1", width="1", padding="0")
    at = press(at, "Measure here")
    assert not at.exception
    assert "expected an input that a 3x3 kernel fits into" in at.error[0].value.replace("\\", "")


def test_the_whole_model_adds_up_and_is_checked_end_to_end(file: str) -> None:
    at = page(file, latency_tab="Whole model", seconds_each="1", side="6")
    assert not at.exception
    at = press(at, "Measure all 2 layers")
    assert not at.exception
    metrics = {item.label: item.value for item in at.metric}
    assert metrics["Layers measured"] == "2 of 2"
    table = next(item.value for item in at.dataframe if "fastest" in item.value)
    assert list(table["input"]) == ["1 x 8 x 6 x 6", "64 x 1"]
    at.selectbox(key="_end_kernel").set_value("gather-gemm").run()
    at = press(at, "Check end to end")
    assert not at.exception
    assert not at.error
    assert any("at most 1e-04 is right" in item.value for item in at.markdown)


def test_the_map_is_measured_and_then_found_in_the_store(file: str) -> None:
    at = page(
        file, latency_tab="Break-even map", layer="a.weight", size="4", seconds_cell="1", map_kernel="gather-gemm"
    )
    assert not at.exception
    at.multiselect(key="_map_heights").set_value([8, 16])
    at.multiselect(key="_map_densities").set_value([0.1]).run()
    at = press(at, "Measure 2 cells")
    assert not at.exception
    assert not at.error
    heights = {session.about["group_rows"] for session in Store(database_path()).sessions()}
    assert heights == {"8", "16"}
    stored = page(file, latency_tab="Break-even map", figures="from stored sessions", map_kernel="gather-gemm")
    assert not stored.exception
    assert any(text.value.startswith("Measured 20") for text in stored.caption)


def made_up(device: str, milliseconds: float) -> Session:
    times = {"p20_ms": milliseconds, "p80_ms": milliseconds, "rounds": 9, "repeats": 1, "interval": (1.0, 1.0)}
    row = Row("dense", "baseline", median_ms=milliseconds, speedup_vs_dense=1.0, **times)
    return Session(
        rows=(row,),
        shape=(32, 72),
        input_shape=(72, 20),
        positions=20,
        dtype="float32",
        threads=2,
        density=0.25,
        date="2026-11-25T10:00:00+00:00",
        device={"name": device},
        about={"layer": device},
    )


def test_stored_results_are_filtered_and_compared(file: str) -> None:
    at = page(file, latency_tab="Stored results")
    assert not at.exception
    assert any("No session is stored yet" in item.value for item in at.info)
    store = Store(database_path())
    for session in (made_up("A", 2.0), made_up("B", 1.0), replace(made_up("C", 1.0), dtype="float16")):
        store.add(session)
    at.run()
    assert len(next(item.value for item in at.dataframe if "device" in item.value)) == 3
    at.selectbox(key="_stored_Arithmetic").set_value("float32").run()
    assert set(next(item.value for item in at.dataframe if "device" in item.value)["device"]) == {"A", "B"}
    at.session_state["_stored"] = {"selection": {"rows": [0, 1], "columns": [], "cells": []}}
    at.run()
    assert not at.exception
    ratio = next(item.value for item in at.dataframe if "speed-up of B over A" in item.value)
    assert set(ratio["speed-up of B over A"]) <= {2.0, 0.5}
    assert any("What differs" in item.value for item in at.markdown)


def test_a_damaged_store_is_said(file: str) -> None:
    database_path().write_bytes(b"no database" * 100)
    at = page(file, latency_tab="Stored results")
    assert not at.exception
    assert "Nothing was deleted" in at.error[0].value.replace("\\", "")
