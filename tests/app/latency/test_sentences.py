"""What the Latency page says of results that were stored: the first sentence, the input, and nothing that was not measured."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from sparselab.benchmarking.records import Row, Session
from sparselab.benchmarking.storage_paths import database_path
from sparselab.benchmarking.store import Store
from sparselab.core.mask import Mask
from sparselab.core.paths import DATA_VARIABLE
from tests.browsing import PATIENCE_S

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def _data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path / "data"))
    monkeypatch.setenv("SPARSELAB_ROOTS", str(tmp_path))
    monkeypatch.setattr("sparselab.app.jobs.measured.stored_results", lambda: ())


@pytest.fixture
def mask(tmp_path: Path) -> Mask:
    kept = np.random.default_rng(0).random((32, 8, 3, 3)) < 0.3
    np.savez(tmp_path / "net.npz", **{"a.weight": np.where(kept, 1.5, 0).astype(np.float32)})
    return Mask(kept.reshape(32, 72))


def page(tmp_path: Path, **query: str) -> AppTest:
    at = AppTest.from_file(str(ROOT / "pages" / "latency.py"), default_timeout=PATIENCE_S)
    for key, value in ({"source": "Path", "path": str(tmp_path / "net.npz"), "rows_per_group": "8"} | query).items():
        at.query_params[key] = value
    at.run()
    assert not at.exception
    return at


def row(kernel: str, speed: float, role: str = "kernel") -> Row:
    times = {"median_ms": 8 / speed, "p20_ms": 7.9 / speed, "p80_ms": 8.1 / speed, "rounds": 20, "repeats": 1}
    return Row(kernel, role, **times, speedup_vs_dense=speed, interval=(0.99 * speed, 1.01 * speed))


def store(*rows: Row, density: float = 0.25, **about: str) -> Session:
    found = Session(
        rows=(row("dense", 1.0, "baseline"), *rows),
        shape=(32, 72),
        input_shape=(72, 64),
        positions=64,
        dtype="float32",
        threads=2,
        density=density,
        date=f"2026-11-25T10:00:{round(100 * density) % 60:02d}+00:00",
        device={"name": "A processor"},
        about=about,
    )
    Store(database_path()).add(found)
    return found


def stored_map(tmp_path: Path) -> AppTest:
    return page(tmp_path, latency_tab="Break-even map", figures="from stored sessions", map_kernel="native-blocks")


@pytest.mark.usefixtures("mask")
def test_one_cell_of_a_cancelled_map_becomes_no_sentence(tmp_path: Path) -> None:
    plan = json.dumps([[32, 0.1], [32, 0.5]])
    store(row("native-blocks", 3.0), density=0.1, group_rows="32", cells=plan)
    at = stored_map(tmp_path)
    assert any("1 of 2 cells were measured" in item.value for item in at.info)
    assert not any("Groups of" in item.value for item in at.markdown)
    store(row("native-blocks", 0.5), density=0.5, group_rows="32", cells=plan)
    at = stored_map(tmp_path)
    said = next(item.value for item in at.markdown if "Groups of" in item.value)
    assert "faster than dense up to density 10 % and slower from 50 %" in said
    assert "exact" not in said


@pytest.mark.usefixtures("mask")
@pytest.mark.parametrize(
    ("exact", "first"),
    [
        (2.0, "Structure pays here: 1.50x over the exact product"),
        (4.0, "Structure does not pay here"),
        (None, "Blocks in C"),
    ],
)
def test_the_first_sentence_on_a_layer_is_whether_structure_pays(
    tmp_path: Path, exact: float | None, first: str
) -> None:
    store(row("native-blocks", 3.0), *([] if exact is None else [row("native-sparse", exact, "exact")]), layer="a")
    at = page(tmp_path, latency_tab="Stored results")
    at.session_state["_stored"] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    at.run()
    assert not at.exception
    (answer,) = at.success
    assert answer.value.lstrip("*").startswith(first)
    assert "3.0x faster than dense" in answer.value
    assert "at best 4.0x" in answer.value
    assert "Input: 64 positions." in answer.value
    assert ("exact" in answer.value) == (exact is not None)


@pytest.mark.usefixtures("mask")
def test_both_inputs_are_offered_and_the_one_meant_is_said(tmp_path: Path) -> None:
    at = page(tmp_path, layer="a.weight", side="24")
    (choice,) = (group for group in at.button_group if group.label == "Input")
    assert choice.options is not None
    assert [option.content for option in choice.proto.options] == [
        "1,024 positions",
        "as in the network (576 positions)",
    ]
    assert any("a.weight at 1,024 positions; float32" in item.value.replace("\\", "") for item in at.caption)
    at = page(tmp_path, layer="a.weight", side="24", input="network")
    assert any(
        "576 positions, as in the network with batch 1, 24 x 24 pixels;" in item.value.replace("\\", "")
        for item in at.caption
    )
    at = page(tmp_path, layer="a.weight", input="network")
    assert any(
        "32 x 32 pixels (assumed: the file does not tell)" in item.value.replace("\\", "") for item in at.caption
    )


def test_kept_against_time_says_what_is_missing_and_names_its_sources(tmp_path: Path, mask: Mask) -> None:
    at = page(tmp_path, latency_tab="Gain and loss")
    assert "No stored latency session is of this layer's mask" in at.info[0].value
    at = page(tmp_path, latency_tab="Gain and loss", tradeoff="network")
    assert "no finished training is stored" in at.info[0].value
    masks = {"mask_before": mask.digest, "mask_after": "x", "density_before": "0.3"}
    store(row("native-blocks", 3.0), row("native-sparse", 2.0, "exact"), transform="regroup", energy="0.8", **masks)
    at = page(tmp_path, latency_tab="Gain and loss")
    table = next(item.value for item in at.dataframe if "source" in item.value)
    assert list(table["structure"]) == ["Regroup", "Mask as it is, exact product"]
    assert list(table["Energy kept"]) == [0.8, 1.0]
    assert all(source.startswith("session 2026") for source in table["source"])
    assert any("2 of 2 points" in item.value for item in at.markdown)


def _network(layers: int) -> None:
    from dataclasses import replace

    from sparselab.app.latency.network_verdict import show_network_verdict
    from sparselab.benchmarking.storage_paths import database_path
    from sparselab.benchmarking.store import Store

    session = Store(database_path()).sessions()[0]
    show_network_verdict([session, replace(session, about={"layer": "b<b>"})], layers, "batch 1")


def test_a_whole_network_has_a_verdict_in_words_when_all_of_it_was_measured() -> None:
    store(row("native-blocks", 3.0), row("native-sparse", 2.0, "exact"), layer="a")
    at = AppTest.from_function(_network, args=(2,), default_timeout=PATIENCE_S).run()
    assert not at.exception
    assert at.success[0].value.startswith("**Structure pays here: 1.50x over the exact product")
    assert "3.0x faster than dense" in at.success[0].value
    assert "Input: batch 1." in at.success[0].value
    at = AppTest.from_function(_network, args=(3,), default_timeout=PATIENCE_S).run()
    assert not at.exception
    assert "2 of 3 layers were measured" in at.info[0].value
    assert not at.success


@pytest.mark.usefixtures("mask")
@pytest.mark.parametrize(
    ("speeds", "told"),
    [
        ((12.0, 8.0), "groups of 32 rows pay while they keep at most 1.5 times as many weights as the mask did"),
        ((40.0, 1.0), "groups of 32 rows pay at every density measured, whatever the mask's"),
        ((1.0, 80.0), "groups of 32 rows pay at no density measured: leave the mask alone"),
    ],
)
def test_when_structure_pays_is_said_first_and_what_was_not_measured_is_not_drawn(
    tmp_path: Path, speeds: tuple[float, float], told: str
) -> None:
    plan = json.dumps([[32, density] for density in (0.05, 0.1, 0.2)])
    for density in (0.05, 0.1, 0.2):
        blocks, exact = (
            row(*each)
            for each in (
                ("native-blocks", 0.1 * speeds[0] / density),
                ("native-sparse", 0.1 * speeds[1] / density, "exact"),
            )
        )
        store(blocks, exact, density=density, group_rows="32", cells=plan)
    for figures in ("measure here", "from stored sessions"):
        at = page(tmp_path, latency_tab="Break-even map", figures=figures, map_kernel="native-blocks")
        said = next(item.value for item in at.markdown if "groups of 32 rows" in item.value)
        assert said.startswith(
            "**On A processor, another machine than this one, in float32 on the CPU's vector units, "
        )
        assert told in said
        missing = next(item.value for item in at.caption if "so not drawn" in item.value)
        assert "bfloat16 on the CPU" in missing
        assert "a GPU" in missing
