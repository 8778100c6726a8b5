"""Plans: what they come to, their file, and what in them is refused."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparselab.core.errors import FileError, SettingError, SparselabError
from sparselab.core.settings import settings_of
from sparselab.formats import ReadOptions, read_ticket
from sparselab.transforms import TRANSFORMS
from sparselab.workflows.sweeps.layers import PlannedFile, PlannedLayer
from sparselab.workflows.sweeps.outline import Outline, files_at, plan_of
from sparselab.workflows.sweeps.plan import Plan, combinations
from sparselab.workflows.sweeps.plan_file import is_plan, outline_in, read_plan, read_whole_plan, whole_plan_in
from sparselab.workflows.sweeps.values import MOST_POINTS
from tests.workflows.sweeps.small import digests, small_plan, write_file

FILES = (PlannedFile("/x/net.npz", (PlannedLayer("fc", "0" * 64, 8, 8),)),)
GOOD: dict[str, Any] = {"sparselab_sweep": 1, "files": ["a.npz"], "transforms": {"regroup": {"density": [0.1]}}}


def planned(transforms: dict[str, Any], **rest: Any) -> Plan:
    return Plan(FILES, transforms, **rest)


def test_a_plan_comes_back_from_its_file_with_the_same_points(tmp_path: Path) -> None:
    plan = replace(
        small_plan(tmp_path), files=(replace(small_plan(tmp_path).files[0], options=ReadOptions(axes=("OI",))),)
    )
    (tmp_path / "plan.json").write_text(plan.text())
    assert is_plan(tmp_path / "plan.json")
    again = read_whole_plan(tmp_path / "plan.json")
    assert again == plan
    assert again.text() == plan.text()
    assert digests(again.points()) == digests(plan.points())


def test_a_plan_written_by_hand_is_read_with_its_files(tmp_path: Path) -> None:
    write_file(tmp_path / "net.npz")
    told = {**GOOD, "files": ["net.npz", {"path": "net.npz", "layers": ["fc1"]}]}
    (tmp_path / "mine.json").write_text(json.dumps(told))
    plan = plan_of(read_plan(tmp_path / "mine.json"), read_ticket, print)
    assert [[layer.name for layer in file.layers] for file in plan.files] == [["fc0", "fc1"], ["fc1"]]
    with pytest.raises(FileError, match="not read yet"):
        read_whole_plan(tmp_path / "mine.json")


@pytest.mark.parametrize("name", TRANSFORMS)
def test_bounds_on_seconds_are_known_and_refused(name: str) -> None:
    for setting in settings_of(TRANSFORMS[name]):
        assert setting.stops_by_clock == setting.name.endswith("_seconds"), setting.name
        if setting.stops_by_clock:
            with pytest.raises(SettingError, match="differs from machine to machine"):
                planned({name: {setting.name: (setting.default,)}})


def test_the_same_layer_has_the_same_points_wherever_it_lies(tmp_path: Path) -> None:
    kept = np.random.default_rng(0).random((8, 16)) < 0.4
    (tmp_path / "b").mkdir()
    np.savez(tmp_path / "a.npz", one=kept)
    np.savez(tmp_path / "b" / "c.npz", two=kept)
    values = {"regroup": {"rows_per_group": (2, 4)}}
    one, other = (
        plan_of(Outline(files_at(tmp_path / path, ReadOptions()), values), read_ticket, print)
        for path in ("a.npz", "b")
    )
    assert digests(one.points()) == digests(other.points())


def test_what_does_not_count_is_one_point_and_what_excludes_each_other_none() -> None:
    taken, refused = combinations("regroup", {"refine": (False, True), "refine_steps": (10, 100)})
    assert len(taken) == 3
    assert not refused
    taken, refused = combinations("regroup", {"groups": (4, None), "rows_per_group": (8, None)})
    assert len(taken) == 3
    assert len(refused) == 1
    assert planned({"regroup": {"groups": (4, None), "rows_per_group": (8, None)}}).left_out


@pytest.mark.parametrize(
    ("transforms", "says"),
    [
        ({}, "got none"),
        ({"nothing": {}}, "expected some of"),
        ({"regroup": {"colour": (1,)}}, "got 'colour'"),
        ({"regroup": {"density": (2.0,)}}, "from 0"),
        ({"regroup": {"density": ()}}, "at least one value"),
        ({"regroup": {"groups": (4,), "rows_per_group": (8,)}}, "got both"),
        (
            {
                "regroup": {
                    "knn": tuple(range(1, 200)),
                    "min_cols": tuple(range(1, 200)),
                    "min_rows": tuple(range(1, 200)),
                }
            },
            "combinations",
        ),
    ],
)
def test_what_cannot_be_swept_is_said(transforms: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingError, match=says):
        planned(transforms)


def test_too_many_points_and_layers_that_belong_together_are_refused() -> None:
    with pytest.raises(SettingError, match=f"at most {MOST_POINTS} points"):
        planned({"regroup": {}}, seeds=tuple(range(MOST_POINTS + 1)))
    layers = tuple(PlannedLayer(name, "0" * 64, 8, 8) for name in "ab")
    with pytest.raises(SettingError, match="set scope to layer"):
        Plan((PlannedFile("/x", layers),), {"prune": {"sparsity": (0.5,)}})
    Plan((PlannedFile("/x", layers),), {"prune": {"sparsity": (0.5,), "scope": ("layer",)}})
    planned({"prune": {"sparsity": (0.5,)}})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"sparselab_sweep": 2}, "another version"),
        ({"more": 1}, "'more' as well"),
        ({"files": "a.npz"}, "expected files to be a list"),
        ({"files": [3]}, "for every file"),
        ({"files": [{"path": "a", "layers": [3]}]}, "names of layers"),
        ({"files": [{"path": "a", "layers": [{"name": "x", "digest": "y", "rows": 1, "cols": 1}]}]}, "SHA-256"),
        ({"files": [{"path": "a", "layers": [{"name": "x", "digest": "0" * 64, "rows": True, "cols": 1}]}]}, "rows"),
        ({"files": [{"path": "a", "options": {"colour": 1}}]}, "options of reading"),
        ({"files": [{"path": "a", "options": {"threshold": "x"}}]}, "options of reading"),
        ({"transforms": []}, "a mapping"),
        ({"transforms": {"regroup": {"density": 0.1}}}, "a list of values"),
        ({"seeds": [True]}, "whole numbers"),
        ({"seeds": [0.5]}, "whole numbers"),
        ({"chance": 1}, "true or false"),
        ({"device": 1}, "a text"),
    ],
)
def test_a_plan_that_is_wrong_is_said(change: dict[str, Any], says: str) -> None:
    with pytest.raises(SparselabError, match=says):
        outline_in(json.dumps({**GOOD, **change}).encode(), Path("/x"), "plan.json")


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from([*GOOD, "regroup", "path", "layers"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*GOOD, "regroup", "density", "path", "layers", "options", "seeds"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(
    content=st.binary(max_size=40) | json_values.map(lambda value: json.dumps(value).encode()),
    key=st.sampled_from([*GOOD, "seeds"]),
    value=json_values,
)
def test_whatever_a_plan_says_it_is_read_or_refused(content: bytes, key: str, value: Any) -> None:
    for text in (content, json.dumps({**GOOD, key: value}).encode(), b"[" * 100_000):
        with suppress(SparselabError):  # any other exception is a defect
            assert whole_plan_in(text, Path("/x"), "plan.json").files is not None
