"""Large model folders: what a card, a count and a transform of one layer cost, in time and in memory.

    python -m benchmarks.large_files

Two folders are made in a temporary place and removed again: one of 16 layers in bfloat16, 2 GiB in 4 files, half of its weights
zero (groups of 32 rows share their columns); and one as large as a model of 8 billion weights, 15 GiB in 8 files, of which only
the headers take any room. Everything is measured in a process of its own; peaks are of that process. `seconds` are of the work
alone, the median of several runs where it reads headers; `process_seconds` are of a whole process with its imports and one run,
the median of seven where it reads headers.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import median_seconds, write_rows

ROOT = Path(__file__).resolve().parent.parent
INDEX = "model.safetensors.index.json"
LAYERS, SHARDS = 16, 4
PROCESSES = 7
ONE = "model.layers.0.self_attn.q_proj.weight"
Tensor = tuple[str, tuple[int, ...], Callable[[], np.ndarray] | None]


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        small, large = Path(place) / "2 GiB", Path(place) / "15 GiB"
        write_folder(small, list(half_zero()), SHARDS)
        write_folder(large, list(of_eight_billion()), 8)
        rows = [measured(what, folder) for folder in (small, large) for what in ("nothing", "json", "card")]
        rows += [measured(what, small) for what in ("count one layer", "count all", "regroup")]
    idle = rows[0]["peak_mib"]
    alone = {row["folder"]: row for row in rows if row["what"] == "json"}
    for row in rows:
        json_row = alone[row["folder"]]
        is_card = row["what"] == "card"
        row["over_idle_mib"] = round(row["peak_mib"] - idle, 1)
        row["times_json"] = round(row["seconds"] / json_row["seconds"], 2) if is_card else ""
        row["process_times_json"] = round(row["process_seconds"] / json_row["process_seconds"], 2) if is_card else ""
    write_rows("large_files", rows)


def half_zero() -> Iterator[Tensor]:
    """The tensors of 16 layers: in each group of 32 rows half of the columns are kept."""
    for layer in range(LAYERS):
        for part, rows in (("self_attn.q_proj", 4096), ("mlp.up_proj", 12288)):
            shape, seed = (rows, 4096), 2 * layer + (rows > 4096)
            yield f"model.layers.{layer}.{part}.weight", shape, partial(words, shape, seed)


def words(shape: tuple[int, int], seed: int) -> np.ndarray:
    """Random bfloat16 words between 2^-7 and 2 of either sign, zero where a group of rows does not keep the column."""
    rng = np.random.default_rng(seed)
    found = (rng.integers(0, 2**16, shape, dtype=np.uint16) & np.uint16(0x83FF)) | np.uint16(0x3C00)
    group = rng.permutation(shape[0]) // 32
    kept = rng.random((shape[0] // 32, shape[1])) < 0.5
    return np.where(kept[group], found, np.uint16(0))


def of_eight_billion() -> Iterator[Tensor]:
    """Names and shapes of a language model of 32 layers, without contents."""
    hidden, inner, few, vocabulary = 4096, 14336, 1024, 128256
    yield "model.embed_tokens.weight", (vocabulary, hidden), None
    for layer in range(32):
        start = f"model.layers.{layer}"
        for name, shape in {
            "input_layernorm": (hidden,), "mlp.down_proj": (hidden, inner), "mlp.gate_proj": (inner, hidden),
            "mlp.up_proj": (inner, hidden), "post_attention_layernorm": (hidden,), "self_attn.k_proj": (few, hidden),
            "self_attn.o_proj": (hidden, hidden), "self_attn.q_proj": (hidden, hidden), "self_attn.v_proj": (few, hidden),
        }.items():  # fmt: skip
            yield f"{start}.{name}.weight", shape, None
    yield "model.norm.weight", (hidden,), None
    yield "lm_head.weight", (vocabulary, hidden), None


def write_folder(folder: Path, tensors: list[Tensor], shards: int) -> None:
    """Write tensors as the shards of a model with their index; those without contents take no room on the disk."""
    folder.mkdir()
    places = {}
    for number in range(shards):
        part = tensors[number * len(tensors) // shards : (number + 1) * len(tensors) // shards]
        name = f"model-{number + 1:05d}-of-{shards:05d}.safetensors"
        header, reached = {}, 0
        for key, shape, _ in part:
            size = 2 * int(np.prod(shape))
            header[key] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [reached, reached + size]}
            reached, places[key] = reached + size, name
        text = json.dumps(header).encode()
        with (folder / name).open("wb") as file:
            file.write(len(text).to_bytes(8, "little") + text)
            for _, _, make in part:
                if make is not None:
                    make().tofile(file)
            file.truncate(8 + len(text) + reached)
    (folder / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": places}, indent=2))


def measured(what: str, folder: Path) -> dict[str, Any]:
    """Run one of WORKS on a folder in a process of its own; return its row."""
    told, spent = ran(what, folder, WORKS[what][1])
    if WORKS[what][1] > 1:
        spent = statistics.median(ran(what, folder, 1)[1] for _ in range(PROCESSES))
    return {"what": what, "folder": folder.name, **told, "process_seconds": round(spent, 3)}


def ran(what: str, folder: Path, runs: int) -> tuple[dict[str, Any], float]:
    """Return what a process of its own said of so many runs, and its wall-clock seconds."""
    command = [sys.executable, "-m", "benchmarks.large_files", what, str(folder), str(runs)]
    start = time.perf_counter()
    answer = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return json.loads(answer.stdout), time.perf_counter() - start


def read_headers(folder: Path) -> dict[str, Any]:
    """What json alone makes of the headers: the least that reading them can cost."""
    names = set(json.loads((folder / INDEX).read_bytes())["weight_map"].values())
    found = {}
    for name in sorted(names):
        with (folder / name).open("rb") as file:
            found[name] = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return found


def regroup_one(folder: Path) -> None:
    from sparselab.formats import read_ticket
    from sparselab.transforms import Regroup
    from sparselab.workflows.model import Done, apply_transform

    (done,) = apply_transform(Regroup(), read_ticket(folder), (ONE,), rng=0, device="cpu")
    assert isinstance(done, Done)


def card(folder: Path, *, count: bool | None = None) -> None:
    from sparselab.formats import describe, read_ticket

    describe(read_ticket(folder), count=count)


def count_one(folder: Path) -> None:
    from sparselab.formats import card_of_layer

    assert card_of_layer(str(folder), ONE)["density"] < 0.6


WORKS: Mapping[str, tuple[Callable[[Path], object], int]] = {
    "nothing": (lambda _folder: nullcontext(), 1),
    "json": (read_headers, 20),
    "card": (card, 20),
    "count one layer": (count_one, 1),
    "count all": (lambda folder: card(folder, count=True), 1),
    "regroup": (regroup_one, 1),
}
"""What is measured, and how many times; all processes have imported the same."""


def measure(what: str, folder: Path, runs: int) -> None:
    """Print what the work took in this process as one JSON document."""
    import sparselab.formats  # noqa: F401

    work, _ = WORKS[what]
    if runs > 1:
        spent = median_seconds(lambda: work(folder), runs=runs)
    else:
        start = time.perf_counter()
        work(folder)
        spent = time.perf_counter() - start
    print(json.dumps({"seconds": round(spent, 5), "peak_mib": round(peak_bytes() / 2**20, 1)}))


def peak_bytes() -> int:
    """Return the most memory that this process has held: Linux alone says it of a process without its parent's share."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


if __name__ == "__main__":
    if len(sys.argv) == 4:
        measure(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
