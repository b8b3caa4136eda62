"""Kustomizations followed statically. What they give here is what kustomize 5.5 builds, where it builds them at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from render_helpers import Repo, obj, places, titles

from meshlint.model.node import Node
from meshlint.render import kustomize
from meshlint.render.environments import Environments

HEADER = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
COMPONENT = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"


def objects(built: Environments) -> set[Node]:
    """The documents that are objects of some environment."""
    return {resource.root for environment in built.list for resource in environment.resources}


def shop(folder: Path) -> Repo:
    repo = Repo(folder).write("base/kustomization.yaml", "resources: [all.yaml]\nnamespace: base\n")
    repo.write("base/all.yaml", obj("Namespace", "base"), obj("Service", "web"), obj("VirtualService", "web", "written"))
    repo.write("prod/kustomization.yaml", HEADER + "resources:\n- ../base\nnamespace: prod\nnamePrefix: p-\n")
    return repo.write("staging/kustomization.yml", HEADER + "bases:\n- ../base/\nnamespace: staging\nnameSuffix: -s\n")


def test_roots_are_environments_and_set_namespaces_and_names(tmp_path: Path) -> None:
    found = shop(tmp_path).by_name()
    assert sorted(found) == ["prod", "staging"]
    assert titles(found["prod"].resources) == ["Namespace prod", "Service prod/p-web", "VirtualService prod/p-web"]
    assert titles(found["staging"].resources) == ["Namespace staging", "Service staging/web-s", "VirtualService staging/web-s"]
    assert {(e.kind, e.status, e.reason) for e in found.values()} == {("kustomize", "static", None)}


def test_one_document_counts_once_however_many_roots_apply_it(tmp_path: Path) -> None:
    built = shop(tmp_path).built()
    assert len(objects(built)) == 3
    assert sum(len(environment.resources) for environment in built.list) == 6


def test_a_file_next_to_a_kustomization_that_does_not_list_it_is_plain(tmp_path: Path) -> None:
    found = shop(tmp_path).write("base/forgotten.yaml", obj("Service", "forgotten")).by_name()
    assert titles(found["."].resources) == ["Service forgotten"]
    assert found["prod"].shared is found["."].resources


def test_a_plain_environment_of_the_same_folder_has_another_name(tmp_path: Path) -> None:
    repo = Repo(tmp_path).write("a/kustomization.yaml", "resources: [s.yaml]\n").write("a/s.yaml", obj("Service", "s"))
    repo.write("a/x.yaml", obj("Service", "x")).write("a/y.yaml", obj("Service", "x"))
    assert sorted(repo.by_name()) == ["a", "a (plain)"]


def test_a_flux_kustomization_in_a_file_of_that_name_is_an_object(tmp_path: Path) -> None:
    found = Repo(tmp_path).write("x/kustomization.yaml", obj("FluxKustomization", "apps")).by_name()
    assert titles(found["."].resources) == ["Kustomization apps"]


PATCHES = """
resources: [../base]
patchesStrategicMerge:
- gone.yaml
- |-
  apiVersion: v1
  kind: Namespace
  metadata: {name: base, labels: {istio.io/dataplane-mode: ambient}}
patches:
- patch: |-
    apiVersion: v1
    kind: Namespace
    metadata: {name: base, labels: {istio-injection: null}}
- path: waypoint.json
  target: {kind: Service, name: w.*}
- path: pods.yaml
"""


def patched(folder: Path) -> Repo:
    repo = Repo(folder).write("base/kustomization.yaml", "resources: [all.yaml]\n")
    labelled = obj("Namespace", "base").replace("  name: base\n", "  name: base\n  labels: {istio-injection: enabled, a: b}\n")
    web = obj("Service", "web").replace("  name: web\n", "  name: web\n  labels: {app: web}\n")
    repo.write("base/all.yaml", labelled, web, obj("VirtualService", "web"), obj("Deployment", "web"))
    repo.write("over/kustomization.yaml", PATCHES)
    repo.write("over/gone.yaml", "$patch: delete\n" + obj("VirtualService", "web"))
    repo.write("over/waypoint.json", '[{"op": "add", "path": "/metadata/labels/istio.io~1use-waypoint", "value": "wp"}]')
    extra = 'spec:\n  template:\n    metadata:\n      labels: {sidecar.istio.io/inject: "false"}\n'
    return repo.write("over/pods.yaml", obj("Deployment", "web", extra=extra))


def test_patches_are_no_objects_but_change_labels_and_take_objects_away(tmp_path: Path) -> None:
    built = patched(tmp_path).built()
    (over,) = built.list
    by_kind = {resource.kind.kind: resource for resource in over.resources}
    assert sorted(by_kind) == ["Deployment", "Namespace", "Service"]
    assert by_kind["Namespace"].labels == {"a": "b", "istio.io/dataplane-mode": "ambient"}
    assert by_kind["Service"].labels == {"app": "web", "istio.io/use-waypoint": "wp"}
    assert by_kind["Deployment"].pod_labels == {"sidecar.istio.io/inject": "false"}
    assert not {"over/gone.yaml", "over/pods.yaml"} & {root.file for root in objects(built)}


def test_labels_of_patches_stand_where_the_patch_writes_them(tmp_path: Path) -> None:
    (over,) = patched(tmp_path).built().list
    namespace, service = (next(r for r in over.resources if r.kind.kind == kind) for kind in ("Namespace", "Service"))
    ambient, waypoint = namespace.label("istio.io/dataplane-mode"), service.label("istio.io/use-waypoint")
    assert (ambient.text, ambient.file, ambient.span.start.line) == ("ambient", "over/kustomization.yaml", 6)
    assert (waypoint.text, waypoint.file, waypoint.span.start.line) == ("wp", "over/waypoint.json", 0)
    assert (service.label("app").file, namespace.label("a").text) == ("base/all.yaml", "b")
    assert not namespace.label("istio-injection").present  # the second patch takes it away


def test_what_a_template_writes_into_a_patch_is_not_known(tmp_path: Path) -> None:
    repo = Repo(tmp_path).write("base/kustomization.yaml", "resources: [n.yaml]\n").write("base/n.yaml", obj("Namespace", "n"))
    patch = obj("Namespace", "n").replace("  name: n\n", '  name: n\n  labels: {istio-injection: "{{ mode }}"}\n')
    repo.write("over/kustomization.yaml", "resources: [../base]\npatches:\n- path: p.yaml\n").write("over/p.yaml", patch)
    (namespace,) = repo.by_name()["over"].resources
    assert namespace.label("istio-injection").unknown
    assert "istio-injection" not in namespace.labels


def test_a_deletion_holds_for_its_environment_only(tmp_path: Path) -> None:
    repo = patched(tmp_path).write("other/kustomization.yaml", "resources: [../base]\n")
    assert "VirtualService web" in titles(repo.by_name()["other"].resources)


def test_a_patch_with_a_target_reaches_what_the_target_names(tmp_path: Path) -> None:
    repo = Repo(tmp_path).write("k/kustomization.yaml", """
        resources: [all.yaml]
        patches:
        - target: {group: networking.istio.io, kind: VirtualService, labelSelector: "team=a,!old"}
          patch: |-
            $patch: delete
            kind: any
            metadata: {name: any}
        - target: {kind: Service, namespace: other}
          patch: |-
            - {op: replace, path: /metadata/namespace, value: moved}
            - {op: replace, path: /metadata/labels, value: {x: "1"}}
        """)  # fmt: skip
    first, second = obj("VirtualService", "one"), obj("VirtualService", "two")
    repo.write("k/all.yaml", first.replace("  name: one\n", "  name: one\n  labels: {team: a}\n"), second, obj("Service", "s", "other"))
    (k,) = repo.built().list
    assert titles(k.resources) == ["Service moved/s", "VirtualService two"]
    assert next(resource for resource in k.resources if resource.kind.kind == "Service").labels == {"x": "1"}


@pytest.mark.parametrize(
    ("selector", "reached"),
    [
        ("team in (a, b)", "one two"), ("team notin (a),tier", ""), ("team notin (a)", "two three"), ("team", "one two"),
        ("!team", "three"), ("team!=a", "two three"), ("team == a,team in (a)", "one"), ("team=a,!old", "one"),
        ("x/y.z in (1),team", "two"), ("team >a", ""),
    ],
)  # fmt: skip
def test_selectors_of_targets(selector: str, reached: str, tmp_path: Path) -> None:
    labels = {"one": "{team: a}", "two": "{team: b, x/y.z: '1'}", "three": "{old: x}"}
    objects = [obj("Service", name).replace(f"name: {name}", f"name: {name}\n  labels: {text}") for name, text in labels.items()]
    repo = Repo(tmp_path).write("k/all.yaml", *objects).write("k/kustomization.yaml", f"""
        resources: [all.yaml]
        patches:
        - target: {{kind: Service, labelSelector: "{selector}"}}
          patch: '[{{op: add, path: /metadata/annotations, value: {{a: b}}}}]'
        """)  # fmt: skip
    (k,) = repo.built().list
    assert [resource.name for resource in k.resources if resource.annotations] == reached.split()


@pytest.mark.parametrize(("options", "name"), [("{allowNameChange: true}", "new"), ("{allowKindChange: true}", "old"), ("{}", "old")])
def test_a_patch_may_rename(options: str, name: str, tmp_path: Path) -> None:
    repo = Repo(tmp_path).write("k/all.yaml", obj("Service", "old")).write("k/p.yaml", obj("Service", "new"))
    patches = f"patches: [{{path: p.yaml, target: {{kind: Service}}, options: {options}}}]\n"
    repo.write("k/kustomization.yaml", "resources: [all.yaml]\n" + patches)
    assert [resource.name for resource in repo.built().list[0].resources] == [name]


def test_patterns_that_take_long_fit_nothing(tmp_path: Path) -> None:
    repo = Repo(tmp_path).write("k/kustomization.yaml", """
        resources: [all.yaml]
        patches:
        - target: {name: "(a+)+b"}
          patch: |-
            $patch: delete
            metadata: {name: any}
        """).write("k/all.yaml", obj("Service", "a" * 60))  # fmt: skip
    assert len(repo.built().list[0].resources) == 1


def test_a_stub_that_nothing_names_is_no_object(tmp_path: Path) -> None:
    repo = Repo(tmp_path).write("a.yaml", "$patch: delete\n" + obj("Service", "a"), obj("Service", "b"))
    repo.write("c.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: c, $patch: replace}\n")
    built = repo.built()
    assert titles(built.list[0].resources) == ["Service b"]
    assert [(root.file, root.row) for root in objects(built)] == [("a.yaml", 0)]


def test_a_file_that_one_root_applies_and_another_uses_as_a_patch_is_an_object(tmp_path: Path) -> None:
    repo = Repo(tmp_path).write("s.yaml", obj("Service", "s"))
    repo.write("a/kustomization.yaml", "resources: [../s.yaml]\n").write("b/kustomization.yaml", "patches: [{path: ../s.yaml}]\n")
    built = repo.built()
    assert len(objects(built)) == 1
    assert titles(built.list[0].resources) == ["Service s"]


def test_components_change_what_is_there_and_add_their_own(tmp_path: Path) -> None:
    repo = shop(tmp_path).write("mesh/kustomization.yaml", COMPONENT + """
resources: [gateway.yaml]
patches:
- target: {kind: Service}
  patch: |-
    - {op: add, path: /metadata/labels, value: {istio.io/use-waypoint: wp}}
""").write("mesh/gateway.yaml", obj("Gateway", "gw"))  # fmt: skip
    repo.write("live/kustomization.yaml", "resources: [../base]\ncomponents: [../mesh]\nnamespace: live\n")
    found = repo.by_name()
    assert sorted(found) == ["live", "prod", "staging"]
    assert titles(found["live"].resources) == ["Gateway live/gw", "Namespace live", "Service live/web", "VirtualService live/web"]
    assert {"istio.io/use-waypoint": "wp"} in [resource.labels for resource in found["live"].resources]


def test_a_component_that_nobody_uses_is_not_passed_over(tmp_path: Path) -> None:
    repo = Repo(tmp_path).write("c/kustomization.yaml", COMPONENT + "resources: [s.yaml]\n").write("c/s.yaml", obj("Service", "s"))
    assert [(name, titles(environment.resources)) for name, environment in repo.by_name().items()] == [("c", ["Service s"])]


def test_labels_reach_objects_and_pods(tmp_path: Path) -> None:
    repo = Repo(tmp_path).write("k/kustomization.yaml", """
        resources: [d.yaml]
        commonLabels: {app: shop}
        commonAnnotations: {note: yes please}
        labels:
        - pairs: {tier: web}
        - pairs: {version: v1}
          includeTemplates: true
        """).write("k/d.yaml", obj("Deployment", "d"))  # fmt: skip
    (deployment,) = repo.built().list[0].resources
    assert deployment.labels == {"app": "shop", "tier": "web", "version": "v1"}
    assert deployment.pod_labels == {"app": "shop", "version": "v1"}
    assert deployment.annotations == {"note": "yes please"}


def test_what_is_missing_or_remote_is_said_once(tmp_path: Path) -> None:
    repo = Repo(tmp_path).write("base/kustomization.yaml", """
        resources:
        - here.yaml
        - gone.yaml
        - https://example.com/crds.yaml
        - github.com/example/deploy/base?ref=v1
        """).write("base/here.yaml", obj("Service", "s"))  # fmt: skip
    repo.write("a/kustomization.yaml", "resources: [../base]\n").write("b/kustomization.yaml", "resources: [../base, ../../outside]\n")
    built = repo.built()
    reasons = {environment.name: environment.reason for environment in built.list}
    missing = ("gone.yaml does not exist", "https://example.com/crds.yaml is remote", "github.com/example/deploy/base?ref=v1 is remote")
    assert reasons["a"] == "; ".join(missing)
    assert reasons["b"] is not None
    assert reasons["b"].startswith("gone.yaml does not exist")
    assert [(trouble.rule, trouble.file, trouble.span and trouble.span.start.line) for trouble in built.troubles] == [
        ("not-analysed", "b/kustomization.yaml", 0), ("not-analysed", "base/kustomization.yaml", 2),
    ]  # fmt: skip
    assert titles(built.list[0].resources) == ["Service s"]


def test_charts_of_a_kustomization_are_named_as_not_rendered(tmp_path: Path) -> None:
    built = Repo(tmp_path).write("k/kustomization.yaml", "helmCharts: [{name: istiod, version: 1.28.0}]\n").built()
    assert built.list[0].reason == "chart istiod is not rendered"


def test_circles_end_and_lose_nothing(tmp_path: Path) -> None:
    repo = Repo(tmp_path)
    for here, there in (("a", "b"), ("b", "a")):
        repo.write(f"{here}/kustomization.yaml", f"resources: [../{there}, s.yaml, .]\n").write(f"{here}/s.yaml", obj("Service", here))
    built = repo.built()
    assert {place for environment in built.list for place in places(environment.resources)} == {"a/s.yaml a", "b/s.yaml b"}
    assert any("circle" in (environment.reason or "") for environment in built.list)


@pytest.mark.parametrize(("limit", "said"), [("_MOST", "more than 500 objects"), ("_WORK", "more than can be followed")])
def test_nesting_that_multiplies_objects_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, said: str) -> None:
    monkeypatch.setattr(kustomize, limit, 500)
    repo = Repo(tmp_path).write("l0/kustomization.yaml", "resources: [s.yaml]\n").write("l0/s.yaml", obj("Service", "s"))
    for level in range(1, 40):
        for side in ("p", "q"):
            repo.write(f"l{level}{side}/kustomization.yaml", f"resources: [../l{level - 1}]\nnamePrefix: {side}\n")
        repo.write(f"l{level}/kustomization.yaml", f"resources: [../l{level}p, ../l{level}q]\n")
    built = repo.built()
    assert max(len(environment.resources) for environment in built.list) <= 500
    assert any(said in trouble.message for trouble in built.troubles)
    assert len(objects(built)) == 1


def test_components_that_use_one_another_many_times_end(tmp_path: Path) -> None:
    repo = Repo(tmp_path).write("c0/kustomization.yaml", COMPONENT + "resources: [s.yaml]\n").write("c0/s.yaml", obj("Service", "s"))
    for level in range(1, 150):
        repo.write(f"c{level}/kustomization.yaml", COMPONENT + f"components: [../c{level - 1}]\n")
    repo.write("top/kustomization.yaml", "components: [../c149]\n")
    assert "nested deeper" in (repo.by_name()["top"].reason or "")


@pytest.mark.parametrize(("use", "wrong"), [("gone.yaml", True), ("https://example.com/crds.yaml", False)])
def test_what_kustomize_fails_on_has_a_remedy_of_its_own(tmp_path: Path, use: str, wrong: bool) -> None:
    (trouble,) = Repo(tmp_path).write("k/kustomization.yaml", f"resources: [{use}]\n").built().troubles
    assert trouble.remedy.startswith("Correct the path") is wrong
