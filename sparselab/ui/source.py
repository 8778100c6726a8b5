"""Choose a file: a sample, an upload, or a path on this machine; and show what was detected in it."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from sparselab.data_files import STUDY_TICKETS
from sparselab.errors import FileError, SparselabError
from sparselab.formats import FORMATS, ReadOptions, describe, read_ticket, read_untrusted
from sparselab.im2col import COLUMN_ORDERS
from sparselab.isolate import Limits, run_isolated
from sparselab.monitor import SILENT, Monitor
from sparselab.training.queue import runs_folder
from sparselab.ui.linked import linked_select
from sparselab.ui.samples import SAMPLES, available, sample_path
from sparselab.ui.session import session
from sparselab.ui.text import literal

ROOTS_VARIABLE = "SPARSELAB_ROOTS"
_KINDS = ("Sample", "Upload", "Path")
_LONGEST_SHOWN = 120


@dataclass(frozen=True)
class Source:
    """A file that was read: where it lies, how to read it, and the card of what was found."""

    path: str
    title: str
    options: ReadOptions
    card: dict[str, Any]


def choose_source() -> Source | None:
    """Show the source pickers; return the chosen file, or None while there is none to show."""
    kind = st.segmented_control(
        "Source", _KINDS, default="Sample", key="source", bind="query-params", persist_state="session", required=True
    )
    try:
        return {"Sample": _sample, "Upload": _upload, "Path": _path}[kind or "Sample"]()
    except (SparselabError, OSError) as error:
        st.error(literal(str(error)), icon=":material/block:")
        return None


def _sample() -> Source | None:
    names = available()
    if not names:
        raise FileError("expected sample masks beside the app; found none: run benchmarks/make_samples.py")
    name = linked_select("Sample", names, "sample", default=names[0], label_of=lambda name: SAMPLES[name][0])
    st.caption(SAMPLES[name][1])
    path = sample_path(name)
    options = ReadOptions()
    card = _sample_card(str(path), path.stat().st_mtime_ns)
    return Source(str(path), f"sample {name}", options, card)


@st.cache_data(show_spinner=False, max_entries=32)
def _sample_card(path: str, _modified: int) -> dict[str, Any]:
    return describe(read_ticket(path))


def _upload() -> Source | None:
    generation = st.session_state.setdefault("_upload_generation", 0)
    suffixes = sorted({suffix.lstrip(".") for form in FORMATS.values() for suffix in form.suffixes})
    file = st.file_uploader(
        "Mask or checkpoint",
        type=suffixes,
        key=f"_upload_{generation}",
        help="Read in a separate, limited process; nothing in the file is executed. Tensors that are not layers are skipped.",
    )
    if file is not None:
        _receive(file)
    kept: tuple[str, Path, str] | None = st.session_state.get("_uploaded")
    if kept is None:
        st.caption(
            "A state_dict (.pt, .safetensors), NumPy masks (.npz, .npy) or a DLMC pattern (.smtx). An upload belongs to one "
            "visit: after a reload, or by a link, choose the file again."
        )
        return None
    title, original, digest = kept
    options = _options()
    st.caption(f"{literal(title)} · sha256 {digest[:12]}")
    card = _remembered_card(f"upload:{digest}:{options}", lambda out: read_untrusted(original, out, options))
    return Source(str(_own_path(f"upload:{digest}:{options}")), title, ReadOptions(), card)


def _receive(file: UploadedFile) -> None:
    """Put the upload on disk and let the server's memory go: the widget starts anew, empty."""
    content = file.getvalue()
    digest = hashlib.sha256(content).hexdigest()
    # A folder of its own, named by us; the stranger's name only of letters that mean nothing to a path.
    folder = session().folder / digest[:16]
    folder.mkdir(exist_ok=True)
    original = folder / (
        "".join(c if c.isalnum() or c in "._-" else "_" for c in file.name).lstrip(".")[-80:] or "upload"
    )
    original.write_bytes(content)
    st.session_state["_uploaded"] = (file.name[:200], original, digest)
    st.session_state["_upload_generation"] += 1
    st.rerun()


def _path() -> Source | None:
    roots = allowed_roots()
    if not roots and not st.session_state.get("path"):
        st.info(
            f"This server allows no local paths. Its operator can set {ROOTS_VARIABLE} to folders that may be read."
        )
        return None
    text = st.text_input(
        "Path on this machine",
        key="path",
        bind="query-params",
        placeholder=f"{roots[0]}/model.safetensors" if roots else None,
        help="Under "
        + ", ".join(map(str, (*roots, *own_roots())))
        + ". Layers are read one by one, so large checkpoints are welcome.",
    )
    if not text:
        return None
    path = resolve_under(text, (*roots, *own_roots()))
    options = _options()
    modified = path.stat().st_mtime_ns
    card = _remembered_card(f"path:{path}:{modified}:{options}", lambda _out: _card_of_path(str(path), options))
    return Source(str(path), path.name, options, card)


def allowed_roots() -> tuple[Path, ...]:
    """Return the folders whose files may be opened by path: the operator's, or the user's home if only they can connect."""
    named = os.environ.get(ROOTS_VARIABLE)
    if named is not None:
        return tuple(Path(part).resolve() for part in named.split(os.pathsep) if part)
    return (Path.home().resolve(),) if st.get_option("server.address") in ("localhost", "127.0.0.1", "::1") else ()


def own_roots() -> tuple[Path, ...]:
    """Return the folders of this app's own runs and of the study that comes with it: their tickets may always be opened."""
    try:
        return runs_folder().resolve(), STUDY_TICKETS.resolve()
    except FileError:
        return (STUDY_TICKETS.resolve(),)  # no runs can be kept here, so there are none


def open_path(path: Path) -> None:
    """Let the source pickers of the other pages start from a file."""
    st.session_state["source"] = "Path"
    st.session_state["path"] = str(path)


def resolve_under(text: str, roots: tuple[Path, ...], *, folder: bool = False) -> Path:
    """Return the file (or folder) at `text`, symbolic links followed. Raises: FileError unless it is one under `roots`."""
    if "\0" in text:
        raise FileError("expected a path; got one with a NUL character")
    shown = text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "..."
    try:
        path = Path(text).expanduser().resolve()
        found = path.is_dir() if folder else path.is_file()
    except (RuntimeError, OSError, ValueError):  # an unknown user, a circle of links, characters no path can have
        raise FileError(f"expected a path; this is none that can be followed: {shown!r}") from None
    if not any(path.is_relative_to(root) for root in roots):
        raise FileError(f"expected a path under {', '.join(map(str, roots))}; got {shown}")
    if not found:
        raise FileError(f"expected a {'folder' if folder else 'file'}; there is none at {shown}")
    return path


def _options() -> ReadOptions:
    with st.expander("Columns of a file without shapes"):
        order = st.selectbox(
            "Column order",
            COLUMN_ORDERS,
            key="column_order",
            bind="query-params",
            help="What a convolution's columns run over, slowest first. PyTorch: cin-kh-kw; DLMC: kh-kw-cin.",
        )
        kernel = st.text_input("Kernel shape", key="kernel_shape", bind="query-params", placeholder="such as 3,3")
    try:
        shape = tuple(int(part) for part in kernel.split(",")) if kernel else None
    except ValueError:
        raise FileError(f"kernel shape: expected numbers such as 3,3; got {kernel!r}") from None
    return ReadOptions(column_order=order, kernel_shape=shape)


def _remembered_card(key: str, read: Any) -> dict[str, Any]:
    """Return the card of a file, read once a session; a refusal is remembered as well."""
    cards: dict[str, Any] = st.session_state.setdefault("_cards", {})
    if key not in cards:
        with st.spinner("Reading in a separate process"):
            try:
                cards[key] = read(_own_path(key))
            except SparselabError as error:
                cards[key] = error
    if isinstance(cards[key], SparselabError):
        raise cards[key]
    found: dict[str, Any] = cards[key]
    return found


def _own_path(key: str) -> Path:
    return session().folder / f"{hashlib.sha256(key.encode()).hexdigest()}.safetensors"


def _card_of_path(path: str, options: ReadOptions) -> dict[str, Any]:
    limits = Limits(wall_seconds=120)
    found: dict[str, Any] = run_isolated(card_of_path, path, options, limits=limits)
    return found


def card_of_path(path: str, options: ReadOptions, *, monitor: Monitor = SILENT) -> dict[str, Any]:
    """Describe a file; runs in a worker, because a large checkpoint takes seconds."""
    monitor.progress("reading")
    return describe(read_ticket(path, options))


def show_card(source: Source) -> None:
    """Show what was detected: the layers with what was done to read them, and what was skipped."""
    layers, skipped = source.card["layers"], source.card["skipped"]
    label = f"Detected: {source.card['format']}, {len(layers)} layer{'s' * (len(layers) != 1)}"
    with st.expander(label + (f", {len(skipped)} skipped" if skipped else "")):
        for note in source.card.get("notes", ()):
            st.caption(literal(note))
        rows = [
            {
                "layer": layer["name"],
                "rows": layer["shape"][0],
                "columns": layer["shape"][1],
                "density": layer["density"],
                "weights": "yes" if layer["has_weight"] else "mask only",
                "read as": layer["conversion"],
            }
            for layer in layers
        ]
        st.dataframe(
            rows,
            hide_index=True,
            height=min(38 + 35 * len(rows), 300),
            column_config={"density": st.column_config.ProgressColumn(format="percent", min_value=0.0, max_value=1.0)},
        )
        if skipped:
            st.caption("Skipped, because they are no prunable layers:")
            st.dataframe(skipped, hide_index=True, height=min(38 + 35 * len(skipped), 180))
