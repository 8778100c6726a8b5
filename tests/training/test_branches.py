"""What becomes of a ticket, in one line: read as meant, or refused in one sentence."""

from __future__ import annotations

import pytest

from sparselab.core.errors import SettingError
from sparselab.training.branches import parse_then
from sparselab.transforms import TRANSFORMS


def test_levels_settings_and_repeated_names() -> None:
    items = parse_then("refill, regroup@3+6:rows_per_group=16,refine=true, regroup, n-m@0:n=1,m=4")
    assert [item.label for item in items] == ["refill", "regroup", "regroup-2", "n-m"]
    assert [item.levels for item in items] == [None, (3, 6), None, (0,)]
    assert items[1].values() == {"rows_per_group": 16, "refine": True}
    assert items[3].values() == {"n": 1}


def test_time_never_decides() -> None:
    """A cap on seconds stands at its highest, so that steps and seed alone decide, however slow the machine."""
    (item,) = parse_then("shuffled-blocks:refine=true")
    assert item.transform().refine_seconds > 60  # type: ignore[attr-defined]
    (item,) = parse_then("shuffled-blocks:refine=true,refine_seconds=2")
    assert item.transform().refine_seconds == 2  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", list(TRANSFORMS))
def test_every_transform_may_follow(name: str) -> None:
    line = "prune:sparsity=0.5" if name == "prune" else name
    assert type(parse_then(line)[0].transform()) is TRANSFORMS[name]


@pytest.mark.parametrize(
    "line",
    ["magic", "refill@", "refill@x", "refine=true", "regroup@3:rows=2", "regroup:rows_per_group=zero", "@3", ":"],
)
def test_what_cannot_be_read_is_refused(line: str) -> None:
    with pytest.raises(SettingError, match="expected"):
        parse_then(line)
