"""The index of a model in several files (model.safetensors.index.json): which file holds which tensor.

{"metadata": {...}, "weight_map": {"layers.0.weight": "model-00001-of-00008.safetensors", ...}}
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sparselab.core.errors import FileError
from sparselab.formats.names import clean_name
from sparselab.formats.options import ReadLimits
from sparselab.formats.parsing.bounded_json import parse_json

_MOST_CONFIG_BYTES = 2**20
_MOST_VALUES = 400_000
CONFIG_COUNTS = ("num_attention_heads", "num_key_value_heads", "head_dim", "hidden_size", "num_hidden_layers")
"""The whole numbers of config.json that are read."""

_LARGEST_COUNT = 2**31


def read_index(path: Path, limits: ReadLimits) -> dict[str, str]:
    """Return the name of the file of every tensor, as the index spells both.

    Raises: FileError for what is no index, or names more tensors than may be read.
    """
    label = clean_name(path.name)
    content = _bounded(path, limits.max_header_bytes, label)
    places = parse_json(content, label, _MOST_VALUES, "an index").get("weight_map")
    if not isinstance(places, Mapping) or not all(isinstance(file, str) for file in places.values()):
        raise FileError(f"{label}: expected a weight_map from names of tensors to names of files; got something else")
    if not places:
        raise FileError(f"{label}: expected a weight_map that names tensors; it is empty")
    if len(places) > limits.max_tensors:
        raise FileError(f"{label}: expected at most {limits.max_tensors} tensors in one model; got {len(places)}")
    return dict(places)


def read_config(path: Path) -> dict[str, str]:
    """Return what config.json says that helps to read the layers, as texts; {} where it is absent or says nothing.

    It is data of a stranger: a name in it is shown and compared, and never one of a class.

    Raises: FileError for what is no JSON object.
    """
    if not path.is_file():
        return {}
    label = clean_name(path.name)
    config = parse_json(_bounded(path, _MOST_CONFIG_BYTES, label), label, _MOST_VALUES, "settings of a model")
    found: dict[str, str] = {}
    kind = config.get("model_type")
    if isinstance(kind, str):
        found["model_type"] = clean_name(kind)
    # Models of text and pictures keep what concerns the language model one level down.
    inner = config.get("text_config")
    source: Mapping[str, Any] = inner if isinstance(inner, dict) and "num_attention_heads" not in config else config
    for name in CONFIG_COUNTS:
        value = source.get(name)
        if type(value) is int and 0 < value < _LARGEST_COUNT:
            found[name] = str(value)
    tied = config.get("tie_word_embeddings")
    if isinstance(tied, bool):
        found["tie_word_embeddings"] = str(tied).lower()
    return found


def _bounded(path: Path, most: int, label: str) -> bytes:
    with path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise FileError(f"{label}: expected at most {most} bytes; got more")
    return content
