"""What the authorization rules say where the place alone does not show it: what happens, to whom, and the way out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.door import lint
from tests.rules_harness import CASES, Case


def told(case: str, rule: str, tmp_path: Path) -> list[dict[str, Any]]:
    found = Case(CASES / case)
    return [finding for finding in lint(found.copy(tmp_path), *found.arguments).findings if finding["rule"] == rule]


SAID = [  # case, rule, impact, a part of the message
    ("authz-l7-allow-at-ztunnel/ambient-is-an-error", "ML201", "stricter", "its rule never matches"),
    ("authz-l7-allow-at-ztunnel/one-rule-of-two-dies", "ML201", "stricter", "rule 2 of 2 never matches: what only that allows is"),
    ("authz-l7-deny-at-ztunnel/from-there-to-these-paths", "ML202", "unenforced", "nothing is left of its `to`, so the rule never fires"),
    ("authz-l7-deny-at-ztunnel/one-dead-condition-is-enough", "ML202", "unenforced", "nothing is left of its `when`"),
    ("authz-l7-deny-at-ztunnel/denies-more", "ML202", "stricter", "denies more than is written"),
    ("authz-l7-deny-at-ztunnel/denies-less", "ML202", "unenforced", "denies less than is written"),
    ("authz-action-custom-audit/custom", "ML203", "unenforced", "the authorizer opa is not asked any more"),
    ("authz-action-custom-audit/audit", "ML203", "ignored", "nothing is recorded"),
    ("authz-l4-missing-waypoint-identity/principals", "ML204", "stricter", "cluster.local/ns/shop/sa/waypoint"),
    ("authz-l4-missing-waypoint-identity/principals", "ML204", "stricter", "behind a waypoint ztunnel sees that as the caller"),
    ("authz-l4-missing-waypoint-identity/waypoint-to-come", "ML204", "stricter", "once Service shop/cart has one, ztunnel sees that"),
    ("authz-l4-deny-behind-waypoint/waypoint-to-come", "ML205", "unenforced", "which will need a waypoint: whoever comes through"),
    ("authz-l4-deny-behind-waypoint/refused-callers-get-in", "ML205", "unenforced", "so nobody is refused"),
    ("authz-l4-deny-behind-waypoint/spared-callers-without-the-waypoint", "ML205", "stricter", "the waypoint is not among them"),
    ("authz-l4-deny-behind-waypoint/hits-the-waypoint", "ML205", "stricter", "the waypoint's identity too"),
    ("authz-namespace-wide-not-on-waypoint/allow-nothing", "ML206", "unenforced", "lets every caller in; ztunnel, which does enforce it"),
    ("authz-namespace-wide-not-on-waypoint/waypoint-refused", "ML206", "stricter", "refuses the waypoint itself"),
    ("authz-namespace-wide-not-on-waypoint/no-default-at-the-waypoint", "ML206", "unenforced", "lets every caller in."),
    ("authz-targetref-unbound/no-waypoint", "ML207", "unenforced", "which has no waypoint"),
    ("authz-targetref-unbound/headless", "ML207", "unenforced", "is headless"),
    ("authz-targetref-invalid/in-another-namespace", "ML208", "unenforced", "does not reach pay"),
    ("authz-gatewayclass-scope/before-1-25", "ML209", "unenforced", "Istio 1.24 does not read that"),
    ("authz-trust-domain-alias/alias-in-a-deny", "ML212", "unenforced", "the callers that it is to refuse get in"),
    ("authz-trust-domain-alias/negated", "ML212", "stricter", "the callers that it spares are refused"),
    ("policy-empty-selector/deny", "ML227", "unenforced", "in ambient it is none: what it refuses is let in"),
    ("policy-empty-selector/strict-for-the-mesh", "ML227", "unenforced", "plaintext from outside of the mesh is let in"),
    ("authz-trustdomains-field/beside-others", "ML213", "unenforced", "admits every trust domain"),
    ("authz-trustdomains-field/alone", "ML213", "stricter", "never matches"),
    ("authz-dry-run/flag-before-1-29", "ML214", "ignored", "Istio 1.28 does not know dry runs there"),
    ("authz-port-at-waypoint/port-of-the-pod", "ML215", "differs", "the port of the Service counts, 80"),
    ("authz-old-and-new-coexist/ambient-is-an-error", "ML216", "stricter", "refuses what it allowed"),
]


@pytest.mark.parametrize(("case", "rule", "impact", "part"), SAID, ids=[row[0] for row in SAID])
def test_what_happens(case: str, rule: str, impact: str, part: str, tmp_path: Path) -> None:
    found = told(case, rule, tmp_path)[0]
    assert part in found["message"]
    assert found["impact"] == impact


def test_each_outcome_names_its_rules(tmp_path: Path) -> None:
    dead, wider = told("authz-l7-deny-at-ztunnel/each-outcome-once", "ML202", tmp_path)
    assert "(rules 1, 2 of 3)" in dead["message"] and len(dead["related"]) == 1
    assert "(rule 3 of 3)" in wider["message"]


def test_a_missing_target_is_told_with_low_confidence(tmp_path: Path) -> None:
    assert {found["confidence"] for found in told("authz-targetref-invalid/no-such-service", "ML208", tmp_path)} == {"low"}


def test_the_service_account_is_rewritten_as_a_principal(tmp_path: Path) -> None:
    (found,) = told("authz-when-l4-rewrite/allow", "ML217", tmp_path)
    assert found["fix"]["safe"]
    assert [edit["text"] for edit in found["fix"]["edits"]] == ["source.principal", '"*/ns/web/sa/frontend"', '"*/ns/shop/sa/cart"']


def test_a_negated_principal_of_an_allow_policy_keeps_nobody_out(tmp_path: Path) -> None:
    _, found = told("authz-trust-domain-alias/negated", "ML212", tmp_path)
    assert "the callers that it keeps out get in" in found["message"] and found["impact"] == "unenforced"
