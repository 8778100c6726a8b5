"""The Explore page without a browser: what it shows, what a knob changes, what it says when it cannot."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from sparselab.analysis.picture import ORDERS
from sparselab.app.explore.details import TABS
from sparselab.app.inputs.samples import available
from sparselab.app.shell.address import query_of
from sparselab.display.message import ORDER_LABELS
from sparselab.runtime.worker import Worker
from tests.browsing import PATIENCE_S

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(not available(), reason="no sample masks")


def page(**query: str) -> AppTest:
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=PATIENCE_S)
    for name, value in ({"sample": "planted"} | query).items():
        at.query_params[name] = value
    return at.run()


def numbers(at: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in at.metric}


def in_address(at: AppTest, key: str) -> str | None:
    return query_of("explore", at.session_state["_address"]).get(key)


def test_opens_on_a_sample_with_its_numbers() -> None:
    at = page()
    assert not at.exception
    assert not at.error
    assert numbers(at)["Weights kept"] == "100.0 %"
    assert numbers(at)["Blocks"] == "16"
    assert any("512 x 4,608" in text.value for text in at.text)


def test_a_page_run_without_the_door_finds_it() -> None:
    """What a deep link does on a fresh server: it runs the page's own file."""
    at = AppTest.from_file(str(ROOT / "pages" / "explore.py"), default_timeout=PATIENCE_S)
    at.query_params["sample"] = "planted"
    at.run()
    assert not at.exception
    assert numbers(at)["Blocks"] == "16"


def test_a_knob_changes_the_answer_and_reset_puts_it_back() -> None:
    at = page()
    at.number_input(key="rows_per_group").set_value(16).run()
    assert numbers(at)["Blocks"] == "32"
    at.button[[b.label for b in at.button].index("Reset settings")].click().run()
    assert at.number_input(key="rows_per_group").value == 32  # what stands for it while nothing is set
    assert "rows_per_group" not in at.session_state["_address"].values
    assert numbers(at)["Blocks"] == "16"


def test_knobs_that_do_not_count_are_not_shown() -> None:
    at = page()
    keys = {widget.key for widget in (*at.slider, *at.number_input)}
    assert {"rows_per_group", "knn", "density"} <= keys
    assert not keys & {"min_kept", "ratio"}
    at.selectbox(key="rule").set_value("threshold").run()
    keys = {widget.key for widget in (*at.slider, *at.number_input)}
    assert {"min_rows", "min_kept", "min_cols"} <= keys
    assert "density" not in keys


def test_a_link_opens_the_same_view() -> None:
    at = page(sample="random", rule="threshold", min_kept="9", order="packed", seed="3")
    assert at.selectbox(key="_sample@explore").value == "random"
    assert at.selectbox(key="rule").value == "threshold"
    assert at.slider(key="min_kept").value == 9
    assert at.number_input(key="seed").value == 3


@pytest.mark.parametrize("name", TABS)
def test_a_link_opens_its_tab_under_the_name_that_the_tab_always_had(name: str) -> None:
    at = page(tab=name)
    assert not at.exception
    assert [tab.label for tab in at.tabs] == [tab.label for tab in TABS.values()]
    assert at.session_state["_tab@explore"] == TABS[name].label
    assert in_address(at, "tab") == name


@pytest.mark.parametrize("order", ORDERS)
def test_a_link_opens_its_order(order: str) -> None:
    at = page(order=order)
    assert not at.exception
    assert at.segmented_control(key="_order@explore").value == order
    assert in_address(at, "order") == order


def test_rows_per_group_of_a_link_counts_and_unset_it_follows_the_rule() -> None:
    at = page(rows_per_group="16")
    assert numbers(at)["Blocks"] == "32"
    field = at.number_input(key="rows_per_group")
    assert field.value == 16
    assert field.placeholder.startswith("automatic")
    text = at.selectbox(key="rule").help
    assert all(name in text for name in at.selectbox(key="rule").options)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"sample": "no-such"}, "no sample called 'no-such'"),
        ({"layer": "no-such"}, "no layer called 'no-such'"),
        ({"rows_per_group": "-5"}, "rows_per_group: expected a whole number from 1 to 256 or none; got -5"),
        ({"groups": "9" * 400}, "groups: expected a whole number from 1 to 1024 or none; got 400 characters"),
        ({"rule": "x"}, "rule: expected one of budget"),
        ({"transform": "x"}, "transform: expected one of"),
        ({"tab": "no-such"}, "no tab called 'no-such'"),
        ({"tile": "5"}, "tile: expected one of 4, 8, 16, 32, 64; got 5"),
        ({"order": "no-such"}, "no order called 'no-such'"),
        ({"rows_per_grp": "8"}, "'rows_per_grp' is no setting of this page"),
    ],
)
def test_what_a_link_says_and_the_page_does_not_know_is_said_in_one_sentence(query: dict[str, str], words: str) -> None:
    at = page(**query)
    assert not at.exception
    assert not at.error
    told = [warning.value.replace("\\", "") for warning in at.warning]
    assert len(told) == 1
    assert words in told[0]
    # Of another mask than the link's nothing is shown; of another setting the default.
    assert ("Weights kept" in numbers(at)) == ("sample" not in query and "layer" not in query)


def test_says_why_nothing_was_found() -> None:
    at = page(rule="threshold", min_cols="4096")
    assert numbers(at)["Weights kept"] == "–"
    assert any("No structure was found" in warning.value and "4096 columns" in warning.value for warning in at.warning)


def test_where_nothing_travels_the_reordering_is_a_sentence() -> None:
    at = page(rule="threshold", min_cols="4096", tab="Reordering")
    assert any(info.value.startswith("Nothing travels: no structure was found") for info in at.info)


def test_two_settings_that_exclude_each_other_cannot_both_be_set() -> None:
    at = page(groups="8")
    assert not at.error
    assert "rows_per_group" not in {widget.key for widget in (*at.slider, *at.number_input)}
    assert numbers(at)["Blocks"] == "8"


def test_the_checks_hold_and_are_shown_with_figures() -> None:
    at = page(tab="Checks")
    text = "\n".join(item.value for item in at.markdown)
    assert "violated" not in text
    assert text.count("holds") >= 6
    assert "relative error" in text


@pytest.mark.parametrize("order", ORDERS)
def test_the_plain_heatmap_is_shown_in_every_order(order: str) -> None:
    at = page(plain="true", order=order)
    assert not at.exception
    assert len(at.get("plotly_chart")) >= 2
    said = [caption.value for caption in at.caption]
    assert any(ORDER_LABELS[order] in text for text in said)
    assert sum(text.startswith("1 pixel = ") for text in said) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("/etc/passwd", "expected a path under"),
        ("../../etc/passwd", "expected a path under"),
        ("a\0b", "NUL"),
    ],
)
def test_paths_outside_the_roots_are_refused(
    text: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPARSELAB_ROOTS", str(tmp_path))
    at = page(source="Path")
    at.text_input(key="path").set_value(text).run()
    assert not at.exception
    assert any(words in error.value for error in at.error)


def test_a_local_path_is_read_in_a_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARSELAB_ROOTS", str(tmp_path))
    weight = np.where(np.random.default_rng(0).random((64, 96)) < 0.2, 1.0, 0.0).astype(np.float32)
    np.savez(tmp_path / "model.npz", fc=weight, bias=np.zeros(64, np.float32))
    at = page(source="Path")
    at.text_input(key="path").set_value(str(tmp_path / "model.npz")).run()
    assert not at.exception
    assert not at.error
    assert any("64 x 96" in text.value for text in at.text)
    (tmp_path / "link.npz").symlink_to("/etc/passwd")
    at.text_input(key="path").set_value(str(tmp_path / "link.npz")).run()
    assert any("expected a path under" in error.value for error in at.error)


def test_what_a_library_in_c_parses_is_read_within_limits_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import h5py

    path, begin, told = tmp_path / "model.h5", Worker.begin, []
    with h5py.File(path, "w") as file:
        file.create_dataset("fc/w", data=np.eye(16, 24, dtype=np.float32) / 2)

    def here(*_: object, **__: object) -> NoReturn:
        raise AssertionError("read in the server")

    def watched(worker: Worker, function: Any, args: Any, kwargs: Any = {}, limits: Any = None) -> Any:  # noqa: B006
        if str(path).encode() in pickle.dumps((args, dict(kwargs))):
            told.append(limits)
        return begin(worker, function, args, kwargs, limits)

    monkeypatch.setenv("SPARSELAB_ROOTS", str(tmp_path))
    monkeypatch.setattr(h5py, "File", here)
    monkeypatch.setattr(Worker, "begin", watched)
    at = page(source="Path", path=str(path))
    assert not at.exception
    assert not at.error
    assert any("16 x 24" in text.value for text in at.text)
    assert told
    assert all(limits.memory_bytes and limits.cpu_seconds for limits in told)


def upload(at: AppTest, name: str, content: bytes) -> AppTest:
    at.file_uploader[0].upload(name, content).run()
    return at


def test_an_upload_is_read_shown_and_let_go(tmp_path: Path) -> None:
    weight = np.where(np.random.default_rng(0).random((32, 48)) < 0.3, 1.0, 0.0).astype(np.float32)
    np.savez(tmp_path / "mine.npz", **{"fc.weight": weight})
    at = upload(page(source="Upload"), "mine.npz", (tmp_path / "mine.npz").read_bytes())
    assert not at.exception
    assert not at.error
    assert any("32 x 48" in text.value for text in at.text)
    assert any("sha256" in caption.value for caption in at.caption)


@pytest.mark.parametrize(
    ("name", "content"),
    [("broken.npz", b"PK\x03\x04 and then nothing"), ("not.safetensors", b"\xff" * 100), ("empty.pt", b"")],
)
def test_a_bad_upload_says_one_sentence_and_the_app_lives(name: str, content: bytes) -> None:
    at = upload(page(source="Upload"), name, content)
    assert not at.exception
    assert len(at.error) == 1
    assert "expected" in at.error[0].value
    at.segmented_control(key="source").set_value("Sample").run()
    assert "Weights kept" in numbers(at)
