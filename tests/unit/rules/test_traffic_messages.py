"""What the traffic rules say where the place alone does not show it: the target's release, the host, the way out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.door import call, lint
from tests.rules_harness import CASES, Case


def told(case: str, rule: str, tmp_path: Path) -> list[dict[str, Any]]:
    found = Case(CASES / case)
    return [finding for finding in lint(found.copy(tmp_path), *found.arguments).findings if finding["rule"] == rule]


def remedies(case: str, rule: str, tmp_path: Path) -> list[str]:
    found = Case(CASES / case)
    run = call("check", ".", "-o", "sarif", *found.arguments, cwd=found.copy(tmp_path))
    results = json.loads(run.out)["runs"][0]["results"]
    return [result["properties"]["remedy"] for result in results if result["ruleId"] == rule]


@pytest.mark.parametrize(
    ("release", "says"),
    [
        ("1.28.5", "uses only one of them"),
        ("1.28.6", "puts the rules of both behind one another"),
        ("1.29.1", "uses only one of them"),
        ("1.29.2", "puts the rules of both behind one another"),
        ("1.30.0", "puts the rules of both behind one another"),
    ],
)
def test_one_source_of_routes_or_all(release: str, says: str, tmp_path: Path) -> None:
    (found,) = told(f"vs-and-httproute-same-host/istio-{release}", "ML103", tmp_path)
    assert found["message"].startswith("Possible conflict: ")
    assert f"A waypoint of Istio {release} {says}" in found["message"]
    assert [related["message"] for related in found["related"]] == ["HTTPRoute shop/ratings has the same host as its parent"]


@pytest.mark.parametrize(
    ("case", "says"), [("before-istio-1.25", "compares them with its own labels"), ("since-istio-1.25", "drops such routes")]
)
def test_source_labels(case: str, says: str, tmp_path: Path) -> None:
    (found,) = told(f"vs-source-match/{case}", "ML107", tmp_path)
    assert says in found["message"]


@pytest.mark.parametrize(
    ("case", "says"),
    [
        ("tcp-before-gateway-api-1.6", "TCPRoute is not in the standard channel of Gateway API 1.5 (standard since 1.6)"),
        ("tcp-before-istio-1.31", "PILOT_ENABLE_ALPHA_GATEWAY_API=true"),
        ("tcp-can-be-converted", "TCPRoute can take them over (standard since Gateway API 1.6"),
        ("tcp-before-waypoints-took-it", "A waypoint of Istio 1.25 does not execute them at all (since 1.26)."),
        ("tls-before-istio-1.30", "Istio 1.29 reads TLSRoute v1alpha2, the standard channel of Gateway API 1.5 serves v1"),
        ("tls-for-another-name", "not for shop.example.com."),
    ],
)
def test_what_the_target_lacks(case: str, says: str, tmp_path: Path) -> None:
    (found,) = told(f"vs-l4-route/{case}", "ML147", tmp_path)
    assert says in found["message"]


@pytest.mark.parametrize(
    ("case", "says"),
    [
        ("assumed-ambient", "Make a Service for subset v1 of ratings.shop.svc.cluster.local (its selector plus version: v1)"),
        ("service-entry-host", "give the endpoints of subset main a ServiceEntry of their own"),
        ("host-of-another-cluster-without-an-entry", "One Service per version does not fit a host of another cluster"),
        ("subset-without-labels", "Move the trafficPolicy of subset v1 to the DestinationRule itself"),
        ("subset-that-a-rollout-edits", "Rollout shop/ratings sets the labels or weights of these subsets"),
    ],
)
def test_the_way_out_fits_the_subset(case: str, says: str, tmp_path: Path) -> None:
    found = remedies(f"vs-subset-destination/{case}", "ML101", tmp_path)
    assert found and all(says in remedy for remedy in found)


@pytest.mark.parametrize(
    ("case", "says"),
    [
        ("tls-can-be-converted", "one TLSRoute for each SNI, with the Service of that name as its parent."),
        ("tls-of-a-service-entry", "one TLSRoute for each SNI, with the ServiceEntry of that name as its parent."),
        ("tls-for-another-name", "Give each SNI a Service or ServiceEntry of its own name"),
        ("tls-with-several-names-in-one-match", "Give each SNI a Service or ServiceEntry of its own name"),
        ("tcp-can-be-converted", "Convert them to a TCPRoute with the Service as its parent."),
        ("tcp-before-istio-1.31", "Keep it in the namespace of its host until the target has the route"),
    ],
)
def test_the_way_out_fits_the_l4_route(case: str, says: str, tmp_path: Path) -> None:
    (found,) = remedies(f"vs-l4-route/{case}", "ML147", tmp_path)
    assert says in found


@pytest.mark.parametrize(
    ("case", "says"),
    [
        ("mirror-and-ingress", "nothing is mirrored"),
        ("tcp-route", "every connection that takes this route is closed"),
        ("stays-an-error-before-the-move", "every request that takes this route is answered with 503"),
    ],
)
def test_what_becomes_of_traffic_to_a_missing_subset(case: str, says: str, tmp_path: Path) -> None:
    (found,) = told(f"subset-undefined/{case}", "ML145", tmp_path)
    assert f": {says}, on sidecars, gateways and waypoints alike." in found["message"]


def test_a_lost_mirror_is_no_lost_split(tmp_path: Path) -> None:
    found = told("vs-subset-destination/every-kind-of-route", "ML101", tmp_path)
    assert ["what is mirrored" in finding["message"] for finding in found] == [False, True, True, False, False]
    assert ["every endpoint gets this traffic" in finding["message"] for finding in found] == [True, False, False, True, True]


@pytest.mark.parametrize(
    ("case", "says"),
    [
        ("error-where-ambient-now", ": the waypoint executes it, but once converted every endpoint gets this traffic"),
        ("without-a-waypoint", ": ztunnel reads no VirtualService and a Gateway API route has no subsets, so"),
    ],
)
def test_a_waypoint_that_is_there_executes_the_split(case: str, says: str, tmp_path: Path) -> None:
    found = told(f"vs-subset-destination/{case}", "ML101", tmp_path)
    assert found
    assert all(says in finding["message"] for finding in found)


def test_a_waypoint_takes_no_l4_match_on_the_caller(tmp_path: Path) -> None:
    http, tcp = told("vs-source-match/namespace-of-the-caller", "ML107", tmp_path)
    assert "compares it with its own namespace" in http["message"]
    assert "takes no tcp or tls match that looks at the caller" in tcp["message"]


def test_a_rule_for_gateways_can_stay(tmp_path: Path) -> None:
    (found,) = remedies("dr-without-waypoint/note-for-a-host-of-gateways", "ML122", tmp_path)
    assert found.startswith("Keep it for the gateways.")


@pytest.mark.parametrize(
    ("case", "says"),
    [
        ("note-for-an-operator-of-envoy", "let the application set the header"),
        ("redirect-code-before-gateway-api-1.5", "Use 301 or 302"),
        ("share-of-a-mirror-before-gateway-api-1.3", "Move to a release that has the share"),
        ("authority-with-a-port", "keep the VirtualService"),
    ],
)
def test_the_way_out_fits_the_filter(case: str, says: str, tmp_path: Path) -> None:
    (found,) = remedies(f"vs-rewrite-redirect-no-equivalent/{case}", "ML118", tmp_path)
    assert says in found


def test_a_redirect_keeps_its_code(tmp_path: Path) -> None:
    rewrite, redirect = remedies("vs-rewrite-redirect-no-equivalent/note-for-an-authority-that-converters-leave-out", "ML118", tmp_path)
    assert rewrite == "Write it as urlRewrite.hostname."
    assert redirect == "Write it as requestRedirect.hostname (and port), with statusCode: 301, as its own default is 302."


def test_a_mirror_becomes_a_filter(tmp_path: Path) -> None:
    found = remedies("vs-subset-destination/every-kind-of-route", "ML101", tmp_path)
    assert ["RequestMirror" in remedy for remedy in found] == [False, True, True, False, False]
    kinds = [kind for remedy in found for kind in ("HTTPRoute", "TCPRoute", "TLSRoute") if kind in remedy]
    assert kinds == ["HTTPRoute", "HTTPRoute", "HTTPRoute", "TCPRoute", "TLSRoute"]


def test_switching_retries_off_is_not_to_be_dropped(tmp_path: Path) -> None:
    (found,) = told("vs-retries/switching-off-in-the-standard-channel", "ML115", tmp_path)
    assert "attempts: 0 switches retries off: carry it over" in found["message"]


def test_a_time_limit_has_another_place(tmp_path: Path) -> None:
    (found,) = remedies("vs-retries/time-limit", "ML115", tmp_path)
    assert "timeouts.backendRequest" in found


def test_every_field_of_a_retry_policy_is_named(tmp_path: Path) -> None:
    case = "vs-retries/several-fields-in-the-standard-channel"
    (found,) = told(case, "ML115", tmp_path / "one")
    for said in ("perTryTimeout 2s", "on reset", "retryRemoteLocalities", "The standard channel of Gateway API 1.6 has no HTTPRoute retry"):
        assert said in found["message"]
    (remedy,) = remedies(case, "ML115", tmp_path / "two")
    assert "timeouts.backendRequest" in remedy and "experimental CRDs" in remedy


def test_a_waypoint_is_not_bound_by_its_name(tmp_path: Path) -> None:
    (found,) = told("vs-bound-to-kubernetes-gateway/waypoint", "ML415", tmp_path)
    assert "a waypoint" in found["message"] and "404" not in found["message"]
    assert found["remedy"].startswith("Name `mesh` instead")


def test_the_other_hosts_without_a_waypoint_are_named(tmp_path: Path) -> None:
    (found,) = told("vs-mesh-without-waypoint/error-at-the-host-that-is-ambient-now", "ML105", tmp_path)
    assert found["message"].endswith("The same holds for 1 more of its hosts.")
    assert [one["message"] for one in found["related"]] == ["ratings.shop.svc.cluster.local has no waypoint"]


@pytest.mark.parametrize(
    ("case", "says"),
    [
        ("service-opted-out", "The opt-out is deliberate"),
        ("waypoint-for-workloads", "Set istio.io/waypoint-for: service (or all)"),
        ("error-where-ambient-now", "Deploy a waypoint"),
        ("note-where-it-does-nothing", "Delete it"),
    ],
)
def test_the_way_to_a_waypoint(case: str, says: str, tmp_path: Path) -> None:
    (found,) = remedies(f"vs-mesh-without-waypoint/{case}", "ML105", tmp_path)
    assert found.startswith(says)


def test_a_close_name_is_offered(tmp_path: Path) -> None:
    (found,) = remedies("subset-undefined/close-name", "ML145", tmp_path)
    assert found == 'Write "canary" if that is meant, or declare "canray".'


@pytest.mark.parametrize(
    ("case", "full"),
    [
        ("short-name", "mongo.bookinfo.svc.cluster.local"),
        ("short-name-in-an-unknown-namespace", "mongo.<namespace>.svc.cluster.local"),
    ],
)
def test_the_full_name_that_a_waypoint_wants_as_sni(case: str, full: str, tmp_path: Path) -> None:
    (found,) = told(f"vs-tls-sni-match/{case}", "ML108", tmp_path)
    assert f"the full name of the host, here {full}, and skips" in found["message"]


@pytest.mark.parametrize(
    ("case", "way", "to_do"),
    [
        ("mesh_side_alone", "leave the cluster directly", "Bind the ServiceEntry"),
        ("a_service_of_the_cluster", "go there directly", "Bind the Service of the host"),
    ],
)
def test_the_way_past_an_egress_gateway(case: str, way: str, to_do: str, tmp_path: Path) -> None:
    case = f"egress-gateway-classic/{case}"
    assert way in told(case, "ML503", tmp_path / "a")[0]["message"]
    assert to_do in remedies(case, "ML503", tmp_path / "b")[0]
