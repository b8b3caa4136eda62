"""Generators of ApplicationSets, templates and patterns."""

from __future__ import annotations

from pathlib import Path

import pytest
from render_helpers import Repo, obj

from meshlint.model.node import Node
from meshlint.read.file import read_text
from meshlint.render.find.fill import Filled, unfilled
from meshlint.render.find.generators import Generators
from meshlint.render.find.globs import fits
from meshlint.render.tree import Tree


def node(text: str) -> Node:
    return read_text(text, "set.yaml").documents[0].root


def parameters(text: str, repo: Repo | None = None, go: bool = False) -> list[dict[str, str]]:
    return Generators(Tree(repo.files() if repo else ()), go).parameters(node(text))


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("apps/*", "apps/a", True),
        ("apps/*", "apps/a/b", False),
        ("**/config.yaml", "config.yaml", True),
        ("**/config.yaml", "a/b/config.yaml", True),
        ("a/**", "a/b/c", True),
        ("app?/[ab]", "apps/b", True),
        ("app?/[!ab]", "apps/b", False),
        ("./a.b/", "a.b", True),
        ("a.b", "axb", False),
        ("[", "[", True),
        ("**/a/**", "a/b", True),
        ("**/a/**", "a", False),
        ("a/**/b", "a/b", True),
        ("*a" * 60 + "b", "a" * 5_000, False),
        ("**/" * 60 + "b", "a/" * 1_000 + "a", False),
    ],
    ids=lambda value: str(value)[:20],
)
def test_patterns(pattern: str, path: str, expected: bool) -> None:
    assert fits(pattern, path) is expected


def test_elements_of_a_list_with_nested_values() -> None:
    found = parameters("list: {elements: [{name: a, values: {tier: gold, ports: [80]}}, {name: b, m: 7, unknown: '{{x}}'}]}")
    assert found == [{"name": "a", "values.tier": "gold", "values.ports[0]": "80"}, {"name": "b", "m": "7"}]


def test_a_selector_takes_some() -> None:
    assert parameters("{list: {elements: [{e: a}, {e: b}]}, selector: {matchLabels: {e: b}}}") == [{"e": "b"}]


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("{key: e, operator: In, values: [a, b]}", ["a", "b"]),
        ("{key: e, operator: NotIn, values: [a]}", ["b", ""]),
        ("{key: e, operator: Exists}", ["a", "b"]),
        ("{key: e, operator: DoesNotExist}", [""]),
        ("{key: e, operator: Odd}", ["a", "b", ""]),
    ],
)
def test_a_selector_with_expressions(selector: str, expected: list[str]) -> None:
    found = parameters(f"{{list: {{elements: [{{e: a}}, {{e: b}}, {{f: c}}]}}, selector: {{matchExpressions: [{selector}]}}}}")
    assert [one.get("e", "") for one in found] == expected


def test_a_selector_takes_what_only_a_cluster_can_tell() -> None:
    selector = "selector: {matchLabels: {tier: gold, zone: a}, matchExpressions: [{key: name, operator: In, values: [x]}]}"
    assert parameters(f"{{clusters: {{values: {{zone: a}}}}, {selector.replace('zone', 'values.zone')}}}") == [{"values.zone": "a"}]
    assert parameters(f"{{clusters: {{values: {{zone: b}}}}, {selector.replace('zone', 'values.zone')}}}") == []
    children = "{list: {elements: [{zone: a}, {zone: b}]}}, {clusters: {}}"
    assert parameters(f"{{matrix: {{generators: [{children}]}}, {selector}}}") == [{"zone": "a"}]


def test_a_prefix_keeps_the_paths_of_two_generators_apart(tmp_path: Path) -> None:
    repo = Repo(tmp_path).write("apps/a/s.yaml", obj("Service", "s")).write("fleet/one/config.yaml", "zone: z\n")
    apps = "{git: {pathParamPrefix: app, directories: [{path: apps/*}]}}"
    fleet = "{git: {pathParamPrefix: fleet, files: [{path: fleet/*/*.yaml}]}}"
    (found,) = parameters(f"matrix: {{generators: [{apps}, {fleet}]}}", repo)
    assert {key: found[key] for key in ("app.path.path", "app.path[1]", "fleet.path.basename", "fleet.path.filename", "zone")} == {
        "app.path.path": "apps/a", "app.path[1]": "a", "fleet.path.basename": "one", "fleet.path.filename": "config.yaml", "zone": "z",
    }  # fmt: skip
    assert not any(key.startswith("path") for key in found)


def test_folders_of_the_repository(tmp_path: Path) -> None:
    repo = Repo(tmp_path)
    for path in ("apps/One_A", "apps/two", "apps/two/deep", ".hidden", "other"):
        repo.write(f"{path}/s.yaml", obj("Service", "s"))
    (found,) = parameters("git: {directories: [{path: apps/*}, {path: apps/two, exclude: true}], values: {x: '{{path.basename}}!'}}", repo)
    assert found == {
        "path": "apps/One_A", "path.path": "apps/One_A", "path.basename": "One_A", "path.basenameNormalized": "one-a",
        "path[0]": "apps", "path.segments[0]": "apps", "path[1]": "One_A", "path.segments[1]": "One_A", "values.x": "One_A!",
    }  # fmt: skip


def test_files_of_the_repository(tmp_path: Path) -> None:
    repo = (
        Repo(tmp_path).write("fleet/one/c.json", '{"cluster": {"name": "one"}}').write("fleet/two/c.json", '{"cluster": {"name": "two"}}')
    )
    found = parameters("git: {files: [{path: fleet/**/c.json}]}", repo)
    assert [(one["cluster.name"], one["path"], one["path.filename"]) for one in found] == [
        ("one", "fleet/one", "c.json"),
        ("two", "fleet/two", "c.json"),
    ]


def test_files_that_hold_a_list(tmp_path: Path) -> None:
    repo = Repo(tmp_path).write("clusters.json", '[{"name": "one"}, {"name": "two"}]')
    assert [one["name"] for one in parameters("git: {files: [{path: clusters.json}]}", repo)] == ["one", "two"]


def test_a_matrix_whose_second_generator_uses_the_first(tmp_path: Path) -> None:
    repo = Repo(tmp_path).write("east/api/s.yaml", obj("Service", "s")).write("west/web/s.yaml", obj("Service", "s"))
    found = parameters(
        "matrix: {generators: [{list: {elements: [{c: east}, {c: west}]}}, {git: {directories: [{path: '{{c}}/*'}]}}]}", repo
    )
    assert [(one["c"], one["path"]) for one in found] == [("east", "east/api"), ("west", "west/web")]


def test_a_merge_by_its_keys() -> None:
    lists = "[{list: {elements: [{k: a, v: 1}, {k: b, v: 2}]}}, {list: {elements: [{k: b, v: 3}, {k: c, v: 4}]}}]"
    assert parameters(f"merge: {{mergeKeys: [k], generators: {lists}}}") == [{"k": "a", "v": "1"}, {"k": "b", "v": "3"}]


@pytest.mark.parametrize("generator", ["clusters: {}", "scmProvider: {}", "git: {directories: [{path: nowhere/*}]}"])
def test_what_only_a_cluster_knows_is_one_application_of_which_nothing_is_known(generator: str) -> None:
    assert parameters(generator) == [{}]


def test_values_of_a_clusters_generator_are_known() -> None:
    assert parameters("clusters: {values: {zone: z1}}") == [{"values.zone": "z1"}]


def test_nesting_and_numbers_are_bounded() -> None:
    text = "list: {elements: [{a: 1}]}"
    for _ in range(8):
        text = f"matrix: {{generators: [{{{text}}}]}}"
    assert parameters(text) == [{}]
    many = ", ".join(f"{{a{number}: {number}}}" for number in range(60))
    assert len(parameters(f"matrix: {{generators: [{{list: {{elements: [{many}]}}}}, {{list: {{elements: [{many}]}}}}]}}")) == 1_000


def test_filled_values_stand_where_they_are_written() -> None:
    root = node("a: '{{ name }}-x'\nb: |\n  image: {{tag}}\n  more: 1\nc: '{{other}}'\nd: 7\n")
    filled = Filled({"name": "shop", "tag": "v1"}, go=False).node(root)
    assert [filled.get(key).value for key in "abd"] == ["shop-x", "image: v1\nmore: 1\n", 7]
    assert filled.get("c").unknown and unfilled(root.get("c")) == "{{other}}"
    assert filled.get("a").span == root.get("a").span
    assert root.get("a").unknown


def test_go_templates_with_indexes() -> None:
    filled = Filled({"path.segments[1]": "shop", "labels.a/b": "x"}, go=True)
    assert filled.text('{{ index .path.segments 1 }}-{{- index .labels "a/b" }}') == "shop-x"
    assert filled.text("{{ .name | upper }}") is None
