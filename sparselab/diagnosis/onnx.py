"""An .onnx file run by onnxruntime with its own profile: which kernels ran, how long, and on which weights."""

from __future__ import annotations

import json
import os
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from sparselab.benchmarking.host import device_card, versions
from sparselab.core.errors import FileError, UnavailableError
from sparselab.core.layer import Layer
from sparselab.diagnosis.causes import diagnose
from sparselab.diagnosis.evidence import ONNXRUNTIME, Evidence, LayerEvidence, OpTime, Threads
from sparselab.diagnosis.gathering.threading import usable_cores
from sparselab.diagnosis.gathering.windows import windows_of
from sparselab.diagnosis.inputs import InputSpec
from sparselab.diagnosis.report import Diagnosis
from sparselab.formats import read_ticket
from sparselab.runtime.progress import SILENT, Monitor

_RUNS = 10
_MOST_PROFILE_BYTES = 2**28


@dataclass(frozen=True)
class _Node:
    kind: str
    ms: float
    output: tuple[int, ...]
    inputs: tuple[tuple[int, ...], ...]


def doctor_onnx(path: Path, specs: Sequence[InputSpec], *, monitor: Monitor = SILENT) -> Diagnosis:
    """Say why a pruned .onnx file is not faster in onnxruntime on this machine's processor.

    specs: its inputs; those that are not named come in the file's order. Nodes are timed by onnxruntime's own profile, after one
    run that is not counted, and find their weight by its shape, in the order of running.
    Raises: UnavailableError without onnxruntime; FileError for a file that it, or we, cannot read.
    """
    try:
        import onnxruntime
    except ImportError:
        raise UnavailableError(
            "expected onnxruntime, which is not installed: pip install onnxruntime, or the extra sparselab[onnxruntime]"
        ) from None
    monitor.progress("reading the weights")
    ticket = read_ticket(path)
    monitor.progress("running it in onnxruntime")
    nodes = _profile(onnxruntime, path, specs)
    layers = _layers(
        list(ticket), [node for node in nodes.values() if "MatMul" in node.kind or node.kind.endswith(("Gemm", "Conv"))]
    )
    ops: dict[str, list[float]] = defaultdict(list)
    for node in nodes.values():
        ops[node.kind].append(node.ms)
    kernels = [OpTime(name=name, ms=sum(times), calls=len(times)) for name, times in ops.items()]
    total = sum(node.ms for node in nodes.values())
    cores = usable_cores()
    evidence = Evidence(
        target=ONNXRUNTIME,
        layers=tuple(layers),
        total_ms=total,
        ops_ms=total,
        ops=len(nodes),
        kernels=tuple(sorted(kernels, key=lambda each: -each.ms)),
        threads=Threads(used=cores, cores=cores, ms={cores: total}),
        device=str(device_card("cpu")["name"]),
        versions={**versions(), "onnxruntime": onnxruntime.__version__},
        notes=("nodes are timed by onnxruntime's own profile",),
    )
    return Diagnosis(evidence=evidence, findings=diagnose(evidence))


def _layers(layers: list[Layer], nodes: list[_Node]) -> list[LayerEvidence]:
    """Return the layers, each with the first product in the order of running that fits its shape: names of nodes change when
    onnxruntime puts two into one, and weights that it packed no longer stand among their inputs."""
    found = []
    for layer in layers:
        node = next((node for node in nodes if _fits(layer, node)), None)
        if node is not None:
            nodes.remove(node)
        found.append(_layer(layer, node))
    return found


def _fits(layer: Layer, node: _Node) -> bool:
    rows, cols = layer.mask.shape
    if not node.inputs or len(node.output) < 2:
        return False
    if "Conv" in node.kind:
        return layer.kernel_shape is not None and node.output[1] == rows
    return layer.kernel_shape is None and node.output[-1] == rows and cols in node.inputs[0][-2:]


def _layer(layer: Layer, node: _Node | None) -> LayerEvidence:
    kept = layer.mask.kept
    shape = kept.reshape(layer.tensor_shape) if layer.tensor_shape is not None else kept
    rows = layer.mask.rows
    return LayerEvidence(
        name=layer.name,
        shape=layer.mask.shape,
        density=layer.mask.density,
        positions=0 if node is None or rows == 0 else prod(node.output) // rows,
        op="" if node is None else node.kind,
        ms=0.0 if node is None else node.ms,
        is_called=node is not None,
        is_convolution=layer.kernel_shape is not None,
        zero_rows=int((~kept.any(axis=1)).sum()),
        zero_cols=int((~kept.any(axis=0)).sum()),
        along_in=windows_of(shape, 1) if shape.ndim > 1 else None,
        along_out=windows_of(shape, 0) if shape.ndim > 1 else None,
    )


def _profile(onnxruntime: Any, path: Path, specs: Sequence[InputSpec]) -> dict[str, _Node]:
    with tempfile.TemporaryDirectory(prefix="sparselab-") as folder:
        options = onnxruntime.SessionOptions()
        options.enable_profiling = True
        options.profile_file_prefix = os.path.join(folder, "profile")
        options.log_severity_level = 3
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        try:
            session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
            feed = _feed(session, specs)
            for _ in range(_RUNS + 1):
                session.run(None, feed)
        except (FileError, UnavailableError):
            raise
        except Exception as error:  # onnxruntime's own errors, one class each
            said = " ".join(str(error).split())[:300]
            raise FileError(
                f"{path.name}: expected a file that onnxruntime runs on these inputs; it said {said}"
            ) from None
        written = Path(session.end_profiling())
        if written.stat().st_size > _MOST_PROFILE_BYTES:
            raise FileError(f"{path.name}: expected a profile of at most 256 MiB; got a larger one")
        return _nodes(json.loads(written.read_bytes()))


def _feed(session: Any, specs: Sequence[InputSpec]) -> dict[str, Any]:
    names = [each.name for each in session.get_inputs()]
    by_name = {spec.name: spec for spec in specs if spec.name}
    free = [name for name in names if name not in by_name]
    unnamed = [spec for spec in specs if not spec.name]
    if unknown := sorted(by_name.keys() - set(names)):
        raise FileError(f"expected inputs among {', '.join(names)}; got {unknown[0]}")
    if len(free) != len(unnamed):
        raise FileError(f"expected an --input for each of {', '.join(names)}; {len(specs)} were given")
    return {name: spec.tensor().numpy() for name, spec in {**by_name, **dict(zip(free, unnamed, strict=True))}.items()}


def _nodes(events: Any) -> dict[str, _Node]:
    """Return the nodes of a profile by name, each with the quickest of its runs; the first is left out."""
    times: dict[str, list[float]] = defaultdict(list)
    told: dict[str, tuple[str, list[tuple[int, ...]], list[tuple[int, ...]]]] = {}
    for event in events:
        name = str(event.get("name", ""))
        if event.get("cat") != "Node" or not name.endswith("_kernel_time"):
            continue
        name = name.removesuffix("_kernel_time")
        args = event.get("args", {})
        times[name].append(float(event.get("dur", 0.0)) / 1e3)
        told[name] = (
            str(args.get("op_name", "")),
            _shapes(args.get("output_type_shape")),
            _shapes(args.get("input_type_shape")),
        )
    return {
        name: _Node(told[name][0], min(each[1:] or each), (told[name][1] or [()])[0], tuple(told[name][2]))
        for name, each in times.items()
    }


def _shapes(told: Any) -> list[tuple[int, ...]]:
    """Return shapes as a profile has them: [{"float": [8, 64]}, ...]."""
    return [tuple(map(int, shape)) for each in told or () for shape in each.values()]
