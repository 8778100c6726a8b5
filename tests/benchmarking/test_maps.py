"""What a break-even map says: nothing before it is complete, and then no more than its intervals show."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparselab.app.latency.break_even_map import sentences, stored_maps
from sparselab.benchmarking.break_even import Cell, map_of
from sparselab.benchmarking.records import Row, Session

KERNEL = "native-blocks"
AXES = st.tuples(
    st.lists(st.sampled_from((8, 16, 32, 64)), min_size=1, max_size=3, unique=True),
    st.lists(st.sampled_from((0.05, 0.1, 0.2, 0.5, 0.7)), min_size=2, max_size=4, unique=True),
)
SPEEDS = st.floats(0.1, 20.0)


def row(kernel: str, speed: float, role: str = "kernel", spread: float = 0.01) -> Row:
    interval = speed * (1 - spread), speed * (1 + spread)
    return Row(kernel, role, median_ms=1 / speed, speedup_vs_dense=speed, interval=interval, rounds=20)


def session(cell: Cell, planned: Iterable[Cell], blocks: float, exact: float | None = None) -> Session:
    rows = [row("dense", 1.0, "baseline"), row(KERNEL, blocks)]
    rows += [] if exact is None else [row("native-sparse", exact, "exact")]
    about = {"group_rows": str(cell[0])} | ({"cells": json.dumps(list(planned))} if planned else {})
    return Session(
        rows=tuple(rows),
        shape=(64, 64),
        input_shape=(64, 8),
        positions=8,
        dtype="float32",
        threads=1,
        density=cell[1],
        date="2026-11-25T10:00:00+00:00",
        about=about,
    )


@given(AXES, st.data())
def test_an_incomplete_map_says_nothing(axes: tuple[list[int], list[float]], data: st.DataObject) -> None:
    cells = [(height, density) for height in axes[0] for density in axes[1]]
    whole = [session(cell, cells, data.draw(SPEEDS), data.draw(SPEEDS)) for cell in cells]
    assert {line.opponent for each in ("dense", "exact") for line in map_of(whole, KERNEL).lines(each)} == {
        "dense",
        "exact",
    }
    assert sentences(map_of(whole, KERNEL))
    left = data.draw(st.lists(st.sampled_from(whole), max_size=len(whole) - 1, unique_by=lambda s: s.key))
    for found in (map_of(left, KERNEL), map_of(left, KERNEL, cells)):
        assert sentences(found) == ""
        assert not found.is_complete


@given(AXES, st.data())
def test_a_crossing_lies_between_a_density_shown_faster_and_one_shown_slower(
    axes: tuple[list[int], list[float]], data: st.DataObject
) -> None:
    cells = [(height, density) for height in axes[0] for density in axes[1]]
    found = map_of([session(cell, cells, data.draw(SPEEDS), data.draw(SPEEDS)) for cell in cells], KERNEL)
    for opponent in ("dense", "exact"):
        for line in found.lines(opponent):
            speeds = {p.density: p.over(opponent).value for p in found.points if p.group_rows == line.group_rows}
            if line.faster_to is not None:
                assert all(speed > 1 for density, speed in speeds.items() if density <= line.faster_to)
            if line.slower_from is not None:
                assert all(speed < 1 for density, speed in speeds.items() if density >= line.slower_from)
            if line.crossing is not None:
                assert line.faster_to <= line.crossing <= line.slower_from


def test_one_cell_or_one_density_is_no_map() -> None:
    assert sentences(map_of([session((32, 0.1), [], 3.0)], KERNEL)) == ""
    assert sentences(map_of([session((h, 0.1), [], 3.0) for h in (16, 32)], KERNEL)) == ""
    assert sentences(map_of([], KERNEL)) == ""


def test_where_the_exact_product_was_not_measured_nothing_is_claimed_of_it() -> None:
    cells = [(32, 0.1), (32, 0.5)]
    told = sentences(map_of([session(cell, cells, 3.0) for cell in cells], KERNEL))
    assert "exact" not in told
    assert "Groups of **32 rows** are faster than dense at every density measured, 10 % to 50 %." in told
    told = sentences(map_of([session(cell, cells, 3.0, 4.0) for cell in cells], KERNEL))
    assert told.startswith("**Structure does not pay here**")
    told = sentences(map_of([session(cell, cells, 3.0, 2.0) for cell in cells], KERNEL))
    assert told.startswith("**Structure pays here**")


def test_a_complete_map_outlives_a_later_one_that_was_cancelled_and_stands_first() -> None:
    cells = [(32, 0.1), (32, 0.5)]
    wider = [*cells, (64, 0.1), (64, 0.5)]
    whole = [session(cell, cells, 3.0) for cell in cells]
    found = map_of([session((64, 0.1), wider, 3.0), *whole], KERNEL)
    assert found.is_complete
    assert {point.group_rows for point in found.points} == {32}
    cancelled = replace(session((32, 0.1), cells, 3.0), threads=2, date="2026-11-26T10:00:00+00:00")
    first, second = stored_maps([cancelled, *whole], KERNEL).values()
    assert first[0].is_complete
    assert not second[0].is_complete


@pytest.mark.parametrize("told", ["", "nothing", "[1]", '[["a", 1]]', "[[1e999, 0]]", "{}"])
def test_what_somebody_else_wrote_of_a_plan_breaks_no_map(told: str) -> None:
    one = session((32, 0.1), [], 3.0)
    assert len(map_of([replace(one, about={**one.about, "cells": told})], KERNEL).points) == 1
