"""What Helm leaves out of a chart."""

from __future__ import annotations

from pathlib import Path

import pytest
from render_helpers import Repo, obj, titles

from meshlint.read.file import read_text
from meshlint.render.helm_ignore import left_out
from meshlint.render.tree import Tree

FILES = ("a.yaml", "b.bak.yaml", "old/c.yaml", "old/deep/d.yaml", "x1.yaml", "sub/old/e.yaml", ".f.yaml")


@pytest.mark.parametrize(
    ("rules", "kept"),
    [
        ("", "a.yaml b.bak.yaml old/c.yaml old/deep/d.yaml x1.yaml sub/old/e.yaml"),
        ("# a comment\n\n  *.bak.yaml ", "a.yaml old/c.yaml old/deep/d.yaml x1.yaml sub/old/e.yaml"),
        ("old/", "a.yaml b.bak.yaml x1.yaml"),
        ("templates/old", "a.yaml b.bak.yaml x1.yaml sub/old/e.yaml"),
        ("/old\n/templates/a.yaml", "b.bak.yaml old/c.yaml old/deep/d.yaml x1.yaml sub/old/e.yaml"),
        ("templates/*/*.yaml", "a.yaml b.bak.yaml old/deep/d.yaml x1.yaml sub/old/e.yaml"),
        ("x[0-9].yaml\n[^xb].yaml", "b.bak.yaml"),
        ("!templates", ""),
        ("x?.yaml\n**", "a.yaml b.bak.yaml old/c.yaml old/deep/d.yaml sub/old/e.yaml"),
    ],
)
def test_patterns_of_helm(rules: str, kept: str) -> None:
    ignored = left_out(Tree([read_text(rules, "shop/.helmignore")]), "shop")
    assert [name for name in FILES if not ignored(f"shop/templates/{name}")] == kept.split()


def test_objects_of_templates_that_helm_never_sees_are_none(tmp_path: Path) -> None:
    repo = Repo(tmp_path).write("shop/Chart.yaml", "apiVersion: v2\nname: shop\n").write("shop/.helmignore", "old/\n")
    repo.write("shop/templates/s.yaml", obj("Service", "s")).write("shop/templates/old/s.yaml", obj("Service", "old"))
    found = repo.by_name()
    assert {name: titles(environment.resources) for name, environment in found.items()} == {"shop": ["Service s"]}
