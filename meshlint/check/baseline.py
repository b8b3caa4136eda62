"""The findings that a project knew of when it wrote its baseline, counted by fingerprint.

A fingerprint holds no line numbers: what moves stays known. It is counted: a second copy of a known mistake is new.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from meshlint.check.findings import without_indices
from meshlint.check.runner import RULE_FAILED
from meshlint.model.problem import Finding
from meshlint.model.tuples import NamedTuple

VERSION: Final = 1
_LIMIT: Final = 64 * 1024 * 1024
_ORDER: Final = ("file", "rule", "resource", "path", "fingerprint")
_TEXTS: Final = ("rule", "file", "fingerprint")

Key = tuple[str, str, str]  # rule, fingerprint without its count, file
Counts = dict[Key, int]


class BaselineError(ValueError):
    """A baseline that cannot be used, and why."""


class Known(NamedTuple):
    """Fingerprints of the findings that were known before, and what of the counts is left over, by rule."""

    fingerprints: frozenset[str]
    stale: dict[str, int]


def counted(findings: Iterable[Finding]) -> Counts:
    """How often each finding is there; a rule that failed is none."""
    out: Counts = {}
    for finding in findings:
        if finding.name != RULE_FAILED:
            key = (finding.rule, finding.alike, finding.location.file)
            out[key] = out.get(key, 0) + 1
    return out


def known(findings: Sequence[Finding], counts: Counts) -> Known:
    """Which of the findings were counted before. Those of a file come first, in their order, then those that may have come
    from another file: of too many alike ones the last are new."""
    left = dict(counts)
    taken: set[str] = set()
    others: list[Finding] = []
    for finding in sorted(findings, key=lambda finding: finding.order):
        key = (finding.rule, finding.alike, finding.location.file)
        if left.get(key, 0) > 0:
            left[key] -= 1
            taken.add(finding.fingerprint)
        else:
            others.append(finding)
    rest: dict[tuple[str, str], int] = {}
    for (rule, alike, _), number in left.items():
        rest[rule, alike] = rest.get((rule, alike), 0) + number
    for finding in others:
        if rest.get((finding.rule, finding.alike), 0) > 0:
            rest[finding.rule, finding.alike] -= 1
            taken.add(finding.fingerprint)
    stale: dict[str, int] = {}
    for (rule, _), number in rest.items():
        if number:
            stale[rule] = stale.get(rule, 0) + number
    return Known(frozenset(taken), stale)


def written(findings: Iterable[Finding]) -> str:
    """The text of a baseline: one line an entry, sorted, without anything that changes when lines move."""
    import json

    by_key: dict[Key, list[Finding]] = {}
    for finding in findings:
        if finding.name != RULE_FAILED:
            by_key.setdefault((finding.rule, finding.alike, finding.location.file), []).append(finding)
    entries = sorted((_entry(alike) for alike in by_key.values()), key=lambda entry: [entry[name] or "" for name in _ORDER])
    lines = ",\n".join(f"    {json.dumps(entry)}" for entry in entries)
    body = f"\n{lines}\n  " if lines else ""
    return f'{{\n  "version": {VERSION},\n  "tool": "meshlint",\n  "findings": [{body}]\n}}\n'


def _entry(alike: Sequence[Finding]) -> dict[str, Any]:
    one = alike[0]
    resource = one.resource
    title = f"{resource.kind} {resource.namespace + '/' if resource.namespace else ''}{resource.name}" if resource else None
    return {
        "rule": one.rule,
        "name": one.name,
        "file": one.location.file,
        "resource": title,
        "path": without_indices(one.path) if one.path else None,
        "count": len(alike),
        "fingerprint": one.alike,
    }


def read(path: str) -> Counts:
    """The counts of a baseline. Raises BaselineError."""
    import json

    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(_LIMIT + 1)
        if len(text) > _LIMIT:
            raise BaselineError(f"longer than {_LIMIT:,} characters")
        return _counts(json.loads(text.removeprefix("\ufeff")))
    except OSError as error:
        raise BaselineError((error.strerror or "cannot be opened").lower()) from error
    except UnicodeDecodeError as error:
        raise BaselineError("not UTF-8") from error
    except RecursionError as error:
        raise BaselineError("nested too deeply") from error
    except json.JSONDecodeError as error:
        raise BaselineError(f"not JSON: {error.msg} at line {error.lineno}") from error


def _counts(data: object) -> Counts:
    if not isinstance(data, dict) or data.get("tool") != "meshlint" or not isinstance(data.get("findings"), list):
        raise BaselineError("not a baseline of meshlint")
    if data.get("version") != VERSION:
        raise BaselineError(f"of version {data.get('version')}, this meshlint reads version {VERSION}")
    out: Counts = {}
    for number, entry in enumerate(data["findings"]):
        if not isinstance(entry, dict) or not all(isinstance(entry.get(name), str) for name in _TEXTS):
            raise BaselineError(f"entry {number + 1} needs {', '.join(_TEXTS)} and count")
        count = entry.get("count")
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            raise BaselineError(f"the count of entry {number + 1} is not a number from 1 on")
        key = (entry["rule"], entry["fingerprint"], entry["file"])
        out[key] = out.get(key, 0) + count
    return out
