"""Which sweep is shown: a folder on this machine, what a visitor brings, or the example that comes with the app."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from sparselab.app.inputs.path_policy import allowed_roots, resolve_under
from sparselab.app.inputs.uploads import stored
from sparselab.app.shell.escape import literal
from sparselab.app.shell.session import session
from sparselab.app.shell.visit import chosen, held
from sparselab.app.shell.work import run_stranger
from sparselab.core.data_files import SWEEP_EXAMPLE
from sparselab.core.errors import LimitError, SparselabError
from sparselab.core.paths import ROOTS_VARIABLE
from sparselab.formats.untrusted import UNTRUSTED_LIMITS
from sparselab.runtime.worker import WorkerError
from sparselab.workflows.sweeps.folder import SweepFolder
from sparselab.workflows.sweeps.running import standing_of
from sparselab.workflows.sweeps.standing import Standing
from sparselab.workflows.sweeps.table_file import MOST_BYTES, ReadTable, copy_table, table_in


@dataclass(frozen=True)
class OpenedSweep:
    """The table of a sweep, where it comes from in words, and how far the sweep is, where its folder is at hand.

    table: None where nothing could be opened; problem: why.
    """

    name: str
    table: ReadTable | None
    folder: Path | None = None
    standing: Standing | None = None
    problem: Exception | None = None


def choose_sweep() -> OpenedSweep:
    """Show how a sweep is opened; return the one chosen, or the example."""
    roots = allowed_roots()
    text = ""
    if roots or chosen("sweep_folder"):
        text = st.text_input(
            "Folder of a sweep",
            **held("sweep_folder", ""),
            placeholder=f"{roots[0]}/sweep" if roots else None,
            help="What `sparselab sweep` was given as --out."
            + (f" Under {', '.join(map(str, roots))}." if roots else ""),
        )
    else:
        st.caption(f"This server allows no local paths; its operator can set {ROOTS_VARIABLE}.")
    file = st.file_uploader(
        "Table or zip of a sweep",
        key="_sweep_upload",
        max_upload_size=MOST_BYTES // 2**20,
        help="The CSV of `sparselab sweep --collect`, or the folder of a sweep as a zip. It belongs to this visit.",
    )
    try:
        if file is not None:
            return OpenedSweep(file.name[:200], _brought(file))
        if text:
            return opened_at(resolve_under(text, roots, folder=True))
    except (SparselabError, WorkerError, OSError) as error:
        return OpenedSweep(text, None, problem=error)
    return OpenedSweep("", table_in(SWEEP_EXAMPLE))


def _brought(file: UploadedFile) -> ReadTable:
    """Return the table in an upload, read once a visit: a limited process makes CSV of it. A refusal is remembered as well."""
    path, digest = stored(file)

    def read() -> ReadTable | SparselabError:
        copy = path.parent / "table.csv"
        try:
            run_stranger(copy_table, str(path), str(copy), file.name, limits=UNTRUSTED_LIMITS)
            return table_in(copy, file.name)
        except LimitError:  # a busy machine reaches one with a good file
            raise
        except SparselabError as error:
            return error

    found = session().memory.remembered(f"sweep|{digest}|{file.name}", read)
    if isinstance(found, SparselabError):
        raise found
    assert isinstance(found, ReadTable)
    return found


def opened_at(folder: Path) -> OpenedSweep:
    """Return the sweep of a folder as it is now. Raises: FileError where there is none."""
    table = table_in(folder)
    assert table.plan is not None  # a folder has one
    return OpenedSweep(literal(folder.name), table, folder, standing_of(table.plan, SweepFolder(folder)))
