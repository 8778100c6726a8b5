"""Notebooks become pages. They are committed without outputs; what a page shows is what they give when the site is built."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import nbformat
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from nbclient import NotebookClient
from nbconvert import MarkdownExporter
from traitlets.config import Config

ROOT = Path(__file__).resolve().parents[2]


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add a page for every notebook, and its pictures. Raises: CellExecutionError when a cell fails."""
    for source in [file for file in files if file.src_uri.endswith(".ipynb")]:
        path = Path(str(source.abs_src_path))
        exporter = MarkdownExporter()  # type: ignore[no-untyped-call]
        text, resources = exporter.from_notebook_node(executed(path), {"unique_key": path.stem})
        link = f'\n\n<a href="{path.name}" download>Download this notebook</a>\n'
        files.append(File.generated(config, source.src_uri.replace(".ipynb", ".md"), content=text + link))
        for name, picture in resources["outputs"].items():
            files.append(File.generated(config, f"{Path(source.src_uri).parent}/{name}", content=picture))
    return files


def executed(path: Path) -> Any:
    """Return the notebook at `path` with its outputs, run in its own folder; the file stays as it is.

    Raises: CellExecutionError when a cell fails.
    """
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    client = NotebookClient(
        notebook,
        timeout=120,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        config=Config({"KernelManager": {"transport_encryption": "auto"}}),
    )
    client.execute(env=os.environ | {"PYTHONPATH": str(ROOT)})
    return notebook
