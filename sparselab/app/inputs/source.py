"""Choose a file: a sample, an upload, or a path on this machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from sparselab.app.inputs.cards import (
    card_in_worker,
    layer_in_worker,
    limits_at,
    own_path,
    remembered_card,
    sample_card,
)
from sparselab.app.inputs.path_policy import allowed_roots, resolve_under, ticket_roots
from sparselab.app.inputs.read_options import LABELS, choose_read_options, in_words_of_the_page
from sparselab.app.inputs.samples import FIRST, SAMPLES, available, sample_path
from sparselab.app.inputs.uploads import file_in_words, formats_in_words, stored, uploads
from sparselab.app.shell.address_keys import FILE_NAMES, PATH, SAMPLE, SOURCES, UPLOAD
from sparselab.app.shell.escape import literal
from sparselab.app.shell.faults import show_fault
from sparselab.app.shell.memory import Memory
from sparselab.app.shell.session import public_memory, session
from sparselab.app.shell.url_state import linked_select
from sparselab.app.shell.visit import choose, chosen, held, page_now, say_file, state
from sparselab.app.shell.work import run_stranger
from sparselab.core.errors import FileError, LimitError, SparselabError
from sparselab.core.paths import ROOTS_VARIABLE
from sparselab.formats import ReadOptions, file_stamp, read_untrusted
from sparselab.formats.limited import parsed_by
from sparselab.runtime.worker import WorkerError

_ASKED, _LAYER = "_upload_asked", "_layer_before"
_MASKS_HELP = "The masks of the weights of this file, paired by name and shape, where they lie apart."


@dataclass(frozen=True)
class Original:
    """An upload as it came, and how to read it: a result is written back into this."""

    path: str
    options: ReadOptions


@dataclass(frozen=True)
class Source:
    """A file or folder that was read: where it lies, how to read it, and the card of what was found.

    is_public: whether it is a sample, so that what is computed of it may be given to every visitor.
    Of an upload, `path` holds the layers in our own format, and `original` is what came.
    stamp: changes with the file, where it may change while it is looked at.
    address: the keys by which a link names it, and how to read it.
    """

    path: str
    title: str
    options: ReadOptions
    card: dict[str, Any]
    is_public: bool = False
    original: Original | None = None
    stamp: str = ""
    address: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def memory(self) -> Memory:
        """Where what is computed of it is kept: for every visitor of a sample, for this visitor alone of any other file."""
        return public_memory() if self.is_public else session().memory


def counted(source: Source, layer: str) -> Source:
    """Return the source whose card counts one layer, which is read for it, alone, where it was not counted yet.

    A layer that cannot be read ends the page with the reason; another can be chosen.
    """
    layers = source.card["layers"]
    if all(item["count"] is not None for item in layers if item["name"] == layer):
        return source
    key = f"layer:{source.path}:{source.stamp}:{source.options}:{layer}"
    try:
        told = remembered_card(key, lambda _out: layer_in_worker(source.path, layer, source.options))
    except SparselabError as error:
        _show_refusal(error)
        st.stop()
    card = {**source.card, "layers": [told if item["name"] == layer else item for item in layers]}
    return replace(source, card=card)


def choose_source() -> Source | None:
    """Show the source pickers; return the chosen file, or None while there is none to show."""
    kind = st.segmented_control("Source", SOURCES, required=True, **held("source", SAMPLE, _file_changes))
    try:
        source = {SAMPLE: _sample, UPLOAD: _upload, PATH: _path}[kind or SAMPLE]()
        return None if source is None else replace(source, address=_address())
    except LimitError as error:
        st.error(f"{literal(str(error))}. The server may be busy: try again.", icon=":material/timer_off:")
        st.button("Try again", key="_read_again")
        return None
    except SparselabError as error:
        _show_refusal(error)
        return None
    except (WorkerError, OSError) as error:
        show_fault(error)
        return None


def _show_refusal(error: SparselabError) -> None:
    st.error(literal(in_words_of_the_page(str(error))), icon=":material/block:")


def _sample() -> Source | None:
    names = available()
    if not names:
        raise FileError("expected sample masks beside the app; found none: run benchmarks/make_samples.py")
    if not chosen("sample"):
        is_first_visit = page_now() == "explore" and not state().values
        choose({"sample": FIRST if is_first_visit and FIRST in names else names[0]})
    name = linked_select(
        "Sample",
        names,
        "sample",
        default="",  # always in the address: what stands there when none is named has changed
        label_of=lambda name: SAMPLES[name][0],
        is_needed=True,
        then=_file_changes,
    )
    st.caption(SAMPLES[name][1])
    return sample_source(name)


def sample_source(name: str) -> Source:
    """Return one of the samples that come with the app."""
    path = sample_path(name)
    card = sample_card(str(path), path.stat().st_mtime_ns)
    return Source(str(path), f"sample {name}", ReadOptions(), card, is_public=True)


def _upload() -> Source | None:
    generation = st.session_state.setdefault("_upload_generation", 0)
    # Files of every name are taken: a kind is known by its content, and one that is not read is told what it is.
    with st.container(key="_arriving"):  # `shell/feedback_files` leaves no page while there is a file in it
        file = st.file_uploader(
            "Mask or checkpoint",
            key=f"_upload_{generation}",
            help=f"Read in a separate, limited process; nothing in the file is executed. Tensors that are not layers are left alone. A model in several files is not uploaded: its folder is opened by path.  \n{formats_in_words()}",
        )
    if file is not None:
        _receive(file)
    name, digest = chosen("file", ""), chosen("digest", "")
    kept = uploads().get(digest)
    if kept is None:
        if name:
            say_file(f"This link is about {file_in_words(name, digest)}: choose the file to see it. All settings stay.")
        st.caption(
            "A checkpoint, a model or a mask: PyTorch, safetensors, ONNX, Keras, Flax, GGUF, NumPy, SciPy, or a picture; the help above "
            "lists all kinds. An upload belongs to one visit: after a reload, or by a link, choose the file again."
        )
        return None
    title, original = kept
    if (asked := st.session_state.get(_ASKED)) is not None and asked[0] == digest:
        say_file(f"{file_in_words(title, digest)} differs from the file of the link, {asked[1]}.")
    options = choose_read_options(_uploaded_masks)
    st.caption(f"{literal(title)} · sha256 {digest[:12]}")
    card = remembered_card(
        f"upload:{digest}:{options}", lambda out: read_untrusted(original, out, options, run=run_stranger)
    )
    path = str(own_path(f"upload:{digest}:{options}"))
    return Source(path, title, ReadOptions(), card, original=Original(str(original), options))


def _uploaded_masks() -> Path | None:
    file = st.file_uploader(LABELS["--mask"], key="_upload_masks", help=_MASKS_HELP + " Choose none to take them away.")
    return None if file is None else stored(file)[0]


def _receive(file: UploadedFile) -> None:
    """Put the upload on disk and let the server's memory go: the widget starts anew, empty."""
    original, digest = stored(file)
    name, before = file.name[:200], chosen("digest", "")
    if before and before != digest:
        asked = None if before in uploads() else (digest, file_in_words(chosen("file", ""), before))
        st.session_state[_ASKED] = asked
        _file_changes()
    uploads()[digest] = name, original
    choose({"file": name, "digest": digest})
    st.session_state["_upload_generation"] += 1
    st.rerun()


def _masks_at_path() -> Path | None:
    text = st.text_input(LABELS["--mask"], **held("read_masks", ""), placeholder="a path", help=_MASKS_HELP)
    return resolve_under(text, ticket_roots()) if text else None


def _path() -> Source | None:
    roots = allowed_roots()
    if not roots and not chosen("path"):
        st.info(
            f"This server allows no local paths. Its operator can set {ROOTS_VARIABLE} to folders that may be read."
        )
        return None
    text = st.text_input(
        "Path on this machine",
        **held("path", "", _file_changes),
        placeholder=f"{roots[0]}/model.safetensors" if roots else None,
        help=(f"Under {', '.join(map(str, roots))}. " if roots else "")
        + "A file, or the folder of a model (config.json, an index and .safetensors files). Layers are read one by one, so large checkpoints are welcome.",
    )
    if not text:
        return None
    path = resolve_under(text, ticket_roots(), folder=None)
    options = choose_read_options(_masks_at_path)
    stamp = file_stamp(path, options.masks)
    if "library" in parsed_by(path, options.masks):  # the server reads no such file, only a copy in our own format
        key, limits = f"copy:{path}:{stamp}:{options}", limits_at(path, options)
        card = remembered_card(key, lambda out: read_untrusted(path, out, options, limits, run=run_stranger))
        return Source(
            str(own_path(key)), path.name, ReadOptions(), card, original=Original(str(path), options), stamp=stamp
        )
    card = remembered_card(f"path:{path}:{stamp}:{options}", lambda _out: card_in_worker(str(path), options))
    return Source(str(path), path.name, options, card, stamp=stamp)


def keep_layer(names: Sequence[str]) -> None:
    """Called where a layer is picked: of a file just chosen by hand, the layer shown before stays, if this file has it."""
    before = st.session_state.pop(_LAYER, None)
    if before in names and chosen("layer") is None:
        choose({"layer": before})
        st.rerun()


def _file_changes() -> None:
    st.session_state[_LAYER] = chosen("layer")
    choose({"layer": None})


def _address() -> dict[str, Any]:
    return {name: value for name in FILE_NAMES if (value := chosen(name)) is not None}
