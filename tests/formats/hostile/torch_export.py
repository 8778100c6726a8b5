"""Exported programs whose JSON says of their tensors what is not so."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.formats.hostile.builders import Case, npz

META = {
    "dtype": 7,
    "sizes": [{"as_int": 2}] * 2,
    "strides": [{"as_int": 2}, {"as_int": 1}],
    "storage_offset": {"as_int": 0},
    "layout": 7,
}
ITEM = {"path_name": "weight_0", "use_pickle": False, "tensor_meta": META}


def export(name: str, config: Any, data: bytes = bytes(16)) -> Callable[[Path], Path]:
    text = config if isinstance(config, bytes) else json.dumps(config).encode()
    members = {"m/data/weights/model_weights_config.json": text, "m/data/weights/weight_0": data}
    return lambda folder: npz(folder / f"{name}.pt2", members)


def one(name: str, data: bytes = bytes(16), **changes: Any) -> Callable[[Path], Path]:
    return export(name, {"config": {"w": ITEM | {"tensor_meta": META | changes}}}, data)


TORCH_EXPORT: dict[str, Case] = {
    "export, no JSON": (export("text", b"{"), "a header of JSON"),
    "export, a list": (export("list", []), "a header that maps"),
    "export, no config": (export("none", {"a": 1}), "the config of its tensors"),
    "export, a name twice": (export("twice", b'{"config":{"w":1,"w":2}}'), "every name once"),
    "export, nested": (export("nested", b'{"config":' + b"[" * 10**5), "a header of JSON"),
    "export, million values": (export("values", b'{"config":[' + b"{}," * 10**6 + b"{}]}"), "at most 1200000 values"),
    "export, no description": (export("number", {"config": {"w": 3}}), "description is damaged"),
    "export, short": (one("short", bytes(15)), "expected 16 bytes in its storage; the file has 15"),
    "export, outside": (one("outside", storage_offset={"as_int": 1}), "expected 20 bytes in its storage"),
    "export, before": (one("before", storage_offset={"as_int": -1}), "description is damaged"),
    "export, expanded": (one("expanded", strides=[{"as_int": 0}] * 2), "expanded: its elements share memory"),
    "export, wide": (one("wide", sizes=[{"as_int": 2**40}] * 2), "dimensions up to"),
    "export, symbols": (one("symbols", sizes=[{"as_expr": "s0"}] * 2), "description is damaged"),
    "export, strides": (one("strides", strides=[{"as_int": 1}]), "description is damaged"),
    "export, type": (one("type", dtype=99), "type 99 values are never read"),
    "export, sparse": (one("sparse", layout=2), "a special tensor"),
    "export, elsewhere": (
        export("path", {"config": {"w": ITEM | {"path_name": "../../etc/passwd"}}}),
        "its storage is not in the file",
    ),
}
