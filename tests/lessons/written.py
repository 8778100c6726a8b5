"""A lesson as a test writes one: small, right, and with a part of every kind."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

LESSON = """\
schema = 1
title = "A title"
idea = "One idea"
minutes = 3
simplified = "Much."
sources = ["Somebody (2020), Sec. 3"]

[explore]
transform = "regroup"
settings = {rows_per_group = 16}

[zh]
title = "标题"
"""

CHOICE = """\
+++
title = "Two kernels"
picture = "Two rows, compared."
covered_picture = "Two of {rows} rows."
plain = ["2 x 4"]

[view]
kind = "similarity"
kernels = ["##..", ".##.", "##.."]

[question]
kind = "choice"
ask = "Which pair?"
answer = "most"
[question.options]
similarity_1_2 = "first and second"
similarity_1_3 = "first and third"
+++
A 2 x 4 grid would do; here are {rows} rows.

---reveal---

They share {shared_1_3} of {either_1_3} columns: {similarity_1_3:.0%}.
"""

SLIDER = """\
+++
title = "A toy"
picture = "A grid of {rows} rows."
controls = ["kept"]

[view]
kind = "toy"
mode = "count"
rows = 4
cols = 6
kept = 0.5

[question]
kind = "slider"
ask = "How many steps?"
low = 0
high = 100
step = 1
format = ".0f"
answer = "steps_csr"
+++
Count.

---reveal---

{steps_csr} steps.
"""

WORDS = """\
+++
title = "Words"

[view]
kind = "text"
+++
Only words.
"""

CHINESE = """\
+++
title = "两个核"

[question]
ask = "哪一对？"
[question.options]
similarity_1_2 = "第一和第二"
+++
有 {rows} 行。
"""

FILES: Mapping[str, str] = MappingProxyType(
    {"lesson.toml": LESSON, "1-pair.md": CHOICE, "1-pair.zh.md": CHINESE, "2-toy.md": SLIDER, "3-words.md": WORDS}
)


def write(folder: Path, files: Mapping[str, str | bytes] = FILES) -> Path:
    """Write a lesson into a new folder; return it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder
