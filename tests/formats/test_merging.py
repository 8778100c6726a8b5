"""Sentences about many tensors: as few as what they say, and none is changed by being alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sparselab.formats.describe import notes_of, skipped_of
from sparselab.formats.merging import merged

TEXTS = st.text(alphabet="ab.,_/ :(0-", max_size=30)


@given(name=TEXTS, text=TEXTS)
def test_one_sentence_stays_as_it_is(name: str, text: str) -> None:
    assert merged([(name, text)]) == [f"{name}: {text}"]


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=12))
def test_equal_texts_are_said_once_and_nothing_else_is_lost(sentences: list[tuple[str, str]]) -> None:
    found = merged(sentences)
    assert len(found) <= len({text for _, text in sentences})
    assert all(any(one.startswith(name) for one in found) for name, _ in sentences[:1])


def test_what_differs_in_names_alone_is_one_line() -> None:
    layers = [{"name": f"l.{i}.w", "notes": [f"its mask is m.{i}: the one of its shape"]} for i in range(100)]
    skipped = [{"name": f"l.{i}.w_scale", "reason": f"the scale of l.{i}.w"} for i in range(224)]
    assert notes_of({"notes": [], "layers": layers}) == [
        "l.0.w, l.1.w, l.2.w and 97 more: its mask is m.0, m.1, m.2 and 97 more: the one of its shape"
    ]
    assert skipped_of({"skipped": skipped}) == [
        "l.0.w_scale, l.1.w_scale, l.2.w_scale and 221 more: the scale of l.0.w, l.1.w, l.2.w and 221 more"
    ]


def test_numbers_are_no_names() -> None:
    texts = ["--threshold 1e-07 counts", "--threshold 1.5e-08 counts", "holds 0.1 to 0.9", "holds 0.2 to 0.9"]
    assert len(merged(("a", text) for text in texts)) == len(texts)
