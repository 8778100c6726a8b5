"""What was clicked together is shown as commands: they run those points and no others, and find what the pages computed."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparselab.core.errors import SparselabError
from sparselab.core.settings import settings_of
from sparselab.core.ticket import Ticket
from sparselab.formats import ReadOptions, read_ticket
from sparselab.runtime.results import ResultStore
from sparselab.transforms import TRANSFORMS
from sparselab.workflows.compare import contenders
from sparselab.workflows.known_runs import found_point
from sparselab.workflows.stored_compare import stored_compare_row
from sparselab.workflows.sweeps.command import commands_of, products_of
from sparselab.workflows.sweeps.plan_file import read_whole_plan
from tests.workflows.sweeps.small import write_file

runs = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "rows_per_group": st.sampled_from([8, 16]),
            "refine": st.booleans(),
            "density": st.sampled_from([None, 0.1]),
        },
    ),
    max_size=8,
)


@given(asked=runs)
def test_products_are_what_was_asked_once_each(asked: list[dict[str, Any]]) -> None:
    defaults = {each.name: each.default for each in settings_of(TRANSFORMS["regroup"]) if not each.stops_by_clock}
    found = [
        dict(zip(each, values, strict=True))
        for each in products_of("regroup", asked)
        for values in product(*each.values())
    ]
    wanted = {tuple({**defaults, **each}.items()) for each in asked}
    assert len(found) == len(wanted)
    assert {tuple(each.items()) for each in found} == wanted


def test_the_commands_of_compare_have_what_it_computed(
    tmp_path: Path, run: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(path: Path, options: ReadOptions, **_: Any) -> Ticket:
        return read_ticket(path, options)

    monkeypatch.setattr(sys.modules["sparselab.cli.sweep"], "read_limited", read)
    path, store = write_file(tmp_path / "net.npz", layers=1), tmp_path / "store"
    ran: list[tuple[str, Any]] = []
    for each in contenders(0.3):
        short = {"refine_steps": 10} if each.settings.get("refine") else {}
        contender = replace(each, settings={**each.settings, **short})
        try:
            row = stored_compare_row(str(path), "fc0", asdict(contender), 0, ReadOptions(), str(store))
        except SparselabError:
            continue
        ran.append((contender.transform, row["settings"]))
    count = 0
    for number, command in enumerate(commands_of(str(path), ["fc0"], ran, 0)):
        assert run(*shlex.split(command)[1:], "--write-plan", tmp_path / f"{number}.json")[0] == 0
        points = list(read_whole_plan(tmp_path / f"{number}.json").points())
        assert all(found_point(ResultStore(store), point.task) for point in points), command
        count += len(points)
    assert count == len({(name, tuple(settings.items())) for name, settings in ran})
