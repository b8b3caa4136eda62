"""Values that Flux puts at a path."""

from __future__ import annotations

from pathlib import Path

import pytest
from render_helpers import Repo, obj

from meshlint.render.find.applications import applications_of
from meshlint.render.find.walk import Walk
from meshlint.render.target_path import steps_of, typed
from meshlint.render.tree import Tree


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True), ("False", False), ("null", None), ("0", 0), ("17", 17), ("-3", -3), ("007", "007"), ("1.5", "1.5"), ("v7", "v7"),
        ("'true'", "true"), ('"17"', "17"), ("", ""), ("true\n", "true\n"),
    ],
)  # fmt: skip
def test_the_value_that_a_text_stands_for(text: str, value: object) -> None:
    found = typed(text)
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    ("path", "text", "steps"),
    [
        ("a.b-c", "x", ("a", "b-c")), ("a", "", ("a",)), ("a", "'x,y'", ("a",)), ("a[0].b", "x", None), (r"a\.b", "x", None),
        ("a", "x,y=z", None), ("a", "{x,y}", None), ("a..b", "x", None),
    ],
)  # fmt: skip
def test_the_keys_of_a_path(path: str, text: str, steps: tuple[str, ...] | None) -> None:
    assert steps_of(path, text) == steps


def test_a_path_that_is_more_than_keys_is_said(tmp_path: Path) -> None:
    repo = Repo(tmp_path).write("charts/shop/Chart.yaml", "apiVersion: v2\nname: shop\n")
    repo.write("r.yaml", obj("HelmRelease", "shop", "web", """
        spec:
          chart: {spec: {chart: charts/shop, sourceRef: {kind: GitRepository, name: r}}}
          valuesFrom: [{kind: ConfigMap, name: conf, valuesKey: a, targetPath: 'list[0]'}]
        """), "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: conf, namespace: web}\ndata: {a: x}\n")  # fmt: skip
    holder = Walk(Tree(repo.files()), None).holder
    (application,) = (one for draft in holder.tree.drafts("r.yaml") for one in applications_of(draft, holder))
    (source,) = application.sources
    assert (source.values, [one.what for one in source.missing]) == ((), ["what is put at list[0] is not followed"])
