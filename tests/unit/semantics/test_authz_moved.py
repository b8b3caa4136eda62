"""Fixes of AuthorizationPolicies against the second model: whatever is made of some policies, nobody gets in who did not before.

The pods are ambient. Today is what sidecars decided, and what is decided as the policies stand; the fixes may bring a waypoint.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from authz_brute import Call, Spec, envoy, universe, ztunnel
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_authz_brute import SPECS

from tests.door import call as meshlint

WORLD = universe()
WAYPOINT = "a/waypoint"
POLICIES = st.lists(st.tuples(SPECS, st.sampled_from([True, True, True, False])), min_size=1, max_size=3)
SETTLED = ("ML201", "ML202", "ML203", "ML204", "ML205", "ML206", "ML216", "ML217")


def manifests(policies: list[tuple[Spec, bool]], bound: bool) -> list[dict[str, Any]]:
    """`policies`: what they say, and whether it is by selector."""
    labels = {"istio.io/dataplane-mode": "ambient"}
    service: dict[str, Any] = {"name": "s", "namespace": "a"}
    out: list[dict[str, Any]] = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a", "labels": labels}}]
    if bound:
        service["labels"] = {"istio.io/use-waypoint": "waypoint"}
        listener = {"name": "mesh", "port": 15008, "protocol": "HBONE"}
        out.append({
            "apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": {"name": "waypoint", "namespace": "a"},
            "spec": {"gatewayClassName": "istio-waypoint", "listeners": [listener]},
        })  # fmt: skip
    ports = [{"name": f"http-{port}", "port": port, "targetPort": port + 8000} for port in (80, 90)]
    out.append({"apiVersion": "v1", "kind": "Service", "metadata": service, "spec": {"selector": {"app": "s"}, "ports": ports}})
    for number, (spec, selected) in enumerate(policies):
        whole = {**({"selector": {"matchLabels": {"app": "s"}}} if selected else {}), **spec}
        if spec["action"] == "CUSTOM":
            whole["provider"] = {"name": "opa"}
        metadata = {"name": f"p{number}", "namespace": "a"}
        out.append({"apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy", "metadata": metadata, "spec": whole})
    return out


def fixed(objects: list[dict[str, Any]], *arguments: str) -> tuple[list[dict[str, Any]], str]:
    """The objects after the fixes, and what is still said of them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mesh.yaml"
        path.write_text(yaml.safe_dump_all(objects, sort_keys=False), encoding="utf-8")
        run = meshlint("check", ".", "-q", "-o", "concise", "--unsafe-fixes", *arguments, cwd=Path(folder))
        assert run.code in (0, 1), run.err
        return list(yaml.safe_load_all(path.read_text(encoding="utf-8"))), run.out


class Decided:
    """What is decided of a call to the Service, and of one to a pod."""

    def __init__(self, objects: list[dict[str, Any]]) -> None:
        policies = [{"action": "ALLOW", "rules": [], **o["spec"]} for o in objects if o["kind"] == "AuthorizationPolicy"]
        service = next(o for o in objects if o["kind"] == "Service")
        self.bound = service["metadata"].get("labels", {}).get("istio.io/use-waypoint") == "waypoint"
        self.there = [policy for policy in policies if "targetRefs" in policy]
        self.pods = [policy for policy in policies if "targetRefs" not in policy]

    def to_service(self, call: Call) -> bool:
        if not self.bound:
            return ztunnel(self.pods, call)
        return envoy(self.there, call, "service_port") and ztunnel(self.pods, call, WAYPOINT)

    def to_pod(self, call: Call) -> bool:
        return ztunnel(self.pods, call)


def judge(policies: list[tuple[Spec, bool]], bound: bool, *arguments: str) -> None:
    objects = manifests(policies, bound)
    after, left = fixed(objects, *arguments)
    was, now = Decided(objects), Decided(after)
    for call in WORLD:
        sidecars = envoy(was.pods, call)
        assert not now.to_service(call) or sidecars or was.to_service(call), f"opened: {call}"
        assert not now.to_pod(call) or sidecars or was.to_pod(call), f"opened at the pod: {call}"
        if not any(rule in left for rule in SETTLED) and not arguments:
            assert now.to_service(call) in (sidecars, was.to_service(call)), f"another decision, and nothing is said: {call}"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(POLICIES, st.booleans())
def test_no_fix_lets_anybody_in(policies: list[tuple[Spec, bool]], bound: bool) -> None:
    judge(policies, bound)


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(POLICIES, st.booleans(), st.sampled_from([(), ("--select", "ML201"), ("--select", "ML202"), ("--select", "ML203,ML204,ML205")]))
def test_no_fix_lets_anybody_in_alone_either(policies: list[tuple[Spec, bool]], bound: bool, arguments: tuple[str, ...]) -> None:
    judge(policies, bound, *arguments)
