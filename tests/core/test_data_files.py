"""The figures that come with the package: all of them named, and all of them in what is installed."""

from __future__ import annotations

import tomllib
from pathlib import Path

from sparselab.benchmarking.csv_table import read_csv
from sparselab.core.data_files import (
    DATA,
    DOCTOR_EXAMPLE,
    FILMS,
    GLOSSARY,
    LESSONS,
    PUBLISHED,
    STUDY,
    STUDY_TICKETS,
    STUDY_UPDATES,
    SWEEP_EXAMPLE,
    sessions_file,
    sessions_files,
)

ROOT = Path(__file__).resolve().parents[2]


def shipped() -> set[Path]:
    return {path for path in DATA.rglob("*") if path.is_file()}


def test_every_file_has_a_name_in_the_code() -> None:
    tickets = set(STUDY_TICKETS.glob("*/*.safetensors"))
    assert tickets
    lessons, films = {path for path in LESSONS.rglob("*") if path.is_file()}, set(FILMS.iterdir())
    assert lessons
    assert films
    assert shipped() == {
        PUBLISHED,
        STUDY,
        STUDY_UPDATES,
        SWEEP_EXAMPLE,
        DOCTOR_EXAMPLE,
        GLOSSARY,
        *sessions_files(),
        *tickets,
        *lessons,
        *films,
    }


def test_every_file_is_in_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = project["tool"]["setuptools"]["package-data"]["sparselab"]
    assert shipped() == {
        path for pattern in patterns for path in DATA.parent.glob(pattern) if path.is_relative_to(DATA)
    }


def test_sessions_lie_in_the_file_of_their_device() -> None:
    for path in sessions_files():
        assert {sessions_file(session.device["name"]) for session in read_csv(path)} == {path}


def test_a_folder_that_is_not_there_has_no_sessions(tmp_path: Path) -> None:
    assert sessions_files(tmp_path / "none") == ()
