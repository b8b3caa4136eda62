"""Whom policies act on: by pod labels, never by those of Services; by targetRefs; and what a waypoint is called."""

from __future__ import annotations

from pathlib import Path

import pytest

from meshlint.config import Config
from meshlint.engine import load
from meshlint.index.mesh import MeshIndex
from meshlint.index.repository import Repository
from meshlint.model.kind import Kind
from meshlint.model.mesh import Settings
from meshlint.model.policy import Scope
from meshlint.model.resource import Resource
from meshlint.model.target import resolve_target
from meshlint.project import project

AMBIENT = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {istio.io/dataplane-mode: ambient}}\n"
WAYPOINT = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: waypoint, namespace: shop}
spec: {gatewayClassName: istio-waypoint, listeners: [{name: mesh, port: 15008, protocol: HBONE}]}
"""
CLASS = "{targetRefs: [{kind: GatewayClass, group: gateway.networking.k8s.io, name: istio-waypoint}]}"
ALLOW = Kind.AUTHORIZATION_POLICY


def deployment(name: str, labels: str, own: str = "{}", namespace: str = "shop") -> str:
    return f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: {namespace}, labels: {own}}}
spec:
  selector: {{matchLabels: {labels}}}
  template: {{metadata: {{labels: {labels}}}, spec: {{containers: [{{name: a, image: b}}]}}}}
"""


def service(name: str, selector: str, labels: str = "{}") -> str:
    return f"""\
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: shop, labels: {labels}}}
spec: {{selector: {selector}, ports: [{{port: 80}}]}}
"""


def policy(name: str, spec: str, namespace: str = "shop") -> str:
    metadata = f"{{name: {name}, namespace: {namespace}}}"
    return f"apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {metadata}\nspec: {spec}\n"


class World:
    def __init__(self, folder: Path, *documents: str, settings: Settings | None = None) -> None:
        (folder / "all.yaml").write_text("---\n".join(documents), encoding="utf-8")
        loaded = load(project([str(folder)]), Config())
        targets = [resolve_target(None, current) for current in loaded.currents]
        repository = Repository(loaded.environments, loaded.files, targets, settings or Settings())
        self.mesh: MeshIndex = repository.index(loaded.environments[0])

    def get(self, kind: Kind, name: str) -> Resource:
        return next(found for found in self.mesh.all(kind) if found.name == name)

    def reached(self, name: str) -> tuple[list[str], list[str]]:
        reach = self.mesh.reach(self.get(ALLOW, name))
        return sorted(w.resource.name for w in reach.workloads), sorted(s.name for s in reach.services)


def test_a_selector_is_for_pods_and_not_for_services(tmp_path: Path) -> None:
    world = World(
        tmp_path, AMBIENT, deployment("cart", "{app: cart, tier: back}", own="{app: other}"), deployment("other", "{app: web}"),
        service("cart", "{app: cart}", labels="{app: web}"), service("web", "{app: web}", labels="{tier: back}"),
        policy("back", "{selector: {matchLabels: {tier: back}}}"), policy("other", "{selector: {matchLabels: {app: other}}}"),
    )  # fmt: skip
    assert world.reached("back") == (["cart"], ["cart"])
    assert world.reached("other") == ([], [])


def test_without_the_pods_a_service_counts_if_all_of_its_pods_must_be_taken(tmp_path: Path) -> None:
    world = World(
        tmp_path, AMBIENT, service("cart", "{app: cart, tier: back}"), service("wide", "{tier: back}"), service("bare", "{}"),
        policy("cart", "{selector: {matchLabels: {app: cart}}}"), policy("all", "{}"),
    )  # fmt: skip
    assert world.reached("cart") == ([], ["cart"])
    assert world.reached("all") == ([], ["cart", "wide"])


def test_scopes(tmp_path: Path) -> None:
    world = World(
        tmp_path, AMBIENT, deployment("cart", "{app: cart}"), policy("namespace", "{}"), policy("mesh", "{}", "istio-system"),
        policy("everywhere", "{selector: {matchLabels: {app: cart}}}", "istio-system"),
        policy("target", "{targetRefs: [{kind: Service, name: a}]}"),
    )  # fmt: skip
    scopes = {found.name: world.mesh.reach(found).scope for found in world.mesh.all(ALLOW)}
    assert scopes == {"namespace": Scope.NAMESPACE, "mesh": Scope.MESH, "everywhere": Scope.WORKLOAD, "target": Scope.TARGETS}
    assert world.reached("everywhere")[0] == ["cart"]
    assert world.mesh.reach(world.get(ALLOW, "target")).subject is None


@pytest.mark.parametrize(
    ("spec", "moves"),
    [
        ("{selector: {matchLabels: {app: cart}}}", True),
        ("{selector: {matchLabels: {app: gone}}}", True),
        ("{selector: {matchLabels: {app: edge}}}", False),
        ("{selector: {matchLabels: {istio: ingressgateway}}}", False),
        ("{selector: {matchLabels: {app.kubernetes.io/name: istio-ingress-gateway}}}", False),
        ("{selector: {matchLabels: {app: stays}}}", False),
        ("{selector: {matchLabels: {app: '{{ .Values.app }}'}}}", False),
        ("{selector: '{{ .Values.selector }}'}", False),
    ],
)
def test_on_whom_it_acts_after_the_move(tmp_path: Path, spec: str, moves: bool) -> None:
    template = "{metadata: {labels: {app: edge}"
    edge = deployment("edge", "{app: edge}").replace(template, template + ", annotations: {inject.istio.io/templates: gateway}")
    stays = deployment("stays", "{app: stays, istio.io/dataplane-mode: none}")
    world = World(tmp_path, AMBIENT, deployment("cart", "{app: cart}"), edge, stays, policy("p", spec))
    assert (world.mesh.reach(world.get(ALLOW, "p")).subject is not None) is moves


def test_the_goal_can_leave_out_what_is_not_ambient_yet(tmp_path: Path) -> None:
    sidecars = AMBIENT.replace("istio.io/dataplane-mode: ambient", "istio-injection: enabled")
    world = World(tmp_path, sidecars, policy("p", "{}"), settings=Settings(goal="gateway-api"))
    assert world.mesh.reach(world.get(ALLOW, "p")).subject is None


def test_what_acts_at_a_service(tmp_path: Path) -> None:
    world = World(
        tmp_path, AMBIENT, WAYPOINT, service("web", "{app: web}"),
        service("cart", "{app: cart}", labels="{istio.io/use-waypoint: waypoint}"),
        policy("service", "{targetRefs: [{kind: Service, group: '', name: cart}]}"),
        policy("single", "{targetRef: {kind: Service, name: cart}}"),
        policy("gateway", "{targetRefs: [{kind: Gateway, group: gateway.networking.k8s.io, name: waypoint}]}"),
        policy("class", CLASS, "istio-system"), policy("class-elsewhere", CLASS),
        policy("far", "{targetRefs: [{kind: Service, name: cart}]}", "pay"),
        policy("group", "{targetRefs: [{kind: Gateway, name: waypoint}]}"),
        policy("pods", "{selector: {matchLabels: {app: cart}}}"), policy("wide", "{}"), policy("mesh", "{}", "istio-system"),
    )  # fmt: skip
    cart = world.get(Kind.SERVICE, "cart")
    assert sorted(found.name for found, _ in world.mesh.attached(cart, ALLOW)) == ["class", "gateway", "service", "single"]
    assert sorted(found.name for found in world.mesh.policies_over(cart, ALLOW)) == ["mesh", "pods", "wide"]
    (target,) = world.mesh.targets(world.get(ALLOW, "service"))
    assert (target.group, target.kind, target.name, target.resource) == ("", "Service", "cart", cart)
    (target,) = world.mesh.targets(world.get(ALLOW, "far"))
    assert target.resource is None


def test_who_the_waypoint_is(tmp_path: Path) -> None:
    named = WAYPOINT.replace("name: waypoint,", "name: other, annotations: {gateway.istio.io/service-account: relay},")
    world = World(
        tmp_path, AMBIENT, WAYPOINT, named, service("any", "{app: c}"),
        service("bound", "{app: a}", labels="{istio.io/use-waypoint: other}"),
        service("held-elsewhere", "{app: b}", labels="{istio.io/use-waypoint: w, istio.io/use-waypoint-namespace: infra}"),
        "apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nmetadata: {name: m}\nspec: {meshConfig: {trustDomain: td}}\n",
    )  # fmt: skip

    def names(service: str) -> list[str]:
        return sorted(peer.principal for peer in world.mesh.waypoint_peers(world.get(Kind.SERVICE, service)))

    assert names("bound") == ["td/ns/shop/sa/relay"]
    assert names("held-elsewhere") == ["td/ns/infra/sa/w"]
    assert names("any") == ["td/ns/shop/sa/relay", "td/ns/shop/sa/waypoint"]


ROUTE = """\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: cart, namespace: shop}
spec: {parentRefs: [{group: '', kind: Service, name: cart}], rules: [{backendRefs: [{name: cart, port: 80}]}]}
"""
VIRTUAL = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: cart, namespace: shop}
spec: {hosts: [cart], %s http: [{timeout: 1s, route: [{destination: {host: cart}}]}]}
"""


@pytest.mark.parametrize(
    ("labels", "document", "due"),
    [
        ("{istio.io/use-waypoint: waypoint}", AMBIENT, True),
        ("{}", AMBIENT, False),
        ("{istio.io/use-waypoint: none}", ROUTE, False),
        ("{}", ROUTE, True),
        ("{}", VIRTUAL % "", True),
        ("{}", VIRTUAL % "gateways: [edge],", False),
        ("{}", policy("p", "{targetRefs: [{kind: Service, name: cart}]}"), True),
        ("{}", policy("p", "{selector: {matchLabels: {app: cart}}}"), False),
    ],
)
def test_why_a_service_has_or_needs_a_waypoint(tmp_path: Path, labels: str, document: str, due: bool) -> None:
    world = World(tmp_path, service("cart", "{app: cart}", labels=labels), document)
    assert (world.mesh.waypoint_reason(world.get(Kind.SERVICE, "cart")) is not None) is due
