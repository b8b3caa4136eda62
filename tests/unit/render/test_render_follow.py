"""Files outside of the given paths that kustomizations need."""

from __future__ import annotations

import os
from pathlib import Path

from render_helpers import Repo, obj

from meshlint.render.follow import referenced_outside


def test_files_and_folders_outside_of_the_given_paths(tmp_path: Path) -> None:
    text = "resources: [../base, ../one.yaml, here.yaml, ../../secret.yaml]\npatches: [{path: ../p.yaml}]\n"
    repo = Repo(tmp_path / "repo").write("prod/kustomization.yaml", text).write("prod/here.yaml", "a: b\n")
    repo.write("base/kustomization.yaml", "resources: [s.yaml]\n").write("base/s.yaml", obj("Service", "s"))
    repo.write("one.yaml", "a: b\n").write("p.yaml", "a: b\n").write("unrelated.yaml", "a: b\n")
    (tmp_path / "secret.yaml").write_text("a: b\n")
    files = {file.path: file for file in repo.files()}
    given = [files["prod/kustomization.yaml"], files["prod/here.yaml"]]
    assert referenced_outside(repo.folder, ["prod"], given) == ["base/kustomization.yaml", "one.yaml", "p.yaml"]
    assert "base/s.yaml" in referenced_outside(repo.folder, ["prod"], [*given, files["base/kustomization.yaml"]])
    assert referenced_outside(repo.folder, ["."], given) == []


def test_links_out_of_the_boundary_are_not_followed(tmp_path: Path) -> None:
    repo = Repo(tmp_path / "repo").write("prod/kustomization.yaml", "resources: [../link.yaml]\n")
    (tmp_path / "secret.yaml").write_text("a: b\n")
    os.symlink(tmp_path / "secret.yaml", tmp_path / "repo" / "link.yaml")
    given = [file for file in repo.files() if file.path.startswith("prod")]
    assert referenced_outside(repo.folder, ["prod"], given) == []
