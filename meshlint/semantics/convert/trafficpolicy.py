"""The policy of a subset, as its own host needs it (Istio: mergeTrafficPolicy in pilot/pkg/networking/util)."""

from __future__ import annotations

from typing import Any

_PER_PORT = ("connectionPool", "outlierDetection", "loadBalancer", "tls")
Policy = dict[str, Any]


def merged(rule: Policy, subset: Policy) -> Policy:
    """A subset's fields replace the rule's, each as a whole; a port's settings inherit nothing from outside of the port."""
    ports: dict[int, Policy] = {}
    for settings in rule.get("portLevelSettings") or ():
        own = {field: settings[field] for field in _PER_PORT if field in settings}
        ports[_number(settings)] = {**own, **{field: subset[field] for field in _PER_PORT if field in subset}}
    for settings in subset.get("portLevelSettings") or ():
        ports[_number(settings)] = {field: settings[field] for field in _PER_PORT if field in settings}
    out = {key: value for key, value in {**rule, **subset}.items() if key != "portLevelSettings"}
    if ports:
        out["portLevelSettings"] = [{"port": {"number": number}, **settings} for number, settings in ports.items()]
    return out


def _number(settings: Policy) -> int:
    return int((settings.get("port") or {}).get("number") or 0)
