"""Where the answers about a file are stored."""

from __future__ import annotations

from pathlib import Path

from sparselab.app.inputs.source import Source
from sparselab.app.shell.session import session
from sparselab.workflows.tasks import results_folder


def results_of(source: Source) -> Path:
    """Return where rows are kept: beside an upload, so that they go with the visit, else with the user's other results."""
    own = session().folder
    return own / "results" if Path(source.path).is_relative_to(own) else results_folder()
