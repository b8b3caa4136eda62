"""--add-ignores writes the comments, keeps everything else of a file, and says what it could not."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.door import call, lint
from tests.manifests import ERROR, ROUTE, RULE, SERVICE, write
from tests.test_suppressions import SUBSET, mesh, names, route

__all__ = ["mesh"]  # a fixture



def test_add_ignores_leaves_nothing_and_is_done_once(mesh: Path) -> None:
    run = call("--add-ignores", "later", cwd=mesh)
    assert run.code == 0 and "wrote 3 ignore comments into 2 files" in run.err
    assert f"{SUBSET}  # meshlint: ignore[{ERROR}] later\n" in (mesh / "route.yaml").read_text()
    assert lint(mesh).findings == []
    before = {path.name: path.read_bytes() for path in mesh.iterdir()}
    again = call("--add-ignores", "other", cwd=mesh)
    assert "wrote 0 ignore comments into 0 files" in again.err
    assert {path.name: path.read_bytes() for path in mesh.iterdir()} == before


def test_add_ignores_merges_what_one_line_has(mesh: Path) -> None:
    text = ROUTE.replace("http:\n  - route:\n    - destination:", "http:\n  - retries: {attempts: 3}\n    route:\n    - destination:")
    (mesh / "route.yaml").write_text(text.replace(SUBSET, f"{SUBSET} # meshlint: ignore[vs-subset-destination] known"))
    call("--add-ignores", "new", cwd=mesh)
    after = (mesh / "route.yaml").read_text()
    assert f"# meshlint: ignore[vs-subset-destination, {ERROR}] known" in after
    assert after.count("{attempts: 3}  # meshlint: ignore[") <= 1


def test_add_ignores_keeps_line_ends_mark_and_mode(mesh: Path) -> None:
    path = mesh / "route.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + ROUTE.replace("\n", "\r\n").encode())
    path.chmod(0o640)
    call("--add-ignores", "until the move", cwd=mesh)
    content = path.read_bytes()
    assert content.startswith(b"\xef\xbb\xbf") and content.count(b"\r\n") == content.count(b"\n")
    assert b"# meshlint: ignore[" in content and path.stat().st_mode & 0o777 == 0o640
    assert ERROR not in names(lint(mesh))


def test_add_ignores_writes_utf16_as_it_was(mesh: Path) -> None:
    (mesh / "route.yaml").write_bytes(ROUTE.encode("utf-16"))
    call("--add-ignores", "until the move", cwd=mesh)
    assert "# meshlint: ignore[" in (mesh / "route.yaml").read_bytes().decode("utf-16")
    assert ERROR not in names(lint(mesh))


def test_a_long_line_gets_its_comment_above(mesh: Path) -> None:
    long = f"subset: v9, {' ' * 90}}}"
    call("--add-ignores", "until the move", cwd=route(mesh, SUBSET, long))
    assert f"    # meshlint: ignore[{ERROR}] until the move\n    - destination" in (mesh / "route.yaml").read_text()
    assert ERROR not in names(lint(mesh))


def test_add_ignores_says_what_it_could_not(tmp_path: Path) -> None:
    import yaml

    metadata = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\n"
    mesh_config = f"{metadata}data:\n  mesh: |\n    outboundTrafficPolicy:\n      mode: REGISTRY_ONLY\n"
    write(tmp_path, {"route.json": json.dumps(yaml.safe_load(ROUTE)), "service.yaml": SERVICE, "rule.yaml": RULE, "mesh.yaml": mesh_config})
    run = call("--add-ignores", "until the move", cwd=tmp_path)
    assert "no comment for route.json:1 ML145: JSON has no comments" in run.err
    assert "no comment for mesh.yaml:7 ML501: a comment there would be a part of a string" in run.err
    assert (tmp_path / "mesh.yaml").read_text() == mesh_config
    assert run.code == 1


@pytest.mark.parametrize("reason", ["", " ", "two\nlines", "a # b"])
def test_add_ignores_needs_a_reason(mesh: Path, reason: str) -> None:
    run = call("--add-ignores", reason, cwd=mesh)
    assert run.code == 2 and "needs a reason" in run.err
    assert (mesh / "route.yaml").read_text() == ROUTE


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_add_ignores_keeps_a_link(tmp_path: Path) -> None:
    write(tmp_path, {"real/route.yaml": ROUTE, "service.yaml": SERVICE, "rule.yaml": RULE})
    (tmp_path / "apps").mkdir()
    (tmp_path / "apps/route.yaml").symlink_to("../real/route.yaml")
    call("--add-ignores", "until the move", cwd=tmp_path)
    assert (tmp_path / "apps/route.yaml").is_symlink()
    assert lint(tmp_path).findings == []
