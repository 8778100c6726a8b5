"""The files that come with the package, the app's and the figures in sparselab/data: the one place that spells their paths."""

from __future__ import annotations

import re
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]

PACKAGE_ROOT = _PACKAGE.parent
"""The folder from which the package is imported: a child process that imports it needs it on its path."""

_INSTALLED_APP = (
    _PACKAGE / "webapp"
)  # setup.py packages the repository's top under this name; a checkout has no such folder

APP_FOLDER = _INSTALLED_APP if _INSTALLED_APP.is_dir() else PACKAGE_ROOT
"""The folder of the app's own files: the top of a checkout, or where an installation keeps the same files."""

APP_SCRIPT = APP_FOLDER / "app.py"
"""What Streamlit runs."""

APP_CONFIG = APP_FOLDER / ".streamlit" / "config.toml"
"""Streamlit's settings for the app."""

PAGES = APP_FOLDER / "pages"
"""The app's pages, a file a page."""

SAMPLE_MASKS = APP_FOLDER / "sample_masks"
"""The sample masks, a file a sample; benchmarks/make_samples.py writes them."""

DATA = _PACKAGE / "data"

STUDY = DATA / "study.csv"
"""The study, a row a training; benchmarks/study.py writes it and the two below."""

STUDY_UPDATES = DATA / "study_updates.csv"
"""What dynamic training moved in the runs of the first seed, a row an update."""

STUDY_TICKETS = DATA / "study"
"""The masks of the first seed: a folder a run, a file a stage."""

FILMS = DATA / "films"
"""Films of recorded runs; benchmarks/film.py makes them."""

DSB_FILM = FILMS / "dsb.film"
"""One layer of a run of DSB, at every update of its mask."""

PUBLISHED = DATA / "published.csv"
"""The papers' figures, a row a figure."""

SWEEP_EXAMPLE = DATA / "sweep_example.csv"
"""A sweep of four layers of a sample VGG, regrouped: 8 to 32 rows per group, five densities, with random groups."""

DOCTOR_EXAMPLE = DATA / "doctor_example.json"
"""A report of the doctor, on the network with which docs/why_not_faster.md begins; benchmarks/doctor_cases.py makes it."""

GLOSSARY = DATA / "glossary.md"
"""The terms of the pages and documents: tables of term and meaning."""

LESSONS = DATA / "lessons"
"""The lessons: a folder each, called NN-NAME."""


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
