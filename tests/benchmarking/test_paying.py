"""When structure pays: what follows from the cells of a map, and nothing of what was not measured."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sparselab.benchmarking.break_even import (
    UNITS,
    best_source,
    map_of,
    paying_maps,
    pays_against_others,
    unit_of,
)
from sparselab.benchmarking.records import Row, Session
from sparselab.benchmarking.verdicts import Verdict

KERNEL = "native-blocks"
DENSITIES = (0.05, 0.1, 0.2, 0.4)


def row(kernel: str, speed: float, role: str = "kernel", spread: float = 0.001) -> Row:
    interval = (speed * (1 - spread), speed * (1 + spread))
    return Row(kernel, role, median_ms=8 / speed, speedup_vs_dense=speed, interval=interval, rounds=20)


def cell(density: float, blocks: float, exact: float | None, half: float | None = None, rows: int = 32) -> Session:
    found = [row("dense", 1.0, "baseline"), row(KERNEL, blocks)]
    found += [] if exact is None else [row("native-sparse", exact, "exact")]
    found += [] if half is None else [row("half", half, "opponent")]
    plan = json.dumps([[rows, density] for density in DENSITIES])
    return Session(
        rows=tuple(found),
        shape=(512, 4608),
        input_shape=(4608, 64),
        positions=64,
        dtype="float32",
        threads=1,
        density=density,
        date="2026-11-26T10:00:00+00:00",
        about={"group_rows": str(rows), "cells": plan},
        device={"name": "A processor", "kind": "cpu"},
        protocol={"opponents": {"half": {"in_words": "dense in half", "arithmetic": "bfloat16"}}} if half else {},
    )


def cells(blocks: float, exact: float, half: float | None = None, rows: int = 32) -> list[Session]:
    """Times that are proportional to density, at rates that are `blocks` and `exact` times that of the dense product."""
    return [cell(density, blocks / density, exact / density, half, rows) for density in DENSITIES]


@given(st.floats(0.5, 2.0), st.floats(0.5, 2.0))
def test_a_layout_may_keep_as_many_times_the_weights_as_its_rate_is_higher(blocks: float, exact: float) -> None:
    assume(abs(blocks / exact - 1) > 0.02)
    (found,) = paying_maps(map_of(cells(blocks, exact), KERNEL))
    assert len(found.cells) == len(DENSITIES) ** 2
    for mask, factor in found.factors().items():
        assert factor == pytest.approx(blocks / max(exact, mask), rel=1e-6)  # dense, where it is the faster
    for each in found.cells:
        ratio = (blocks / each.layout_density) / max(1, exact / each.mask_density)
        assert each.ratio.value == pytest.approx(ratio)


def test_a_sparser_layout_and_a_denser_mask_never_pay_less() -> None:
    (found,) = paying_maps(map_of(cells(1.3, 1.0), KERNEL))
    for a in found.cells:
        for b in found.cells:
            if a.layout_density <= b.layout_density and a.mask_density >= b.mask_density:
                assert a.ratio.value >= b.ratio.value
    assert not found.always(Verdict.FASTER)
    (never,) = paying_maps(map_of(cells(0.04, 1.0), KERNEL))
    assert never.always(Verdict.SLOWER)
    assert not never.factors()


def test_nothing_is_said_of_a_map_with_gaps_or_without_the_exact_product() -> None:
    whole = cells(1.3, 1.0)
    assert not paying_maps(map_of(whole[:-1], KERNEL))
    assert not paying_maps(map_of([*whole[:-1], cell(0.4, 3.0, None)], KERNEL))
    assert not paying_maps(map_of(whole, "gather-gemm"))


@given(st.floats(0.5, 60))
def test_another_arithmetic_is_an_opponent_of_its_own(half: float) -> None:
    assume(all(abs(1.3 / density / half - 1) > 0.05 for density in DENSITIES))
    ahead = [density for density in DENSITIES if 1.3 / density > half]
    found = pays_against_others(cells(1.3, 1.0, half), KERNEL, 32)
    assert found == {"dense in half": max(ahead, default=None)}
    assert pays_against_others(cells(1.3, 1.0), KERNEL, 32) == {}


def test_the_map_of_this_machine_comes_before_larger_ones_of_others() -> None:
    mine = cells(1.3, 1.0)
    other: Sequence[Session] = [
        replace(each, device={"name": "Another", "kind": "cpu"})
        for rows in (16, 64)
        for each in cells(1.3, 1.0, rows=rows)
    ]
    assert best_source([*other, *mine], KERNEL, "A processor") == tuple(mine)
    assert {each.device["name"] for each in best_source([*other, *mine], KERNEL, "A third")} == {"Another"}
    assert best_source([each for each in mine if each.density < 0.4], KERNEL, "A processor") == ()


def test_a_unit_is_what_multiplied() -> None:
    session = cell(0.1, 2.0, 1.0)
    assert unit_of(session) == "float32"
    assert unit_of(replace(session, dtype="bfloat16")) == "bfloat16"
    assert unit_of(replace(session, device={"kind": "cuda"})) == "cuda"
    assert {"float32", "bfloat16", "cuda"} == set(UNITS)
