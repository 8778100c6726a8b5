"""The figures that come with the package, in sparselab/data: the one place that spells their paths."""

from __future__ import annotations

import re
from pathlib import Path

DATA = Path(__file__).resolve().parents[1] / "data"

STUDY = DATA / "study.csv"
"""The study, a row a training; benchmarks/study.py writes it and the two below."""

STUDY_UPDATES = DATA / "study_updates.csv"
"""What dynamic training moved in the runs of the first seed, a row an update."""

STUDY_TICKETS = DATA / "study"
"""The masks of the first seed: a folder a run, a file a stage."""

PUBLISHED = DATA / "published.csv"
"""The papers' figures, a row a figure."""

GLOSSARY = DATA / "glossary.md"
"""The terms of the pages and documents: tables of term and meaning."""


def sessions_file(device_name: str, folder: Path = DATA) -> Path:
    """Return the file of a device's latency sessions; benchmarks/latency.py and gpu_latency.py write it.

    Example: >>> sessions_file("Intel(R) Xeon(R) Processor").name
             'latency-intel-r-xeon-r-processor.csv'
    """
    name = re.sub(r"[^a-z0-9]+", "-", device_name.lower()).strip("-")
    return folder / f"latency-{name}.csv"


def sessions_files(folder: Path = DATA) -> tuple[Path, ...]:
    """Return the files of latency sessions, sorted by name; none where there is no such folder."""
    return tuple(sorted(folder.glob("latency-*.csv")))
