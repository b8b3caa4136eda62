"""A run about one file tells what a run over everything tells about it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from meshlint.check.about import about
from meshlint.check.registry import bundled
from meshlint.config import Config
from meshlint.engine import Judged, judge, load
from meshlint.model.problem import Finding
from meshlint.project import Project, project
from meshlint.read.discover import discover
from tests.door import call
from tests.rules_harness import CASES

CONFIGS = [Config().settled(), Config(assume_mode="ambient").settled()]


def differences(folder: Path, config: Config) -> Iterator[str]:
    """Of each file for which less than everything is looked at: how the findings about it differ."""
    whole = project([str(folder)])
    loaded = load(whole, config, found=discover(whole.root, whole.paths, use_git=False))
    everything = judge(loaded, whole, config, bundled())
    for path in sorted(file.path for file in loaded.files):
        one = Project(whole.root, whole.paths, (path,))
        only = about(loaded.files, loaded.environments, one.about)
        if only is not None:
            found, expected = (_about(judged, one) for judged in (judge(loaded, one, config, bundled(), only=only), everything))
            if found != expected:
                yield f"{path}: {set(found) ^ set(expected)}"


def _about(judged: Judged, one: Project) -> list[Finding]:
    return [
        finding._replace(repair=None, fix=None)
        for finding in judged.left
        if any(one.about(place.file) for place in (finding.location, *(related.location for related in finding.related)))
    ]


FOLDERS = [folder for folder in sorted(CASES.glob("*/*/")) if sum(1 for _ in folder.rglob("*.yaml")) > 1]


def _id(folder: Path) -> str:
    return f"{folder.parent.name}/{folder.name}"


@pytest.mark.parametrize("config", CONFIGS, ids=["as it is", "ambient"])
@pytest.mark.parametrize("folder", FOLDERS[::12], ids=_id)
def test_some_cases_of_several_files(folder: Path, config: Config) -> None:
    assert list(differences(folder, config)) == []


@pytest.mark.slow
@pytest.mark.parametrize("config", CONFIGS, ids=["as it is", "ambient"])
@pytest.mark.parametrize("folder", FOLDERS, ids=_id)
def test_every_case_of_several_files(folder: Path, config: Config) -> None:
    assert list(differences(folder, config)) == []


def test_many_files_of_a_large_project_are_looked_at_with_all_others(tmp_path: Path) -> None:
    for number in range(120):
        service = "apiVersion: v1\nkind: Service\nmetadata: {{name: s{0}, namespace: n{0}}}\nspec: {{ports: [{{port: 80}}]}}\n---\n"
        (tmp_path / f"{number}.yaml").write_text("".join(service.format(number * 10 + one) for one in range(10)))
    whole = project([str(tmp_path)])
    loaded = load(whole, Config().settled())

    def only(count: int) -> bool:
        names = {f"{number}.yaml" for number in range(count)}
        return about(loaded.files, loaded.environments, names.__contains__) is not None

    assert [only(count) for count in (1, 12, 13, 120)] == [True, True, False, False]


@pytest.mark.corpus
@pytest.mark.parametrize("config", CONFIGS, ids=["as it is", "ambient"])
def test_real_repositories(config: Config) -> None:
    corpus = os.environ.get("MESHLINT_CORPUS")
    if not corpus:
        pytest.skip("MESHLINT_CORPUS names no folder of repositories")
    for folder in sorted(folder for folder in Path(corpus).iterdir() if folder.is_dir()):
        assert list(differences(folder, config._replace(render="never"))) == [], folder.name


RULE = '''from meshlint.api import Impact, Kind, Problem, Severity, rule


@rule("ABC101", "names-service", Severity.WARNING, impact=Impact.ADVICE, each=Kind.CONFIG_MAP, reads=[Kind.SERVICE]{more}, remedy="None.")
def names(config, mesh):
    """A ConfigMap names a Service.

    Remedy: none. Not reported when it names none.
    """
    service = mesh.find(Kind.SERVICE, config.namespace, config.root.get("data", "service").text or "")
    if service is not None:
        yield Problem(config.root.get("data"), "It names one.", related=((service.root, "this one"),))
'''


@pytest.mark.parametrize(("more", "asked"), [("", True), (", points_to=[Kind.SERVICE]", True), (", points_to=[]", False)])
def test_a_rule_of_others_is_asked_of_everything_unless_it_says_where_it_points(tmp_path: Path, more: str, asked: bool) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "names.py").write_text(RULE.format(more=more))
    repo = tmp_path / "repository"
    repo.mkdir()
    (repo / "meshlint.toml").touch()
    for name, kind in (("cart", "Service"), ("config", "ConfigMap")):
        manifest = f"apiVersion: v1\nkind: {kind}\nmetadata: {{name: {name}, namespace: shop}}\ndata: {{service: cart}}\n"
        (repo / f"{name}.yaml").write_text(manifest)
    done = call("cart.yaml", "-o", "json", "--rules", str(tmp_path / "rules"), "--select", "ABC1", cwd=repo)
    assert [finding["file"] for finding in done.findings] == ["config.yaml"] * asked
