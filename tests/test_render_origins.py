"""Single values of rendered objects: the file and line that set them, and whether these are exact."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from meshlint.config import Config
from meshlint.edit.waypoints import namespace_of
from meshlint.engine import load
from meshlint.model.node import Step
from meshlint.project import project
from tests.tools import need

pytestmark = pytest.mark.tools
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: cart
spec:
  replicas: 1
  selector:
    matchLabels: {app: cart}
  template:
    metadata:
      labels: {app: cart}
    spec:
      containers:
        - name: side
          image: registry.example.com/side:1
        - name: cart
          image: registry.example.com/cart:1
          env:
            - name: MODE
              value: plain
"""
BASE = {"base/kustomization.yaml": "resources: [cart.yaml]\n", "base/cart.yaml": DEPLOYMENT}
CONTAINER = ("spec", "template", "spec", "containers")


def place(folder: Path, files: Mapping[str, str], path: tuple[Step, ...], kind: str = "Deployment", environment: str = "") -> str:
    """`file:line` of a value, `~` before one that is only near."""
    for name, text in files.items():
        full = folder / name
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_text(text)
    loaded = load(project([str(folder)]), Config(no_cache=True, render="always"))
    found = [one for one in loaded.environments if one.status == "rendered" and environment in one.name]
    (resource,) = {one.root: one for each in found for one in each.resources if one.kind.kind == kind}.values()
    node = resource.root.get(*path)
    return f"{'' if node.exact else '~'}{node.file}:{node.place.start.line + 1}"


@pytest.mark.parametrize(
    ("overlay", "path", "expected"),
    [
        ("", ("spec", "replicas"), "base/cart.yaml:6"),
        ("", (), "base/cart.yaml:2"),
        ("", ("spec", "strategy"), "base/cart.yaml:5"),
        ("replicas: [{name: cart, count: 3}]", ("spec", "replicas"), "prod/kustomization.yaml:2"),
        ("namespace: shop", ("metadata", "namespace"), "prod/kustomization.yaml:2"),
        ("namePrefix: a-", ("metadata", "name"), "~base/cart.yaml:4"),
        ("labels:\n- pairs: {team: x}", ("metadata", "labels", "team"), "prod/kustomization.yaml:3"),
        ("commonLabels:\n  team: x", ("spec", "template", "metadata", "labels", "team"), "prod/kustomization.yaml:3"),
        ("commonLabels:\n  app: cart", ("spec", "selector", "matchLabels", "app"), "prod/kustomization.yaml:3"),
        ("commonAnnotations:\n  a: b", ("metadata", "annotations", "a"), "prod/kustomization.yaml:3"),
        ("images:\n- name: registry.example.com/cart\n  newTag: '2'", (*CONTAINER, 1, "image"), "~prod/kustomization.yaml:4"),
        ("images:\n- name: registry.example.com/cart\n  newTag: '2'", (*CONTAINER, 0, "image"), "base/cart.yaml:15"),
        ("patches: [{path: p.yaml}]", (*CONTAINER, 0, "env", 0, "value"), "prod/p.yaml:12"),
        ("patches: [{path: p.yaml}]", ("metadata", "name"), "base/cart.yaml:4"),
        ("patches: [{path: p.yaml}]", (*CONTAINER, 0, "env", 0, "name"), "prod/p.yaml:11"),
        ("patchesStrategicMerge: [p.yaml]", (*CONTAINER, 0, "image"), "base/cart.yaml:17"),
        ("patches:\n- target: {kind: Deployment}\n  path: ops.yaml", ("spec", "replicas"), "prod/ops.yaml:3"),
        ("patches:\n- target: {kind: Deployment}\n  path: ops.yaml", (*CONTAINER, 2, "image"), "prod/ops.yaml:6"),
        ("patches:\n- target: {kind: Deployment}\n  path: ops.yaml", (*CONTAINER, 1, "env", 0, "value"), "prod/ops.yaml:9"),
        ("components: [../part]", ("metadata", "labels", "part"), "part/kustomization.yaml:3"),
        ("transformers: [t.yaml]", ("metadata", "annotations", "t"), "prod/t.yaml:5"),
        ("transformers: [t.yaml]", ("spec", "replicas"), "base/cart.yaml:6"),
        ("replacements: [{path: r.yaml}]", (*CONTAINER, 1, "env", 0, "value"), "~prod/r.yaml:4"),
        ("patches:\n- target: {labelSelector: 'team notin (x, y),!old'}\n  path: ops.yaml", ("spec", "replicas"), "prod/ops.yaml:3"),
    ],
)
def test_kustomize(tmp_path: Path, overlay: str, path: tuple[Step, ...], expected: str) -> None:
    need("kustomize")
    files = {
        **BASE,
        "prod/kustomization.yaml": f"resources: [../base]\n{overlay}\n",
        "prod/p.yaml": DEPLOYMENT.split("  replicas")[0]
        + "  template:\n    spec:\n      containers:\n      - name: cart\n        env:\n        - name: MODE\n          value: patched\n",
        "prod/ops.yaml": "- op: replace\n  path: /spec/replicas\n  value: 5\n- op: add\n  path: /spec/template/spec/containers/-\n"
        "  value: {name: last, image: x}\n- op: replace\n  path: /spec/template/spec/containers/1/env/0/value\n  value: op\n",
        "prod/t.yaml": "apiVersion: builtin\nkind: AnnotationsTransformer\nmetadata: {name: t}\nannotations:\n  t: x\n"
        "fieldSpecs: [{path: metadata/annotations, create: true}]\n",
        "prod/r.yaml": "- source: {kind: Deployment, fieldPath: metadata.name}\n  targets:\n  - select: {kind: Deployment}\n"
        "    fieldPaths: ['spec.template.spec.containers.[name=cart].env.[name=MODE].value']\n",
        "part/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nlabels: [{pairs: {part: x}}]\n",
    }
    assert place(tmp_path, files, path, environment="prod") == expected


@pytest.mark.parametrize(("own", "expected"), [("", {}), ("  namespace: own\n", {"namespace": "own"})])
def test_a_new_object_has_the_namespace_that_is_written_beside_it(tmp_path: Path, own: str, expected: dict[str, str]) -> None:
    need("kustomize")
    files = {**BASE, "base/cart.yaml": DEPLOYMENT.replace("  name: cart\n", f"  name: cart\n{own}", 1)}
    files["prod/kustomization.yaml"] = "resources: [../base]\nnamespace: shop\n"
    assert place(tmp_path, files, ("metadata", "namespace"), environment="prod") == "prod/kustomization.yaml:2"
    (prod,) = load(project([str(tmp_path)]), Config(no_cache=True, render="always")).environments
    assert [(one.namespace, namespace_of(one)) for one in prod.resources] == [("shop", expected)]


@pytest.mark.parametrize(
    ("generator", "path", "expected"),
    [
        ("- name: c\n  literals:\n  - key=said", ("data", "key"), "prod/kustomization.yaml:4"),
        ("- name: c\n  files: [a.txt]", ("data", "a.txt"), "prod/a.txt:1"),
        ("- name: c\n  files: [key=../up.txt]", ("data", "key"), "up.txt:1"),
        ("- name: c\n  literals: [key=said]", ("metadata", "name"), "~prod/kustomization.yaml:2"),
        ("- name: other\n- name: c\n  literals: [key=said]", (), "~prod/kustomization.yaml:3"),
    ],
)
def test_generated(tmp_path: Path, generator: str, path: tuple[Step, ...], expected: str) -> None:
    need("kustomize")
    files = {"prod/a.txt": "text\n", "up.txt": "text\n", "prod/kustomization.yaml": f"configMapGenerator:\n{generator}\n"}
    if "other" in generator:
        deleted = "{$patch: delete, apiVersion: v1, kind: ConfigMap, metadata: {name: x}}"
        files["prod/kustomization.yaml"] += f"patches: [{{target: {{name: other}}, patch: '{deleted}'}}]\n"
    assert place(tmp_path, files, path, "ConfigMap") == expected


HEAD = "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata:\n  name: x\n"


@pytest.mark.parametrize(
    ("template", "path", "expected"),
    [
        ("spec:\n  hosts: [literal]\n", ("spec", "hosts", 0), "c/templates/t.yaml:6"),
        ("spec:\n  hosts: ['{{ .Values.host }}']\n", ("spec", "hosts", 0), "c/values.yaml:1"),
        ("spec:\n  hosts:\n  - {{ .Values.host }}\n", ("spec", "hosts", 0), "c/values.yaml:1"),
        ("spec:\n  hosts:\n  - {{ .Values.host }}.svc\n", ("spec", "hosts", 0), "~c/templates/t.yaml:7"),
        ("spec:\n  hosts:\n  - {{ .Values.none | default \"x\" }}\n", ("spec", "hosts", 0), "c/templates/t.yaml:7"),
        ("spec:\n  hosts:\n  - {{ .Values.over }}\n", ("spec", "hosts", 0), "c/values-prod.yaml:1"),
        ("spec:\n  hosts: {{ toYaml .Values.list | nindent 4 }}\n", ("spec", "hosts", 1), "c/values.yaml:5"),
        ("spec:\n  hosts:\n  {{- toYaml .Values.list | nindent 2 }}\n", ("spec", "hosts", 0), "c/values.yaml:4"),
        ("spec:\n  {{- toYaml .Values.spec | nindent 2 }}\n", ("spec", "http", 0, "route", 0, "destination", "host"), "c/values.yaml:12"),
        ("spec:\n  hosts:\n  {{- range .Values.list }}\n  - {{ . }}\n  {{- end }}\n", ("spec", "hosts", 1), "c/values.yaml:5"),
        (
            "spec:\n  hosts:\n  {{- if .Values.host }}\n  - first\n  {{- else }}\n  - last\n  {{- end }}\n",
            ("spec", "hosts", 0),
            "c/templates/t.yaml:8",
        ),
        ("spec:\n  hosts:\n  - {{ if .Values.host }}one{{ else }}two{{ end }}\n", ("spec", "hosts", 0), "c/templates/t.yaml:7"),
        ("spec:\n  hosts:\n  - {{ include \"c.host\" . }}\n", ("spec", "hosts", 0), "c/values.yaml:1"),
        ('spec:\n  {{- include "c.spec" (dict "root" . "name" "given") | nindent 2 }}\n', ("spec", "hosts", 0), "c/templates/_h.tpl:6"),
        ("spec:\n  {{- with .Values.deep }}\n  hosts: [{{ .er | quote }}]\n  {{- end }}\n", ("spec", "hosts", 0), "c/values.yaml:7"),
        ("spec:\n  hosts:\n  {{- $h := .Values.host }}\n  - {{ $h }}\n", ("spec", "hosts", 0), "c/values.yaml:1"),
        ("spec:\n  hosts: [{{ .Values.merged.a }}]\n", ("spec", "hosts", 0), "c/values.yaml:14"),
        ("spec:\n  hosts: [{{ .Values.merged.b }}]\n", ("spec", "hosts", 0), "c/values-prod.yaml:3"),
        ("spec:\n  hosts: [{{ .Release.Name }}]\n", ("spec", "hosts", 0), "~c/templates/t.yaml:6"),
        ("spec:\n  hosts: [{{ .Chart.Name }}]\n", ("spec", "hosts", 0), "c/Chart.yaml:2"),
        ("spec:\n  hosts: []\n", (), "c/templates/t.yaml:2"),
        ("spec:\n  hosts: []\n", ("spec", "http"), "c/templates/t.yaml:5"),
    ],
)
def test_helm(tmp_path: Path, template: str, path: tuple[Step, ...], expected: str) -> None:
    need("helm")
    files = {
        "c/Chart.yaml": "apiVersion: v2\nname: chart\nversion: 1.0.0\n",
        "c/values.yaml": "host: given\nover: low\nlist:\n  - one\n  - two\ndeep:\n  er: value\n"
        "spec:\n  http:\n  - route:\n    - destination:\n        host: far\nmerged:\n  a: 1st\n  b: 2nd\n",
        "c/values-prod.yaml": "over: high\nmerged:\n  b: other\n",
        "c/templates/_h.tpl": '{{- define "c.host" }}{{ .Values.host }}{{ end }}\n\n'
        '{{- define "c.spec" }}\n# of {{ .name }}\nhosts:\n  - fixed\n{{- end }}\n',
        "c/templates/t.yaml": HEAD + template,
    }
    assert place(tmp_path, files, path, "VirtualService") == expected
