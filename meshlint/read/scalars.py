"""Plain YAML scalars as Kubernetes takes them: YAML 1.1 as go-yaml reads it, then JSON."""

from __future__ import annotations

import re
from typing import Final, Union

Scalar = Union[None, bool, int, float, str]

_WORDS: Final[dict[Scalar, str]] = {
    None: "~ null Null NULL",
    True: "y Y yes Yes YES true True TRUE on On ON",
    False: "n N no No NO false False FALSE off Off OFF",
    float("nan"): ".nan .NaN .NAN",
    float("inf"): ".inf .Inf .INF +.inf +.Inf +.INF",
    float("-inf"): "-.inf -.Inf -.INF",
}
CONSTANTS: Final[dict[str, Scalar]] = {"": None, **{word: value for value, words in _WORDS.items() for word in words.split()}}
NUMBER_STARTS: Final = frozenset("+-.0123456789")

_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z").match
_INT = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))\Z").match
_DATE = re.compile(r"[0-9]{4}-").match
_MEMO_SIZE: Final = 50_000
_plain_values: dict[str, Scalar] = {}
_plain_keys: dict[str, str] = {}


def resolve(text: str) -> Scalar:
    """The value of a plain scalar: `0644` is 420, `on` is True, `1:30` and dates stay text."""
    if text in CONSTANTS:
        return CONSTANTS[text]
    if text[0] not in NUMBER_STARTS or _DATE(text):
        return text
    if text[0] == ".":
        return float(text) if _FLOAT(text) else text
    digits = text.replace("_", "")
    number = _integer(digits)
    if number is not None:
        return number
    return float(digits) if _FLOAT(digits) else text


def _integer(digits: str) -> int | None:
    """An integer that 64 bits can hold."""
    match = _INT(digits)
    if match is None:
        return None
    sign, base16, base2, base8, base10 = match.groups()
    if len(digits) > 70:
        return None
    size = int(base16, 16) if base16 else int(base2, 2) if base2 else int(base8, 8) if base8 else int(base10)
    number = -size if sign == "-" else size
    fits = -(2**63) <= number < 2**63 or (not sign and number < 2**64)
    return number if fits else None


def key_text(text: str) -> str:
    """A plain mapping key as the string kubectl makes of it: `y` is "true", `1e3` is "1000"."""
    value = resolve(text)
    if isinstance(value, str):
        return value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return _float_text(value) if isinstance(value, float) else str(value)


def _float_text(value: float) -> str:
    """A number in the shortest form, without an exponent where it is short enough."""
    if value != value:
        return ".nan"
    if value in (float("inf"), float("-inf")):
        return ".inf" if value > 0 else "-.inf"
    return str(int(value)) if value.is_integer() and abs(value) < 1e21 else repr(value)


def memos() -> tuple[dict[str, Scalar], dict[str, str]]:
    """What plain scalars and keys resolved to before: most texts of a repository come again and again."""
    for memo in (_plain_values, _plain_keys):
        if len(memo) > _MEMO_SIZE:
            memo.clear()
    return _plain_values, _plain_keys


def forget() -> None:
    """Let go of what they resolved to."""
    _plain_values.clear()
    _plain_keys.clear()
