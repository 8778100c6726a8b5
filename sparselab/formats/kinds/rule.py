"""A rule: one sentence of what is done with tensors of one kind, and how they are known."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

Outcome: TypeAlias = Literal["read", "left alone", "refused"]


@dataclass(frozen=True, kw_only=True)
class KindRule:
    """What happens to the tensors that `catches` knows.

    `says` is the reason or the note that a file gets, with "{}" where what was seen in it stands; `line` explains the rule in
    the documents. `catches` takes what rules of its registry take, and returns what fills "{}", or None where the rule does not
    hold; it reads names and shapes, and values of those tensors alone that `Surroundings.look` allows. None as `catches`: the
    step that pairs or loads decides, because it sees more than one tensor.
    """

    name: str
    title: str
    outcome: Outcome
    says: str
    line: str
    catches: Callable[..., str | None] | None = None

    def text(self, seen: str = "") -> str:
        """Return the sentence about one tensor."""
        return self.says.replace("{}", seen)

    def said(self, text: str) -> bool:
        """Whether a reason or note is one of this rule."""
        pattern = ".*".join(re.escape(part) for part in self.says.split("{}"))
        return re.fullmatch(pattern, text, re.DOTALL) is not None

    def __call__(self, *what: Any) -> str | None:
        """Return the sentence where the rule holds, or None."""
        seen = None if self.catches is None else self.catches(*what)
        return None if seen is None else self.text(seen)


def registry(rules: Iterable[KindRule]) -> Mapping[str, KindRule]:
    """Return rules by their names, in the order in which they are tried."""
    return MappingProxyType({rule.name: rule for rule in rules})


def first_said(rules: Mapping[str, KindRule], *what: Any) -> str | None:
    """Return what the first rule that holds says, or None."""
    for rule in rules.values():
        if (text := rule(*what)) is not None:
            return text
    return None
