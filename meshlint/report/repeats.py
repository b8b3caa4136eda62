"""Findings of one rule in one file that say the same thing: shown a few times, then counted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from meshlint.model.lazy_regex import lazy_regex
from meshlint.model.problem import Finding, ResourceName, Severity
from meshlint.model.tuples import NamedTuple

_QUOTED = r"[`'\"\u201c][^`'\"\u201d]*[`'\"\u201d]"
_ODD = r"(?<![^\s`'\"\u201c\u201d])[^\s\d./_*-]*[\d./_*-]\S*"  # looked for where a word begins, and behind a quote
_VARYING = lazy_regex(f"{_QUOTED}|{_ODD}")
_SHOWN = 3

Key = tuple[str, Severity, str]


class Block(NamedTuple):
    """A finding that is shown, and the alike ones after it that are only counted."""

    finding: Finding
    more: tuple[Finding, ...] = ()


def blocks(findings: Iterable[Finding], limit: int) -> list[Block]:
    """The findings of one file; of more than `limit` alike ones the first three, the last of them with the rest."""
    every = list(findings)
    if len(every) <= limit:
        return [Block(finding) for finding in every]
    alike: dict[Key, list[Finding]] = {}
    counts = Counter((finding.rule, finding.severity) for finding in every)
    few = {rule for rule, count in counts.items() if count <= limit}  # whatever these say, they are shown
    listed = [((*rule, "") if (rule := (f.rule, f.severity)) in few else shape(f), f) for f in every]
    for key, finding in listed:
        alike.setdefault(key, []).append(finding)
    shown: list[Block] = []
    seen: dict[Key, int] = {}
    for key, finding in listed:
        number = seen[key] = seen.get(key, 0) + 1
        folded = len(alike[key]) > limit
        if not folded or number < _SHOWN:
            shown.append(Block(finding))
        elif number == _SHOWN:
            shown.append(Block(finding, tuple(alike[key][_SHOWN:])))
    return shown


def shape(finding: Finding) -> Key:
    """What alike findings share: rule, severity and the message without names, numbers and quoted values."""
    message = _VARYING.sub("_", finding.message)
    for name in _names(finding.resource):
        if name in message:
            message = re.sub(rf"\b{re.escape(name)}\b", "_", message)
    return finding.rule, finding.severity, message


def _names(resource: ResourceName | None) -> list[str]:
    return [name for name in (resource.namespace, resource.name) if name] if resource else []
