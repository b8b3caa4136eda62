"""Plain folders: alternatives, and what is judged and looked up where."""

from __future__ import annotations

from pathlib import Path

from render_helpers import Repo, obj, places, titles

from meshlint.read.file import read_text
from meshlint.render.environments import environments


def test_without_copies_one_environment_holds_everything(tmp_path: Path) -> None:
    repo = Repo(tmp_path).write("a.yaml", obj("Service", "a", "shop"))
    repo.write("deep/b.yaml", obj("Service", "b"), obj("Namespace", "shop", "odd"))
    built = repo.built()
    assert [environment.name for environment in built.list] == ["."]
    assert titles(built.list[0].resources) == ["Namespace shop", "Service b", "Service shop/a"]
    assert (built.list[0].kind, built.list[0].status, len(built.list[0].resources)) == ("plain", "static", 3)


def test_a_repository_without_objects_still_has_its_environment(tmp_path: Path) -> None:
    built = Repo(tmp_path).write("values.yaml", "meshConfig: {accessLogFile: /dev/stdout}\n").built()
    assert [(environment.name, environment.resources) for environment in built.list] == [(".", ())]


def lessons(folder: Path) -> Repo:
    repo = Repo(folder).write("service.yaml", obj("Service", "reviews"))
    repo.write("lesson1/vs.yaml", obj("VirtualService", "reviews")).write("lesson1/dr.yaml", obj("DestinationRule", "reviews"))
    return repo.write("lesson2/vs.yaml", obj("VirtualService", "reviews"), obj("VirtualService", "ratings"))


def test_each_copy_is_judged_once_with_what_has_no_copies_beside_it(tmp_path: Path) -> None:
    found = lessons(tmp_path).by_name()
    assert places(found["lesson1"].resources) == ["lesson1/vs.yaml reviews"]
    assert places(found["lesson2"].resources) == ["lesson2/vs.yaml reviews"]
    assert titles(found["."].resources) == ["DestinationRule reviews", "Service reviews", "VirtualService ratings"]


def test_single_objects_are_shared_and_held_against_every_alternative(tmp_path: Path) -> None:
    found = lessons(tmp_path).by_name()
    assert found["lesson1"].shared is found["lesson2"].shared is found["."].resources
    assert places(found["."].background) == ["lesson1/vs.yaml reviews", "lesson2/vs.yaml reviews"]
    assert found["."].shared == ()


def test_of_another_object_the_nearest_copy_is_looked_up(tmp_path: Path) -> None:
    repo = Repo(tmp_path)
    for folder in ("a/x", "b/x"):
        repo.write(f"{folder}/service.yaml", obj("Service", "web"))
    for folder in ("a/y", "b/y", "c"):
        repo.write(f"{folder}/vs.yaml", obj("VirtualService", "web"))
    found = repo.by_name()
    by_file = {resource.file: environment for environment in found.values() for resource in environment.resources}
    assert places((*by_file["a/y/vs.yaml"].resources, *by_file["a/y/vs.yaml"].background)) == ["a/x/service.yaml web", "a/y/vs.yaml web"]
    assert places((*by_file["b/x/service.yaml"].resources, *by_file["b/x/service.yaml"].background)) == [
        "b/x/service.yaml web", "b/y/vs.yaml web",
    ]  # fmt: skip
    assert places(by_file["c/vs.yaml"].background) == ["a/x/service.yaml web"]


def test_folders_that_live_with_the_same_copies_are_one_environment(tmp_path: Path) -> None:
    repo = Repo(tmp_path)
    for app in ("cart", "shop"):
        for stage in ("prod", "staging"):
            repo.write(f"apps/{app}/{stage}/all.yaml", obj("Service", app, app), obj("VirtualService", app, app))
    found = repo.by_name()
    assert sorted(found) == ["apps/*/prod", "apps/*/staging"]
    assert titles(found["apps/*/prod"].resources) == [
        "Service cart/cart", "Service shop/shop", "VirtualService cart/cart", "VirtualService shop/shop",
    ]  # fmt: skip
    assert found["apps/*/prod"].background == ()


def test_stages_above_the_applications_are_called_by_their_folder(tmp_path: Path) -> None:
    repo = Repo(tmp_path)
    for stage in ("prod", "staging"):
        for app in ("cart", "shop"):
            repo.write(f"{stage}/{app}/service.yaml", obj("Service", app))
    assert sorted(repo.by_name()) == ["prod", "staging"]


def test_copies_in_one_folder_are_all_kept(tmp_path: Path) -> None:
    repo = Repo(tmp_path).write("vs/a.yaml", obj("VirtualService", "r")).write("vs/b.yaml", obj("VirtualService", "r"))
    repo.write("vs/c.yaml", obj("DestinationRule", "r"))
    found = repo.by_name()
    assert places(found["vs"].resources) == ["vs/a.yaml r", "vs/b.yaml r"]
    assert titles(found["."].resources) == ["DestinationRule r"]


def test_copies_at_the_root_stay_there(tmp_path: Path) -> None:
    found = Repo(tmp_path).write("a.yaml", obj("Service", "a")).write("old/a.yaml", obj("Service", "a")).by_name()
    assert places(found["."].resources) == ["a.yaml a"]
    assert places(found["."].background) == ["old/a.yaml a"]
    assert places(found["old"].resources) == ["old/a.yaml a"]


def test_namespaces_tell_objects_apart_and_names_that_are_not_known_do_not_join_them(tmp_path: Path) -> None:
    repo = Repo(tmp_path).write("a/s.yaml", obj("Service", "a", "one"), obj("Service", None), obj("Service", '"{{ name }}"'))
    repo.write("b/s.yaml", obj("Service", "a", "two"), obj("Service", None), obj("Service", '"{{ name }}"'))
    built = repo.built()
    assert [environment.name for environment in built.list] == ["."]
    assert titles(built.list[0].resources) == [
        "Service in a/s.yaml", "Service in b/s.yaml", "Service one/a", "Service two/a", "Service {{ name }}", "Service {{ name }}",
    ]  # fmt: skip


def test_a_templated_namespace_is_not_known(tmp_path: Path) -> None:
    built = Repo(tmp_path).write("a.yaml", obj("Service", "a", "${NAMESPACE}")).built()
    assert built.list[0].resources[0].namespace == ""


def test_the_order_of_the_files_does_not_matter(tmp_path: Path) -> None:
    files = lessons(tmp_path).files()
    there, back = environments(files), environments(files[::-1])
    assert [(e.name, [id(r.root.table) for r in e.resources], places(e.background)) for e in there.list] == [
        (e.name, [id(r.root.table) for r in e.resources], places(e.background)) for e in back.list
    ]


def test_a_repository_shown_from_elsewhere_is_called_by_its_own_paths(tmp_path: Path) -> None:
    repo = lessons(tmp_path).write("k/kustomization.yaml", "resources: [../base/s.yaml]\n").write("base/s.yaml", obj("Service", "k"))
    shown = [read_text(file.source.text, f"../shop/{file.path}") for file in repo.files() if file.source is not None]
    found = {environment.name: environment for environment in environments(shown, root="../shop").list}
    assert sorted(found) == [".", "k", "lesson1", "lesson2"]
    assert places(found["k"].resources) == ["../shop/base/s.yaml k"]
    assert found["lesson1"].path == "../shop/lesson1"


def test_many_folders_with_copies_do_not_multiply(tmp_path: Path) -> None:
    files = [
        read_text("---\n".join(obj("Service", f"s{app}-{n}") for n in range(5)), f"{stage}/app{app}/all.yaml")
        for stage in ("prod", "staging")
        for app in range(100)
    ]
    built = environments(files)
    assert [(environment.name, len(environment.resources), len(environment.background)) for environment in built.list] == [
        ("prod", 500, 0), ("staging", 500, 0),
    ]  # fmt: skip


def test_a_long_expression_names_an_object_by_how_it_begins(tmp_path: Path) -> None:
    long = '{{ printf "%s-%s" (include "shop.name" .) (include "shop.suffix" .) | trunc 63 }}'
    built = Repo(tmp_path).write("a.yaml", obj("Service", f"'{long}'", "shop")).built()
    assert titles(built.list[0].resources) == [f"Service shop/{long[:57].rstrip()}..."]
