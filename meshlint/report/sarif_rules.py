"""Rules as SARIF reporting descriptors, with what GitHub's code scanning reads of them."""

from __future__ import annotations

import re
from typing import Any

import sarif_om

from meshlint.model.problem import Confidence, Finding, Impact, Severity
from meshlint.model.rule import Rule

_PROBLEM = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "recommendation"}
_LONGEST = 1000  # GitHub takes 1,024 characters of a description


def descriptor(finding: Finding, rule: Rule | None) -> Any:
    """The descriptor of a finding's rule; of a rule that the run does not hold, what the finding tells."""
    severity = rule.severity if rule else finding.severity
    summary = (rule.summary if rule else "") or f"{finding.name.replace('-', ' ').capitalize()}."
    return sarif_om.ReportingDescriptor(
        id=finding.rule,
        name=pascal_case(finding.name),
        short_description=sarif_om.MultiformatMessageString(text=_sentence(_first_sentence(summary))),
        full_description=sarif_om.MultiformatMessageString(text=_sentence(summary)),
        help=_help(rule, summary),
        default_configuration=sarif_om.ReportingConfiguration(level=severity.value),
        properties=_properties(finding, rule, severity),
    )


def pascal_case(name: str) -> str:
    """vs-subset-destination: VsSubsetDestination."""
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[^0-9A-Za-z]+", name))


def _properties(finding: Finding, rule: Rule | None, severity: Severity) -> dict[str, Any]:
    impact: Impact = rule.impact if rule else finding.impact
    confidence: Confidence = rule.confidence if rule else finding.confidence
    tags = [f"family/{finding.family}", f"impact/{impact.value}"]
    properties: dict[str, Any] = {"precision": confidence.value, "problem.severity": _PROBLEM[severity]}
    if rule and rule.security_severity:
        properties["security-severity"] = rule.security_severity
        tags.append("security")
    return {"tags": tags, **properties}


def _help(rule: Rule | None, summary: str) -> Any:
    """The whole documentation page; as text it is the same, for a page is readable without rendering."""
    page = _dedented(rule.doc) if rule and rule.doc.strip() else summary
    if rule and rule.remedy and rule.remedy not in page:
        page = f"{page}\n\n{rule.remedy}"
    return sarif_om.MultiformatMessageString(text=page, markdown=f"# {rule.id} {rule.name}\n\n{page}" if rule else page)


def _dedented(doc: str) -> str:
    from inspect import cleandoc

    return cleandoc(doc).strip()


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=[.!?])\s+(?=[A-Z`])", text, maxsplit=1)[0]


def _sentence(text: str) -> str:
    text = text if len(text) <= _LONGEST else f"{text[:_LONGEST].rsplit(' ', 1)[0]} \u2026"
    return text if text.endswith((".", "!", "?")) else f"{text}."
