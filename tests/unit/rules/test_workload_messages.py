"""What the workload rules say where the place alone does not show it: the counterpart, the release, what the script does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.door import call
from tests.rules_harness import CASES, Case


def results(case: str, rule: str, tmp_path: Path) -> list[tuple[str, str]]:
    """Message and remedy of each finding of a rule."""
    found = Case(CASES / case)
    run = call("check", ".", "-o", "sarif", *found.arguments, cwd=found.copy(tmp_path))
    said = json.loads(run.out)["runs"][0]["results"]
    return [(one["message"]["text"], one["properties"]["remedy"]) for one in said if one["ruleId"] == rule]


@pytest.mark.parametrize(
    ("case", "counterparts"),
    [
        ("inbound_ports_without_policy", ["portLevelMtls PERMISSIVE", "ambient.istio.io/bypass-inbound-capture"]),
        ("outbound", ["istio.io/dataplane-mode: none"] * 4),
        ("interfaces_1_25", ["Use the annotation istio.io/reroute-virtual-interfaces", "Keep the pods out"]),
        ("interfaces_1_24", ["from 1.25"]),
    ],
)
def test_each_traffic_annotation_has_its_counterpart(case: str, counterparts: list[str], tmp_path: Path) -> None:
    remedies = [remedy for _, remedy in results(f"pod-traffic-annotations/{case}", "ML304", tmp_path)]
    assert len(remedies) == len(counterparts)
    assert all(counterpart in remedy for counterpart, remedy in zip(counterparts, remedies, strict=True)), remedies


def test_a_policy_that_meets_an_open_port_is_named(tmp_path: Path) -> None:
    (first, _), (second, _) = results("pod-traffic-annotations/inbound_ports_with_strict_ambient", "ML304", tmp_path)
    assert "port 9090 meets PeerAuthentication shop/default" in first
    assert "all ports but 8080 meet PeerAuthentication shop/default" in second


@pytest.mark.parametrize(("release", "says"), [("1_27", "ambient.enablementSelectors of the CNI"), ("1_26", "(from 1.27)")])
def test_selectors_of_the_injector_have_a_counterpart_from_1_27(release: str, says: str, tmp_path: Path) -> None:
    remedies = [remedy for _, remedy in results(f"custom-injection-template/installation_{release}", "ML310", tmp_path)]
    assert says in remedies[-1]


def test_what_a_script_wants_of_the_sidecar(tmp_path: Path) -> None:
    told = " ".join(message for message, _ in results("job-quitquitquit-and-agent-ports/calls_the_sidecar", "ML307", tmp_path))
    assert "waits for the sidecar at localhost:15021" in told
    assert "runs scuttle" in told and "runs pilot-agent" in told
    assert "tolerates that it fails" in told
    assert "is probed at port 15021" in told


@pytest.mark.parametrize(
    ("case", "says"), [("ambient_1_30", "Istio 1.30 does not leave such pods out"), ("service_1_31", "have no identity")]
)
def test_what_the_release_does_with_the_hosts_network(case: str, says: str, tmp_path: Path) -> None:
    ((message, _),) = results(f"hostnetwork-pods/{case}", "ML312", tmp_path)
    assert says in message


def test_where_proxy_settings_go(tmp_path: Path) -> None:
    life, dns, stats = results("pod-proxy-config/annotation", "ML306", tmp_path)
    assert "order and draining need no replacement" in life[0]
    assert "ambient.dnsCapture" in dns[1]
    assert "(concurrency, proxyStatsMatcher)" in stats[0] and "proxyStatsMatcher to the waypoint" in stats[1]


@pytest.mark.parametrize(
    ("case", "to_do"),
    [
        ("switched-off-in-the-profile-ambient", "Enable it under spec.components"),
        ("ztunnel-missing-of-the-operator", "Install istio-cni (profile ambient) and ztunnel"),
    ],
)
def test_how_a_missing_part_comes(case: str, to_do: str, tmp_path: Path) -> None:
    ((_, remedy),) = results(f"install-cni-or-ztunnel-missing/{case}", "ML703", tmp_path)
    assert to_do in remedy


def test_a_pod_without_a_namespace_asks_in_its_namespace(tmp_path: Path) -> None:
    ((message, _),) = results("pod-inject-override/no_namespace", "ML302", tmp_path)
    assert "in its namespace, which is ambient" in message


def test_rules_of_cilium_on_requests_are_written_again_before_the_port_is_opened(tmp_path: Path) -> None:
    remedies = [remedy for _, remedy in results("plugin-policy-hbone-15008/cilium", "ML321", tmp_path)]
    assert ["at a waypoint" in remedy for remedy in remedies] == [False, True, False, False]
