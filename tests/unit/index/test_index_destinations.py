"""DestinationRules as the mesh reads them: on whose behalf, and which of their policies act."""

from __future__ import annotations

from pathlib import Path

import pytest

from meshlint.config import Config
from meshlint.engine import load
from meshlint.index.mesh import MeshIndex
from meshlint.index.repository import Repository
from meshlint.model.kind import Kind
from meshlint.model.target import resolve_target
from meshlint.model.traffic_policy import settings_of
from meshlint.project import project

PORTS = "[{name: http, port: 80}]"
SERVICE = f"apiVersion: v1\nkind: Service\nmetadata: {{name: cart, namespace: shop}}\nspec: {{selector: {{app: cart}}, ports: {PORTS}}}\n"


def rule(spec: str, namespace: str = "shop") -> str:
    metadata = f"{{name: cart, namespace: {namespace}}}"
    return f"apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {metadata}\nspec: {spec}\n"


def route(spec: str) -> str:
    return f"apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: cart, namespace: shop}}\nspec: {spec}\n"


def pods(namespace: str, labels: str) -> str:
    template = f"{{metadata: {{labels: {{{labels}}}}}, spec: {{containers: [{{name: app, image: example/app:1}}]}}}}"
    return f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: app, namespace: {namespace}}}\nspec: {{template: {template}}}\n"


def mesh_of(folder: Path, *documents: str, goal: str = "both") -> MeshIndex:
    (folder / "all.yaml").write_text("---\n".join(documents), encoding="utf-8")
    loaded = load(project([str(folder)]), Config())
    targets = [resolve_target(None, current) for current in loaded.currents]
    settings = Config().settings._replace(goal=goal)
    repository = Repository(loaded.environments, loaded.files, targets, settings)
    return repository.index(loaded.environments[0])


def subject(mesh: MeshIndex) -> object:
    return mesh.rule_subject(mesh.all(Kind.DESTINATION_RULE)[0])


def test_the_namespace_of_the_host_decides(tmp_path: Path) -> None:
    assert subject(mesh_of(tmp_path, SERVICE, rule("{host: cart}"))) == "shop"


def test_a_wildcard_over_the_mesh_is_decided_where_the_rule_stands(tmp_path: Path) -> None:
    mesh = mesh_of(tmp_path, rule('{host: "*.local"}', "istio-system"))
    assert subject(mesh) is mesh.all(Kind.DESTINATION_RULE)[0]
    assert subject(mesh_of(tmp_path, rule('{host: "*.example.com"}', "istio-system"))) is None


@pytest.mark.parametrize("spec", ["{host: api.example.com}", '{host: ""}', "{}"])
def test_no_host_of_the_mesh(tmp_path: Path, spec: str) -> None:
    assert subject(mesh_of(tmp_path, SERVICE, rule(spec))) is None


def test_the_goal_leaves_out_what_is_not_ambient(tmp_path: Path) -> None:
    assert subject(mesh_of(tmp_path, SERVICE, rule("{host: cart}"), goal="gateway-api")) is None
    ambient = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {istio.io/dataplane-mode: ambient}}\n"
    assert subject(mesh_of(tmp_path, ambient, SERVICE, rule("{host: cart}"), goal="gateway-api")) == "shop"


def test_in_a_namespace_of_gateways(tmp_path: Path) -> None:
    host = rule("{host: cart.shop.svc.cluster.local}", "edge")
    mesh = mesh_of(tmp_path, SERVICE, host, pods("edge", "istio: ingressgateway"))
    assert (mesh.gateways_in("edge"), mesh.gateways_in("shop"), subject(mesh)) == (True, None, None)
    mesh = mesh_of(tmp_path, SERVICE, host, pods("edge", "istio: ingressgateway"), pods("edge", "app: web"))
    assert (mesh.gateways_in("edge"), subject(mesh)) == (False, "shop")


def test_callers_that_are_gateways_only(tmp_path: Path) -> None:
    outside = route("{hosts: [shop.example.com], gateways: [edge/public], http: [{route: [{destination: {host: cart}}]}]}")
    mesh = mesh_of(tmp_path, SERVICE, outside, rule("{host: cart}"))
    assert mesh.ingress_only(mesh.host(mesh.all(Kind.DESTINATION_RULE)[0].spec.get("host"), mesh.all(Kind.DESTINATION_RULE)[0]))
    inside = route("{hosts: [cart], http: [{timeout: 3s, route: [{destination: {host: cart}}]}]}").replace("name: cart,", "name: inside,")
    mesh = mesh_of(tmp_path, SERVICE, outside, inside, rule("{host: cart}"))
    assert not mesh.ingress_only(mesh.host(mesh.all(Kind.DESTINATION_RULE)[0].spec.get("host"), mesh.all(Kind.DESTINATION_RULE)[0]))


def test_policies_of_ports_and_of_subsets_in_use(tmp_path: Path) -> None:
    policy = "trafficPolicy: {loadBalancer: {simple: RANDOM}, portLevelSettings: [{port: {number: 80}, tls: {mode: DISABLE}}]}"
    subsets = "subsets: [{name: v1, trafficPolicy: {proxyProtocol: {version: V2}}}, {name: v2, trafficPolicy: {tunnel: {protocol: POST}}}]"
    used = route("{hosts: [cart], http: [{route: [{destination: {host: cart, subset: v1}}]}]}")
    mesh = mesh_of(tmp_path, SERVICE, used, rule(f"{{host: cart, {policy}, {subsets}}}"))
    found = mesh.traffic_policies(mesh.all(Kind.DESTINATION_RULE)[0])
    assert [list(settings_of(one)) for one in found] == [["loadBalancer"], [], ["proxyProtocol"]]


@pytest.mark.parametrize(
    ("spec", "shapes"),
    [
        ("{host: cart}", False),
        ("{host: cart, trafficPolicy: {}}", False),
        ("{host: cart, trafficPolicy: {tls: {mode: ISTIO_MUTUAL}, connectionPool: {}}}", False),
        ("{host: cart, trafficPolicy: {tls: {mode: SIMPLE}}}", True),
        ("{host: cart, subsets: [{name: v1, labels: {version: v1}}]}", True),
        ("{host: cart, subsets: [{name: v2, labels: {version: v2}}]}", False),
    ],
)
def test_what_a_waypoint_would_apply(tmp_path: Path, spec: str, shapes: bool) -> None:
    used = route("{hosts: [cart], http: [{route: [{destination: {host: cart, subset: v1}}]}]}")
    mesh = mesh_of(tmp_path, SERVICE, used, rule(spec))
    assert mesh.shapes_traffic(mesh.all(Kind.DESTINATION_RULE)[0]) is shapes
