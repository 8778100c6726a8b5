"""Files in and out: tickets from every format that is read, pruned layers to those that are written."""

from sparselab.formats.base import Format
from sparselab.formats.block_file import read_blocks
from sparselab.formats.describe import Card, card_of_layer, card_of_path, describe
from sparselab.formats.layer_cache import load_layer
from sparselab.formats.layout_csv import blocks_csv, permutation_csv
from sparselab.formats.opening import Source, open_ticket
from sparselab.formats.options import ReadLimits, ReadOptions
from sparselab.formats.reading import read_ticket
from sparselab.formats.registry import FORMATS
from sparselab.formats.stamp import file_stamp
from sparselab.formats.ticket_file import write_own
from sparselab.formats.untrusted import UNTRUSTED_LIMITS, read_untrusted
from sparselab.formats.writing import (
    FORMS,
    REWRITERS,
    WRITERS,
    Form,
    WrittenFile,
    check_target,
    write_back,
    write_onnx,
    write_ticket,
)

__all__ = [
    "FORMATS",
    "FORMS",
    "REWRITERS",
    "UNTRUSTED_LIMITS",
    "WRITERS",
    "Card",
    "Form",
    "Format",
    "ReadLimits",
    "ReadOptions",
    "Source",
    "WrittenFile",
    "blocks_csv",
    "card_of_layer",
    "card_of_path",
    "check_target",
    "describe",
    "file_stamp",
    "load_layer",
    "open_ticket",
    "permutation_csv",
    "read_blocks",
    "read_ticket",
    "read_untrusted",
    "write_back",
    "write_onnx",
    "write_own",
    "write_ticket",
]
