"""What an address says: read and written without a page, and every key of the table on the pages where it is meant."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from sparselab.app.shell.address import AddressState, fixed_keys, keys_of, parse, query_of
from sparselab.app.shell.address_keys import KEYS
from sparselab.app.shell.open_in import AtPath, explore_link
from sparselab.core.settings import Setting
from sparselab.transforms import TRANSFORMS
from sparselab.transforms.check import TAKEN
from tests.browsing import PATIENCE_S

ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted({page for key in KEYS for page in key.pages})


def test_the_pages_of_the_table_are_those_of_the_app() -> None:
    assert sorted(path.stem for path in (ROOT / "pages").glob("*.py")) == PAGES
    assert {key.setting.name for key in KEYS} <= TAKEN, "a transform could call a setting so"


def test_every_key_that_a_page_links_stands_in_the_table() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "sparselab" / "app").rglob("*.py"))
    calls = r"\b(?:held|chosen|linked_setting|linked_tabs|linked_segments|linked_select|_number)\("
    linked = set(re.findall(calls + r'(?:[^()]|\([^()]*\))*?"([a-z_]+)"(?:, default|\)|,\s*default| *,)', text))
    assert {"layer", "tab", "tradeoff", "order", "read_all", "seed"} <= linked
    assert linked <= {key.setting.name for key in KEYS}


def values_of(setting: Setting) -> st.SearchStrategy[Any]:
    """Values that a setting takes."""
    if setting.choices:
        found: st.SearchStrategy[Any] = st.sampled_from(setting.choices)
    elif setting.kind is bool:
        found = st.booleans()
    elif setting.kind is int:
        found = st.integers(int(setting.low or 0), int(setting.high or 0))
    elif setting.kind is float:
        found = st.floats(float(setting.low or 0), float(setting.high or 0))
    else:
        found = st.text(max_size=20)
    return st.none() | found if setting.optional else found


@st.composite
def states(draw: st.DrawFn, page: str) -> AddressState:
    """States of a page, in which anything may have been chosen."""
    state = AddressState()
    for name, key in fixed_keys(page).items():
        if draw(st.booleans()):
            choices = [key.setting.default, *TRANSFORMS]
            value = draw(st.sampled_from(choices) if name == "transform" else values_of(key.setting))
            state = state.put({key.slot: value})
    for key in keys_of(page, state).values():
        if key.setting.name not in fixed_keys(page) and draw(st.booleans()):
            state = state.put({key.slot: draw(values_of(key.setting))})
    return state


@pytest.mark.parametrize("page", PAGES)
@given(data=st.data())
def test_what_counts_on_a_page_comes_back_from_its_address(page: str, data: st.DataObject) -> None:
    state = data.draw(states(page))
    query = query_of(page, state)
    again, problems = parse(page, query)
    assert not problems
    assert query_of(page, again) == query
    keys = keys_of(page, state)
    assert dict(again.values) == {keys[name].slot: state.values[keys[name].slot] for name in query}
    # What is left out counts only beside a source that is not the chosen one.
    source = state.values.get("source", "Sample")
    for name, key in keys.items():
        if key.slot in state.values and name not in query:
            assert key.setting.when is not None
            assert key.setting.when.name in ("source",)
            assert source not in key.setting.when.values


@pytest.mark.parametrize("page", PAGES)
@given(
    query=st.dictionaries(st.text(max_size=12) | st.sampled_from([k.setting.name for k in KEYS]), st.text(max_size=80))
)
def test_every_part_of_an_address_is_followed_or_named(page: str, query: dict[str, str]) -> None:
    state, problems = parse(page, query)
    followed = query_of(page, state) | {
        name: "" for name, key in keys_of(page, state).items() if key.slot in state.values
    }
    assert len(problems) == len(query.keys() - followed.keys())
    assert all(len(problem) < 400 for problem in problems)


def test_no_slot_means_two_things_on_one_page() -> None:
    for page in PAGES:
        for transform in TRANSFORMS:
            state = AddressState().put(
                {key.slot: transform for name, key in fixed_keys(page).items() if name == "transform"}
            )
            slots = [key.slot for key in keys_of(page, state).values()]
            assert len(slots) == len(set(slots))


def test_the_transform_of_model_is_not_that_of_explore() -> None:
    explored, _ = parse("explore", {"transform": "n-m", "n": "1"})
    assert query_of("explore", explored) == {"transform": "n-m", "n": "1"}
    assert query_of("latency", explored) == {"transform": "n-m", "n": "1"}
    assert query_of("model", explored) == {}


def test_a_link_to_explore_carries_all_that_is_asked() -> None:
    link = explore_link(
        AtPath(Path("/x/a b.npz")), "fc", "regroup", {"rule": "ratio", "ratio": 2.5, "knn": 32, "groups": None}, 3
    )
    assert link == "/?source=Path&path=%2Fx%2Fa+b.npz&layer=fc&seed=3&rule=ratio&ratio=2.5"


def page(name: str, **query: str) -> AppTest:
    at = AppTest.from_file(str(ROOT / "pages" / f"{name}.py"), default_timeout=PATIENCE_S)
    for key, value in query.items():
        at.query_params[key] = value
    return at.run()
