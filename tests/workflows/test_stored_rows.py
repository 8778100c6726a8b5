"""A model that was begun goes on: layers that were done are not computed again, anything else is."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from sparselab.cli import main
from sparselab.core.errors import SettingError
from sparselab.core.layer import Layer
from sparselab.core.layout import Layout
from sparselab.formats import ReadOptions, read_ticket
from sparselab.runtime.progress import Monitor
from sparselab.transforms import TRANSFORMS
from sparselab.transforms.regroup.regroup import Regroup
from sparselab.workflows import stored_rows, tasks
from sparselab.workflows.model import model_parts, model_rows
from sparselab.workflows.stored_rows import stored_model_rows
from sparselab.workflows.tasks import results_folder

calls: list[str] = []


@dataclass(frozen=True)
class Counted(Regroup):
    """Regroup that notes for which layers it ran; `notes` stands in for what ended its search."""

    ended: ClassVar[str] = "converged"

    def _run(self, layer: Layer, rng: np.random.Generator, device: str, monitor: Monitor) -> Layout:
        if self.grouper != "random":  # chance is drawn beside it
            calls.append(layer.name)
        layout = super()._run(layer, rng, device, monitor)
        return Layout.unpack({**layout.pack(), "notes": {"refine": self.ended}})


@pytest.fixture(autouse=True)
def counted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(TRANSFORMS._entries, "regroup", Counted)
    monkeypatch.setattr(TRANSFORMS, "builtin", dict(TRANSFORMS.builtin) | {"regroup": Counted})
    monkeypatch.setenv("SPARSELAB_CACHE", str(tmp_path / "cache"))
    calls.clear()


@pytest.fixture
def network(tmp_path: Path) -> Path:
    return write(tmp_path / "network.npz")


def write(path: Path, seed: int = 0) -> Path:
    rng = np.random.default_rng(seed)
    np.savez(path, **{f"layer{n}": np.where(rng.random((48, 40)) < 0.4, rng.random((48, 40)), 0) for n in range(4)})
    return path


def rows_of(path: Path, names: tuple[str, ...] = (), seed: int = 0, **settings: Any) -> list[dict[str, Any]]:
    """The rows of the page, one call a part, as its workers answer them."""
    plan = [{"name": "regroup", "title": "regroup", "transform": "regroup", "settings": settings}]
    parts = model_parts(names or read_ticket(path).names, plan)
    store = str(results_folder())
    return [row for part in parts for row in stored_model_rows(str(path), part, plan, seed, ReadOptions(), store)]


def stored() -> list[Path]:
    return sorted(results_folder().glob("*"))


def test_what_was_done_is_not_computed_again_and_is_the_same(network: Path) -> None:
    first = rows_of(network, ("layer0", "layer1"))
    again = rows_of(network)
    assert calls == ["layer0", "layer1", "layer2", "layer3"]
    assert [row["chance"]["draws"] >= 8 for row in again] == [True] * 4
    assert [row["chance"] for row in first] == [row["chance"] for row in again[:2]]
    fresh = model_rows(str(network), ["layer0"], [{"title": "regroup", "transform": "regroup", "settings": {}}], 0, ReadOptions())  # fmt: skip
    for one, other in ((first[0], again[0]), (fresh[0], again[0])):
        assert other["report"] == {**one["report"], "seconds": {}}
        assert Layout.unpack(other["layout"]).after == Layout.unpack(one["layout"]).after


def test_a_process_that_was_killed_goes_on_where_it_stood(network: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path; import tests.workflows.test_stored_rows as here\n"
        "from sparselab.transforms import TRANSFORMS; from sparselab.workflows.model import model_rows\n"
        "def dying(path, names, *rest, **more):\n"
        "    if names == ('layer2',): os._exit(9)\n"
        "    return model_rows(path, names, *rest, **more)\n"
        "here.stored_rows.model_rows = dying\n"
        "TRANSFORMS._entries['regroup'] = here.Counted; TRANSFORMS.builtin = {**TRANSFORMS.builtin, 'regroup': here.Counted}\n"
        "here.rows_of(Path(sys.argv[1]))"
    )
    assert subprocess.run([sys.executable, "-c", program, str(network)], check=False).returncode == 9
    rows_of(network)
    assert calls == ["layer2", "layer3"]


def test_anything_else_is_another_task(network: Path, tmp_path: Path) -> None:
    rows_of(network, ("layer0",))
    variants = [{"seed": 1}, {"rows_per_group": 16}, {"density": 0.2}]
    for variant in variants:
        rows_of(network, ("layer0",), **variant)
    write(network, seed=5)  # the same name, other weights
    changed = rows_of(network, ("layer0",))
    assert calls == ["layer0"] * (1 + len(variants) + 1)
    status = network.stat()
    os.utime(network, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    rows_of(network, ("layer0",))
    rows_of(write(tmp_path / "other.npz", seed=5), ("layer0",))
    assert calls == ["layer0"] * (1 + len(variants) + 1), "the same layer is known wherever it lies"
    assert Layout.unpack(changed[0]["layout"]).before == read_ticket(network)["layer0"].mask


def test_a_damaged_file_is_computed_again(network: Path) -> None:
    (before,) = rows_of(network, ("layer0",))
    for path in stored():
        path.write_bytes(path.read_bytes()[:-1])
    (after,) = rows_of(network, ("layer0",))
    assert calls == ["layer0"] * 2
    assert after["report"]["coverage"] == before["report"]["coverage"]
    assert rows_of(network, ("layer0",))
    assert calls == ["layer0"] * 2


@pytest.mark.parametrize("ended", ["seconds", "cancel"])
def test_what_a_clock_ended_is_never_kept(ended: str, network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Counted, "ended", ended)
    rows_of(network, ("layer0",))
    rows_of(network, ("layer0",))
    assert calls == ["layer0"] * 2
    assert not stored()


def test_an_error_is_never_kept(network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any) -> Layout:
        raise SettingError("expected more memory")

    with monkeypatch.context() as patch:
        patch.setattr(Counted, "_run", refused)
        assert rows_of(network, ("layer0",))[0]["error"] == "expected more memory"
    assert "error" not in rows_of(network, ("layer0",))[0]


def test_a_file_that_changes_while_it_is_read_is_not_kept(network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def while_read(*told: Any, **more: Any) -> list[dict[str, Any]]:
        rows = model_rows(*told, **more)
        write(network, seed=7)
        return rows

    with monkeypatch.context() as patch:
        patch.setattr(stored_rows, "model_rows", while_read)
        rows_of(network, ("layer0",))
    (row,) = rows_of(network, ("layer0",))
    assert Layout.unpack(row["layout"]).before == read_ticket(network)["layer0"].mask
    assert calls == ["layer0"] * 2


def test_plug_ins_are_not_kept(network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TRANSFORMS._entries, "brought", Counted)
    monkeypatch.setitem(TRANSFORMS._packages, "brought", "theirs 1.0")
    rows_of(network, ("layer0",))
    assert not stored()


def test_a_second_file_of_a_folder_is_part_of_the_key(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    for path in (tmp_path / "model", tmp_path / "model" / "index.json"):
        (tmp_path / "model" / "index.json").write_text("{}")
        before = tasks._identity(path)
        assert tasks._identity(path) == before
        (tmp_path / "model" / f"shard-{path.name}").write_text("values")
        assert tasks._identity(path) != before


def test_the_command_resumes_where_it_is_asked_to(network: Path, capsys: pytest.CaptureFixture[str]) -> None:
    documents = []
    for flags in ([], ["--resume", "--layer", "layer1"], ["--resume"], ["--resume"]):
        assert main(["transform", str(network), "regroup", "--json", *flags]) == 0
        documents.append(json.loads(capsys.readouterr().out))
    assert calls == [*(f"layer{n}" for n in range(4)), "layer1", "layer0", "layer2", "layer3"]
    plain, _, _, resumed = documents
    for one, other in zip(plain["layers"], resumed["layers"], strict=True):
        assert {**one, "seconds": {}} == other
    rows_of(network, **plain["settings"])
    assert len(calls) == 8  # the page and the command have one store
