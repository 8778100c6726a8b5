"""A file that is written back is the file, but for the masks that were changed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sparselab.core.layout import Layout
from sparselab.core.mask import Mask
from sparselab.formats import FORMATS, FORMS, REWRITERS, read_ticket, write_back
from sparselab.formats.names import clean_name
from sparselab.formats.options import DEFAULT_LIMITS
from tests.formats.writing.state_files import ALONE, NUMPY, read_state, same_states, state_file

KINDS = ("pair", "zeros", "mask", "named mask", "dense")
PREFIXES = ("", "module.", "_orig_mod.", "module._orig_mod.", "encoder/layer/", "état.")
NAMES = ("conv1.weight", "fc.weight", "blocks.0.attn.weight")
State = dict[str, torch.Tensor]


@st.composite
def states(draw: st.DrawFn, types: tuple[torch.dtype, ...]) -> State:
    """One to three layers of all kinds and number types under one prefix, with biases and buffers between them."""
    prefix, state = draw(st.sampled_from(PREFIXES)), {}
    torch.manual_seed(draw(st.integers(0, 2**31)))
    for name in draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True)):
        shape = draw(st.sampled_from([(6, 4), (4, 3, 3, 3), (5, 1), (3, 2, 5)]))
        dtype, base, kind = draw(st.sampled_from(types)), prefix + name, draw(st.sampled_from(KINDS))
        weight, kept = torch.randn(shape).to(dtype), torch.rand(shape) < 0.5
        kept.view(-1)[0] = True
        if kind == "pair":
            state |= {f"{base}_orig": weight, f"{base}_mask": kept.to(draw(st.sampled_from([torch.bool, dtype])))}
        elif kind == "mask":
            state[f"{base}_mask"] = kept.to(draw(st.sampled_from([torch.bool, torch.uint8, torch.float32])))
        elif kind == "named mask":
            state |= {base: weight * kept, f"{base.removesuffix('.weight')}.mask": kept}
        else:
            state[base] = weight * kept if kind == "zeros" else weight
        state[f"{base.removesuffix('weight')}bias"] = torch.randn(shape[0]).to(dtype)
        state[f"{base.removesuffix('weight')}steps"] = torch.tensor(7)
    return state


def drawn_state(data: st.DataObject, format: str) -> State:
    if format in ALONE:
        dtype = (
            torch.bool if format == "smtx" else data.draw(st.sampled_from([torch.float32, torch.float64, torch.bool]))
        )
        weight = (
            torch.rand(5, 7).sub(0.5).clamp(min=0) > 0 if dtype == torch.bool else torch.randn(5, 7).to(dtype).relu()
        )
        return {"alone": weight}
    types = (torch.float16, torch.float32, torch.float64, *(() if format in NUMPY else (torch.bfloat16,)))
    return data.draw(states(types))


def layout_of(before: Mask, seed: int) -> Layout:
    after = np.random.default_rng(seed).random(before.shape) < 0.4
    after[0, 0] = True
    return Layout.masked(before, Mask(after), reason="drawn")


@pytest.mark.parametrize("format", REWRITERS)
@given(data=st.data())
@settings(max_examples=25)
def test_without_a_change_every_tensor_is_what_it_was(
    format: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The same names in the same order, bit for bit, by other readers than ours."""
    state = drawn_state(data, format)
    folder = tmp_path_factory.mktemp("same")
    source = state_file(format, state, folder / "old")
    out = folder / f"new{source.suffix}"
    if source.is_dir():
        out.mkdir()
    assert REWRITERS[format](source, {}, out, DEFAULT_LIMITS) == ()
    same_states(read_state(format, out), read_state(format, source))


@pytest.mark.parametrize("format", [name for name in REWRITERS if name in FORMATS])
@given(data=st.data())
@settings(max_examples=25)
def test_new_masks_are_in_the_file_and_all_else_is_as_it_was(
    format: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    state = drawn_state(data, format)
    folder = tmp_path_factory.mktemp("masks")
    source = state_file(format, state, folder / "old")
    form = "own" if format in ALONE else data.draw(st.sampled_from(FORMS))
    before = read_ticket(source)
    chosen = data.draw(st.sets(st.sampled_from(before.names)))
    layouts = {name: layout_of(before[name].mask, data.draw(st.integers(0, 99))) for name in sorted(chosen)}
    (folder / "new").mkdir()
    written = write_back(source, layouts, folder / "new" / source.name, form=form)
    assert written.format == format
    after = read_ticket(written.path)
    assert after.names == before.names
    for layer in before:
        mask = layouts[layer.name].after if layer.name in layouts else layer.mask
        there = after[layer.name]
        lost = mask.kept & ~there.mask.kept
        assert not (there.mask.kept & ~mask.kept).any()
        assert lost.sum() == 0 or (there.weight is not None and lost.sum() <= written.zeros.get(layer.name, 0))
        if layer.weight is not None and there.weight is not None:
            both = layer.mask.kept & there.mask.kept
            assert np.array_equal(there.weight[both], layer.weight[both])
    old, new = read_state(format, source), read_state(format, written.path)
    aside = [name for name in old if name.endswith(("bias", "steps"))]
    same_states({name: new[name] for name in aside}, {name: old[name] for name in aside})
    if form == "own":
        assert list(new) == list(old)
        assert [tensor.dtype for tensor in new.values()] == [tensor.dtype for tensor in old.values()]
        touched = tuple(name.removesuffix(".weight") for name in layouts)
        rest = (
            [name for name in old if not any(part in clean_name(name) for part in touched)]
            if format not in ALONE
            else []
        )
        same_states({name: new[name] for name in rest}, {name: old[name] for name in rest})
