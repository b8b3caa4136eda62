"""What the rules on VirtualServices say where the place alone does not show it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.door import lint
from tests.rules_harness import CASES, Case


def told(case: str, rule: str, tmp_path: Path, *arguments: str) -> list[dict[str, Any]]:
    found = Case(CASES / case)
    return [finding for finding in lint(found.copy(tmp_path), *found.arguments, *arguments).findings if finding["rule"] == rule]


@pytest.mark.parametrize(
    ("release", "says"),
    [
        ("1.28.5", "does too, but not always the same one"),
        ("1.28.6", "puts the rules of all behind one another"),
        ("1.29.1", "does too, but not always the same one"),
        ("1.29.2", "puts the rules of all behind one another"),
        ("1.30.0", "puts the rules of all behind one another"),
    ],
)
def test_rules_of_one_object_or_of_all(release: str, says: str, tmp_path: Path) -> None:
    (found,) = told("vs-multiple-same-host/in-one-file", "ML112", tmp_path, "--target", f"istio={release}")
    assert f"A waypoint of Istio {release} {says}" in found["message"]


@pytest.mark.parametrize(
    ("case", "rule", "confidence"),
    [
        ("vs-outside-service-or-waypoint-namespace/host-of-another-repository", "ML106", "low"),
        ("vs-outside-service-or-waypoint-namespace/warning-in-the-clients-namespace", "ML106", "high"),
        ("vs-export-to-hides-from-waypoint/host-of-another-repository", "ML109", "low"),
        ("vs-export-to-hides-from-waypoint/clients-only", "ML109", "high"),
        ("vs-host-not-a-service/note-for-an-invented-name", "ML110", "low"),
        ("vs-host-not-a-service/name-and-namespace", "ML110", "high"),
    ],
)
def test_another_repository_lowers_the_confidence(case: str, rule: str, confidence: str, tmp_path: Path) -> None:
    (found,) = told(case, rule, tmp_path)
    assert found["confidence"] == confidence


def test_the_other_places_are_named(tmp_path: Path) -> None:
    (found,) = told("vs-export-to-hides-from-waypoint/default-of-the-mesh", "ML109", tmp_path)
    assert [related["message"] for related in found["related"]] == ["the mesh's default", "this label binds the host to its waypoint"]
    assert "has no exportTo, and the mesh's default is ." in found["message"]


def test_what_repeats_is_named(tmp_path: Path) -> None:
    (found,) = told("vs-mesh-and-gateway-bound/ingress-takes-the-waypoint", "ML111", tmp_path)
    assert found["message"].endswith("gateway and waypoint both execute mirror.")
