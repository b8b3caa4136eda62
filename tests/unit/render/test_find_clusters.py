"""What is applied together: the way down from where nothing else applies it, and what lands on one cluster."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from render_helpers import Repo, obj, titles

from meshlint.model.resource import Environment
from meshlint.read.file import read_text
from meshlint.render.draft import drafts_of
from meshlint.render.environments import environments
from meshlint.render.recipe import Outcome, Recipe
from meshlint.render.tree import Tree

IN_CLUSTER = "{server: https://kubernetes.default.svc, namespace: %s}"


def argo(name: str, path: str, destination: str = IN_CLUSTER % "web", more: str = "") -> str:
    return obj("Application", name, "argocd", f"spec:\n  destination: {destination}\n  source: {{repoURL: r, path: {path}{more}}}\n")


def flux(name: str, path: str, more: str = "") -> str:
    return obj("FluxKustomization", name, "flux-system", f"spec: {{path: {path}{more}}}\n")


def sources(environment: Environment) -> list[tuple[str | None, str, str]]:
    return [(part.application, part.source, part.status) for part in environment.parts]


def test_applications_of_one_destination_are_one_mesh(tmp_path: Path) -> None:
    repo = Repo(tmp_path).write("one.yaml", argo("one", "a", "{name: east}")).write("two.yaml", argo("two", "b", "{name: east}"))
    repo.write("three.yaml", argo("three", "c", "{name: west}"))
    for name in "abc":
        repo.write(f"{name}/s.yaml", obj("Service", name))
    found = repo.by_name()
    assert titles(found["east"].resources) == ["Service a", "Service b"]
    assert (found["east"].kind, sources(found["east"])) == ("argocd", [("one", "a", "static"), ("two", "b", "static")])
    assert titles(found["c"].resources) == ["Service c"]


def test_alternatives_of_one_destination_stay_apart(tmp_path: Path) -> None:
    repo = Repo(tmp_path)
    for name in ("prod", "staging"):
        repo.write(f"argo/{name}.yaml", argo(name, name)).write(f"{name}/s.yaml", obj("Service", "s"), obj("Namespace", "web"))
    repo.write("argo/common.yaml", argo("common", "common")).write("common/c.yaml", obj("Service", "c"))
    found = repo.by_name()
    assert sorted(found) == [".", "common", "prod", "staging"]
    assert titles(found["prod"].resources) == ["Namespace web", "Service web/s"]


def test_alternatives_are_told_apart_by_where_their_way_begins(tmp_path: Path) -> None:
    repo = Repo(tmp_path)
    for name in ("prod", "staging"):
        for part in ("api", "web"):
            repo.write(f"argo/{name}/{part}.yaml", argo(part, f"{name}/{part}")).write(f"{name}/{part}/s.yaml", obj("Service", part))
    found = repo.by_name()
    assert {name: titles(found[name].resources) for name in ("argo/prod", "argo/staging")} == {
        "argo/prod": ["Service web/api", "Service web/web"],
        "argo/staging": ["Service web/api", "Service web/web"],
    }


def test_folders_are_told_apart_no_deeper_than_alternatives_ask_for(tmp_path: Path) -> None:
    repo = Repo(tmp_path)
    for name in ("prod", "staging"):
        for part in ("api", "web"):
            folder = f"{name}/{part}"
            repo.write(f"{folder}/argo/app.yaml", argo(part, f"{folder}/all")).write(f"{folder}/all/s.yaml", obj("Service", part))
    repo.write("other/argo/one.yaml", argo("one", "other/one")).write("other/one/s.yaml", obj("Service", "one"))
    repo.write("other/more/argo/two.yaml", argo("two", "other/two")).write("other/two/s.yaml", obj("Service", "two"))
    found = repo.by_name()
    assert {name: titles(found[name].resources) for name in ("prod", "staging", "other")} == {
        "prod": ["Service web/api", "Service web/web"],
        "staging": ["Service web/api", "Service web/web"],
        "other": ["Service web/one", "Service web/two"],
    }


def test_alternatives_below_one_folder_are_told_apart_below_it(tmp_path: Path) -> None:
    repo = Repo(tmp_path)
    for path in ("east/blue", "east/green", "west/only"):
        repo.write(f"{path}/argo/app.yaml", argo(path, f"{path}/all")).write(f"{path}/all/s.yaml", obj("Service", "s"))
    found = {environment.path for environment in repo.built().list if environment.kind == "argocd"}
    assert found == {"east/blue/all", "east/green/all", "west/only/all"}


def test_a_namespace_may_come_with_several_applications(tmp_path: Path) -> None:
    repo = Repo(tmp_path)
    for name in ("a", "b"):
        repo.write(f"argo/{name}.yaml", argo(name, name)).write(f"{name}/s.yaml", obj("Service", name), obj("Namespace", "web"))
    assert titles(repo.by_name()["argo"].resources) == ["Namespace web", "Namespace web", "Service web/a", "Service web/b"]


def test_an_application_of_applications(tmp_path: Path) -> None:
    repo = Repo(tmp_path).write("root.yaml", argo("root", "apps", "{name: far}")).write("apps/shop.yaml", argo("shop", "shop"))
    repo.write("shop/s.yaml", obj("Service", "s"))
    found = repo.by_name()
    assert sources(found["far"]) == [("root", "apps", "static"), ("shop", "shop", "static")]
    assert titles(found["far"].resources) == ["Application argocd/shop", "Service web/s"]


def test_each_set_of_values_of_a_chart_of_applications_is_a_cluster(tmp_path: Path) -> None:
    """What the applications in it apply has other values there, though name and chart are the same."""
    repo = Repo(tmp_path).write("apps/Chart.yaml", "name: apps\n").write("apps/templates/shop.yaml", argo("shop", "shop"))
    repo.write("apps/values-prod.yaml", "name: prod\n").write("apps/values-staging.yaml", "name: staging\n")
    repo.write("shop/s.yaml", obj("Service", "s"))
    found = repo.by_name()
    assert {name: sources(one) for name, one in found.items()} == {
        f"apps ({name})": [(None, "apps", "static"), ("shop", "shop", "static")] for name in ("prod", "staging")
    }
    assert {one.path for one in found.values()} == {"apps"}
    assert {name: titles(one.resources) for name, one in found.items()} == {
        f"apps ({name})": ["Application argocd/shop", "Service web/s"] for name in ("prod", "staging")
    }


def test_clusters_that_get_the_same_are_one(tmp_path: Path) -> None:
    repo = Repo(tmp_path).write("shop/s.yaml", obj("Service", "s"))
    for name in ("east", "west"):
        repo.write(f"{name}.yaml", argo(name, "shop", f"{{name: {name}, namespace: web}}"))
    (environment,) = (one for one in repo.built().list if one.kind == "argocd")
    assert (environment.name, sources(environment)) == ("shop", [("east", "shop", "static"), ("west", "shop", "static")])
    assert titles(environment.resources) == ["Service web/s"]


def test_a_flux_tree_is_one_cluster_though_it_applies_itself(tmp_path: Path) -> None:
    repo = Repo(tmp_path)
    for name in ("prod", "staging"):
        repo.write(f"clusters/{name}/sync.yaml", flux("flux-system", f"./clusters/{name}"))
        repo.write(f"clusters/{name}/infra.yaml", flux("infra", "./infra", f", targetNamespace: {name}"))
    repo.write("infra/s.yaml", obj("Service", "s"))
    found = repo.by_name()
    assert sorted(found) == ["clusters/prod", "clusters/staging"]
    assert sources(found["clusters/prod"]) == [("flux-system", "clusters/prod", "static"), ("infra", "infra", "static")]
    assert "Service prod/s" in titles(found["clusters/prod"].resources)


def test_applications_in_a_circle_are_followed_once(tmp_path: Path) -> None:
    repo = (
        Repo(tmp_path)
        .write("a/to-b.yaml", argo("to-b", "b"), obj("Service", "a"))
        .write("b/to-a.yaml", argo("to-a", "a"), obj("Service", "b"))
    )
    objects = [title for environment in repo.built().list for title in titles(environment.resources)]
    assert sorted(objects) == ["Application argocd/to-a", "Application argocd/to-b", "Service web/a", "Service web/b"]


def test_a_patch_of_an_application_is_none(tmp_path: Path) -> None:
    repo = Repo(tmp_path).write("base/kustomization.yaml", "resources: [app.yaml]\n").write("base/app.yaml", argo("shop", "shop"))
    repo.write("prod/kustomization.yaml", "resources: [../base]\npatches: [{path: patch.yaml}]\n").write(
        "prod/patch.yaml", argo("shop", "other")
    )
    repo.write("shop/s.yaml", obj("Service", "s")).write("other/s.yaml", obj("Service", "o"))
    parts = [source for environment in repo.built().list for _, source, _ in sources(environment)]
    assert parts == ["prod", "shop"]


def test_releases_belong_to_the_overlay_that_holds_them(tmp_path: Path) -> None:
    repo = Repo(tmp_path).write("shop/Chart.yaml", "apiVersion: v2\nname: shop\n").write("shop/templates/s.yaml", obj("Service", "s"))
    repo.write("base/kustomization.yaml", "resources: [r.yaml]\n")
    spec = "spec: {chart: {spec: {chart: shop, sourceRef: {kind: GitRepository, name: r}}}}\n"
    repo.write("base/r.yaml", obj("HelmRelease", "shop", "web", spec))
    for name in ("prod", "staging"):
        repo.write(f"{name}/kustomization.yaml", "resources: [../base]\n")
    found = repo.by_name()
    assert {name: sources(one) for name, one in found.items()} == {
        "prod": [(None, "prod", "static"), ("shop", "shop", "static")],
        "staging": [(None, "staging", "static"), ("shop", "shop", "static")],
    }


def test_each_set_of_values_of_a_chart_is_an_environment(tmp_path: Path) -> None:
    repo = Repo(tmp_path).write("shop/Chart.yaml", "apiVersion: v2\nname: shop\n").write("shop/templates/s.yaml", obj("Service", "s"))
    repo.write("shop/values.yaml", "a: 1\n").write("shop/values-prod.yaml", "a: 2\n").write("shop/values.test.yaml", "a: 3\n")
    repo.write("shop/values-object.yaml", obj("Service", "no"))
    assert sorted(repo.by_name()) == ["shop (prod)", "shop (test)"]


def test_what_is_missing_makes_look_ups_cautious(tmp_path: Path) -> None:
    repo = Repo(tmp_path).write("app.yaml", argo("shop", "shop", "{name: east}")).write("shop/s.yaml", obj("Service", "s"))
    remote = obj("Application", "db", "argocd", "spec: {destination: {name: east}, source: {repoURL: r, chart: db}}\n")
    found = repo.write("db.yaml", remote).by_name()["shop"]
    assert found.missing == ("chart db of r is not in the repository",)
    assert found.reason == "chart db of r is not in the repository"


def _rendering(objects: dict[str, str], seen: list[str]) -> object:
    def render(tree: Tree, recipes: Sequence[Recipe]) -> Sequence[Outcome]:
        seen.append(" ".join(recipe.folder for recipe in recipes))
        texts = [objects.get(recipe.folder) for recipe in recipes]
        made = [
            None if text is None else drafts_of(read_text(text, f"{recipe.folder}/made.yaml"))
            for text, recipe in zip(texts, recipes, strict=True)
        ]
        return [Outcome(None, "no tool") if drafts is None else Outcome(drafts) for drafts in made]

    return render


def test_applications_are_looked_for_in_what_was_rendered(tmp_path: Path) -> None:
    """The overlay leads to another folder than the base says, and what it leads to is rendered next."""
    repo = Repo(tmp_path).write("base/kustomization.yaml", "resources: [app.yaml]\n").write("base/app.yaml", argo("shop", "shop"))
    repo.write("prod/kustomization.yaml", "resources: [../base]\n")
    for name in ("shop", "real"):
        repo.write(f"{name}/kustomization.yaml", "resources: [s.yaml]\n").write(f"{name}/s.yaml", obj("Service", name))
    seen: list[str] = []
    render = _rendering({"prod": argo("shop", "real"), "real": obj("Service", "rendered", "web")}, seen)
    found = {environment.name: environment for environment in environments(repo.files(), render=render).list}  # type: ignore[arg-type]
    assert seen == ["prod real", "real", "shop"]
    assert sources(found["prod"]) == [(None, "prod", "rendered"), ("shop", "real", "rendered")]
    assert titles(found["prod"].resources) == ["Application argocd/shop", "Service web/rendered"]
    assert (found["shop"].status, found["shop"].reason) == ("static", "no tool")


def test_what_is_more_than_can_be_followed_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("meshlint.render.find.walk._MOST_OBJECTS", 1)
    repo = Repo(tmp_path)
    for name in ("one", "two"):
        repo.write(f"argo/{name}.yaml", argo(name, name)).write(f"{name}/s.yaml", obj("Service", name))
    built = repo.built()
    left_out = "brings more than can be followed; some of its applications are left out"
    assert [(trouble.rule, trouble.file, trouble.message) for trouble in built.troubles] == [("not-analysed", "argo/two.yaml", left_out)]
    assert sorted(title for one in built.list for title in titles(one.resources) if "Service" in title) == [
        "Service two",
        "Service web/one",
    ]
