"""Kustomizations that are followed exactly give the objects that the real kustomize builds; all others are left to it."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from meshlint.read.discover import discover
from meshlint.read.file import read_file
from meshlint.render.draft import Draft
from meshlint.render.exact import literal
from meshlint.render.kustomize import Kustomize
from meshlint.render.recipe import Recipe
from meshlint.render.run.plain import plain
from meshlint.render.run.renderer import Renderer, Settings
from meshlint.render.tree import Tree
from tests.door import call, lint
from tests.tools import need

REPOS = sorted(path for path in (Path(__file__).parent / "repos").iterdir() if path.is_dir())
POD = "{metadata: {labels: {app: a}}, spec: {containers: [{name: a, image: a}]}}"
BODIES = {
    "v1 Namespace": "",
    "v1 Service": "spec: {selector: {app: a}, ports: [{name: http, port: 80}]}",
    "v1 ConfigMap": 'data: {a: "{{ shown }}", b: "1", c: ""}',
    "v1 ServiceAccount": "",
    "v1 Secret": "stringData: {a: b}",
    "apps/v1 Deployment": f"spec: {{selector: {{matchLabels: {{app: a}}}}, template: {POD}}}",
    "batch/v1 Job": f"spec: {{template: {POD}}}",
    "rbac.authorization.k8s.io/v1 ClusterRole": "rules: []",
    "rbac.authorization.k8s.io/v1 RoleBinding": "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: r}\n"
    "subjects: [{kind: ServiceAccount, name: default, namespace: old}]",
    "networking.istio.io/v1 VirtualService": "spec: {hosts: [a], http: [{route: [{destination: {host: a.old.svc.cluster.local}}]}]}",
    "gateway.networking.k8s.io/v1 GatewayClass": "spec: {controllerName: istio.io/gateway-controller}",
    "gateway.networking.k8s.io/v1 Gateway": "spec: {gatewayClassName: istio, listeners: [{name: a, port: 80, protocol: HTTP}]}",
    "security.istio.io/v1 PeerAuthentication": "spec: {mtls: {mode: STRICT}}",
    "apiextensions.k8s.io/v1 CustomResourceDefinition": "spec: {group: example.com}",
}


def read(root: Path) -> Tree:
    return Tree(read_file(str(root / path), path) for path in discover(str(root), ["."], use_git=False).files)


def seen(drafts: Iterable[Draft]) -> list[str]:
    """All that rules see of objects, in an order of its own."""
    return sorted(json.dumps(_seen(draft), sort_keys=True) for draft in drafts)


def _seen(draft: Draft) -> dict[str, Any]:
    made = draft.resource()
    data = plain(made.root)
    metadata = {key: value for key, value in data.pop("metadata").items() if key not in ("name", "namespace", "labels", "annotations")}
    named = {"kind": made.kind.name, "name": made.name, "namespace": made.namespace, "partial": made.partial}
    return {**named, "labels": made.labels, "annotations": made.annotations, "pods": made.pod_labels, "rest": [data, metadata]}


def compared(root: Path) -> int:
    """Every kustomization that is followed exactly, as kustomize builds it. Gives how many."""
    tree = read(root)
    kustomize = Kustomize(tree, [])
    folders = [folder for folder in kustomize.levels if kustomize.build(folder).exact]
    outcomes = Renderer(str(root), Settings())(tree, [Recipe("kustomize", folder) for folder in folders])
    for folder, outcome in zip(folders, outcomes, strict=True):
        assert outcome.objects is not None, f"{folder}: {outcome.reason}"
        assert seen(literal(kustomize.build(folder).drafts)) == seen(outcome.objects), folder
    return len(folders)


def write(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def made(chance: random.Random) -> Iterator[tuple[str, str]]:
    """Bases, and overlays of overlays that move, label and annotate what is below."""
    written = 0
    for number in range(4):
        files: list[str] = []
        for _ in range(chance.randrange(1, 4)):
            documents = [document(kind, f"o{written + at}", chance) for at, kind in enumerate(chance.sample([*BODIES], 3))]
            written += 3
            files.append(f"f{len(files)}.yaml")
            yield f"b{number}/{files[-1]}", "---\n".join(documents)
        yield f"b{number}/kustomization.yaml", "".join(settings(files, chance))
    lower = [f"b{number}" for number in range(4)]
    for number in range(6):
        used = chance.sample(lower, chance.choice((1, 1, 2)))
        yield f"l{number}/kustomization.yaml", "".join(settings([f"../{one}" for one in used], chance))
        lower.append(f"l{number}")


def document(kind: str, name: str, chance: random.Random) -> str:
    version, written = kind.split()
    namespace = chance.choice(("", "", "  namespace: old\n"))
    labels = chance.choice(("", "  labels: {app: own, team: a}\n"))
    annotations = chance.choice(("", "  annotations: {note: own}\n"))
    return f"apiVersion: {version}\nkind: {written}\nmetadata:\n  name: {name}\n{namespace}{labels}{annotations}{BODIES[kind]}\n"


def settings(uses: list[str], chance: random.Random) -> Iterator[str]:
    yield chance.choice(("", "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"))
    yield f"{chance.choice(('resources', 'resources', 'bases'))}: [{', '.join(uses)}]\n"
    yield chance.choice(("", f"namespace: ns{chance.randrange(3)}\n"))
    yield chance.choice(("", "labels:\n- pairs: {app: given, istio.io/dataplane-mode: ambient}\n"))
    yield chance.choice(("", "", "commonAnnotations: {note: given, more: 'true'}\n"))
    yield chance.choice(("", "", "buildMetadata: [originAnnotations]\n"))


@pytest.mark.tools
@pytest.mark.parametrize("seed", range(12))
def test_followed_as_kustomize_builds_it(seed: int, tmp_path: Path) -> None:
    need("kustomize")
    assert compared(write(tmp_path, dict(made(random.Random(seed))))) > 1


@pytest.mark.tools
def test_repositories_are_followed_as_kustomize_builds_them() -> None:
    need("kustomize")
    assert sum(map(compared, REPOS)) >= 10


SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n"
CRD = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: a.b}\nspec: {conversion: {}}\n"
WORKLOAD = f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec: {{template: {POD}}}\n"
FILES = {"a.yaml": SERVICE, "crd.yaml": CRD, "web.yaml": WORKLOAD, "b/kustomization.yaml": "resources: [../c]\n"}
PLAIN = ("resources: [a.yaml]", "namespace: shop", "labels: [{pairs: {a: b}}]", "commonAnnotations: {a: b}", "metadata: {name: all}")
MORE = (
    "namePrefix: a-", "nameSuffix: -b", "commonLabels: {a: b}", "labels: [{pairs: {a: b}, includeSelectors: true}]",
    "labels: [{pairs: {a: b}, fields: [{path: x}]}]", "labels: [{pairs: {a: 1}}]", "patches: []", "images: []", "replicas: []",
    "components: []", "crds: []", "configMapGenerator: []", "helmCharts: []", "replacements: []", "generators: []", "sortOptions: {}",
    "buildMetadata: [managedByLabel]", "namespace: ${NAMESPACE}", "openapi: {}", "anything: {}", "kind: Component",
    "apiVersion: kustomize.config.k8s.io/v1alpha1",
)  # fmt: skip


def exact(root: Path, files: Mapping[str, str]) -> bool:
    write(root, files)
    return Kustomize(read(root), []).build("").exact


@pytest.mark.parametrize("count", range(1, 6))
def test_what_is_followed(count: int, tmp_path: Path) -> None:
    assert exact(tmp_path, {"a.yaml": SERVICE, "kustomization.yaml": "\n".join(PLAIN[:count])})


@pytest.mark.parametrize("more", MORE)
def test_what_is_left_to_the_tool(more: str, tmp_path: Path) -> None:
    assert not exact(tmp_path, {"a.yaml": SERVICE, "kustomization.yaml": f"resources: [a.yaml]\n{more}\n"})


@pytest.mark.parametrize(
    "text",
    [
        "resources: []", "resources: [a.yaml, a.yaml]", "resources: [a.yaml, gone.yaml]", "resources: [https://example.com/a.yaml]",
        "resources: [crd.yaml]\nnamespace: shop", "resources: [web.yaml]\ncommonAnnotations: {a: b}",
        "resources: [c/kustomization.yaml]", "resources: [1]", "resources: a.yaml", "resources: [a.yaml]\n---\nresources: [a.yaml]",
        "resources: [a.yaml, same.yaml]", "resources: [unnamed.yaml]", "resources: [list.yaml]", "resources: [local.yaml]",
        "resources: [pod.yaml]\ncommonAnnotations: {a: b}", "resources: [switch.yaml]",
        "resources: [values.yaml]", "resources: [templated.yaml]", "resources: [patched]", "resources: [a.yaml]\nnamespace: [shop]",
    ],
)  # fmt: skip
def test_what_is_unusual_is_left_to_the_tool(text: str, tmp_path: Path) -> None:
    files = {
        **FILES,
        "same.yaml": SERVICE.replace("name: web", "name: web, namespace: default"),
        "unnamed.yaml": SERVICE.replace("name: web", "generateName: web"),
        "list.yaml": "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Service, metadata: {name: web}}\n",
        "local.yaml": SERVICE.replace("name: web", "name: web, annotations: {config.kubernetes.io/local-config: 'true'}"),
        "pod.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: a}]}\n",
        "switch.yaml": "apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: a}\nspec: {egress: [{hosts: [yes]}]}\n",
        "values.yaml": "a: b\n",
        "templated.yaml": f"{SERVICE}spec: {{{{ spec }}}}\n",
        "patched/kustomization.yaml": "resources: [../b]\npatches: [{patch: '{kind: Service}'}]\n",
        "kustomization.yaml": text + "\n",
    }
    assert not exact(tmp_path, files)


def test_two_kustomizations_in_one_folder_are_left_to_the_tool(tmp_path: Path) -> None:
    assert not exact(tmp_path, {"a.yaml": SERVICE, "kustomization.yaml": PLAIN[0], "kustomization.yml": PLAIN[0]})


def statuses(folder: Path, *arguments: str) -> set[tuple[str, str | None]]:
    return {(one["status"], one["reason"]) for one in lint(folder, *arguments).report["coverage"]["environments"]}


@pytest.mark.tools
def test_nothing_runs_for_what_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need("kustomize")
    write(tmp_path, {"base/a.yaml": SERVICE, "base/kustomization.yaml": PLAIN[0]})
    write(tmp_path, {f"{name}/kustomization.yaml": f"resources: [../base]\nnamespace: {name}\n" for name in ("prod", "staging")})
    assert statuses(tmp_path, "--render", "always") == {("rendered", None)}

    def started(*_: object) -> None:
        raise AssertionError("a tool was started")

    monkeypatch.setattr("meshlint.render.run.renderer.run_all", started)
    assert statuses(tmp_path) == statuses(tmp_path, "--render", "never") == {("followed", None)}


def test_an_application_that_only_moves_is_followed(tmp_path: Path) -> None:
    flux = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: apps, namespace: flux-system}\n"
    flux += "spec: {path: ./apps, targetNamespace: shop, sourceRef: {kind: GitRepository, name: flux-system}"
    write(tmp_path, {"apps/a.yaml": SERVICE, "clusters/prod/apps.yaml": f"{flux}}}\n"})
    assert ("followed", None) in statuses(tmp_path)
    write(tmp_path, {"clusters/prod/apps.yaml": f"{flux}, namePrefix: a-}}\n"})
    assert any(status == "static" and reason and "on the PATH" in reason for status, reason in statuses(tmp_path))


def test_annotations_of_an_application_on_pods_are_left_to_the_tool(tmp_path: Path) -> None:
    flux = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: apps, namespace: flux-system}\n"
    flux += "spec: {path: ./apps, sourceRef: {kind: GitRepository, name: flux-system}, commonMetadata: {annotations: {a: b}}}\n"
    write(tmp_path, {"apps/a.yaml": SERVICE, "clusters/prod/apps.yaml": flux})
    assert ("followed", None) in statuses(tmp_path)
    write(tmp_path, {"apps/pod.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: a}]}\n"})
    assert ("followed", None) not in statuses(tmp_path)


def test_environments_say_what_is_followed(tmp_path: Path) -> None:
    write(tmp_path, {"a.yaml": SERVICE, "kustomization.yaml": PLAIN[0]})
    found = call("environments", ".", "--render", "never", cwd=tmp_path)
    assert found.code == 0 and "followed" in found.out and "not available" not in found.out
