"""Is a file of rules of the form that schemas/meshlint/declared-rule.v1.json publishes? Said in words, with the line.

The schema is judged by the same walk that judges objects.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from meshlint.bundled import folder
from meshlint.check.declared_judge import placeholders
from meshlint.check.declared_kind import said_at, selected_by
from meshlint.model.kind import Kind
from meshlint.model.names import close_name
from meshlint.model.node import Node, dotted
from meshlint.model.rule import FOREIGN
from meshlint.read.file import read_file
from meshlint.semantics.json_compile import compiled
from meshlint.semantics.json_keywords import KEYWORDS
from meshlint.semantics.json_schema import Breach, Schema, View
from meshlint.semantics.patterns import Budget

_SPECIAL = ("value", "path", "wants", "title")
_TOP = ("apiVersion", "kind", "metadata", "spec", "data", "status", "rules", "subsets", "webhooks")
_FORM: list[Schema] = []


def form() -> Schema:
    """The published schema, compiled."""
    if not _FORM:
        path = os.path.join(folder("schemas"), "meshlint", "declared-rule.v1.json")
        (document,) = read_file(path, path, parse_all=True).documents
        _FORM.append(compiled(document.root, Budget()))
    return _FORM[0]


def flaws(root: Node) -> Iterator[str]:
    """Everything wrong with a rule, a line each."""
    verdict = form().judge(root, View(Budget()))
    for breach in verdict.breaches:
        yield said_at(breach.at, _said(breach))
    if verdict.breaches:
        return
    if _is_template(root):
        yield said_at(root, "a rule must not hold template expressions: nothing fills them in")
        return
    number = root.get("id").text or ""
    if not re.fullmatch(FOREIGN, number):
        yield said_at(root.get("id"), f"id {number}: numbers of meshlint's own rules begin with ML; choose other letters")
    for one in root.each("kind"):
        if selected_by(one.text or "") is None:
            yield said_at(one, f"kind: {_unknown_kind(one.text or '')}")
    message = root.get("message")
    for name in placeholders(message.text or ""):
        if name not in _SPECIAL and name.split(".")[0].split("[")[0] not in _TOP:
            yield said_at(message, f"message: {{{name}}} is neither a path such as {{spec.hosts}} nor one of {', '.join(_SPECIAL)}")


def _said(breach: Breach) -> str:
    where = dotted(breach.at.path)
    if breach.keyword == "additionalProperties":
        known = KEYWORDS if len(breach.at.path) > 1 else [key for key, _ in form().at.get("properties").items()]
        near = close_name(breach.key, known)
        return f"{where}: unknown key{f'; did you mean {near}?' if near else ''}"
    if breach.keyword == "required":
        return f"{where + ': ' if where else ''}{breach.key} is missing"
    return f"{where}: {breach.wants}"


def _is_template(root: Node) -> bool:
    return root.unknown or any(map(_is_template, root.each() if root.is_list else (below for _, below in root.items())))


def _unknown_kind(written: str) -> str:
    known = {f"{kind.group}/{kind.kind}" if kind.group else kind.kind for kind in Kind}
    near = close_name(written, known) or next((name for name in sorted(known) if name.endswith("/" + written.rpartition("/")[2])), None)
    return f"{written!r} is no kind that meshlint reads" + (f"; did you mean {near}?" if near else "; write it as GROUP/KIND")
