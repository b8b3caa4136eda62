"""Whole repositories, rendered with the real tools: every finding stands at the line that a person must edit.

`# expect:` comments in the sources say what rendering finds, `near.txt` at which of these places only the nearest line is
known, `static.txt` what is left where nothing is rendered.
"""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from meshlint.testing import Run, call, expected_in, judge, lint
from tests.tools import need

ROOT = Path(__file__).parent / "repos"
REPOS = sorted(path.name for path in ROOT.glob("render-*"))
TOOLS = {"render-kustomize": ("kustomize",), "render-helm": ("helm",)}


def copied(name: str, to: Path) -> Path:
    return Path(shutil.copytree(ROOT / name, to / "repository", ignore=shutil.ignore_patterns("*.txt")))


def listed(name: str, file: str) -> list[str]:
    path = ROOT / name / file
    return sorted(path.read_text().split("\n")[:-1]) if path.exists() else []


def said(run: Run) -> list[str]:
    return sorted(f"{finding['file']}:{finding['line']} {finding['rule']}" for finding in run.findings)


def left_static(run: Run) -> list[dict[str, Any]]:
    """The environments that a tool is missing for; the others need none."""
    applied = [one for one in run.report["coverage"]["environments"] if one["kind"] != "plain"]
    static = [one for one in applied if one["status"] == "static"]
    assert static and {one["status"] for one in applied} <= {"static", "followed"}
    return static


@pytest.mark.tools
@pytest.mark.parametrize("name", REPOS)
def test_rendered(name: str, tmp_path: Path) -> None:
    need(*TOOLS.get(name, ("kustomize", "helm")))
    folder = copied(name, tmp_path)
    assert judge(folder, expected_in(ROOT / name), "--render", "always") == ""
    near = [f"{one['file']}:{one['line']} {one['rule']}" for one in lint(folder).findings if not one["exact"]]
    assert sorted(near) == listed(name, "near.txt")


@pytest.mark.tools
@pytest.mark.parametrize("name", REPOS)
def test_rendered_from_the_cache(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need(*TOOLS.get(name, ("kustomize", "helm")))
    folder = copied(name, tmp_path)
    monkeypatch.setenv("MESHLINT_CACHE_DIR", str(tmp_path / "cache"))
    fresh = lint(folder, "--no-cache").out
    assert lint(folder).out == fresh

    def started(*_: object) -> None:
        raise AssertionError("a tool was started")

    monkeypatch.setattr("meshlint.render.run.renderer.run_all", started)
    assert lint(folder).out == fresh


@pytest.mark.parametrize("name", REPOS)
def test_static(name: str, tmp_path: Path) -> None:
    folder = copied(name, tmp_path)
    run = lint(folder, "--render", "never")
    assert said(run) == listed(name, "static.txt")
    assert all("--render never" in one["reason"] for one in left_static(run))


@pytest.mark.tools
def test_one_mistake_in_a_base_names_its_overlays(tmp_path: Path) -> None:
    need("kustomize")
    found = [one for one in lint(copied("render-kustomize", tmp_path)).findings if one["file"] == "base/reviews.yaml"]
    hosts = next(one for one in found if one["rule"] == "ML105")
    assert hosts["environments"] == [f"overlays/{name}" for name in ("canary", "dev", "prod", "qa", "staging")]
    subset = next(one for one in found if one["rule"] == "ML101")  # canary has other routes
    assert subset["environments"] == [f"overlays/{name}" for name in ("dev", "prod", "qa", "staging")]


@pytest.mark.tools
@pytest.mark.parametrize("name", REPOS)
def test_no_place_is_outside_of_the_repository(name: str, tmp_path: Path) -> None:
    need(*TOOLS.get(name, ("kustomize", "helm")))
    folder = copied(name, tmp_path)
    for finding in lint(folder).findings:
        for place in (finding, *finding["related"]):
            lines = (folder / place["file"]).read_text().split("\n")
            assert place["line"] <= len(lines) and place["column"] <= len(lines[place["line"] - 1]) + 1
    assert "/tmp/" not in lint(folder).out.replace(str(tmp_path), "")


@pytest.mark.parametrize("name", REPOS)
def test_a_tool_that_is_missing_is_said(name: str, tmp_path: Path) -> None:
    folder = copied(name, tmp_path)
    assert all("on the PATH" in one["reason"] for one in left_static(lint(folder)))
    run = lint(folder, "--render", "always")
    assert run.code == 2 and "on the PATH" in run.err


@pytest.mark.tools
def test_a_chart_alone_is_something(tmp_path: Path) -> None:
    need("helm")
    folder = copied("render-helm", tmp_path)
    shutil.rmtree(folder / "cart")
    (folder / "shop/Chart.yaml").write_text("apiVersion: v2\nname: shop\nversion: 1.0.0\n")
    coverage = lint(folder).report["coverage"]
    assert coverage["resources"] == 4 and [one["file"] for one in coverage["skipped"]] == ["shop/templates/optional.yaml"]


@pytest.mark.tools
def test_only_what_a_change_broke_is_new(tmp_path: Path) -> None:
    need("kustomize", "helm")
    folder = copied("render-helm", tmp_path)
    git = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@example.com"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "all"]):
        subprocess.run([*git, *words], check=True)
    assert lint(folder, "--new-since", "HEAD").findings == []
    values = folder / "shop/values-prod.yaml"
    values.write_text(values.read_text().replace("shopfront", "other"))
    assert said(lint(folder, "--new-since", "HEAD")) == ["shop/values-prod.yaml:5 ML401"]


@pytest.mark.tools
def test_a_text_from_an_editor_is_rendered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need("kustomize")
    folder = copied("render-kustomize", tmp_path)
    text = (folder / "overlays/canary/reviews.yaml").read_text()
    text = text.replace("weight: 10\n", "weight: 10\n        - destination: {host: reviews, subset: typed}\n")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    run = call("check", "-", "--stdin-filename", "overlays/canary/reviews.yaml", "-o", "json", "--context", ".", cwd=folder)
    assert [one["line"] for one in run.findings if one["rule"] == "ML101"] == [10, 12]


@pytest.mark.tools
def test_a_suppression_in_the_source_counts(tmp_path: Path) -> None:
    need("kustomize", "helm")
    folder = copied("render-helm", tmp_path)
    values = folder / "shop/values-prod.yaml"
    values.write_text(values.read_text().replace("# expect: ML101, ML145", "# meshlint: ignore[ML101, ML145] on purpose"))
    assert [one for one in said(lint(folder)) if one.startswith("shop/values-prod")] == ["shop/values-prod.yaml:5 ML401"]
