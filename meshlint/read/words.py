"""What a scalar of one line says, plain or in quotes."""

from __future__ import annotations

import re
from typing import Final

from meshlint.model.node import UNKNOWN, Value
from meshlint.read import scalars
from meshlint.read.placeholders import find_expression

_ESCAPES: Final = {'\\"': '"', "\\\\": "\\", "\\n": "\n", "\\t": "\t"}


def said_by(word: str) -> Value:
    """The value of a scalar; of escapes it knows those that people write."""
    if word[0] not in "\"'":
        return known(scalars.resolve(word))
    if word[0] == "'":
        return known(word[1:-1].replace("''", "'"))
    if "\\" not in word:
        return known(word[1:-1])
    return known(re.sub(r"\\.", lambda escape: _ESCAPES[escape.group()], word[1:-1]))


def known(value: Value) -> Value:
    """The value, or that a template fills it in."""
    return UNKNOWN if isinstance(value, str) and "\n" not in value and find_expression(value) else value
