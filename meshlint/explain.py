"""`meshlint rule` and `meshlint environments`: what there is, in words."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from shutil import get_terminal_size

from meshlint.check.registry import Registry, bundled
from meshlint.config import Config, ConfigError
from meshlint.model.rule import Rule
from meshlint.options import configuration
from meshlint.project import Project


def explain(options: Namespace) -> int:
    """`meshlint rule`: what rules mean, or the list of all."""
    registry = _registry(options)
    rules = registry.rules() if options.all or not options.names else [_named(registry, name) for name in options.names]
    if options.output_format == "json":
        print(json.dumps([facts(rule) for rule in rules], indent=2, ensure_ascii=False))
    elif options.output_format == "markdown":
        from meshlint.pages import page

        print("\n".join(page(rule) for rule in rules), end="")
    elif options.names:
        print("\n\n".join(_text(rule) for rule in rules))
    else:
        _table(rules)
    return 0


def _registry(options: Namespace) -> Registry:
    """Bundled rules are explained whatever the configuration says; those of others need it."""
    registry = bundled()
    asked = options.plugins or options.rules or options.config
    if not asked and options.names and not any(registry.unknown(options.names)):
        return registry
    from meshlint.plugins import registry_of

    return registry_of(configuration(options))


def _named(registry: Registry, name: str) -> Rule:
    try:
        return registry.named(name)
    except KeyError:
        import difflib

        near = difflib.get_close_matches(name, registry.words(), 1)
        raise ConfigError(f"no rule is called {name!r}" + (f"; did you mean {near[0]}?" if near else "")) from None


def facts(rule: Rule) -> dict[str, object]:
    """A rule as JSON gives it."""
    return {
        "id": rule.id,
        "name": rule.name,
        "family": rule.family,
        "severity": rule.severity.value,
        "impact": rule.impact.value,
        "confidence": rule.confidence.value,
        "evidence": rule.evidence,
        "summary": rule.summary,
        "documentation": _dedented(rule.doc),
        "remedy": rule.remedy,
        "reads": [f"{kind.group}/{kind.kind}" for kind in rule.reads],
        "sources": list(rule.sources),
        "since": rule.since,
        "aliases": list(rule.aliases),
        "help": rule.help,
        "origin": rule.origin,
    }


def _text(rule: Rule) -> str:
    head = f"{rule.id} {rule.name}  ({rule.family}; {rule.severity.value}, {rule.impact.value}; confidence {rule.confidence.value})"
    lines = [head, "", _dedented(rule.doc)]
    if rule.remedy:
        lines += ["", f"Remedy: {rule.remedy}"]
    if rule.sources:
        lines += ["", "Sources:", *(f"  {source}" for source in rule.sources)]
    return "\n".join(lines)


def _dedented(doc: str) -> str:
    from inspect import cleandoc

    return cleandoc(doc)


def _table(rules: list[Rule]) -> None:
    """A line a rule; on a terminal, no line is longer than it is wide."""
    width = max((len(rule.name) for rule in rules), default=0)
    columns = get_terminal_size().columns if sys.stdout.isatty() else 0
    for rule in rules:
        line = f"{rule.id}  {rule.name:<{width}}  {rule.severity.value:<7}  {rule.impact.value:<10}  {rule.summary}"
        print(line if not columns or len(line) <= columns else f"{line[: columns - 1]}\u2026")


def environments(options: Namespace, scope: Project, config: Config) -> int:
    """`meshlint environments`: what is applied together, and what could not be followed."""
    from meshlint.engine import load
    from meshlint.render.describe import describe, write
    from meshlint.report.visible import visible

    loaded = load(scope, config)
    described = describe(loaded.environments, loaded.currents)
    for note in loaded.notes:
        print(f"meshlint: {visible(note)}", file=sys.stderr)
    if options.output_format == "json":
        print(json.dumps(described, indent=2, ensure_ascii=False))
    else:
        write(described, sys.stdout)
    return 0 if loaded.files else 3
