"""Text that comes from files, inside of Markdown as GitHub and GitLab show it: words and nothing else."""

from __future__ import annotations

import re

from meshlint.report.visible import one_line, visible

_MARKUP = re.compile(r"[\\`*_\[\]|~]")
_LIVE = re.compile(r"[@#$]|!(?=\d)|%(?=[\w\"])|:(?=[\w+-]+:)|:(?=//)|(?<=www)\.|(?<=GH)-(?=\d)", re.IGNORECASE)
_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def inline(text: str) -> str:
    """On one line. Markup is escaped; what would become a mention, reference, link, formula or emoji stands apart in a span
    (these are looked for in the text of the rendered page, where an escape has no effect)."""
    escaped = _MARKUP.sub(r"\\\g<0>", one_line(text).translate(_HTML))
    return _LIVE.sub(lambda found: f"<span>{found[0]}</span>", escaped)


def code(text: str) -> str:
    """A name as an HTML code element, for places where Markdown is not read; nothing in it comes alive."""
    return f"<code>{visible(text).translate(_HTML)}</code>"
