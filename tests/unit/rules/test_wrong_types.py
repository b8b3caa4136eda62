"""Values of a wrong type that once made a rule raise."""

from pathlib import Path

import pytest

from tests.door import lint

MESH = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {istio.io/dataplane-mode: ambient}}\n---\n"
POLICY = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: web, namespace: shop}\n"
DEPLOYMENT = (
    "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\n"
    "spec: {template: {metadata: {labels: {app: web}}, spec: {containers: []}}}\n"
)
WRONG = {
    "ports of a NetworkPolicy": MESH
    + POLICY
    + "spec: {podSelector: {}, ingress: [{ports: [{port: [80]}, {port: {a: 1}}]}]}\n"
    + DEPLOYMENT,
    "ports of a Service": MESH
    + "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop, labels: {istio.io/use-waypoint: w}}\n"
    + "spec: {selector: {app: web}, ports: [{port: [80], targetPort: {a: 1}}]}\n---\n"
    + "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: web, namespace: shop}\n"
    + 'spec: {targetRefs: [{kind: Service, group: "", name: web}], rules: [{to: [{operation: {ports: ["8080"]}}]}]}\n',
    "an unknown field that a template fills in": "apiVersion: gateway.networking.x-k8s.io/v1alpha1\nkind: XMesh\nmetadata: {name: m}\n"
    + 'spec: {controller: "{{ .Values.name }}"}\n',
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG)
def test_no_rule_fails(tmp_path: Path, text: str) -> None:
    (tmp_path / "objects.yaml").write_text(text)
    run = lint(tmp_path, "--target", "istio=1.30,gateway-api=1.5,channel=experimental")
    assert [finding["message"] for finding in run.findings if finding["name"] == "rule-failed"] == []
    assert run.code in (0, 1)
