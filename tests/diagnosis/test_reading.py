"""A report read back: what was written is drawn, and whatever a stranger writes is drawn or refused in one sentence."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparselab.core.errors import FileError
from sparselab.diagnosis import Diagnosis, diagnose
from sparselab.diagnosis.evidence import OpTime
from sparselab.diagnosis.reading import MOST_BYTES, read_report
from sparselab.diagnosis.report import Tried
from tests.diagnosis.test_causes import CASES


def report(name: str) -> Diagnosis:
    from dataclasses import replace

    evidence = replace(CASES[name][0], kernels=(OpTime(name="aten::addmm", ms=1.5, calls=2),), device="a processor")
    tried = (
        Tried(
            name="exact",
            title="exact",
            before_ms=2.0,
            after_ms=1.0,
            speedup=2.0,
            low=1.9,
            high=2.1,
            rounds=40,
            difference=1e-7,
        ),
        Tried(name="compile", title="compile", obstacle="no compiler"),
    )
    return Diagnosis(evidence=evidence, findings=diagnose(evidence), tried=tried)


def written(name: str = "own-mask") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps({"command": "doctor", **report(name).as_json()}, allow_nan=False))
    return found


@pytest.mark.parametrize("name", CASES)
def test_what_was_written_is_read(name: str) -> None:
    made = report(name)
    found = read_report(json.dumps(written(name)).encode())
    assert (found.paragraph, found.target) == (made.paragraph, made.evidence.target)
    assert [each.title for each in found.findings] == [each.title for each in made.findings]
    assert found.tried == made.tried
    assert found.kernels == made.evidence.kernels
    assert [layer.shape for layer in found.layers] == [layer.shape for layer in made.evidence.layers]
    assert found.share == pytest.approx(made.evidence.share)


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**400), 10**400),
    st.floats(),
    st.text(max_size=50),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place of a document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, each in inner for place in places(each, (*path, key)))][bool(not path) :]


PLACES = places(written())


@settings(max_examples=150, deadline=None)
@given(place=st.sampled_from(PLACES), junk=JUNK, remove=st.booleans())
def test_junk_at_any_place_is_drawn_or_refused_in_one_sentence(place: tuple[Any, ...], junk: Any, remove: bool) -> None:
    document = written()
    holder: Any = document
    for key in place[:-1]:
        holder = holder[key]
    if remove:
        del holder[place[-1]]
    else:
        holder[place[-1]] = junk
    said = ""
    try:
        found = read_report(json.dumps(document).encode())
    except FileError as error:
        said = str(error)
    assert "\n" not in said
    assert len(said) < 500
    if not said:
        assert 0 <= found.share <= 1
        assert all(kernel.ms >= 0 for kernel in found.kernels)
        assert [each.shown for each in found.tried]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"{" * 100_000,
        b"[" * 200_000,
        b'{"schema": 1e999}',
        b'{"a": 1, "a": 2}',
        b"1" * 10_000,
    ],
)
def test_what_is_no_report_is_refused(content: bytes) -> None:
    with pytest.raises(FileError):
        read_report(content)


def test_a_report_of_another_command_or_of_a_later_schema_is_refused() -> None:
    with pytest.raises(FileError, match="of another command"):
        read_report(json.dumps({**written(), "command": "bench"}).encode())
    with pytest.raises(FileError, match="of a later version"):
        read_report(json.dumps({**written(), "schema": 99}).encode())


@pytest.mark.parametrize("name", ["speedup", "low", "high"])
def test_a_ratio_of_nothing_is_refused(name: str) -> None:
    document = written()
    document["tried"][0][name] = 0
    with pytest.raises(FileError, match="a ratio that is none"):
        read_report(json.dumps(document).encode())


def test_large_reports_are_cut_or_refused_and_take_no_time() -> None:
    many = written()
    many["findings"] = many["findings"] * 2000
    many["paragraph"] = "x" * 500_000
    start = time.process_time()
    found = read_report(json.dumps(many).encode())
    assert len(found.findings) <= 60
    assert len(found.paragraph) <= 2000
    with pytest.raises(FileError, match="at most 4 MiB"):
        read_report(b" " * (MOST_BYTES + 1))
    with pytest.raises(FileError, match="values"):
        read_report(b'{"a": [' + b"1," * 1_500_000 + b"1]}")
    assert time.process_time() - start < 20  # a bound of work, not of speed


def test_no_letter_of_a_report_steers_a_terminal() -> None:
    document = written()
    document["paragraph"] = "a\x1b[2J\u202eb\nc"
    assert read_report(json.dumps(document).encode()).paragraph == "a [2J b c"
