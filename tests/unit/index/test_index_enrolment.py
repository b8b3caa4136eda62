"""What shows a namespace to be in the mesh, what makes a gateway, and which policies guard pods."""

from __future__ import annotations

from pathlib import Path

import pytest

from meshlint.config import Config
from meshlint.engine import load
from meshlint.index.mesh import MeshIndex
from meshlint.index.repository import Repository
from meshlint.model.kind import Kind
from meshlint.model.resource import Resource
from meshlint.model.target import resolve_target
from meshlint.project import project

NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {%s}}\n"
PODS = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop}
spec: {template: {metadata: {labels: {app: cart, %s}}, spec: {containers: [%s]}}}
"""
POLICY = "apiVersion: security.istio.io/v1\nkind: %s\nmetadata: {name: %s, namespace: %s}\nspec: {%s}\n"
ROUTE = "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: cart, namespace: shop}\nspec: {%s}\n"
ISOLATING = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: %s, namespace: shop}\nspec: {podSelector: {%s}, %s}\n"
APP = "{name: cart, image: cart}"
AUTO = "{name: istio-proxy, image: auto}"


def index(folder: Path, *documents: str) -> MeshIndex:
    (folder / "objects.yaml").write_text("---\n".join(documents), encoding="utf-8")
    loaded = load(project([str(folder)]), Config())
    targets = [resolve_target(None, current) for current in loaded.currents]
    repository = Repository(loaded.environments, loaded.files, targets, Config().settings)
    return repository.index(loaded.environments[0])


@pytest.mark.parametrize(
    ("document", "shown"),
    [
        (NAMESPACE % "istio-injection: enabled", True),
        (NAMESPACE % "istio.io/dataplane-mode: ambient", True),
        (NAMESPACE % "team: shop", False),
        (NAMESPACE % "istio-injection: disabled", False),
        (PODS % ('sidecar.istio.io/inject: "true"', APP), True),
        (PODS % ("tier: web", APP), False),
        (POLICY % ("PeerAuthentication", "default", "shop", "mtls: {mode: STRICT}"), True),
        (POLICY % ("AuthorizationPolicy", "cart", "shop", "selector: {matchLabels: {app: cart}}"), True),
        (POLICY % ("AuthorizationPolicy", "edge", "shop", "selector: {matchLabels: {istio: ingressgateway}}"), False),
        (POLICY % ("AuthorizationPolicy", "cart", "shop", "targetRefs: [{kind: Service, name: cart}]"), False),
        (POLICY % ("PeerAuthentication", "default", "other", "mtls: {mode: STRICT}"), False),
        (ROUTE % "hosts: [cart]", True),
        (ROUTE % "hosts: [cart], gateways: [edge]", False),
    ],
)
def test_what_shows_a_namespace_to_be_in_the_mesh(document: str, shown: bool, tmp_path: Path) -> None:
    assert index(tmp_path, document).meshed("shop") is shown


def test_a_namespace_that_a_template_fills_in_is_not_shown(tmp_path: Path) -> None:
    mesh = index(tmp_path, "apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: a, namespace: }\nspec: {}\n")
    (sidecar,) = mesh.all(Kind.SIDECAR)
    assert not mesh.meshed(sidecar)
    assert mesh.meshed("")


@pytest.mark.parametrize(("containers", "gateway"), [(AUTO, True), (f"{APP}, {AUTO}", False), (APP, False)])
def test_a_proxy_beside_an_application_is_no_gateway(containers: str, gateway: bool, tmp_path: Path) -> None:
    mesh = index(tmp_path, PODS % ("tier: web", containers))
    workload = mesh.workload(mesh.all(Kind.DEPLOYMENT)[0])
    assert workload is not None and workload.gateway is gateway


def test_pods_of_system_namespaces_stay_out(tmp_path: Path) -> None:
    mesh = index(tmp_path, (PODS % ("tier: web", APP)).replace("namespace: shop", "namespace: kube-system"))
    assert not mesh.candidate(mesh.all(Kind.DEPLOYMENT)[0])


def test_guards_of_a_workload(tmp_path: Path) -> None:
    mesh = index(
        tmp_path,
        PODS % ("tier: web", APP),
        POLICY % ("PeerAuthentication", "strict", "istio-system", "mtls: {mode: STRICT}"),
        POLICY % ("PeerAuthentication", "open", "shop", "mtls: {mode: PERMISSIVE}"),
        POLICY % ("AuthorizationPolicy", "cart", "shop", "selector: {matchLabels: {app: cart}}"),
        POLICY % ("AuthorizationPolicy", "pay", "shop", "selector: {matchLabels: {app: pay}}"),
        POLICY % ("AuthorizationPolicy", "waypoint", "shop", "targetRefs: [{kind: Service, name: cart}]"),
        POLICY % ("AuthorizationPolicy", "elsewhere", "other", "rules: []"),
    )
    workload = mesh.workload(mesh.all(Kind.DEPLOYMENT)[0])
    assert workload is not None
    assert [policy.name for policy in mesh.guards(workload)] == ["strict", "cart"]


def test_network_policies_that_isolate_the_same_pods(tmp_path: Path) -> None:
    mesh = index(
        tmp_path,
        ISOLATING % ("cart", "matchLabels: {app: cart, tier: web}", "ingress: [{}]"),
        ISOLATING % ("web", "matchLabels: {tier: web}", "ingress: []"),
        ISOLATING % ("all", "", "policyTypes: [Ingress, Egress]"),
        ISOLATING % ("pay", "matchLabels: {app: pay}", "ingress: []"),
        ISOLATING % ("some", "matchExpressions: [{key: app, operator: Exists}]", "ingress: []"),
        ISOLATING % ("out", "", "policyTypes: [Egress]"),
    )
    policies = {policy.name: policy for policy in mesh.all(Kind.NETWORK_POLICY)}

    def together(policy: Resource, direction: str) -> list[str]:
        return [other.name for other in mesh.policies_together(policy, direction)]

    assert together(policies["cart"], "Ingress") == ["cart", "web", "all"]
    assert together(policies["all"], "Ingress") == ["all"]
    assert together(policies["some"], "Ingress") == ["all", "some"]
    assert together(policies["cart"], "Egress") == ["all", "out"]


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        ("chart: {spec: {chart: cni}}, values: {cni: {ambient: {enablementSelectors: [{podSelector: {}}]}}}", 1),
        ("chart: {spec: {chart: cni}}, values: {ambient: {enablementSelectors: [{podSelector: {}}]}}", 1),
        ("chart: {spec: {chart: other}}, values: {ambient: {enablementSelectors: [{podSelector: {}}]}}", 0),
        ("chart: {spec: {chart: cni}}, values: {ambient: {enablementSelectors: []}}", 0),
    ],
)
def test_selectors_of_the_cni(spec: str, found: int, tmp_path: Path) -> None:
    mesh = index(tmp_path, f"apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {{name: cni}}\nspec: {{{spec}}}\n")
    assert len(mesh.enablement_selectors()) == found
