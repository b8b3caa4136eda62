"""What is written for a Service that only a waypoint executes, and who sees a ServiceEntry in ambient."""

from __future__ import annotations

from pathlib import Path

import pytest

from meshlint.config import Config
from meshlint.engine import load
from meshlint.index.mesh import MeshIndex
from meshlint.index.repository import Repository
from meshlint.model.kind import Kind
from meshlint.model.target import resolve_target
from meshlint.project import project

SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: cart, namespace: shop}\nspec: {ports: [{name: http, port: 80}]}\n"
ENTRY = "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: rates, namespace: shop}\nspec: {hosts: [rates.io]%s}\n"
ROUTE = "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: cart, namespace: shop}\nspec: {hosts: [cart], %s}\n"
PARENT = "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: cart, namespace: shop}\nspec: {parentRefs: [%s]}\n"
POLICY = "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: cart, namespace: %s}\nspec: {targetRefs: [%s]}\n"
OUT = "apiVersion: v1\nkind: Namespace\nmetadata: {name: %s, labels: {istio.io/dataplane-mode: none}}\n"
GATEWAYS = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: edge, namespace: edge}
spec: {template: {metadata: {labels: {istio: egressgateway}}, spec: {containers: [{name: istio-proxy, image: auto}]}}}
"""
LABELLED = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {team: shop}}\n"
MESH = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data:
  mesh: |-
    serviceEntryVisibility: {%s}
"""
FOR = "defaultVisibility: NAMESPACE, policies: [{visibility: PUBLIC, matchingRules: [{namespaceSelector: {%s}}]}]"
EXPRESSION = "matchExpressions: [{key: %s, operator: %s, values: [%s]}]"
ITSELF = "http: [{route: [{destination: {host: cart}}]}]"


def index(folder: Path, *documents: str) -> MeshIndex:
    (folder / "objects.yaml").write_text("---\n".join(documents), encoding="utf-8")
    loaded = load(project([str(folder)]), Config())
    targets = [resolve_target(None, current) for current in loaded.currents]
    return Repository(loaded.environments, loaded.files, targets, Config().settings).index(loaded.environments[0])


@pytest.mark.parametrize(
    ("document", "counts"),
    [
        (ROUTE % "http: [{timeout: 3s, route: [{destination: {host: cart}}]}]", True),
        (ROUTE % "http: [{route: [{destination: {host: cart, subset: v1}}]}]", True),
        (ROUTE % "http: [{route: [{destination: {host: cart}, headers: {request: {remove: [a]}}}]}]", True),
        (ROUTE % "http: [{route: [{destination: {host: cart}}, {destination: {host: other}}]}]", True),
        (ROUTE % ITSELF, False),
        (ROUTE % ("gateways: [edge], " + ITSELF.replace("{route", "{timeout: 3s, route")), False),
        (PARENT % '{group: "", kind: Service, name: cart}', True),
        (PARENT % '{group: "", kind: Service, name: other}', False),
        (PARENT % "{name: cart}", False),
        (POLICY % ("shop", '{group: "", kind: Service, name: cart}'), True),
        (POLICY % ("shop", "{kind: Service, name: cart}"), True),
        (POLICY % ("other", '{group: "", kind: Service, name: cart}'), False),
        (POLICY % ("shop", "{group: networking.istio.io, kind: ServiceEntry, name: cart}"), False),
    ],
)
def test_what_only_a_waypoint_executes(document: str, counts: bool, tmp_path: Path) -> None:
    mesh = index(tmp_path, SERVICE, document)
    found = mesh.waypoint_work(mesh.all(Kind.SERVICE)[0])
    assert [user.name for user, _ in found] == (["cart"] if counts else [])


def test_the_node_names_the_service(tmp_path: Path) -> None:
    mesh = index(tmp_path, SERVICE, ROUTE % "http: [{timeout: 3s, route: [{destination: {host: cart}}]}]")
    [(_, node)] = mesh.waypoint_work(mesh.all(Kind.SERVICE)[0])
    assert node.path == ("spec", "hosts", 0)


@pytest.mark.parametrize(
    ("exported", "read"),
    [
        ("", True), (", exportTo: ['*']", True), (", exportTo: ['.']", True), (", exportTo: [old]", False),
        (", exportTo: [old, bank]", True), (", exportTo: [edge]", False), (", exportTo: ['~']", False),
        (", exportTo: ['{{ .Values.to }}']", True),
    ],
)  # fmt: skip
def test_who_reads_a_service_entry(exported: str, read: bool, tmp_path: Path) -> None:
    mesh = index(tmp_path, OUT % "old", GATEWAYS, ENTRY % exported)
    assert mesh.read_in_ambient(mesh.all(Kind.SERVICE_ENTRY)[0]) is read


def test_nobody_reads_an_entry_of_a_namespace_that_stays_out(tmp_path: Path) -> None:
    mesh = index(tmp_path, OUT % "shop", ENTRY % "")
    assert not mesh.read_in_ambient(mesh.all(Kind.SERVICE_ENTRY)[0])


@pytest.mark.parametrize(
    ("setting", "visibility"),
    [
        ("defaultVisibility: NAMESPACE", "NAMESPACE"),
        ("defaultVisibility: 1", "NONE"),
        ("applyToSidecars: true", "PUBLIC"),
        ("defaultVisibility: '{{ .Values.visibility }}'", None),
        (FOR % "matchLabels: {team: shop}", "PUBLIC"),
        (FOR % "matchLabels: {team: bank}", "NAMESPACE"),
        (FOR % "matchLabels: {team: shop, kubernetes.io/metadata.name: bank}", "NAMESPACE"),
        (FOR % (EXPRESSION % ("team", "In", "shop, bank")), "PUBLIC"),
        (FOR % (EXPRESSION % ("team", "NotIn", "shop")), "NAMESPACE"),
        (FOR % (EXPRESSION % ("team", "Exists", "")), "PUBLIC"),
        (FOR % (EXPRESSION % ("team", "DoesNotExist", "")), "NAMESPACE"),
        (FOR % (EXPRESSION % ("team", "Like", "")), None),
        (FOR % "matchLabels: {other: true}", "NAMESPACE"),
        (FOR % "", "PUBLIC"),
        ("policies: [{visibility: NONE}]", "NONE"),
        ("policies: [{visibility: NONE, matchingRules: [{}]}]", "PUBLIC"),
    ],
)
def test_how_far_a_service_entry_is_visible(setting: str, visibility: str | None, tmp_path: Path) -> None:
    mesh = index(tmp_path, LABELLED, MESH % setting, ENTRY % "")
    found = mesh.visibility(mesh.all(Kind.SERVICE_ENTRY)[0])
    assert (found and found[0]) == visibility


@pytest.mark.parametrize(("key", "visibility"), [("team", None), ("kubernetes.io/metadata.name", "PUBLIC")])
def test_labels_that_the_repository_does_not_hold_decide_nothing(key: str, visibility: str | None, tmp_path: Path) -> None:
    mesh = index(tmp_path, MESH % (FOR % f"matchLabels: {{{key}: shop}}"), ENTRY % "")
    found = mesh.visibility(mesh.all(Kind.SERVICE_ENTRY)[0])
    assert (found and found[0]) == visibility


def test_without_the_setting_there_is_no_visibility(tmp_path: Path) -> None:
    mesh = index(tmp_path, ENTRY % "")
    assert mesh.visibility(mesh.all(Kind.SERVICE_ENTRY)[0]) is None
