"""What the repository does not hold costs no more than itself: the rest is rendered, and what is not here is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.door import lint
from tests.tools import need

ROUTE = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web}
spec:
  hosts: [web]
  http:
  - route:
    - destination: {host: web}
"""
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{name: http, port: 80}]}\n"
PATCH = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web}
spec:
  http:
  - route:
    - destination:
        host: web
        subset: patched
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: far}
spec: {replicas: 2}
"""
OPERATIONS = '[{"op": "add", "path": "/spec/replicas", "value": 2}]'
REPLACEMENT = """\
- source: {kind: ConfigMap, name: settings, fieldPath: data.HOST}
  targets:
  - select: {kind: VirtualService}
    fieldPaths: [spec.hosts.0]
"""
WAYS = {
    "merge": "patchesStrategicMerge: [patch.yaml]",
    "patch": "patches: [{path: routes.yaml}, {path: far.yaml}]",
    "json": f"patchesStrategicMerge: [routes.yaml]\npatchesJson6902: [{{target: {{group: apps, version: v1, kind: Deployment, name: far}},"
    f" patch: '{OPERATIONS}'}}]",
    "inline": "patchesStrategicMerge:\n- routes.yaml\n- |-\n  apiVersion: apps/v1\n  kind: Deployment\n  metadata: {name: far}\n  spec: {}",
}


def write(root: Path, more: str) -> None:
    routes, _, far = PATCH.partition("---\n")
    files = {"web.yaml": f"{ROUTE}---\n{SERVICE}", "patch.yaml": PATCH, "routes.yaml": routes, "far.yaml": far, "values.yaml": REPLACEMENT}
    files["kustomization.yaml"] = f"resources: [web.yaml, https://example.com/far.yaml]\n{more}\n"
    for name, text in files.items():
        (root / name).write_text(text, encoding="utf-8")


def rendered(root: Path) -> tuple[str, str]:
    """Status and reason, and where the finding about the patched subset stands."""
    run = lint(root, "--render", "always")
    found = {one["name"]: one for one in run.report["coverage"]["environments"]}
    (place,) = {f"{one['file']}:{one['line']} {one['exact']}" for one in run.findings if one["rule"] == "ML101"}
    assert found["."]["status"] == "rendered"
    return found["."]["reason"], place


@pytest.mark.tools
@pytest.mark.parametrize("way", WAYS)
def test_a_patch_of_what_is_not_here_does_nothing(way: str, tmp_path: Path) -> None:
    need("kustomize")
    write(tmp_path, WAYS[way])
    file = "patch.yaml" if way == "merge" else "routes.yaml"
    assert rendered(tmp_path) == ("https://example.com/far.yaml is remote", f"{file}:9 True")


@pytest.mark.tools
@pytest.mark.parametrize("written", ["\n" + REPLACEMENT.rstrip(), " [{path: values.yaml}]"])
def test_a_value_of_a_file_that_is_not_here_is_not_replaced(written: str, tmp_path: Path) -> None:
    need("kustomize")
    write(tmp_path, f"{WAYS['merge']}\nconfigMapGenerator: [{{name: settings, envs: [gone.env]}}]\nreplacements:{written}")
    reason, place = rendered(tmp_path)
    assert "gone.env does not exist" in reason and place == "patch.yaml:9 True"


@pytest.mark.tools
@pytest.mark.parametrize("chart", ["helmCharts: [{name: istiod}]", "helmChartInflationGenerator: [{chartName: istiod}]"])
def test_a_kustomization_of_charts_alone_takes_nothing_with_it(chart: str, tmp_path: Path) -> None:
    need("kustomize")
    write(tmp_path, WAYS["merge"])
    (tmp_path / "base").mkdir()
    (tmp_path / "base/kustomization.yaml").write_text(f"{chart}\n", encoding="utf-8")
    (tmp_path / "kustomization.yaml").write_text(f"resources: [base, web.yaml]\n{WAYS['merge']}\n", encoding="utf-8")
    assert rendered(tmp_path) == ("chart istiod is not rendered", "patch.yaml:9 True")


@pytest.mark.tools
def test_where_all_is_here_a_kustomization_of_nothing_fails(tmp_path: Path) -> None:
    need("kustomize")
    write(tmp_path, "")
    (tmp_path / "base").mkdir()
    (tmp_path / "base/kustomization.yaml").write_text("kind: Kustomization\n", encoding="utf-8")
    (tmp_path / "kustomization.yaml").write_text("resources: [base, web.yaml]\n", encoding="utf-8")
    (failed,) = (one for one in lint(tmp_path).findings if one["rule"] == "ML003")
    assert "kustomization.yaml is empty" in failed["message"]


MERGED = "configMapGenerator: [{name: settings, behavior: merge, literals: [HOST=web]}]"


@pytest.mark.tools
def test_what_is_merged_into_something_that_is_not_here_is_made(tmp_path: Path) -> None:
    need("kustomize")
    write(tmp_path, f"{WAYS['merge']}\n{MERGED}")
    assert rendered(tmp_path) == ("https://example.com/far.yaml is remote", "patch.yaml:9 True")


@pytest.mark.tools
def test_where_all_is_here_merging_into_nothing_fails_with_the_same_message_each_time(tmp_path: Path) -> None:
    need("kustomize")
    write(tmp_path, "")
    (tmp_path / "kustomization.yaml").write_text(f"resources: [web.yaml]\n{MERGED}\n", encoding="utf-8")
    (failed,) = (one for one in lint(tmp_path).findings if one["rule"] == "ML003")
    assert "does not exist; cannot merge or replace" in failed["message"] and "0x" not in failed["message"]


@pytest.mark.tools
def test_where_all_is_here_a_patch_of_nothing_fails(tmp_path: Path) -> None:
    need("kustomize")
    write(tmp_path, "")
    (tmp_path / "kustomization.yaml").write_text(f"resources: [web.yaml]\n{WAYS['merge']}\n", encoding="utf-8")
    run = lint(tmp_path)
    found = {one["name"]: one for one in run.report["coverage"]["environments"]}
    assert found["."]["status"] == "failed" and "far" in found["."]["reason"]
    (failed,) = (one for one in run.findings if one["rule"] == "ML003")
    assert (failed["file"], failed["severity"]) == ("kustomization.yaml", "error") and found["."]["reason"].startswith(failed["message"])
    assert run.code == 1


CHART = {
    "chart/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n",
    "chart/templates/web.yaml": '{{ required "a host is needed" .Values.host }}\n',
}
INSTALLED = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: web, namespace: argocd}
spec:
  source: {repoURL: https://git.example.com/shop.git, path: chart, helm: {values: "port: 80"}}
  destination: {namespace: shop, server: https://kubernetes.default.svc}
"""


@pytest.mark.tools
@pytest.mark.parametrize(("more", "said"), [({}, "ML004 note chart/Chart.yaml"), ({"app.yaml": INSTALLED}, "ML003 error app.yaml")])
def test_a_chart_fails_where_something_installs_it(more: dict[str, str], said: str, tmp_path: Path) -> None:
    need("helm")
    for name, text in {**CHART, **more}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    found = [one for one in lint(tmp_path).findings if "a host is needed" in one["message"]]
    assert [f"{one['rule']} {one['severity']} {one['file']}" for one in found] == [said]


@pytest.mark.tools
def test_a_patch_that_cannot_be_read_is_told_by_its_fault(tmp_path: Path) -> None:
    need("kustomize")
    write(tmp_path, "")
    (tmp_path / "kustomization.yaml").write_text("resources: [web.yaml]\npatches: [{patch: '[{op: add}]', target: {kind: Service}}]\n")
    found = {one["name"]: one for one in lint(tmp_path).report["coverage"]["environments"]}
    assert "PatchTransformer: unable to parse" in found["."]["reason"]


FLUX = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: apps, namespace: flux-system}
spec:
  path: ./apps
  sourceRef: {kind: GitRepository, name: flux-system}
  postBuild: {substituteFrom: [{kind: ConfigMap, name: settings}]}
"""
PATCHED = "  patches: [{patch: '[{op: remove, path: /metadata/labels}]', target: {kind: Secret}}]\n"


@pytest.mark.tools
@pytest.mark.parametrize("more", ["", PATCHED])
def test_a_field_that_no_kustomization_has_is_a_fault_whatever_is_missing(more: str, tmp_path: Path) -> None:
    need("kustomize")
    for name, text in {
        "clusters/one/apps.yaml": FLUX + more, "apps/kustomization.yaml": "resources: [web.yaml]\npatch: []\n", "apps/web.yaml": SERVICE,
    }.items():  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    (found,) = [one for one in lint(tmp_path, "--render", "always").findings if one["rule"] in ("ML003", "ML004")]
    assert found["rule"] == "ML003" and "apps" in found["message"] and 'unknown field "patch"' in found["message"]


POLICY = """\
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  action: ALLOW
  rules: [{to: [{operation: {methods: [GET]}}]}]
"""
BACKEND = """\
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{name: http, port: 80}]}
"""


@pytest.mark.tools
def test_a_template_that_a_fix_adds_is_rendered(tmp_path: Path) -> None:
    need("helm")
    files = {"chart/Chart.yaml": CHART["chart/Chart.yaml"], "chart/templates/policy.yaml": POLICY, "chart/templates/service.yaml": BACKEND}
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    left = lint(tmp_path, "--render", "always", "--fix", "--unsafe-fixes").findings
    assert [one["rule"] for one in left] == ["ML216"]  # instead of ML201
    assert {path.name for path in (tmp_path / "chart/templates").iterdir()} > {"policy.yaml", "service.yaml"}
