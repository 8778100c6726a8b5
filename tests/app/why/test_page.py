"""The page Why not faster?: told what to do, a report drawn, strangers' texts as they are, and what follows from shapes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from sparselab.app.why.charts import amdahl_figure, kernels_figure
from sparselab.diagnosis.evidence import OpTime
from sparselab.diagnosis.stated import amdahl
from tests.browsing import PATIENCE_S
from tests.diagnosis.test_reading import written

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARSELAB_DATA", str(tmp_path))


def opened(**query: str) -> AppTest:
    at = AppTest.from_file(str(ROOT / "pages" / "why.py"), default_timeout=PATIENCE_S)
    for name, value in query.items():
        at.query_params[name] = value
    return at.run()


def with_report(content: bytes) -> AppTest:
    at = opened()
    return at.file_uploader[0].upload("report.json", content, "application/json").run()


def texts(at: AppTest) -> str:
    return " ".join(
        str(each.value)
        for kind in ("markdown", "warning", "success", "error", "text", "caption")
        for each in getattr(at, kind)
    )


def test_without_a_report_the_command_is_told_and_an_example_drawn() -> None:
    at = opened()
    assert not at.exception
    assert not at.error
    assert at.code[0].value.startswith("sparselab doctor model.py:build --input")
    assert any(each.value.startswith("An example: ") for each in at.info)
    assert len(at.metric) == 3


def test_a_report_is_drawn_causes_cures_and_kernels() -> None:
    at = with_report(json.dumps(written()).encode())
    assert not at.exception
    assert [metric.label for metric in at.metric] == [
        "One forward pass",
        "Time in pruned layers",
        "At most, if they took none",
    ]
    seen = texts(at)
    assert not any(each.value.startswith("An example: ") for each in at.info)
    assert "1\\. A mask of your own" in seen or "1. A mask of your own" in seen
    assert not at.code
    assert len(at.dataframe) == 2


@pytest.mark.parametrize("content", [b"{}", b"\x00" * 50, b"[" * 90_000])
def test_what_is_no_report_is_one_sentence_and_the_command_again(content: bytes) -> None:
    at = with_report(content)
    assert not at.exception
    assert len(at.error) == 1
    assert at.code[0].value.startswith("sparselab doctor")


def test_texts_of_strangers_are_no_markdown() -> None:
    document = written()
    document["paragraph"] = document["findings"][0]["title"] = "<script>alert(1)</script> ![x](http://a.b/c) :red[r]"
    at = with_report(json.dumps(document).encode())
    assert not at.exception
    assert "<script" not in texts(at).replace("\\<", "")
    assert "![x](" not in texts(at)


def test_shapes_alone_tell_the_bound_and_what_was_measured() -> None:
    at = opened(why_tab="Shapes", why_share="5", why_positions="1")
    assert not at.exception
    assert "1.05 times as fast" in texts(at)
    assert "is known once anything was measured here" in texts(at), "so no column says which decides"
    assert "--positions 1 " in at.code[0].value
    (model,) = at.dataframe[0].value["rests on"]
    assert model == "nothing near it" or (model.startswith("(model) ") and "(model): " in texts(at))
    at = opened(why_tab="Shapes", why_share="100")
    assert "all** of the time" in texts(at)


def test_layers_of_a_file_take_the_place_of_the_one_that_is_stated() -> None:
    at = opened(why_tab="Shapes", why_file="true", sample="planted")
    assert not at.exception
    assert "stated" not in at.dataframe[0].value["layer"].tolist()


def test_the_bound_of_the_figure_is_amdahls() -> None:
    (line,) = amdahl_figure(0.5).data
    assert line.y[-1] == pytest.approx(amdahl(0.5, 16.0))
    assert amdahl(0.5, 1e12) == pytest.approx(2.0)
    assert amdahl_figure(1.0).data[0].y[2] == pytest.approx(2.0)


def test_no_kernel_is_lost_in_the_bars() -> None:
    kernels = [OpTime(name=f"k{i}", ms=float(i), calls=1) for i in range(40)]
    (bars,) = kernels_figure(kernels).data
    assert sum(bars.x) == pytest.approx(sum(range(40)))
