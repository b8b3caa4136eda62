"""`meshlint environments` on repositories of every kind: what is applied together, by what, and what is not there.

tests/repos/find-*/environments.txt is what it prints without rendering; `pytest --write` renews it.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.door import call, lint
from tests.tools import need

REPOS = Path(__file__).parent / "repos"
FOUND = sorted(folder.name for folder in REPOS.glob("find-*"))


def copied(name: str, tmp_path: Path) -> Path:
    """The repository outside of this one, so that its paths begin at its own root."""
    return Path(shutil.copytree(REPOS / name, tmp_path / name))


def environments(folder: Path) -> dict[str, dict[str, Any]]:
    done = call("environments", ".", "--render", "never", "-o", "json", cwd=folder)
    return {entry["name"]: entry for entry in json.loads(done.out)}


@pytest.mark.parametrize("name", FOUND)
def test_the_tree(name: str, tmp_path: Path, write: bool) -> None:
    done = call("environments", ".", "--render", "never", cwd=copied(name, tmp_path))
    expected = REPOS / name / "environments.txt"
    if write:
        expected.write_text(done.out, encoding="utf-8")
    assert (done.code, done.out) == (0, expected.read_text(encoding="utf-8"))


def test_every_folder_of_expectations_is_found() -> None:
    assert len(FOUND) >= 5


def test_json_tells_the_same(tmp_path: Path) -> None:
    found = environments(copied("find-argocd", tmp_path))
    assert sorted(found) == [".", "apps", "prod-eu"]
    assert [(part["application"], part["source"], part["tool"], part["status"]) for part in found["prod-eu"]["sources"]] == [
        ("cart", "charts/cart", "helm", "static"),
        ("cart", "extras/cart", "directory", "static"),
        ("istiod", "istiod", None, "missing"),
        ("pay", "overlays/pay", "kustomize", "static"),
    ]
    assert found["prod-eu"]["sources"][2]["reason"] == "chart istiod 1.28.0 of https://charts.example.com/istio is not in the repository"


def test_templates_that_nothing_renders_are_named_with_their_kinds(tmp_path: Path) -> None:
    found = environments(copied("find-charts", tmp_path))
    assert found["shop (prod)"]["not_analysed"] == [{"file": "shop/templates/route.yaml", "kinds": ["VirtualService"]}]


def test_the_labels_of_a_namespace_that_argo_cd_makes_decide_its_data_plane(tmp_path: Path) -> None:
    """Where they make the namespace ambient, a DestinationRule's exact problem is an error rather than a warning."""
    folder = copied("find-argocd", tmp_path)
    policy = "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata:\n  name: default\nspec:\n  mtls:\n    mode: DISABLE\n"
    (folder / "extras/cart/policy.yaml").write_text(policy, encoding="utf-8")
    severity = _severity(folder)
    cart = folder / "apps/cart.yaml"
    cart.write_text(cart.read_text(encoding="utf-8").replace("dataplane-mode: ambient", "dataplane-mode: none"), encoding="utf-8")
    assert (severity, _severity(folder)) == (["error"], [])


def _severity(folder: Path) -> list[str]:
    done = lint(folder, "--render", "never", "--select", "peerauth-disable")
    return [finding["severity"] for finding in done.findings if finding["file"] == "extras/cart/policy.yaml"]


SET = """\
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: shops}
spec:
  generators:
  - list:
      elements: [{name: a}]
  template:
    metadata: {name: 'shop-{{name}}'}
    spec:
      source: {repoURL: https://git.example.com/shop.git, path: shop}
      destination: {server: https://kubernetes.default.svc, namespace: shop}
"""
PATCH = "  templatePatch: |\n    spec: {source: {path: other}}\n"
OWN = SET.replace("[{name: a}]\n", "[{name: a}]\n      template: {spec: {source: {path: other}}}\n")


@pytest.mark.parametrize(
    ("text", "line", "lost"),
    [(SET + PATCH, 13, "the templatePatch of the ApplicationSet"), (OWN, 8, "the template of a generator")],
)
def test_what_changes_the_template_of_an_applicationset_is_said(text: str, line: int, lost: str, tmp_path: Path) -> None:
    service = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n"
    for path, content in {"sets/shops.yaml": text, "shop/web.yaml": service}.items():
        (tmp_path / path).parent.mkdir()
        (tmp_path / path).write_text(content, encoding="utf-8")
    (source,) = environments(tmp_path)["shop"]["sources"]
    assert (source["application"], source["reason"]) == ("shop-a", f"{lost} is not followed")
    found = [(one["file"], one["line"], one["rule"], one["message"]) for one in lint(tmp_path, "--render", "never").findings]
    assert ("sets/shops.yaml", line, "ML004", f"{lost} is not followed") in found


@pytest.mark.tools
@pytest.mark.skipif(not (shutil.which("kustomize") and shutil.which("helm")), reason="kustomize and helm are not on PATH")
@pytest.mark.parametrize("name", ["find-flux", "find-argocd"])
def test_all_that_is_here_is_rendered(name: str, tmp_path: Path) -> None:
    done = call("environments", ".", "--render", "always", "-o", "json", cwd=copied(name, tmp_path))
    assert done.code == 0, done.err
    parts = [part for entry in json.loads(done.out) for part in entry["sources"] if part["tool"] not in (None, "directory")]
    assert parts
    assert {part["status"] for part in parts} == {"rendered"}


SHOP = """\
{{- if .Values.shop }}
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop, namespace: argocd}
spec:
  destination: {namespace: web, server: https://kubernetes.default.svc}
  source:
    repoURL: https://git.example.com/shop.git
    path: shop
    helm: {parameters: [{name: host, value: shop.example.com}]}
{{- end }}
"""


@pytest.mark.tools
def test_a_chart_that_a_rendered_application_names_is_no_environment_of_its_own(tmp_path: Path) -> None:
    """Alone it would be rendered without what the application gives to it."""
    need("helm")
    needs = '{{- required "a host is needed" .Values.host }}'
    files = {
        "apps/Chart.yaml": "apiVersion: v2\nname: apps\nversion: 1.0.0\n",
        "apps/values.yaml": "shop: true\n",
        "apps/templates/shop.yaml": SHOP,
        "shop/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
        "shop/templates/s.yaml": f"apiVersion: v1\nkind: Service\nmetadata:\n  name: web\n  labels:\n    host: {needs}\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    run = lint(tmp_path)
    assert [one["message"] for one in run.findings] == []
    (found,) = run.report["coverage"]["environments"]
    assert (found["kind"], found["status"]) == ("argocd", "rendered")
