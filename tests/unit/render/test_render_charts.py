"""Helm charts, applications of Argo CD and Flux, configured environments."""

from __future__ import annotations

from pathlib import Path

import pytest
from render_helpers import Repo, obj, places, titles


def chart(repo: Repo, folder: str) -> Repo:
    repo.write(f"{folder}/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.0.0\n")
    return repo.write(f"{folder}/templates/service.yaml", obj("Service", "web"), obj("Service", "fixed", "other"))


def test_a_chart_is_an_environment_with_its_subcharts_and_crds(tmp_path: Path) -> None:
    repo = chart(chart(Repo(tmp_path), "charts/shop"), "charts/shop/charts/cart")
    repo.write("charts/shop/crds/x.yaml", obj("Service", "crd")).write("charts/shop/values.yaml", "a: b\n")
    repo.write("top.yaml", obj("Service", "top"))
    found = repo.by_name()
    assert sorted(found) == [".", "charts/shop"]
    assert (found["charts/shop"].kind, len(found["charts/shop"].resources)) == ("helm", 5)
    assert titles(found["."].resources) == ["Service top"]


def test_a_chart_inside_of_another_but_not_under_charts_is_its_own(tmp_path: Path) -> None:
    found = chart(chart(Repo(tmp_path), "shop"), "shop/examples/demo").by_name()
    assert {name: len(environment.resources) for name, environment in found.items()} == {"shop": 2, "shop/examples/demo": 2}


def test_a_chart_at_the_root_takes_only_what_helm_knows(tmp_path: Path) -> None:
    repo = Repo(tmp_path).write("Chart.yaml", "apiVersion: v2\nname: shop\n").write("templates/s.yaml", obj("Service", "s"))
    found = repo.write("docs/example.yaml", obj("Service", "example")).by_name()
    assert sorted((environment.kind, titles(environment.resources)) for environment in found.values()) == [
        ("helm", ["Service s"]), ("plain", ["Service example"]),
    ]  # fmt: skip


def test_a_kustomization_among_templates_is_none(tmp_path: Path) -> None:
    repo = chart(Repo(tmp_path), "shop").write("shop/templates/kustomization.yaml", "resources: [service.yaml]\n")
    assert sorted(repo.by_name()) == ["shop"]


RELEASE = "spec:\n  targetNamespace: {namespace}\n  chart: {{spec: {{chart: ./shop, sourceRef: {{kind: GitRepository, name: r}}}}}}\n"


def test_a_release_gives_a_chart_its_namespace(tmp_path: Path) -> None:
    repo = chart(Repo(tmp_path), "shop").write("flux/r.yaml", obj("HelmRelease", "shop", "flux", RELEASE.format(namespace="live")))
    assert titles(repo.by_name()["shop"].resources) == ["Service live/web", "Service other/fixed"]


def test_two_releases_of_one_chart_are_two_environments(tmp_path: Path) -> None:
    repo = chart(Repo(tmp_path), "shop")
    for name in ("one", "two"):
        repo.write(f"flux/{name}.yaml", obj("HelmRelease", name, "flux", RELEASE.format(namespace=name)))
    found = repo.by_name()
    assert titles(found["shop (one)"].resources) == ["Service one/web", "Service other/fixed"]
    assert titles(found["shop (two)"].resources) == ["Service other/fixed", "Service two/web"]


def application(path: str, more: str = "", namespace: str = "live") -> str:
    spec = f"spec:\n  destination: {{namespace: {namespace}}}\n  source:\n    repoURL: https://example.com/shop\n    path: {path}\n{more}"
    return obj("Application", "shop", "argocd", spec)


def test_argo_cd_fills_in_the_namespace_of_a_folder(tmp_path: Path) -> None:
    repo = Repo(tmp_path).write("argo/app.yaml", application("apps/shop"))
    repo.write("apps/shop/a.yaml", obj("Service", "a"), obj("Service", "b", "own"), obj("Namespace", "live"))
    repo.write("apps/shop/deeper/c.yaml", obj("Service", "c"))
    found = repo.by_name()
    assert found["apps/shop"].kind == "argocd"
    assert titles(found["apps/shop"].resources) == ["Namespace live", "Service live/a", "Service own/b"]
    assert titles(found["."].resources) == ["Application argocd/shop", "Service c"]


@pytest.mark.parametrize(
    ("directory", "expected"),
    [
        ("{recurse: true}", ["a.yaml a", "deep/b.yaml b", "deep/c.yaml c"]),
        ("{recurse: true, include: 'deep/*'}", ["deep/b.yaml b", "deep/c.yaml c"]),
        ("{recurse: true, exclude: '{a.yaml,*c.yaml}'}", ["deep/b.yaml b"]),
    ],
)
def test_argo_cd_directories_recurse_include_and_exclude(tmp_path: Path, directory: str, expected: list[str]) -> None:
    repo = Repo(tmp_path).write("app.yaml", application("apps", f"    directory: {directory}\n"))
    for path, name in (("a", "a"), ("deep/b", "b"), ("deep/c", "c")):
        repo.write(f"apps/{path}.yaml", obj("Service", name))
    assert places(repo.by_name()["apps"].resources) == [f"apps/{place}" for place in expected]


def test_an_application_places_a_kustomization(tmp_path: Path) -> None:
    repo = Repo(tmp_path).write("app.yaml", application("over", "    kustomize: {namespace: forced}\n"))
    repo.write("over/kustomization.yaml", "resources: [s.yaml]\n").write("over/s.yaml", obj("Service", "s", "written"))
    found = repo.by_name()
    assert (found["over"].kind, titles(found["over"].resources)) == ("kustomize", ["Service forced/s"])


def test_an_application_of_another_repository_changes_nothing(tmp_path: Path) -> None:
    repo = Repo(tmp_path).write("app.yaml", application("not/here")).write("root.yaml", application("."))
    repo.write("s.yaml", obj("Service", "s"))
    assert titles(repo.by_name()["."].resources) == ["Application argocd/shop", "Application argocd/shop", "Service s"]


def test_one_folder_applied_twice_is_two_environments(tmp_path: Path) -> None:
    repo = Repo(tmp_path).write("one.yaml", application("apps", namespace="one")).write("apps/s.yaml", obj("Service", "s"))
    repo.write("two.yaml", application("apps", namespace="two").replace("name: shop\n", "name: second\n", 1))
    found = repo.by_name()
    assert titles(found["apps (shop)"].resources) == ["Service one/s"]
    assert titles(found["apps (second)"].resources) == ["Service two/s"]


def test_application_sets_with_literal_elements(tmp_path: Path) -> None:
    repo = Repo(tmp_path).write("set.yaml", """
        apiVersion: argoproj.io/v1alpha1
        kind: ApplicationSet
        metadata: {name: all}
        spec:
          generators:
          - list:
              elements:
              - {stage: prod, ns: live}
              - {stage: test, ns: lab}
          template:
            spec:
              source: {repoURL: x, path: 'apps/{{.stage}}'}
              destination: {namespace: '{{ ns }}'}
        """)  # fmt: skip
    repo.write("apps/prod/s.yaml", obj("Service", "s")).write("apps/test/s.yaml", obj("Service", "s"))
    found = repo.by_name()
    assert titles(found["apps/prod"].resources) == ["Service live/s"]
    assert titles(found["apps/test"].resources) == ["Service lab/s"]


def test_flux_overrides_namespaces_and_takes_subfolders(tmp_path: Path) -> None:
    spec = "spec: {path: ./apps, targetNamespace: live}\n"
    repo = Repo(tmp_path).write("flux/apps.yaml", obj("FluxKustomization", "apps", "flux-system", spec))
    repo.write("apps/deep/s.yaml", obj("Service", "s", "own"))
    repo.write("apps/k/kustomization.yaml", "resources: [t.yaml]\n").write("apps/k/t.yaml", obj("Service", "t"))
    repo.write("apps/k/more/kustomization.yaml", "resources: [u.yaml]\n").write("apps/k/more/u.yaml", obj("Service", "u"))
    found = repo.by_name()
    assert (found["apps"].kind, titles(found["apps"].resources)) == ("flux", ["Service live/s", "Service live/t"])
    assert sorted(found) == [".", "apps", "apps/k/more"]
    assert (found["apps/k/more"].kind, titles(found["apps/k/more"].resources)) == ("kustomize", ["Service u"])


def test_a_kustomization_with_an_application_of_its_own_is_not_applied_with_the_folder_too(tmp_path: Path) -> None:
    repo = Repo(tmp_path)
    for name, path in (("all", "./apps"), ("k", "./apps/k")):
        repo.write(f"flux/{name}.yaml", obj("FluxKustomization", name, "flux-system", f"spec: {{path: {path}}}\n"))
    repo.write("apps/s.yaml", obj("Service", "s", "own"))
    repo.write("apps/k/kustomization.yaml", "resources: [t.yaml]\n").write("apps/k/t.yaml", obj("Service", "t", "own"))
    found = repo.by_name()
    assert titles(found["flux"].resources) == ["Service own/s", "Service own/t"]
    assert [(part.application, part.source, part.objects) for part in found["flux"].parts] == [("all", "apps", 1), ("k", "apps/k", 1)]


def test_a_base_that_an_application_names_is_a_root_too(tmp_path: Path) -> None:
    repo = Repo(tmp_path).write("app.yaml", application("base")).write("base/kustomization.yaml", "resources: [s.yaml]\n")
    repo.write("base/s.yaml", obj("Service", "s")).write("prod/kustomization.yaml", "resources: [../base]\nnamespace: prod\n")
    found = repo.by_name()
    assert titles(found["base"].resources) == ["Service live/s"]
    assert titles(found["prod"].resources) == ["Service prod/s"]


def test_configured_environments_come_first(tmp_path: Path) -> None:
    repo = Repo(tmp_path).write("prod/a.yaml", obj("Service", "a")).write("staging/a.yaml", obj("Service", "a"))
    repo.write("prod/k/kustomization.yaml", "resources: [../../base/b.yaml]\nnamespace: live\n").write("base/b.yaml", obj("Service", "b"))
    repo.write("staging/c.yaml", obj("Service", "c"))
    chart(repo, "prod/shop")
    found = repo.by_name(configured=[("live", ["prod/"]), ("lab", ["./staging/a.yaml"])])
    assert {name: (environment.kind, titles(environment.resources)) for name, environment in found.items()} == {
        ".": ("plain", ["Service c"]),
        "lab": ("configured", ["Service a"]),
        "live": ("configured", ["Service a", "Service live/b", "Service other/fixed", "Service web"]),
    }


def test_one_file_may_be_part_of_several_configured_environments(tmp_path: Path) -> None:
    repo = Repo(tmp_path).write("common/s.yaml", obj("Service", "s"))
    found = repo.by_name(configured=[("one", ["common"]), ("two", ["common"])])
    assert sorted(found) == ["one", "two"]
