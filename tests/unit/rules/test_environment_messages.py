"""What rules say of an environment that lacks what another one of the repository holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.door import lint
from tests.rules_harness import CASES, Case

ELSEWHERE = "which this environment does not hold; another one of the repository holds Gateway shop/waypoint. Unless that one is meant, "

SAID = [  # case, rule, a part of every message
    ("waypoint-missing/another-environment-holds-it", "ML401", ELSEWHERE),
    ("waypoint-missing/no-waypoint-in-the-repository", "ML401", "which the repository does not hold. If no other repository makes it, its"),
    ("route-missing-reference-grant/another-environment-holds-it", "ML809", "no ReferenceGrant of this environment in namespace shop"),
    ("route-missing-reference-grant/no-grant", "ML809", "no ReferenceGrant of the repository in namespace "),
]


@pytest.mark.parametrize(("case", "rule", "part"), SAID)
def test_what_only_another_environment_holds(case: str, rule: str, part: str, tmp_path: Path) -> None:
    found = Case(CASES / case)
    said = [one["message"] for one in lint(found.copy(tmp_path), *found.arguments).findings if one["rule"] == rule]
    assert said and all(part in message for message in said), said
