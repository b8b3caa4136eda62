"""What only a cluster knows (parameters of generators, Secrets that need not be there) is no value: nothing is concluded from it,
and a chart that cannot do without it is no mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from meshlint.testing import Run
from tests.door import lint
from tests.tools import need

SET = """\
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: shop, namespace: argocd}
spec:
  goTemplate: true
  generators:
  - clusters: {}
  template:
    metadata: {name: "shop-{{ .name }}"}
    spec:
      destination: {name: "{{ .name }}", namespace: shop}
      source:
        repoURL: https://git.example.com/shop.git
        path: chart
        helm:
"""
OBJECT = """\
          valuesObject:
            tier: '{{ .metadata.labels.tier }}'
            hosts:
            - shop.example.com
            - 'shop.{{ index .metadata.annotations "example.com/zone"
                 | trimPrefix "*." }}'
"""
TEXT = """\
          values: |
            tier: {{ .metadata.labels.tier }}
            hosts: [shop.example.com, shop.{{ index .metadata.annotations "example.com/zone" }}]
"""
PARAMETERS = """\
          parameters:
          - {name: tier, value: '{{ .metadata.labels.tier }}'}
          - {name: 'hosts[0]', value: shop.example.com}
          - {name: 'hosts[1]', value: 'shop.{{ .name }}'}
"""
ROUTE = """\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: shop
  labels:
    tier: {{ .Values.tier }}
spec:
  parentRefs:
  - {name: gate, port: 70000}
  hostnames:
  {{- toYaml .Values.hosts | nindent 2 }}
  rules:
  - backendRefs:
    - {name: shop, port: 80}
"""
CHART = {"chart/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n"}


def linted(root: Path, files: dict[str, str]) -> Run:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return lint(root, "--render", "always")


def told(run: Run, *rules: str) -> list[str]:
    return [f"{one['rule']} {one['severity']} {one['file']}:{one['line']}" for one in run.findings if one["rule"] in rules]


@pytest.mark.tools
@pytest.mark.parametrize("values", [OBJECT, TEXT, PARAMETERS])
def test_a_parameter_that_a_cluster_fills_in_is_no_value(values: str, tmp_path: Path) -> None:
    """The port of the parent is wrong whatever the cluster says."""
    need("helm")
    run = linted(tmp_path, {**CHART, "set.yaml": SET + values, "chart/templates/route.yaml": ROUTE})
    assert told(run, "ML003", "ML004", "ML902") == ["ML902 error chart/templates/route.yaml:9"]
    assert {one["name"]: one["status"] for one in run.report["coverage"]["environments"]}["chart"] == "rendered"


@pytest.mark.tools
def test_a_chart_that_cannot_do_without_is_not_analysed(tmp_path: Path) -> None:
    need("helm")
    check = '{{ if ne .Values.tier "gold" }}{{ fail "the tier is gold" }}{{ end }}\n'
    run = linted(tmp_path, {**CHART, "set.yaml": SET + OBJECT, "chart/templates/route.yaml": check})
    assert told(run, "ML003") == []
    assert "ML004 note set.yaml:2" in told(run, "ML004")


APPLICATION = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop, namespace: argocd}
spec:
  source:
    repoURL: https://git.example.com/shop.git
    path: chart
    helm: {values: "tier: {{ .Values.tier }}"}
  destination: {namespace: shop, server: https://kubernetes.default.svc}
"""
UPPER = {"apps/Chart.yaml": "apiVersion: v2\nname: apps\nversion: 1.0.0\n", "apps/templates/shop.yaml": APPLICATION}


@pytest.mark.tools
@pytest.mark.parametrize(("more", "rule"), [({}, "ML004 note"), ({"apps/values-prod.yaml": "tier: bronze\n"}, "ML003 error")])
def test_a_chart_that_nothing_installs_may_give_other_settings(more: dict[str, str], rule: str, tmp_path: Path) -> None:
    need("helm")
    check = '{{ if ne .Values.tier "gold" }}{{ fail "the tier is gold" }}{{ end }}\n'
    run = linted(tmp_path, {**CHART, **UPPER, **more, "chart/templates/route.yaml": check})
    found = [one for one in run.findings if "the tier is gold" in one["message"]]
    assert [f"{one['rule']} {one['severity']} {one['file']}" for one in found] == [f"{rule} apps/templates/shop.yaml"]


@pytest.mark.tools
def test_the_release_of_kubernetes_that_a_chart_asks_for_is_not_refused(tmp_path: Path) -> None:
    need("helm")
    chart = CHART["chart/Chart.yaml"] + "kubeVersion: '>=1.99.0-0'\n"
    run = linted(tmp_path, {"chart/Chart.yaml": chart, "chart/templates/a.yaml": "kind: ConfigMap\napiVersion: v1\n"})
    assert {one["name"]: one["status"] for one in run.report["coverage"]["environments"]} == {"chart": "rendered"}


@pytest.mark.tools
def test_what_helm_never_applies_is_not_said_to_be_left_out(tmp_path: Path) -> None:
    """Templates for others to include, and tests; a template whose condition is not met is said."""
    need("helm")
    route = '{{ define "route" }}\n' + HOSTNAME.replace("${ZONE}", "example.com") + "{{ end }}\n"
    files = {**CHART, "chart/templates/_route.yaml": route}
    files["chart/templates/route.yaml"] = '{{ include "route" . }}\n'
    pod = "{{ if .Values.test }}\napiVersion: v1\nkind: Pod\nmetadata:\n  name: x\n  annotations:\n    "
    files["chart/templates/tests/pod.yaml"] = pod + '"helm.sh/hook": test\n{{ end }}\n'
    files["chart/templates/pod.yaml"] = pod + "a: b\n{{ end }}\n"
    run = linted(tmp_path, files)
    assert told(run, "ML004") == ["ML004 note chart/templates/pod.yaml:1"]


GUARDED = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
{{ if .Values.guarded }}
---
apiVersion: GROUP
kind: AuthorizationPolicy
metadata: {name: a}
{{ end }}
"""


HELD_BACK = [("security.istio.io/v1", ["ML004 note chart/templates/a.yaml:7"]), ("policy.linkerd.io/v1", [])]


@pytest.mark.tools
@pytest.mark.parametrize(("group", "said"), HELD_BACK)
def test_a_kind_that_conditions_hold_back_is_said_where_it_is_of_the_mesh(group: str, said: list[str], tmp_path: Path) -> None:
    need("helm")
    run = linted(tmp_path, {**CHART, "chart/templates/a.yaml": GUARDED.replace("GROUP", group)})
    assert told(run, "ML004") == said


KUSTOMIZATION = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: apps, namespace: flux-system}
spec:
  path: apps
  sourceRef: {kind: GitRepository, name: flux-system}
  postBuild:
    substituteFrom: [{kind: Secret, name: zones, optional: OPTIONAL}]
"""
HOSTNAME = """\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop, namespace: shop}
spec:
  hostnames: ["shop.${ZONE}"]
  rules: [{backendRefs: [{name: shop, port: 80}]}]
"""


@pytest.mark.tools
@pytest.mark.parametrize("optional", ["true", "false"])
def test_a_variable_that_a_secret_may_set_is_not_empty(optional: str, tmp_path: Path) -> None:
    need("kustomize")
    files = {"k.yaml": KUSTOMIZATION.replace("OPTIONAL", optional), "apps/r.yaml": HOSTNAME}
    files["apps/kustomization.yaml"] = "resources: [r.yaml]\n"
    run = linted(tmp_path, files)
    assert told(run, "ML902", "ML003") == []
    assert {one["name"]: one["status"] for one in run.report["coverage"]["environments"]}["apps"] == "rendered"
