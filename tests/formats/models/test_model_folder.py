"""Folders of models: the tensors of all shards, read one at a time, and one true sentence on whatever is not as the index says."""

from __future__ import annotations

import json
import shutil
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from sparselab.core.errors import FileError
from sparselab.core.ticket import survey_of
from sparselab.formats import card_of_layer, describe, file_stamp, load_layer, read_ticket
from sparselab.formats.options import ReadLimits, ReadOptions
from tests.formats.models.hostile_model_folders import INDEX, write_shard
from tests.formats.models.model_folders import SMALL, large_folder

A, B = (f"model-0000{number}-of-00002.safetensors" for number in (1, 2))


def weight(seed: int, *shape: int) -> torch.Tensor:
    values = torch.randn(shape or (8, 12), generator=torch.Generator().manual_seed(seed)).bfloat16()
    values[torch.rand(values.shape, generator=torch.Generator().manual_seed(-seed - 1)) < 0.5] = 0
    return values


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Two shards, an index, and config.json."""
    folder = tmp_path / "model"
    folder.mkdir()
    save_file({"a.weight": weight(0), "norm.weight": torch.ones(8)}, folder / A)
    save_file({"b.weight": weight(1)}, folder / B)
    places(folder, {"a.weight": A, "norm.weight": A, "b.weight": B})
    config: dict[str, Any] = {"model_type": "llama", "num_attention_heads": 4, "tie_word_embeddings": True}
    (folder / "config.json").write_text(json.dumps(config | {"architectures": ["os.system"], "hidden_size": -1}))
    return folder


def places(folder: Path, index: dict[str, str]) -> None:
    (folder / INDEX).write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": index}))


def reasons(folder: Path) -> dict[str, str]:
    return {item.name: item.reason for item in read_ticket(folder).skipped}


@pytest.mark.parametrize("opened", ["", INDEX])
def test_a_folder_or_its_index_gives_the_layers_of_all_shards(opened: str, model: Path) -> None:
    ticket = read_ticket(model / opened if opened else model)
    assert ticket.names == ("a.weight", "b.weight")
    assert ticket.meta["format"] == "model-folder"
    for number, layer in enumerate(ticket):
        assert np.array_equal(layer.weight, weight(number).float().numpy())
    assert reasons(model) == {"norm.weight": "a vector"}


def test_config_is_data(model: Path) -> None:
    (note,) = (note for note in read_ticket(model).meta["notes"] if "config" in note)
    assert note == "config.json: model type llama, num attention heads 4, tie word embeddings true"
    (model / "config.json").write_bytes(b"[" * 10**5)
    notes = read_ticket(model).meta["notes"]
    assert any(note.startswith("config.json was not read") for note in notes)


def test_what_is_missing_costs_its_own_tensors(model: Path) -> None:
    (model / B).unlink()
    assert read_ticket(model).names == ("a.weight",)
    assert reasons(model)["b.weight"] == f"its file {B} was not read"
    assert any(
        f"{B}: expected this file beside the others; it is missing" in n for n in read_ticket(model).meta["notes"]
    )


def test_what_is_damaged_costs_its_own_tensors(model: Path) -> None:
    (model / B).write_bytes((model / B).read_bytes()[:-1])
    assert read_ticket(model).names == ("a.weight",)
    assert any("as its header says" in note for note in read_ticket(model).meta["notes"])


def test_a_tensor_that_is_not_where_the_index_says(model: Path) -> None:
    places(model, {"a.weight": A, "b.weight": B, "c.weight": B})
    assert reasons(model)["c.weight"] == f"the index places it in {B}, which does not hold it"


def test_a_tensor_in_two_shards_is_the_one_that_the_index_names(model: Path) -> None:
    save_file({"a.weight": weight(7), "b.weight": weight(1)}, model / B)
    assert np.array_equal(read_ticket(model)["a.weight"].weight, weight(0).float().numpy())
    assert reasons(model)["a.weight"] == f"a second copy, in {B}: the index names {A}"


def test_without_an_index_all_files_are_read_in_order(model: Path) -> None:
    (model / INDEX).unlink()
    ticket = read_ticket(model)
    assert ticket.names == ("a.weight", "b.weight")
    assert "no index: all 2 files were read, in the order of their names" in ticket.meta["notes"]
    save_file({"a.weight": weight(7)}, model / B)
    assert np.array_equal(read_ticket(model)["a.weight"].weight, weight(0).float().numpy())
    assert reasons(model)["a.weight"] == f"a second copy, in {B}"


def test_a_folder_with_one_file(model: Path) -> None:
    for name in (INDEX, B):
        (model / name).unlink()
    (model / A).rename(model / "model.safetensors")
    assert read_ticket(model).names == ("a.weight",)


def test_a_variant_beside_the_index_is_said(model: Path) -> None:
    shutil.copy(model / INDEX, model / "model.fp16.safetensors.index.json")
    assert any("open it by its own path" in note for note in read_ticket(model).meta["notes"])


def test_the_cache_of_the_hub_is_read_through_its_links(model: Path) -> None:
    repository = model.parent / "models--x--y"
    snapshot, blobs = repository / "snapshots" / "0a1b", repository / "blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    for number, name in enumerate((A, B, INDEX, "config.json")):
        shutil.move(model / name, blobs / str(number))
        (snapshot / name).symlink_to(f"../../blobs/{number}")
    assert read_ticket(snapshot).names == ("a.weight", "b.weight")
    write_shard(model.parent / "secret.safetensors", w=[4, 4])
    (snapshot / B).unlink()
    (snapshot / B).symlink_to(model.parent / "secret.safetensors")
    with pytest.raises(FileError, match="a link out of it"):
        read_ticket(snapshot)


def test_other_folders_name_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"got a folder: open a file, or a folder that holds \.safetensors"):
        read_ticket(tmp_path)
    np.save(tmp_path / "mask.npy", np.eye(4))
    with pytest.raises(FileError, match=r"open one of the files in it: mask\.npy"):
        read_ticket(tmp_path)


def test_the_stamp_of_a_folder_changes_with_any_of_its_files(model: Path) -> None:
    stamps = {file_stamp(model)}
    assert file_stamp(model) in stamps
    first = load_layer(str(model), "b.weight", ReadOptions())
    save_file({"b.weight": weight(1), "c.weight": weight(2)}, model / B)
    stamps.add(file_stamp(model))
    save_file({"b.weight": weight(5)}, model / B)
    stamps |= {file_stamp(model), file_stamp(model / INDEX)}
    assert len(stamps) == 3  # an index has the stamp of its folder
    assert not np.array_equal(load_layer(str(model), "b.weight", ReadOptions()).weight, first.weight)


@pytest.fixture
def large(tmp_path: Path) -> Path:
    return large_folder(tmp_path)


def test_a_large_file_is_described_from_its_headers(large: Path) -> None:
    assert peak_bytes(lambda: describe(read_ticket(large))) < 2 * 2**20
    card = describe(read_ticket(large))
    assert all(layer[key] is None for layer in card["layers"] for key in ("density", "count", "digest"))
    assert json.loads(json.dumps(card)) == card
    one = card_of_layer(str(large), "small.weight")
    assert (one["count"], len(one["digest"])) == (SMALL[0] * SMALL[1] // 3, 64)
    assert one.keys() == card["layers"][0].keys()


def test_a_tensor_is_read_whatever_the_whole_file_takes(large: Path) -> None:
    ticket = read_ticket(large, limits=ReadLimits(max_total_bytes=2**20))
    assert ticket["small.weight"].mask.count > 0


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_16_bit_weights_are_never_widened_to_be_counted_and_once_to_be_loaded(
    dtype: torch.dtype, tmp_path: Path
) -> None:
    size = 2048 * 4096
    save_file({"w": weight(0, 2048, 4096).to(dtype)}, tmp_path / "w.safetensors")
    (found,) = read_ticket(tmp_path / "w.safetensors").entries
    slabs = 8 * 2**20 / size  # what is made beside the numbers, for a part of them at a time
    assert peak_bytes(found.load) / size < 2 + 4 + 1 + slabs
    assert peak_bytes(found.mask) / size < 2 + 1 + slabs
    if found.survey is not None:
        assert peak_bytes(found.survey) / size < 2 + 1 + slabs
        told = found.survey()
        assert told == survey_of(found.load())


def peak_bytes(work: Callable[[], object]) -> int:
    tracemalloc.start()
    work()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak
