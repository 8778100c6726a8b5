"""Verdicts: one value, and words that follow from the figures, in files of today and of tomorrow."""

from __future__ import annotations

import csv
import json
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparselab.benchmarking.csv_table import as_csv, read_csv
from sparselab.benchmarking.records import ROW_KEYS, Row, Session
from sparselab.benchmarking.statistics import FEWEST_ROUNDS, Ratio
from sparselab.benchmarking.verdicts import Verdict, at_best, ratio_shown, ratio_text, verdict_of
from sparselab.core.data_files import sessions_files
from sparselab.core.errors import SparselabError

ROWS = {
    Verdict.FASTER: Row("a", rounds=9, speedup_vs_dense=2.0, interval=(1.9, 2.1)),
    Verdict.SLOWER: Row("a", rounds=9, speedup_vs_dense=0.5, interval=(0.4, 0.6)),
    Verdict.NO_DIFFERENCE: Row("a", rounds=9, speedup_vs_dense=1.0, interval=(0.9, 1.1)),
    Verdict.TOO_FEW_ROUNDS: Row("a", rounds=7, speedup_vs_dense=2.0, interval=(1.9, 2.1)),
    Verdict.BASELINE: Row("dense", "baseline", rounds=9, speedup_vs_dense=1.0, interval=(1.0, 1.0)),
    Verdict.NOT_COMPARED: Row("a", rounds=9, median_ms=1.0),
    Verdict.NOT_MEASURED: Row("a", obstacle="no device"),
    Verdict.WRONG: Row("a", max_error=0.5, flags=("wrong",)),
}


@pytest.mark.parametrize(
    ("ratio", "verdict", "said"),
    [
        (Ratio(2.91, 2.7, 3.1), Verdict.FASTER, "2.9x faster than dense (2.7-3.1)"),
        (Ratio(1.5, 1.24, 1.86), Verdict.FASTER, "1.5x faster than dense (1.2-1.9)"),
        (Ratio(1.1, 1.05, 1.2), Verdict.FASTER, "1.10x faster than dense (1.05-1.20)"),
        (Ratio(1.3, 0.9, 1.6), Verdict.NO_DIFFERENCE, "no difference"),
        (Ratio(1.0, 1.0, 1.0), Verdict.NO_DIFFERENCE, "no difference"),
        (Ratio(1.012, 1.009, 1.016), Verdict.NO_DIFFERENCE, "no difference"),
        (Ratio(0.99, 0.985, 0.995), Verdict.NO_DIFFERENCE, "no difference"),
        (Ratio(1 / 1.4, 1 / 1.5, 1 / 1.3), Verdict.SLOWER, "1.4x slower than dense here (1.3-1.5)"),
        (Ratio(1 / 25, 1 / 30, 1 / 20), Verdict.SLOWER, "25x slower than dense here (20-30)"),
    ],
)
def test_a_ratio_has_a_verdict_and_words(ratio: Ratio, verdict: Verdict, said: str) -> None:
    assert verdict_of(ratio, FEWEST_ROUNDS) is verdict
    assert ratio_text(ratio, FEWEST_ROUNDS) == said


@pytest.mark.parametrize(
    ("ratio", "shown"),
    [
        (Ratio(2.91, 2.7, 3.1), "2.9x faster than dense (2.7 to 3.1)"),
        (Ratio(1 / 1.4, 1 / 1.5, 1 / 1.3), "1.4x slower than dense (1.3 to 1.5)"),
        (Ratio(1.0, 0.26, 25.9), "not decided: 0.26 to 25.90 times as fast as dense"),
        (Ratio(1.012, 1.009, 1.03), "not decided: 1.01 to 1.03 times as fast as dense"),
        (Ratio(1.012, 1.009, 1.016), "as fast as dense (1.01 to 1.02)"),
        (Ratio(0.99, 0.985, 0.995), "as fast as dense (0.98 to 0.99)"),
    ],
)
def test_people_read_an_interval_and_no_difference_only_where_it_was_shown(ratio: Ratio, shown: str) -> None:
    assert ratio_shown(ratio, FEWEST_ROUNDS) == shown


def test_too_few_rounds_say_nothing() -> None:
    ratio = Ratio(3.0, 2.9, 3.1)
    assert verdict_of(ratio, FEWEST_ROUNDS - 1) is Verdict.TOO_FEW_ROUNDS
    assert ratio_text(ratio, 7) == "too few rounds for a verdict (7 of 8)"


@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_follows_from_a_row_and_is_told_without_gaps(verdict: Verdict, measured: Session) -> None:
    row = ROWS[verdict]
    session = replace(measured, rows=(row,), protocol={"tolerance": 1e-4})
    assert row.verdict is verdict
    assert session.verdict_shown(row)
    assert not set("{}") & set(session.verdict_shown(row))
    said = session.verdict_text(row)
    assert not {"{", "}"} & set(said)
    assert said.startswith(verdict.value.split("{")[0])
    (plain,) = session.as_json()["rows"]
    assert (plain["verdict"], plain["is_faster"]) == (said, verdict is Verdict.FASTER)
    assert Session.from_json(json.loads(json.dumps(session.as_json()))) == session


def test_files_hold_the_fields_of_a_row_and_its_verdict() -> None:
    assert sorted(ROW_KEYS) == sorted([*(item.name for item in fields(Row)), "verdict", "is_faster"])


def test_sessions_stored_before_say_what_they_said() -> None:
    for path in sessions_files():
        with path.open(newline="", encoding="utf-8") as file:
            lines = list(csv.DictReader(file))
        found = read_csv(path)
        told = [(session, row) for session in found for row in session.rows]
        assert [session.verdict_text(row) for session, row in told] == [line["verdict"] for line in lines]
        assert [row.verdict is Verdict.FASTER for _, row in told] == [json.loads(line["is_faster"]) for line in lines]
        assert [session.key for session, _ in told] == [line["session"] for line in lines]
        assert as_csv(found) == path.read_text(encoding="utf-8")


def test_the_text_of_a_file_decides_nothing(measured: Session) -> None:
    document: dict[str, Any] = measured.as_json()
    document["rows"][1] |= {"verdict": "1.4x slower than dense here (1.3-1.5)", "is_faster": False}
    assert Session.from_json(document) == measured


def test_a_wrong_row_without_its_tolerance_is_no_session(measured: Session) -> None:
    document = replace(measured, protocol={"tolerance": 1e-4}, rows=(ROWS[Verdict.WRONG],)).as_json()
    with pytest.raises(SparselabError, match="expected a latency session"):
        Session.from_json(document | {"protocol": {}})


@given(st.floats(0.001, 1.0), st.floats(0.01, 100.0))
def test_a_speedup_over_the_bound_is_said_to_be_over_it(density: float, speedup: float) -> None:
    told = at_best(density, speedup)
    assert ("at best" in told) == (speedup * density <= 1)
    if speedup * density > 1:
        assert told.startswith(f"over the {1 / density:.1f}x of leaving out the zeros by {speedup * density:.2f}x")
