"""Files out: layers into files of their own, and new masks back into the file that they came from."""

from sparselab.formats.writing.back import WrittenFile, write_back
from sparselab.formats.writing.forms import FORMS, Form
from sparselab.formats.writing.onnx import write_onnx
from sparselab.formats.writing.registry import REWRITERS, WRITERS
from sparselab.formats.writing.target import check_target
from sparselab.formats.writing.ticket import write_ticket

__all__ = [
    "FORMS",
    "REWRITERS",
    "WRITERS",
    "Form",
    "WrittenFile",
    "check_target",
    "write_back",
    "write_onnx",
    "write_ticket",
]
