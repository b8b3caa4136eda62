"""The documentation that is made from the rules: a page a rule, and the table of all (docs/rules.md)."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import cleandoc

from meshlint.model.rule import FAMILIES, Rule


def page(rule: Rule) -> str:
    """docs/rules/<name>.md"""
    values = (rule.family, rule.severity.value, rule.impact.value, f"confidence {rule.confidence.value}", f"since {rule.since}")
    parts = [f"# {rule.name}", " · ".join((f"**{rule.id}**", *values)), cleandoc(rule.doc)]
    if rule.remedy:
        parts.append(f"## What to do\n\n{rule.remedy}")
    if rule.yields_to or rule.yields_in_object:
        parts.append(_gives_way(rule))
    if rule.reads:
        parts.append("## Reads\n\n" + ", ".join(f"{kind.kind} ({kind.group or 'core'})" for kind in rule.reads))
    if rule.sources:
        parts.append("## Sources\n\n" + "\n".join(f"- {source}" for source in rule.sources))
    return "\n\n".join(parts) + "\n"


def _gives_way(rule: Rule) -> str:
    lines = ["## Gives way to", ""]
    if rule.yields_to:
        lines.append("On the same place: " + ", ".join(f"[{name}]({name}.md)" for name in rule.yields_to))
    if rule.yields_in_object:
        lines.append("In the same object: " + ", ".join(f"[{name}]({name}.md)" for name in rule.yields_in_object))
    return "\n".join(lines)


def overview(rules: Sequence[Rule]) -> str:
    """docs/rules.md"""
    out = [
        "# Rules",
        "",
        "Severity is that of a workload which is ambient now; ahead of the move an error is a warning. Select, ignore and explain",
        "rules by number, name or family: `meshlint rule vs-subset-destination`.",
    ]
    for family in FAMILIES:
        rows = [rule for rule in rules if rule.family == family]
        if rows:
            out += ["", f"## {family}", "", "| number | name | severity | impact | what |", "|---|---|---|---|---|"]
            out += [_row(rule) for rule in rows]
    return "\n".join(out) + "\n"


def _row(rule: Rule) -> str:
    return f"| {rule.id} | [{rule.name}](rules/{rule.name}.md) | {rule.severity.value} | {rule.impact.value} | {_cell(rule.summary)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
