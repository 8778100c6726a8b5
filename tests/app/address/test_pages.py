"""Every key of the address on the pages where it is meant: the page shows what the address says, and writes what is chosen."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from sparselab.app.compare import view
from sparselab.app.explore.details import TABS
from sparselab.app.latency.page import TABS as LATENCY_TABS
from sparselab.app.shell.address import AddressState, fixed_keys, keys_of, parse, query_of, text_of
from sparselab.app.shell.address_keys import BEST, FILE_NAMES, KEYS
from sparselab.app.sweeps.page import TABS as SWEEPS_TABS
from sparselab.app.training.charts import AXES
from sparselab.app.training.page import TABS as TRAINING_TABS
from sparselab.app.why.page import TABS as WHY_TABS
from sparselab.core.settings import Setting
from sparselab.display.message import ORDER_LABELS
from sparselab.training.paper_results import published
from sparselab.transforms import TRANSFORMS
from sparselab.workflows.compare import contenders
from tests.browsing import PATIENCE_S

ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted({page for key in KEYS for page in key.pages})
LABELS = {
    "tab": {name: tab.label for name, tab in TABS.items()},
    "latency_tab": LATENCY_TABS,
    "training_tab": TRAINING_TABS,
    "sweeps_tab": SWEEPS_TABS,
    "why_tab": WHY_TABS,
}
# A value of every text that has no choices in the table, because a page or a file knows them.
TEXTS = {
    "source": "Path",
    "read_axes": "OI",
    "read_groups": "fc=2",
    "kernel_shape": "2,2",
    "layer": "small",
    "transform": "n-m",
    "order": next(iter(ORDER_LABELS)),
    "tab": "Checks",
    "baseline": "regroup-natural",
    "latency_tab": "Break-even map",
    "map_kernel": "csr",
    "training_tab": "Accuracy curves",
    "why_tab": "Shapes",
    "axis": list(AXES)[-1],
    "published": sorted({point.dataset for point in published()})[-1],
    "term": "mask",
    "input": "network",
    "model_input": "free",
    "tradeoff": "network",
    "sweep_folder": "sweep",
    "sweeps_tab": "plan",
}
# Of a lesson, which is named and has no file: a step with controls of its own, under its own transform.
LEARN = {"lesson": "6", "step": "4", "controls": "all", "transform": "refill"}
NOT_BY_PATH = {"sample", "file", "digest", "read_masks", "run", "film_layer", "read_groups", "read_axes"}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of two small layers, of which `small` is not the first choice."""
    monkeypatch.setenv("SPARSELAB_ROOTS", str(tmp_path))
    rng = np.random.default_rng(0)
    kept = {"fc": rng.random((32, 48)) < 0.3, "small": rng.random((16, 32)) < 0.3}
    np.savez(tmp_path / "mine.npz", **{n: np.where(k, rng.normal(size=k.shape), 0) for n, k in kept.items()})
    return tmp_path / "mine.npz"


def other(setting: Setting) -> Any:
    """A value other than the default."""
    if setting.name in TEXTS:
        return TEXTS[setting.name]
    if setting.choices:
        return next(choice for choice in reversed(setting.choices) if choice != setting.default)
    if setting.kind is bool:
        return not setting.default
    low, high = setting.kind(setting.low), setting.kind(setting.high)
    return low if low not in (setting.default, 0) else min(high, low + 2)


def full_address(page: str, file: Path) -> dict[str, str]:
    """An address of a page in which all that can be is other than its default."""
    state = AddressState()
    for name, key in fixed_keys(page).items():
        if page == "learn" and name in LEARN:
            state = state.put({key.slot: LEARN[name]})
        elif name not in NOT_BY_PATH and not (page == "learn" and name == "path"):
            state = state.put({key.slot: str(file) if name == "path" else other(key.setting)})
    for name, key in keys_of(page, state).items():
        if name not in fixed_keys(page):
            state = state.put({key.slot: other(key.setting)})
    return query_of(page, state)


def opened(page: str, query: dict[str, str]) -> AppTest:
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=PATIENCE_S)
    for name, value in query.items():
        at.query_params[name] = value
    return at.switch_page(f"pages/{page}.py").run()


def said(at: AppTest) -> str:
    """What the page says of the file."""
    return str(at.info[0].value).replace("\\", "")


def address_of(at: AppTest, page: str) -> dict[str, str]:
    assert not at.exception
    assert not [each.value for each in at.warning if each.value.startswith("Not as in the link")]
    return query_of(page, at.session_state["_address"])


def widgets(at: AppTest, page: str) -> Iterator[tuple[str, Any]]:
    """Every widget of a key that is on the page, with the name of its key."""
    for kind in ("selectbox", "number_input", "slider", "select_slider", "toggle", "text_input", "segmented_control"):
        for widget in getattr(at, kind):
            name = (widget.key or "").removeprefix("_").removesuffix(f"@{page}")
            if name in keys_of(page, at.session_state["_address"]):
                yield name, widget


def goes_to(at: AppTest, page: str) -> None:
    """Click on a page in the menu, which sends no address."""
    at.query_params.clear()
    at.switch_page(f"pages/{page}.py").run()


@pytest.mark.parametrize("page", PAGES)
def test_what_the_address_says_is_seen_and_stays_after_a_page_change(
    page: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = ("regroup-natural", "regroup-random")
    monkeypatch.setattr(view, "contenders", lambda density: [c for c in contenders(density) if c.name in few])
    monkeypatch.setattr(view, "curve_contenders", list)
    address = full_address(page, file)
    at = opened(page, address)
    assert address_of(at, page) == address
    shown = dict(widgets(at, page))
    for name, widget in shown.items():
        if name in address:
            assert text_of(widget.value) == address[name], name
    assert len(shown) >= {"glossary": 1, "training": 1, "sweeps": 1, "learn": 5}.get(page, 8)
    goes_to(at, "glossary" if page != "glossary" else "training")
    goes_to(at, page)
    assert address_of(at, page) == address
    assert {name for name, _ in widgets(at, page)} == set(shown)


@pytest.mark.parametrize("page", ["explore", "model", "latency"])
def test_every_control_that_is_moved_moves_the_address_alone(page: str, file: Path) -> None:
    start = {"source": "Path", "path": str(file)} | ({"transform": "regroup"} if page == "model" else {})
    at = opened(page, start)
    names = [name for name, _ in widgets(at, page) if name not in TEXTS and name not in FILE_NAMES]
    start = address_of(at, page)
    for name in names:
        value = other(keys_of(page, at.session_state["_address"])[name].setting)
        dict(widgets(at, page))[name].set_value(value).run()
        assert address_of(at, page) == start | {name: text_of(value)}
        at.session_state["_address"] = parse(page, start)[0]
        at.run()
        assert address_of(at, page) == start
    assert len(names) >= 6


def test_the_transform_of_model_is_its_own_and_opens_on_the_best_after_an_upload(file: Path) -> None:
    at = opened("explore", {"source": "Upload"})
    at.file_uploader[0].upload("mine.npz", file.read_bytes()).run()
    at.number_input(key="rows_per_group").set_value(8).run()
    goes_to(at, "model")
    assert at.selectbox(key="_transform@model").value == BEST
    at.selectbox(key="_transform@model").set_value("n-m").run()
    at.slider(key="n").set_value(1).run()
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    own = {"source": "Upload", "file": "mine.npz", "digest": digest}
    assert address_of(at, "model") == own | {"transform": "n-m", "n": "1"}
    goes_to(at, "explore")
    assert address_of(at, "explore") == own | {"rows_per_group": "8"}


def test_an_upload_is_waited_for_by_name_and_another_is_said_to_differ(file: Path) -> None:
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    link = {"source": "Upload", "file": "mine.npz", "digest": digest, "layer": "small", "rows_per_group": "8"}
    at = opened("explore", link)
    assert address_of(at, "explore") == link
    assert "This link is about “mine.npz”" in said(at)
    assert digest[:12] in said(at)
    assert not at.metric
    np.savez(file, fc=np.eye(16))
    at.file_uploader[0].upload("yours.npz", file.read_bytes()).run()
    assert "differs from the file of the link, “mine.npz”" in said(at)
    assert at.metric
    assert address_of(at, "explore")["rows_per_group"] == "8"
    assert address_of(at, "explore")["file"] == "yours.npz"


def test_model_and_training_open_explore_while_a_knob_is_in_the_address(file: Path) -> None:
    """Streamlit refused to leave a page whose address held a knob bound by itself: an upload was enough."""
    query = {"source": "Path", "path": str(file), "transform": "n-m", "n": "1", "seed": "3", "show": "table"}
    at = opened("model", query)
    next(button for button in at.button if button.label.startswith("Run on all")).click().run()
    next(button for button in at.button if button.label == "Open fc in Explore").click().run()
    told = {"source": "Path", "path": str(file), "layer": "fc", "transform": "n-m", "n": "1", "seed": "3"}
    assert address_of(at, "explore") == told
    at = opened("training", {"axis": list(AXES)[-1], "with_study": "true"})
    at.button(key="_open_Explore").click().run()
    assert set(address_of(at, "explore")) == {"source", "path", "layer"}
    assert at.metric


def test_no_setting_of_a_transform_is_without_a_label_of_a_person() -> None:
    labels = [
        setting.label
        for name in TRANSFORMS
        for setting in [key.setting for key in keys_of("explore", AddressState({"transform": name})).values()]
    ]
    assert not [label for label in labels if label in ("Knn", "Weigh", "Rule", "Grouper", "Second share")]
