"""Finds what travels with the package: rules/, schemas/ and docs/rules, installed or in a checkout."""

from __future__ import annotations

import os

_HERE = os.path.dirname(os.path.abspath(__file__))
_FOUND: dict[str, str] = {}


def folder(name: str) -> str:
    """The path of a bundled folder ("rules", "schemas", "docs/rules"): the installed copy, else the checkout's."""
    found = _FOUND.get(name)
    if found is None:
        found = _FOUND[name] = _find(name)
    return found


def _find(name: str) -> str:
    parts = name.split("/")
    installed = os.path.join(_HERE, "_bundled")
    checkout = os.path.dirname(_HERE)
    for root in (installed, checkout):
        path = os.path.join(root, *parts)
        if os.path.isdir(path):
            return path
    raise FileNotFoundError(f"meshlint is incomplete: {name}/ is neither in {installed} nor in {checkout}")
