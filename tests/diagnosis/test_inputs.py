"""Inputs in words: what is read, what is refused, in linear time."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sparselab.core.errors import SettingError
from sparselab.diagnosis.inputs import InputSpec, parse_input, parse_inputs

NAMES = st.from_regex(r"[a-z_][a-z0-9_.]{0,9}", fullmatch=True)


@given(
    name=st.one_of(st.just(""), NAMES),
    dtype=st.sampled_from(("float32", "bfloat16", "int64", "bool")),
    shape=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    high=st.one_of(st.none(), st.integers(1, 9)),
)
def test_what_is_written_is_read(name: str, dtype: str, shape: list[int], high: int | None) -> None:
    high = None if dtype in ("float32", "bfloat16") else high
    text = f"{name}=" * bool(name) + f"{dtype}:" + ",".join(map(str, shape)) + (f"<{high}" if high else "")
    spec = parse_input(text)
    assert spec == InputSpec(tuple(shape), dtype, name, high)
    x = spec.tensor()
    assert (tuple(x.shape), x.dtype) == (tuple(shape), getattr(torch, dtype))
    assert torch.equal(x, spec.tensor())
    if high is not None:
        assert int(x.max()) < high


@given(st.text(max_size=200))
def test_anything_else_is_one_sentence(text: str) -> None:
    try:
        parse_input(text)
    except SettingError as error:
        assert str(error).startswith("--input: expected")  # noqa: PT017 - most texts are no inputs, some are


@pytest.mark.parametrize(
    "text", ["", "0", "1,,2", "float31:1", "1<0", "float32:1<3", "99999,99999", "a=b=1", "1" * 5000, "1," * 5000]
)
def test_refused(text: str) -> None:
    with pytest.raises(SettingError):
        parse_input(text)


def test_names_differ() -> None:
    assert [spec.name for spec in parse_inputs(["a=1", "2", "b=3"])] == ["a", "", "b"]
    with pytest.raises(SettingError, match="twice"):
        parse_inputs(["a=1", "a=2"])
