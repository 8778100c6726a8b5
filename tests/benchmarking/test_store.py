"""Sessions on disk: SQLite, CSV, and what happens when a file is damaged."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from sparselab.benchmarking.csv_table import COLUMNS, as_csv, read_csv, stored_results
from sparselab.benchmarking.records import Session
from sparselab.benchmarking.storage_paths import database_path
from sparselab.benchmarking.store import Store, shape_text
from sparselab.core.errors import FileError


def test_what_is_added_is_there_again_newest_first(measured: Session) -> None:
    store = Store(database_path())
    assert store.sessions() == ()
    newer = replace(measured, date="2026-11-26T00:00:00+00:00", dtype="float64")
    keys = [store.add(measured), store.add(newer), store.add(measured)]
    assert keys == [measured.key, newer.key, measured.key]
    assert Store(database_path()).sessions() == (newer, measured)
    store.remove(newer.key)
    assert store.sessions() == (measured,)


def test_filters(measured: Session) -> None:
    store = Store(database_path())
    other = replace(measured, shape=(8, 9), device={"name": "B"})
    store.add(measured)
    store.add(other)
    assert store.sessions(device="B") == (other,)
    assert store.sessions(shape=shape_text(measured)) == (measured,)
    assert store.sessions(dtype="float32", device="A processor") == (measured,)
    assert store.sessions(dtype="float16") == ()


def test_it_is_written_ahead_and_in_full(measured: Session) -> None:
    store = Store(database_path())
    store.add(measured)
    with store._open() as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_a_damaged_database_is_said_and_stays(measured: Session) -> None:
    path = database_path()
    path.write_bytes(b"this is no database, but somebody may want it back" * 100)
    before = path.read_bytes()
    for call in (Store(path).sessions, lambda: Store(path).add(measured)):
        with pytest.raises(FileError, match="Nothing was deleted: move it away"):
            call()
    assert path.read_bytes() == before


def test_a_session_that_cannot_be_read_is_said(measured: Session) -> None:
    store = Store(database_path())
    store.add(measured)
    with sqlite3.connect(store.path) as connection:
        connection.execute("UPDATE sessions SET document = '{'")
    with pytest.raises(FileError, match="expected a database of latency sessions"):
        store.sessions()


def test_a_newer_database_is_left_alone() -> None:
    store = Store(database_path())
    store.sessions()
    with sqlite3.connect(store.path) as connection:
        connection.execute("PRAGMA user_version = 9")
    with pytest.raises(FileError, match="is newer: 9"):
        store.sessions()


def test_csv_carries_everything(measured: Session, tmp_path: Path) -> None:
    other = replace(measured, conv={"stride": 2}, padding_waste=0.125, density=1 / 3)
    (tmp_path / "latency-here.csv").write_text(as_csv([measured, other]))
    (tmp_path / "else.csv").write_text("nothing of ours")
    assert stored_results(tmp_path) == (measured, other)
    assert as_csv([measured]).splitlines()[0] == ",".join(COLUMNS)
    assert len(as_csv([measured, other]).splitlines()) == 7


@pytest.mark.parametrize("text", ["a,b\n1,2\n", "", "session\nx\n"])
def test_other_csv_is_refused_or_empty(text: str, tmp_path: Path) -> None:
    path = tmp_path / "latency-x.csv"
    path.write_text(text)
    if text:
        with pytest.raises(FileError, match=r"expected latency sessions as CSV; latency-x\.csv"):
            read_csv(path)
    else:
        assert read_csv(path) == ()
