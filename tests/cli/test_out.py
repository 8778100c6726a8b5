"""`transform --out`: the file with new masks, and nothing replaced without `--force`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sparselab.formats import read_ticket

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """Two layers with zeros, of a model in DataParallel, and a bias."""
    rng = np.random.default_rng(0)
    arrays = {f"module.{name}.weight": rng.standard_normal((16, 24)) * (rng.random((16, 24)) < 0.3) for name in "ab"}
    np.savez(tmp_path / "old.npz", **arrays, **{"module.a.bias": np.arange(16.0)})
    return tmp_path / "old.npz"


def test_one_layer_is_changed_and_the_others_stay(network: Path, run: Run) -> None:
    out = network.with_name("new.npz")
    status, _, err = run("transform", network, "regroup", "--rows-per-group", 4, "--layer", "a.weight", "--out", out)
    assert status == 0
    old, new = np.load(network), np.load(out)
    assert list(new) == list(old) == ["module.a.weight", "module.b.weight", "module.a.bias"]
    assert not np.array_equal(new["module.a.weight"], old["module.a.weight"])
    for name in ("module.b.weight", "module.a.bias"):
        assert np.array_equal(new[name], old[name])
    lines = err.splitlines()
    assert lines[0] == f"wrote {out}"
    assert "a.weight: " in lines[1]
    assert lines[1].endswith("weights come back as 0: FILE has no other value for them")
    assert "assert not result.unexpected_keys" in err


def test_the_weights_that_come_back_as_0_are_counted(network: Path, run: Run) -> None:
    out = network.with_name("new.npz")
    _, text, err = run(
        "transform", network, "regroup", "--rows-per-group", 4, "--form", "pairs", "--out", out, "--json"
    )
    layers = {layer.name: layer.mask for layer in read_ticket(network)}
    for layer in read_ticket(out):
        grown = int((layer.mask.kept & ~layers[layer.name].kept).sum())
        assert f"{layer.name}: {grown} weights come back as 0" in err
    assert {item["digest"] for item in json.loads(text)["layers"]} == {x.mask.digest for x in read_ticket(out)}


def test_of_many_layers_the_first_are_named_and_the_others_counted(tmp_path: Path, run: Run) -> None:
    rng = np.random.default_rng(0)
    arrays = {f"l.{n}.weight": rng.standard_normal((8, 8)) * (rng.random((8, 8)) < 0.3) for n in range(40)}
    np.savez(tmp_path / "many.npz", **arrays)
    _, _, err = run("transform", tmp_path / "many.npz", "regroup", "--out", tmp_path / "new.npz")
    lines = [line for line in err.splitlines() if "come back as 0" in line]
    assert len(lines) < 10
    assert "more layers: " in lines[-1]


def test_a_kind_that_is_read_and_not_written_is_said(network: Path, run: Run) -> None:
    status, _, err = run("transform", network, "regroup", "--out", network.with_name("new.h5"))
    assert status == 2
    assert err.endswith("got new.h5: an HDF5 file is read, and not written\n")


def test_nothing_is_replaced_without_force(network: Path, run: Run) -> None:
    other, before = network.with_name("taken.npz"), network.read_bytes()
    other.write_bytes(b"something of mine")
    for out in (other, network):
        content = out.read_bytes()
        status, text, err = run("transform", network, "regroup", "--out", out)
        assert (status, text) == (2, "")
        assert err == (
            f"error: expected a name that is not taken; {out.name} exists: choose another, or overwrite it (--force)\n"
        )
        assert out.read_bytes() == content
    expected = [layer.mask.density for layer in read_ticket(network)]
    assert run("transform", network, "prune", "--sparsity", 0.9, "--out", network, "--force")[0] == 0
    assert network.read_bytes() != before
    assert all(layer.mask.density < was for layer, was in zip(read_ticket(network), expected, strict=True))
    assert sorted(path.name for path in network.parent.iterdir()) == ["old.npz", "taken.npz"]
