"""The releases that are judged against: asked for, configured, read off the repository, or the default; and what they change."""

from pathlib import Path

import pytest

from tests.door import call, lint
from tests.manifests import MESH, SERVICE, repository, write

OPERATOR = """\
apiVersion: install.istio.io/v1alpha1
kind: IstioOperator
metadata: {name: control-plane, namespace: istio-system}
spec:
  tag: 1.28.5
"""

SAME_HOST = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews, namespace: shop}
spec:
  hosts: [reviews]
  http:
  - match: [{uri: {prefix: /a}}]
    route: [{destination: {host: reviews}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: reviews, namespace: shop}
spec:
  parentRefs: [{group: "", kind: Service, name: reviews, port: 9080}]
  rules: [{backendRefs: [{name: reviews, port: 9080}]}]
"""

TLS_ROUTE = """\
apiVersion: gateway.networking.k8s.io/v1
kind: TLSRoute
metadata: {name: bank, namespace: shop}
spec:
  parentRefs: [{name: shop}]
  hostnames: [bank.example.com]
  rules: [{backendRefs: [{name: bank, port: 443}]}]
"""

AMBIENT = """\
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio.io/dataplane-mode: ambient}}
"""


def target(folder: Path, *arguments: str) -> dict[str, object]:
    return dict(lint(folder, *arguments).report["target"])


def test_a_release_of_helmfile_says_the_release(tmp_path: Path) -> None:
    releases = "releases:\n  - {name: istiod, chart: istio/istiod, version: 1.29.2}\n  - {name: shop, chart: ./shop, version: 1.27.0}\n"
    (tmp_path / "helmfile.yaml").write_text(releases)
    found = target(tmp_path)
    assert found["istio"] == "1.29.2"
    assert "'istio': 'helmfile.yaml:2'" in str(found["detected_from"])


def test_the_default_is_the_newest_stable_release(tmp_path: Path) -> None:
    default = target(write(tmp_path, MESH))
    assert default["detected_from"] == dict.fromkeys(("istio", "gateway_api", "channel", "distribution"), "default")
    assert (default["channel"], default["distribution"]) == ("standard", "upstream")
    assert "by default; --target sets it" in call(cwd=tmp_path).out


def test_asked_for(tmp_path: Path) -> None:
    asked = target(write(tmp_path, MESH), "--target", "istio=1.28.2,gateway-api=1.4,channel=experimental")
    assert (asked["istio"], asked["gateway_api"], asked["channel"]) == ("1.28.2", "1.4", "experimental")
    assert asked["detected_from"] == {"istio": "--target", "gateway_api": "--target", "channel": "--target", "distribution": "default"}


@pytest.mark.parametrize("text", ["target = 'istio=1.28, gateway-api=1.4'\n", "[target]\nistio = '1.28'\ngateway-api = '1.4'\n"])
def test_configured(tmp_path: Path, text: str) -> None:
    write(tmp_path, {**MESH, "meshlint.toml": text})
    configured = target(tmp_path)
    assert (configured["istio"], configured["gateway_api"]) == ("1.28", "1.4")
    origins = {"istio": "configuration", "gateway_api": "configuration", "channel": "default", "distribution": "default"}
    assert configured["detected_from"] == origins
    assert target(tmp_path, "--target", "istio=1.29")["istio"] == "1.29"
    assert target(tmp_path, "--target", "istio=1.29")["detected_from"] | {"gateway_api": ""} == {
        "istio": "--target", "gateway_api": "", "channel": "default", "distribution": "default",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("cwd", "path", "place"),
    [(".", ".", "mesh/operator.yaml:5"), ("mesh", "..", "operator.yaml:5"), ("..", "repo", "repo/mesh/operator.yaml:5")],
)
def test_read_off_the_repository(tmp_path: Path, cwd: str, path: str, place: str) -> None:
    repo = repository(tmp_path / "repo", {**MESH, "mesh/operator.yaml": OPERATOR})
    report = call("-o", "json", path, cwd=(repo / cwd).resolve()).report
    assert report["target"]["istio"] == "1.28.5"
    assert report["target"]["detected_from"]["istio"] == place
    assert report["coverage"]["environments"][0]["current"]["istio"] == "1.28.5"


def test_what_is_too_old_is_no_target(tmp_path: Path) -> None:
    write(tmp_path, {**MESH, "operator.yaml": OPERATOR.replace("1.28.5", "1.18.2")})
    report = lint(tmp_path).report
    assert report["target"]["detected_from"]["istio"] == "default"
    assert report["coverage"]["environments"][0]["current"]["istio"] == "1.18.2"


def test_the_target_decides_what_is_said(tmp_path: Path) -> None:
    write(tmp_path, {"service.yaml": SERVICE, "routes.yaml": SAME_HOST})

    def message(istio: str) -> str:
        run = lint(tmp_path, "--select", "vs-and-httproute-same-host", "--target", f"istio={istio}")
        return "".join(finding["message"] for finding in run.findings)

    assert "Istio 1.28.5 uses only one of them" in message("1.28.5")
    assert "uses only one of them" not in message("1.30")


def test_the_target_decides_what_is_found(tmp_path: Path) -> None:
    write(tmp_path, {"route.yaml": TLS_ROUTE})

    def found(*arguments: str) -> list[str]:
        return [finding["message"] for finding in lint(tmp_path, "--select", "route-kind-version", *arguments).findings]

    assert found("--target", "istio=1.27,gateway-api=1.3")
    assert not found("--target", "istio=1.30,gateway-api=1.5")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("istio=9.9", "Istio 9.9 is not a release that meshlint knows"),
        ("istio=", "the target's istio is text"),
        ("istio", "the target's istio is text"),
        ("istio=latest", "Istio latest is not a release"),
        ("mesh=1", "a target has no 'mesh'"),
        ("channel=stable", "standard or experimental, not 'stable'"),
        ("gateway-api=0.1", "Gateway API 0.1 is not a release"),
    ],
)
def test_a_target_that_cannot_be(tmp_path: Path, asked: str, said: str) -> None:
    run = lint(write(tmp_path, MESH), "--target", asked)
    assert (run.code, run.out) == (2, "")
    assert said in run.err


def test_severity_follows_the_mode(tmp_path: Path) -> None:
    write(tmp_path, MESH)

    def severity(*arguments: str) -> set[str]:
        return {finding["severity"] for finding in lint(tmp_path, "--select", "vs-mesh-without-waypoint", *arguments).findings}

    assert severity() == {"warning"}
    assert severity("--assume-mode", "ambient") == {"error"}
    write(tmp_path, {"namespace.yaml": AMBIENT})
    assert severity() == {"error"}
    write(tmp_path, {"meshlint.toml": "assume-mode = 'sidecar'\n"})
    assert lint(tmp_path).code == 1
