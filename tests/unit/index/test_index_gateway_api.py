"""Questions on Gateway API objects, asked of small repositories."""

from __future__ import annotations

from pathlib import Path

import pytest

from meshlint.config import Config
from meshlint.engine import load
from meshlint.index.mesh import MeshIndex
from meshlint.index.repository import Repository
from meshlint.model.kind import Kind
from meshlint.model.mesh import WaypointState
from meshlint.model.resource import Resource
from meshlint.model.target import resolve_target
from meshlint.project import project
from tests.manifests import write

GATEWAY = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: edge, namespace: ingress}}
spec:
  gatewayClassName: {0}
  listeners:
    - {{name: http, port: 80, protocol: HTTP, allowedRoutes: {{namespaces: {{from: All}}}}}}
    - {{name: own, port: 81, protocol: HTTP}}
    - {{name: hosts, port: 443, protocol: HTTPS, hostname: "*.example.com", allowedRoutes: {{namespaces: {{from: All}}}}}}
    - {{name: tls, port: 444, protocol: TLS, tls: {{mode: Terminate}}, allowedRoutes: {{namespaces: {{from: All}}}}}}
    - {{name: chosen, port: 445, protocol: HTTP, allowedRoutes: {{kinds: [{{kind: GRPCRoute}}], namespaces: {{from: All}}}}}}
"""
ROUTE = """\
apiVersion: gateway.networking.k8s.io/v1
kind: {kind}
metadata: {{name: a, namespace: shop}}
spec:
  parentRefs: [{{name: edge, namespace: ingress{ref}}}]
  hostnames: [{host}]
  rules: [{{backendRefs: [{{name: cart, namespace: store, port: 80}}]}}]
"""
GRANT = """\
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: {{name: a, namespace: {namespace}}}
spec:
  from: [{{group: gateway.networking.k8s.io, kind: {kind}, namespace: shop}}]
  to: [{{group: "", kind: Service{name}}}]
"""
WAYPOINT = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: waypoint, namespace: shop}
spec: {gatewayClassName: istio-waypoint, listeners: [{name: mesh, port: 15008, protocol: HBONE}]}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio.io/use-waypoint: waypoint}}
---
apiVersion: v1
kind: Service
metadata: {name: inherits, namespace: shop}
spec: {ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: own, namespace: shop, labels: {istio.io/use-waypoint: waypoint}}
spec: {ports: [{port: 80}]}
---
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: {name: pod, namespace: shop, labels: {istio.io/use-waypoint: waypoint}}
spec: {address: 10.0.0.9}
"""
CNI = """\
apiVersion: {0}
kind: {1}
metadata: {{name: cni, namespace: istio-system}}
spec:
  {2}
"""


def asked(folder: Path, **files: str) -> MeshIndex:
    write(folder, {f"{name}.yaml": text for name, text in files.items()})
    loaded = load(project([str(folder)]), Config())
    targets = [resolve_target(None, current) for current in loaded.currents]
    return Repository(loaded.environments, loaded.files, targets, Config().settings).index(loaded.environments[0])


def only(mesh: MeshIndex, kind: Kind) -> Resource:
    (found,) = mesh.all(kind)
    return found


@pytest.mark.parametrize(
    ("kind", "ref", "host", "why"),
    [
        ("HTTPRoute", "", "a.example.org", ""),
        ("HTTPRoute", ", sectionName: http", "a.example.org", ""),
        ("HTTPRoute", ", sectionName: web", "a.example.org", "no listener web"),
        ("HTTPRoute", ", port: 8080", "a.example.org", "no such listener on port 8080"),
        ("HTTPRoute", ", sectionName: own", "a.example.org", "does not admit routes of namespace shop"),
        ("HTTPRoute", ", sectionName: hosts", "a.example.org", "none of the route's hostnames"),
        ("HTTPRoute", ", sectionName: hosts", "A.example.com", ""),
        ("HTTPRoute", ", sectionName: hosts", '"*.b.example.com"', ""),
        ("HTTPRoute", ", sectionName: tls", "a.example.com", "none of its listeners takes HTTPRoutes"),
        ("TCPRoute", ", sectionName: tls", "", ""),
        ("TLSRoute", ", sectionName: http", "a.example.com", "none of its listeners takes TLSRoutes"),
        ("GRPCRoute", ", sectionName: chosen", "a.example.com", ""),
        ("HTTPRoute", ", sectionName: chosen", "a.example.com", "GRPCRoute only"),
    ],
)
def test_refusal(tmp_path: Path, kind: str, ref: str, host: str, why: str) -> None:
    mesh = asked(tmp_path, gateway=GATEWAY.format("istio"), route=ROUTE.format(kind=kind, ref=ref, host=host))
    route = next(one for one in (Kind.HTTP_ROUTE, Kind.GRPC_ROUTE, Kind.TCP_ROUTE, Kind.TLS_ROUTE) if one.kind == kind)
    found = only(mesh, route)
    refusal = mesh.refusal(found, found.spec.get("parentRefs", 0))
    assert (refusal is None) if not why else (refusal is not None and why in refusal.why)


@pytest.mark.parametrize(
    ("namespace", "kind", "name", "granted"),
    [
        ("store", "HTTPRoute", "", True),
        ("store", "HTTPRoute", ", name: cart", True),
        ("store", "HTTPRoute", ", name: pay", False),
        ("store", "GRPCRoute", "", False),
        ("other", "HTTPRoute", "", False),
    ],
)
def test_granted(tmp_path: Path, namespace: str, kind: str, name: str, granted: bool) -> None:
    route = ROUTE.format(kind="HTTPRoute", ref="", host="a.example.com")
    mesh = asked(tmp_path, route=route, grant=GRANT.format(namespace=namespace, kind=kind, name=name))
    assert mesh.granted(only(mesh, Kind.HTTP_ROUTE), "", "Service", "store", "cart") is granted


@pytest.mark.parametrize(("name", "runs"), [("istio", True), ("acme", False)])
def test_istio_runs_what_its_gateways_take(tmp_path: Path, name: str, runs: bool) -> None:
    mesh = asked(tmp_path, gateway=GATEWAY.format(name), route=ROUTE.format(kind="HTTPRoute", ref="", host="a.example.com"))
    assert mesh.istio_runs(only(mesh, Kind.HTTP_ROUTE)) is runs
    assert mesh.istio_runs(only(mesh, Kind.K8S_GATEWAY)) is runs


def test_istio_runs_a_route_of_an_unknown_gateway_only_where_istio_is_shown(tmp_path: Path) -> None:
    route = ROUTE.format(kind="HTTPRoute", ref="", host="a.example.com")
    alone = asked(tmp_path / "alone", route=route)
    assert not alone.istio_runs(only(alone, Kind.HTTP_ROUTE))
    beside = asked(tmp_path / "beside", route=route, mesh=WAYPOINT)
    assert beside.istio_runs(only(beside, Kind.HTTP_ROUTE))


def test_waypoints_by_own_label_and_by_that_of_the_namespace(tmp_path: Path) -> None:
    mesh = asked(tmp_path, mesh=WAYPOINT)
    services = {service.name: service for service in mesh.all(Kind.SERVICE)}
    assert mesh.waypoint(services["inherits"]).inherited
    assert not mesh.waypoint(services["own"]).inherited
    assert not mesh.waypoint_label(services["inherits"]).present
    assert mesh.waypoint_label(services["own"]).text == "waypoint"
    assert mesh.waypoint(only(mesh, Kind.WORKLOAD_ENTRY)).state is WaypointState.WRONG_TYPE
    users = [user.title for user, _ in mesh.waypoint_users(only(mesh, Kind.K8S_GATEWAY))]
    assert users == ["Service shop/own", "Namespace shop", "WorkloadEntry shop/pod"]


def test_hosts_behind_references(tmp_path: Path) -> None:
    route = ROUTE.format(kind="HTTPRoute", ref=', group: "", kind: Service', host="a.example.com")
    mesh = asked(tmp_path, route=route)
    found = only(mesh, Kind.HTTP_ROUTE)
    parent = mesh.parent_host(found, found.spec.get("parentRefs", 0))
    assert parent is not None and parent.fqdn == "edge.ingress.svc.cluster.local"
    backend = mesh.backend_host(found, found.spec.get("rules", 0, "backendRefs", 0))
    assert backend.fqdn == "cart.store.svc.cluster.local"


@pytest.mark.parametrize(
    ("api", "kind", "spec", "value"),
    [
        ("sailoperator.io/v1", "IstioCNI", "values: {cni: {ambient: {dnsCapture: false}}}", False),
        ("helm.toolkit.fluxcd.io/v2", "HelmRelease", "{chart: {spec: {chart: cni}}, values: {ambient: {dnsCapture: true}}}", True),
        ("helm.toolkit.fluxcd.io/v2", "HelmRelease", "{chart: {spec: {chart: istiod}}, values: {ambient: {dnsCapture: true}}}", None),
        ("argoproj.io/v1alpha1", "Application", "source: {chart: cni, helm: {valuesObject: {ambient: {dnsCapture: false}}}}", False),
    ],
)
def test_dns_capture(tmp_path: Path, api: str, kind: str, spec: str, value: bool | None) -> None:
    node = asked(tmp_path, cni=CNI.format(api, kind, spec)).dns_capture()
    assert (node.value if node is not None else None) == value
