"""One seed a purpose, drawn from the run's."""

from __future__ import annotations

import hashlib


def derive(seed: int, *purpose: str | int) -> int:
    """Return a seed below 2^63 that belongs to `seed` and a purpose, and to nothing else.

    Example: >>> derive(0, "order", 3) != derive(0, "order", 4)
             True
    """
    text = "/".join(map(str, (seed, *purpose)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
