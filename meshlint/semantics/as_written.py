"""Whether an object is written here as it is applied, or something else adds to it."""

from __future__ import annotations

from meshlint.model.lazy_regex import lazy_regex
from meshlint.model.resource import Resource

TEMPLATE_KEY = lazy_regex(r"\{\{|\$\{|\$\(|<%|\[\[|\(@|\{%")
CONDITIONS = lazy_regex(r"#@\s*(?:if|elif|else|for|while|overlay)|\{\{-?\s*(?:if|else|with|range|end|include|template)\b")
_EXPECTATION = lazy_regex(r"(?:^|[-_.])(?:assert|errors?)(?:[-_.]|$)")


def conditional(resource: Resource) -> bool:
    """Do conditions of a template stand in its file, so that parts of it may be there or not?"""
    return CONDITIONS.search(resource.root.table.source.text) is not None


def is_expectation(resource: Resource) -> bool:
    """Does it say what a test expects of an object (Chainsaw, kuttl), rather than the object itself?"""
    told = any(value.value not in (None, {}, []) for _, value in resource.root.get("status").items())
    return told or bool(_EXPECTATION.search(resource.file.rpartition("/")[2]))
