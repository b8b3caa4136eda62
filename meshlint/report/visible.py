"""Text that comes from files, made safe for a terminal or a log: no control character gets through."""

from __future__ import annotations

import re

from meshlint.model.lazy_regex import lazy_regex

_HIDDEN = (
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200c\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_BREAK = lazy_regex("[ \t]*[\r\n\x0b\x0c\x85\u2028\u2029]+[ \t]*")


def picture(char: str) -> str:
    """How one control or invisible character is shown: ESC as its symbol, others as <U+202E>."""
    code = ord(char)
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else f"<U+{code:04X}>"


def visible(text: str) -> str:
    """`text` with every control, direction and invisible character (and undecodable byte) shown by its picture."""
    if text.isprintable():  # nothing that is hidden is
        return text
    return re.sub(_HIDDEN, lambda found: picture(found[0]), text)


def one_line(text: str) -> str:
    """`text` on one line: breaks and the blanks around them become one space."""
    return visible(_BREAK.sub(" ", text.strip()).replace("\t", " "))


def lines(text: str) -> list[str]:
    """The lines of `text`, each made visible."""
    if text.isprintable():
        return [text.strip()]
    return [visible(line.rstrip().replace("\t", "    ")) for line in _BREAK.split(text.strip())]


def decodable(text: str) -> str:
    """`text` that every encoding of Unicode can hold: a byte of a file name that is not UTF-8 becomes U+FFFD."""
    return text if text.isascii() else re.sub("[\ud800-\udfff]", "\ufffd", text)
