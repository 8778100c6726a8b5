"""An audit as a whole: the claim judged, the best guess, what is skipped, heads from config.json, and the card."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.utils import prune

import sparselab
from sparselab.auditing import PatternBreak, audit_ticket, parse_claim
from sparselab.auditing.card import markdown_card
from sparselab.auditing.parts import audited_part, layer_of_plain
from sparselab.core.errors import SettingError
from sparselab.core.layer import Layer
from sparselab.core.mask import Mask
from sparselab.core.ticket import FoundLayer, Ticket
from sparselab.formats.options import ReadOptions
from tests.conftest import ROOT

CASES = ROOT.parent / "shared" / "cases"


def two_four(rows: int = 32, cols: int = 64, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    kept = np.argsort(rng.random((rows, cols // 4, 4)), axis=-1) < 2
    return (rng.standard_normal((rows, cols)) * kept.reshape(rows, cols)).astype(np.float32)


def scattered(density: float, rows: int = 32, cols: int = 64) -> np.ndarray:
    rng = np.random.default_rng(1)
    return (rng.standard_normal((rows, cols)) * (rng.random((rows, cols)) < density)).astype(np.float32)


def test_the_best_guess_counts_the_layers_that_have_it_beyond_chance() -> None:
    layers = {f"b.{i}.weight": two_four(seed=i) for i in range(3)}
    found = sparselab.audit({**layers, "head.weight": np.ones((32, 64)) / 2, "odd.weight": scattered(0.3)})
    assert found.sentence == ("exactly 2:4 along the inputs in 3 of 5 layers; nothing is pruned in 1; no pattern in 1")
    assert found.holds is None
    assert [layer.words for layer in found.layers[3:]] == ["dense: nothing is pruned", "no pattern"]
    (none,) = (x for x in found.layers[4].findings if x.pattern == "none")
    assert none.holds
    assert not next(x for x in found.layers[0].findings if x.pattern == "none").holds


def test_a_claim_along_the_wrong_axis_says_along_which_it_would_hold() -> None:
    found = sparselab.audit({"fc.weight": np.ascontiguousarray(two_four(64, 32).T)}, "2:4")
    assert found.holds is False
    assert found.sentence.endswith("in 1 of them it is at most 2:4 along the outputs")
    assert sparselab.audit({"fc.weight": np.ascontiguousarray(two_four(64, 32).T)}, "exactly 2:4 out").holds


def test_one_break_is_named_with_its_index_and_the_guess_is_nearly() -> None:
    weight = two_four()
    weight[7, 8:12] = 1
    found = sparselab.audit({"fc.weight": weight}, "2:4")
    assert found.sentence == "2:4: does not hold in 1 of 1 layer; first in fc.weight at [7, 8]: 4 of 4 kept"
    guess = sparselab.audit({"fc.weight": weight})
    assert guess.layers[0].words == "nearly exactly 2:4 along the inputs"


def test_a_claim_that_few_weights_anywhere_would_fulfil_says_so() -> None:
    found = sparselab.audit({"fc.weight": scattered(0.002)}, "2:4")
    assert found.holds
    assert found.sentence == "2:4: holds in its one layer; it would by chance too"
    assert found.layers[0].best is None


def test_a_pattern_that_is_not_usual_is_looked_for_where_it_is_claimed() -> None:
    weight = np.kron(np.random.default_rng(0).random((10, 10)) < 0.4, np.ones((3, 5)))
    assert sparselab.audit({"fc.weight": weight / 2}, "3x5").holds
    assert not sparselab.audit({"fc.weight": weight / 2}, "5x3").holds
    assert sparselab.audit({"fc.weight": scattered(0.3)}, "none").holds


@pytest.mark.parametrize(
    "text", ["", "2:", "5:4", "0:4", "1:2:3:4", "at most rows", "rows in", "8x0", "2:4 up", "x" * 1000]
)
def test_what_names_no_pattern_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(SettingError, match="expected") as error:
        parse_claim(text)
    assert len(str(error.value)) < 300


def test_a_layer_that_is_no_number_costs_no_other() -> None:
    bad = two_four()
    bad[0, 0] = np.nan
    found = sparselab.audit({"a.weight": two_four(), "b.weight": bad}, "2:4")
    assert [layer.name for layer in found.layers] == ["a.weight"]
    assert any("NaN" in item.reason for item in found.skipped if item.name == "b.weight")


def test_a_live_model_is_audited_by_the_masks_of_its_prune_pairs() -> None:
    model = torch.nn.Sequential(torch.nn.Conv2d(8, 16, 3))
    mask = torch.zeros(16, 2, 4, 3, 3)
    mask[:, :, :2] = 1
    prune.custom_from_mask(model[0], "weight", mask.reshape(16, 8, 3, 3))
    found = sparselab.audit(model, "exactly 2:4")
    assert found.holds
    assert found.layers[0].shape == (16, 8, 3, 3)


def folder(path: Path, heads: int = 4) -> Path:
    """A model's folder: one query projection of four heads of eight, one head pruned; and the projection after it."""
    from safetensors.torch import save_file

    query, output = torch.randn(32, 16), torch.randn(16, 32)
    query[8:16] = -0.0
    output[:, 8:16] = 0
    tensors = {"l.0.self_attn.q_proj.weight": query, "l.0.self_attn.o_proj.weight": output}
    save_file({name: each.bfloat16() for name, each in tensors.items()}, path / "model.safetensors")
    config = {"num_attention_heads": heads, "head_dim": 8, "hidden_size": 16}
    (path / "config.json").write_text(json.dumps(config))
    return path


def test_heads_are_read_from_the_config_of_the_folder(tmp_path: Path) -> None:
    found = sparselab.audit(folder(tmp_path), "heads")
    assert found.holds
    query, output = sorted(found.layers, key=lambda layer: layer.name, reverse=True)
    assert [query.claimed.axis if query.claimed else "", output.claimed.axis if output.claimed else ""] == ["out", "in"]
    assert query.claimed is not None
    assert (query.claimed.units, query.dtype, query.negative_zeros) == (4, "bfloat16", 8 * 16)
    (tmp_path / "config.json").write_text("{}")
    assert sparselab.audit(tmp_path, "heads").sentence == "heads: does not hold; no layer has what the claim speaks of"


def test_a_worker_sends_what_the_command_says(tmp_path: Path) -> None:
    path = folder(tmp_path)
    whole = sparselab.audit(path, "2:4")
    rows = audited_part(str(path), [layer.name for layer in whole.layers], "2:4", ReadOptions())
    assert tuple(layer_of_plain(json.loads(json.dumps(row))) for row in rows) == whole.layers


def test_a_card_is_a_table_that_no_name_breaks() -> None:
    found = sparselab.audit({"a|b`<i>.weight": two_four(), "c.weight": two_four(seed=1)}, "2:4")
    card = markdown_card(found, "x`|y")
    rows = [line for line in card.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in rows}) == 1
    assert "<i>" not in card


def test_one_tensor_and_little_more_is_held(tmp_path: Path) -> None:
    """In a process of its own: six layers of 32 MB, of which one is in memory at a time."""
    code = """
import numpy as np, resource, sys, sparselab
from safetensors.numpy import save_file
rng = np.random.default_rng(0)
path = sys.argv[1]
save_file({f"l.{i}.weight": (rng.random((2048, 8192), np.float32) > 0.5).astype(np.float16) / 2 for i in range(3)}, path)
sparselab.audit({"a.weight": np.eye(64) / 2})
del rng
before = int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()
open("/proc/self/clear_refs", "w").write("5")
assert sparselab.audit(path).sentence
peak = next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(peak - before)
"""
    if not sys.platform.startswith("linux"):
        pytest.skip("the peak of a process is read from /proc")
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "big.safetensors")], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 32 * 2**20 + 100 * 2**20


@pytest.mark.skipif(not CASES.is_dir(), reason="no cases beside the checkout")
@pytest.mark.parametrize(
    "path", sorted((CASES / "files").iterdir()) if CASES.is_dir() else [], ids=lambda path: path.name
)
def test_real_files_are_audited_or_refused_in_a_sentence(path: Path) -> None:
    try:
        said = sparselab.audit(path).sentence
    except sparselab.SparselabError as error:
        said = str(error)
    assert said


def test_a_small_layer_is_asked_for_what_fits_and_for_what_is_claimed() -> None:
    layer = sparselab.audit({"w": np.ones((3, 3))}, "2:4").layers[0]
    assert {finding.pattern for finding in layer.findings} == {
        "2:4",
        "1:2",
        "whole rows",
        "whole columns",
        "constant fan-in",
        "none",
    }
    assert layer.claimed is not None
    assert layer.claimed.first_break == PatternBreak((0, 0), "3 of 3 kept")


def test_a_kernel_of_more_axes_than_an_array_may_have_has_its_index() -> None:
    kept = np.ones((1, 8), bool)
    kept[0, 5] = False
    found = FoundLayer(
        name="w",
        tensor_shape=(1, 1, *[1] * 90, 2, 4),
        conversion="",
        load=lambda: Layer("w", Mask(kept), kernel_shape=(*[1] * 90, 2, 4)),
    )
    layer = audit_ticket(Ticket((found,)), parse_claim("rows")).layers[0]
    assert layer.claimed is not None
    assert layer.claimed.first_break is not None
    assert layer.claimed.first_break.found == "7 of 8 kept"
    assert len(layer.claimed.first_break.index) == 94
