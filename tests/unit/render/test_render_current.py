"""What a repository says it runs."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from render_helpers import Repo, obj

from meshlint.model.target import Current
from meshlint.render.current import Versions, current
from meshlint.render.describe import describe, write


def currents(repo: Repo) -> dict[str, Current]:
    versions = Versions(repo.files())
    return {environment.name: versions.of(environment) for environment in repo.built().list}


def release(chart: str, version: str, source: str = "istio", more: str = "") -> str:
    spec = f"spec:\n  chart: {{spec: {{chart: {chart}, version: '{version}', sourceRef: {{name: {source}}}}}}}\n"
    return obj("HelmRelease", chart, "istio-system", spec + more)


def pod(image: str) -> str:
    return obj("Deployment", "d", None, f"spec: {{template: {{spec: {{containers: [{{name: x, image: '{image}'}}]}}}}}}\n")


def artifact(url: str, ref: str) -> str:
    head = "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata: {name: x}\nspec:\n"
    return f"{head}  url: {url}\n  ref: {{{ref}}}\n"


ARGO = "spec: {source: {repoURL: https://istio-release.storage.googleapis.com/charts, chart: cni, targetRevision: 1.26.2}}\n"


@pytest.mark.parametrize(
    ("text", "expected", "line"),
    [
        ("apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nspec:\n  tag: 1.24.3-distroless\n", "1.24.3", 4),
        ("apiVersion: sailoperator.io/v1\nkind: Istio\nspec:\n  version: v1.30.0\n", "1.30.0", 4),
        ("apiVersion: sailoperator.io/v1\nkind: ZTunnel\nspec:\n  version: v1.30-latest\n", "1.30", 4),
        (release("istiod", "1.28.x", "anything"), "1.28", 7),
        (release("base", "~1.28.2"), "1.28.2", 7),
        (release("gateway", "1.2.0", "other"), None, 0),
        (release("istiod", ">=1.27 <1.30"), None, 0),
        (release("other", "9.9.9", "x", "  values: {global: {hub: docker.io/istio, tag: 1.27.1}}\n"), "1.27.1", 8),
        (obj("Application", "i", None, ARGO), "1.26.2", 5),
        (pod("docker.io/istio/pilot:1.29.1"), "1.29.1", 5),
        (pod("example.com/pilot:1.29.1"), None, 0),
        ("global:\n  hub: gcr.io/istio-release\n  tag: 1.25.1\n", "1.25.1", 3),
        (artifact("oci://gcr.io/istio-release/charts/istiod", "tag: 1.29.3"), "1.29.3", 6),
        (artifact("oci://gcr.io/istio-release/charts/base", "semver: 1.29.x"), "1.29", 6),
        (artifact("oci://registry.example.com/charts/base", "tag: 1.29.3"), None, 0),
        (artifact("oci://gcr.io/istio-release/charts/istiod", "digest: abc"), None, 0),
    ],
)  # fmt: skip
def test_istio_releases(tmp_path: Path, text: str, expected: str | None, line: int) -> None:
    found = currents(Repo(tmp_path).write("a.yaml", text))["."]
    assert (None if found.istio is None else str(found.istio)) == expected
    assert found.sources == ({"istio": f"a.yaml:{line}"} if expected else {})


def test_dependencies_of_a_chart(tmp_path: Path) -> None:
    text = "apiVersion: v2\nname: mesh\ndependencies:\n- {name: base, version: 1.27.4, repository: 'https://istio-release.example.com'}\n"
    assert str(currents(Repo(tmp_path).write("mesh/Chart.yaml", text))["mesh"].istio) == "1.27.4"


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ("github.com/kubernetes-sigs/gateway-api/config/crd?ref=v1.2.0", ("1.2.0", "standard")),
        ("https://github.com/kubernetes-sigs/gateway-api/config/crd/experimental?ref=v1.3.0&timeout=90s", ("1.3.0", "experimental")),
        ("https://github.com/kubernetes-sigs/gateway-api/releases/download/v1.4.1/standard-install.yaml", ("1.4.1", "standard")),
    ],
)
@pytest.mark.parametrize("header", ["", "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"])
def test_remote_gateway_api_bundles(tmp_path: Path, resource: str, expected: tuple[str, str], header: str) -> None:
    found = currents(Repo(tmp_path).write("k/kustomization.yaml", f"{header}resources:\n- {resource}\n"))["k"]
    assert (str(found.gateway_api), found.channel) == expected


def test_crds_tell_bundle_and_channel(tmp_path: Path) -> None:
    crd = """
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata:
          name: gateways.gateway.networking.k8s.io
          annotations:
            gateway.networking.k8s.io/bundle-version: v1.5.1
            gateway.networking.k8s.io/channel: experimental
        """
    found = currents(Repo(tmp_path).write("crd.yaml", crd))["."]
    assert (str(found.gateway_api), found.channel) == ("1.5.1", "experimental")
    assert found.sources == {"gateway-api": "crd.yaml:6", "channel": "crd.yaml:7"}


def test_an_environment_speaks_for_itself_before_the_repository_does(tmp_path: Path) -> None:
    repo = Repo(tmp_path)
    for name, version in (("prod", "1.26.0"), ("staging", "1.28.0")):
        repo.write(f"{name}/kustomization.yaml", "resources: [r.yaml]\n").write(f"{name}/r.yaml", release("istiod", version))
    repo.write("apps/kustomization.yaml", "resources: []\n")
    found = currents(repo)
    assert {name: str(one.istio) for name, one in found.items()} == {"prod": "1.26.0", "staging": "1.28.0", "apps": "1.28.0"}
    assert found["apps"].sources["istio"] == "staging/r.yaml:7 (the newest of 2 releases named)"
    assert found["prod"].sources["istio"] == "prod/r.yaml:7"


def test_distribution_and_flag(tmp_path: Path) -> None:
    repo = Repo(tmp_path).write("a.yaml", """
        apiVersion: install.istio.io/v1alpha1
        kind: IstioOperator
        spec:
          hub: us-docker.pkg.dev/gloo-mesh/istio-solo
          tag: 1.29.0-solo
          values: {pilot: {env: {PILOT_ENABLE_ALPHA_GATEWAY_API: "true"}}}
        """)  # fmt: skip
    found = currents(repo)["."]
    assert (str(found.istio), found.distribution, found.alpha_flag) == ("1.29.0", "solo", True)


def test_the_flag_as_a_variable_that_is_off(tmp_path: Path) -> None:
    spec = "spec: {template: {spec: {containers: [{env: [{name: PILOT_ENABLE_ALPHA_GATEWAY_API, value: 'false'}]}]}}}\n"
    assert currents(Repo(tmp_path).write("a.yaml", obj("Deployment", "istiod", None, spec)))["."] == Current()


def test_items_of_a_list_are_read_each_for_itself(tmp_path: Path) -> None:
    item = "- {apiVersion: v1, kind: Pod, metadata: {name: %s}, spec: {containers: [{image: istio/proxyv2:%s}]}}\n"
    repo = Repo(tmp_path).write("a.yaml", "apiVersion: v1\nkind: List\nitems:\n" + item % ("a", "1.20.0") + item % ("b", "1.21.0"))
    (environment,) = repo.built().list
    found = current(environment, repo.files())
    assert str(found.istio) == "1.21.0"


def test_description(tmp_path: Path) -> None:
    repo = Repo(tmp_path).write("k/kustomization.yaml", "resources: [r.yaml, gone.yaml]\nnamespace: istio-system\n")
    repo.write("k/r.yaml", release("istiod", "1.28.0"))
    built = repo.built()
    described = describe(built.list, [Versions(repo.files()).of(environment) for environment in built.list])
    lost = "chart istiod 1.28.0 of istio is not in the repository"
    assert json.loads(json.dumps(described)) == [{
        "name": "k", "kind": "kustomize", "path": "k", "status": "static", "reason": f"gone.yaml does not exist; {lost}", "objects": 1,
        "namespaces": ["istio-system"], "not_analysed": [],
        "sources": [
            {"application": None, "applied_by": None, "at": None, "source": "k", "tool": "kustomize", "objects": 1,
             "status": "static", "reason": "gone.yaml does not exist"},
            {"application": "istiod", "applied_by": "release", "at": "k/r.yaml:2", "source": "istiod", "tool": None, "objects": 0,
             "status": "missing", "reason": lost},
        ],
        "current": {"istio": "1.28.0", "gateway_api": None, "channel": None, "sources": {"istio": "k/r.yaml:7"}},
    }]  # fmt: skip
    out = io.StringIO()
    write(described, out)
    assert out.getvalue().splitlines() == [
        "k  kustomize   static    1 object      istio-system",
        "    runs Istio 1.28.0 (k/r.yaml:7)",
        "    k: kustomize, static, 1 object",
        "        not available: gone.yaml does not exist",
        "    istiod (HelmRelease, k/r.yaml:2)",
        f"        istiod: not available: {lost}",
    ]


def test_a_chart_that_a_parameter_of_an_application_set_chooses(tmp_path: Path) -> None:
    listed = "generators: [{list: {elements: [{chart: istiod, release: 1.29.1}, {chart: cni, release: 1.29.2}]}}]"
    source = "source: {repoURL: https://charts.example.com, chart: '{{chart}}', targetRevision: '{{release}}'}"
    template = f"template: {{metadata: {{name: '{{{{chart}}}}'}}, spec: {{{source}}}}}"
    repo = Repo(tmp_path).write("a.yaml", obj("ApplicationSet", "istio", None, f"spec:\n  {listed}\n  {template}\n"))
    assert {str(found.istio) for found in currents(repo).values()} == {"1.29.1"}
