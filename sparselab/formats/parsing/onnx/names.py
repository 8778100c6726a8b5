"""Names of weights whose own name is a number that an exporter drew: those of the modules that use them."""

from __future__ import annotations

import re

from sparselab.formats.parsing.onnx.graph import Node

_DRAWN = re.compile(
    r"(onnx::\w+?_?\d+|_?val_?\d+|\d+|(const(ant)?|initializer|weight)s?(_\d+)+|const(ant)?)(_quantized)?(:\d+)?", re.I
)
_SCOPE = re.compile(r"'([^']*)'")


def shown_name(name: str, node: Node) -> str:
    """Return what people know a tensor by when its own name says nothing, "" when its own says something or no other is known.

    PyTorch's exporter names the weights that it folds by number, and their nodes by the path of modules, each segment a
    module's name or its full one; the newer one writes the modules into the node. A bare `Const` is taken for a number.

    Example: >>> node = Node(op="MatMul", name="/layers/layers.0/fc/MatMul", inputs=(), outputs=(), attributes={})
             >>> shown_name("onnx::MatMul_12", node), shown_name("fc.weight", node)
             ('layers.0.fc.weight', '')
    """
    if not _DRAWN.fullmatch(name.rsplit("/", 1)[-1]):
        return ""
    modules = _SCOPE.findall(node.scopes)[:-1]
    if modules:
        return f"{modules[-1]}.weight" if modules[-1] else ""
    *segments, last = [segment for segment in node.name.split("/") if segment] or [""]
    path: list[str] = []
    for segment in segments:
        if path and segment.startswith(f"{path[-1]}."):
            path.pop()
        path.append(segment)
    if last != node.op.rsplit("/", 1)[-1] and last:
        path.append(last)
    return ".".join([*path, "weight"]) if path else ""
