"""A file on the page: a second one with its masks, what was assumed in the page's words, and files that are not read."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from sparselab.app.inputs.read_options import LABELS, in_words_of_the_page
from sparselab.cli.file_options import _FLAGS
from sparselab.formats import FORMATS
from tests.app.test_explore_page import page, upload

DRAWN = np.random.default_rng(0)
WEIGHT = DRAWN.standard_normal((32, 48)).astype(np.float32)
KEPT = DRAWN.random((32, 48)) < 0.25


def npz(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **{name.replace("__", "."): array for name, array in arrays.items()})
    return buffer.getvalue()


def headline(at: AppTest) -> str:
    return next(text.value for text in at.text if "weights kept" in text.value)


def test_masks_are_uploaded_beside_their_weights_and_taken_away_again() -> None:
    at = upload(page(source="Upload"), "dense.npz", npz(fc__weight=WEIGHT))
    assert f"{WEIGHT.size:,} weights kept" in headline(at)
    masks = at.file_uploader(key="_upload_masks")
    masks.upload("masks.npz", npz(fc__weight_mask=KEPT)).run()
    assert not at.exception
    assert not at.error
    assert f"{KEPT.sum():,} weights kept" in headline(at)
    assert any("masks are those of masks" in caption.value.replace("\\", "") for caption in at.caption)
    at.file_uploader(key="_upload_masks").set_value([]).run()
    assert f"{WEIGHT.size:,} weights kept" in headline(at)


def test_a_second_file_that_holds_no_mask_is_refused_and_the_first_stays() -> None:
    at = upload(page(source="Upload"), "dense.npz", npz(fc__weight=WEIGHT))
    at.file_uploader(key="_upload_masks").upload("broken.npz", b"PK\x03\x04 and then nothing").run()
    assert not at.exception
    assert len(at.error) == 1
    assert "broken" in at.error[0].value
    assert at.file_uploader(key="_upload_masks").label == LABELS["--mask"]


def test_notes_name_what_stands_on_the_page() -> None:
    at = upload(page(source="Upload"), "keras.npz", npz(dense__kernel=WEIGHT))
    notes = [caption.value for caption in at.caption if ":material/info:" in caption.value]
    assert any("read as IO" in note for note in notes)
    assert not any("--" in note.replace("\\", "") for note in notes)
    inputs = (*at.text_input, *at.toggle, *at.number_input, *at.selectbox, *at.file_uploader)
    assert set(LABELS.values()) <= {each.label for each in inputs}


def test_every_option_of_the_command_line_has_its_word_on_the_page() -> None:
    def command() -> None: ...

    for flag in _FLAGS:
        flag(command)
    options = {name for param in command.__click_params__ for name in param.opts}  # type: ignore[attr-defined]
    assert options == set(LABELS)
    assert in_words_of_the_page("--masks, x--axes, --axes.") == "--masks, x--axes, “Order of axes”."


def test_the_largest_layer_that_is_pruned_comes_first() -> None:
    embedding = DRAWN.standard_normal((64, 48))
    at = upload(page(source="Upload"), "lm.npz", npz(embed__weight=embedding, fc__weight=WEIGHT * KEPT))
    assert headline(at).startswith("fc.weight of lm.npz")


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("paper.pdf", b"%PDF-1.5 and so on", "PDF"),
        ("net.tflite", b"\x1c\0\0\0TFL3" + bytes(60), "TFLite"),
        ("no-ending", b"%PDF-1.5 and so on", "PDF"),
    ],
)
def test_a_file_of_another_kind_is_named_for_what_it_is(name: str, content: bytes, word: str) -> None:
    at = upload(page(source="Upload"), name, content)
    assert not at.exception
    assert len(at.error) == 1
    assert word in at.error[0].value


def test_a_name_says_nothing_of_what_is_read(tmp_path: Path) -> None:
    at = upload(page(source="Upload"), "weights", npz(fc__weight_mask=KEPT))
    assert not at.error
    assert f"{KEPT.sum():,} weights kept" in headline(at)


def test_the_uploader_says_every_kind_of_the_registry() -> None:
    (uploader,) = page(source="Upload").file_uploader
    assert not uploader.proto.type
    missing = [form.name for form in FORMATS.values() if not form.opens_folders and form.title not in uploader.help]
    assert not missing
    assert all(
        suffix in uploader.help for form in FORMATS.values() if not form.opens_folders for suffix in form.suffixes
    )
