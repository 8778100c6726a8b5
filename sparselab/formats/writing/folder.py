"""A model folder written anew: its shards under their names, one after the other, its index, and its small texts."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from sparselab.core.errors import FileError
from sparselab.formats.names import clean_name
from sparselab.formats.options import ReadLimits
from sparselab.formats.parsing.safetensors_header import read_header
from sparselab.formats.writing.safetensors import rewrite_safetensors
from sparselab.formats.writing.tensors import Changes, TensorKey, check_changed

INDEX_ENDING = ".safetensors.index.json"
COPIED_UP_TO = 64 * 2**20
"""Bytes of a JSON file that is copied: tokenizers reach 35 MB."""


def rewrite_folder(source: Path, changes: Changes, out: Path, limits: ReadLimits) -> tuple[str, ...]:
    """Write the shards of a folder, with some tensors changed, into the folder `out`, which is there and empty.

    Shards keep their names, and each tensor its shard. The index says where each lies; JSON files of up to 64 MiB, such as
    config.json and those of a tokenizer, are copied.
    Returns: which other files were left behind.
    """
    folder = source if source.is_dir() else source.parent
    index = source if source.is_file() else next(iter(sorted(folder.glob(f"*{INDEX_ENDING}"))), None)
    told = None if index is None else _read_index(index, limits)
    files = sorted(folder.glob("*.safetensors")) if told is None else [folder / name for name in _shards(told)]
    shards = [path for path in files if path.is_file()]
    names = {shard.name: [item.name for item in read_header(shard, limits)[0]] for shard in shards}
    check_changed(changes, ((name, "unknown") for each in names.values() for name in each))
    place: dict[str, str] = {}
    size, left = 0, []
    for shard in shards:
        held: set[TensorKey] = {(name, "unknown") for name in names[shard.name]}
        target = out / shard.name
        rewrite_safetensors(shard, {key: news for key, news in changes.items() if key in held}, target, limits)
        written, _ = read_header(target, limits)
        place |= {item.name: shard.name for item in written}
        size += target.stat().st_size - min((item.offset for item in written), default=target.stat().st_size)
    if told is not None and index is not None:
        _write_index(told, place, size, out / index.name)
    for path in sorted(folder.iterdir()):
        if path == index or path in shards:
            continue
        if path.suffix == ".json" and path.is_file() and path.stat().st_size <= COPIED_UP_TO:
            shutil.copyfile(path, out / path.name)
        else:
            left.append(clean_name(path.name))
    return (f"left behind, because only tensors and JSON are copied: {', '.join(left)}",) if left else ()


def _read_index(path: Path, limits: ReadLimits) -> dict[str, Any]:
    if path.stat().st_size > limits.max_header_bytes:
        raise FileError(f"{clean_name(path.name)}: expected at most {limits.max_header_bytes} bytes; got more")
    try:
        index: Any = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        raise FileError(f"{clean_name(path.name)}: expected JSON; got something else") from None
    if not isinstance(index, dict) or not isinstance(index.get("weight_map"), dict):
        raise FileError(f"{clean_name(path.name)}: expected a weight_map that names each tensor's shard; got none")
    return index


def _shards(index: dict[str, Any]) -> list[str]:
    names = sorted(set(map(str, index["weight_map"].values())))
    for name in names:
        if Path(name).name != name or name.startswith("."):
            raise FileError(f"expected shards beside their index; got {clean_name(name)}, which lies elsewhere")
    return names


def _write_index(index: dict[str, Any], place: dict[str, str], size: int, out: Path) -> None:
    metadata = index.get("metadata")
    if isinstance(metadata, dict) and "total_size" in metadata:
        metadata["total_size"] = size
    index["weight_map"] = {name: place[name] for name in index["weight_map"] if name in place} | place
    out.write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")
