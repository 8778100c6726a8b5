"""A live torch module as a ticket: no file, and nothing guessed that the module's class says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from sparselab.core.errors import FileError, SparselabError
from sparselab.core.inputs.layers import layer_of_matrices
from sparselab.core.layer import Layer
from sparselab.core.modules.values import values_of
from sparselab.core.modules.weights import ModuleWeight, weights_of
from sparselab.core.names import clean_name, unique_names
from sparselab.core.ticket import FoundLayer, Skipped, Ticket
from sparselab.formats.base import check_count, check_shape
from sparselab.formats.kinds.loading import check_finite
from sparselab.formats.options import ReadLimits

if TYPE_CHECKING:
    from torch import nn


def ticket_of_module(model: nn.Module, limits: ReadLimits) -> Ticket:
    """Return the layers of a model; a layer's values are those it has when the layer is asked for.

    Raises: SparselabError for a model without a weight that can be read, or with more layers than a file may have.
    """
    weights, skipped = weights_of(model)
    refused = {id(weight): why for weight in weights if (why := _too_large(weight, limits))}
    left = [weight for weight in weights if id(weight) not in refused]
    skipped = (*skipped, *(Skipped(weight.name, refused[id(weight)]) for weight in weights if id(weight) in refused))
    check_count("layers", len(left), limits.max_layers)
    if not left:
        some = "; ".join(f"{clean_name(item.name)} ({item.reason})" for item in skipped[:3]) or "no parameters"
        raise SparselabError(f"expected a module with at least one weight of two or more dimensions; got {some}")
    names = unique_names(weight.name for weight in left)
    found = tuple(_found(weight, name) for weight, name in zip(left, names, strict=True))
    return Ticket(found, tuple(Skipped(clean_name(item.name), item.reason) for item in skipped), {"notes": []})


def _too_large(weight: ModuleWeight, limits: ReadLimits) -> str:
    try:
        check_shape(weight.name, weight.shape, limits)
    except FileError as error:
        return str(error)
    return ""


def _found(weight: ModuleWeight, name: str) -> FoundLayer:
    rows, cols = weight.matrix_shape
    text = f"{clean_name(weight.raw_name)}, {'x'.join(map(str, weight.shape))}"
    return FoundLayer(
        name=name,
        tensor_shape=weight.shape_out_first,
        conversion=text if weight.shape == (rows, cols) else f"{text} -> {rows}x{cols}",
        load=lambda: _load(weight, name),
        notes=(*([weight.how] if weight.how else ()), *weight.kind.notes),
        has_weight=True,
    )


def _load(weight: ModuleWeight, name: str) -> Layer:
    values = values_of(weight.module, weight.attribute)
    matrix = weight.as_matrix(values.weight)
    mask = None if values.mask is None else weight.as_matrix(values.mask)
    if mask is not None:  # what is dropped may be anything
        matrix = np.where(mask != 0, matrix, matrix.dtype.type(0))
    check_finite(name, matrix)
    matrix, kind = np.array(matrix, order="C"), weight.kind
    layer = layer_of_matrices(name, matrix, mask, weight.shape_out_first[2:] or None)
    # In a file, nothing but 0 and 1 is a mask; in a module it is a weight all the same.
    return replace(layer, weight=matrix, stride=kind.stride, padding=kind.padding, groups=kind.groups)
