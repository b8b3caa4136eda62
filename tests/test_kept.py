"""Findings kept from the last run: whatever changes, the next one tells what a run without them tells."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from meshlint import engine
from meshlint.check import runner
from meshlint.check.kept import Kept
from meshlint.check.runner import Runner
from meshlint.read import many
from tests.door import Run, call
from tests.edits import EDITS, write_repository
from tests.rules_harness import CASES
from tests.tools import need

APPS = 20
LONG_AGO = 1_700_000_000
FORMATS = ("json", "text", "sarif", "gitlab")


@pytest.fixture(autouse=True)
def _always(monkeypatch: pytest.MonkeyPatch) -> None:
    """However small a repository is."""
    for module in (many, engine):
        monkeypatch.setattr(module, "FEW", 0)
    monkeypatch.setattr(runner, "_MANY", 0)


@pytest.fixture
def reused(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Of each run, how many environments were not judged anew."""
    found: list[int] = []
    find = Kept.find

    def finds(kept: Kept, *arguments: object) -> object:
        held = find(kept, *arguments)  # type: ignore[arg-type]
        found.append(len(held or ()))
        return held

    monkeypatch.setattr(Kept, "find", finds)
    return found


class Project:
    """A folder, linted with a cache of its own."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder, self.cache = folder, cache

    def run(self, *arguments: str, path: str = ".") -> Run:
        return call("check", path, "--render", "never", *(arguments or ("-o", "json")), "--cache-dir", str(self.cache), cwd=self.folder)

    def fresh(self, *arguments: str, path: str = ".") -> Run:
        return call("check", path, "--render", "never", *(arguments or ("-o", "json")), "--no-cache", cwd=self.folder)

    def check(self, *arguments: str, path: str = ".") -> None:
        found, expected = self.run(*arguments, path=path), self.fresh(*arguments, path=path)
        assert (found.code, found.out, found.err) == (expected.code, expected.out, expected.err)

    def paths(self) -> list[str]:
        return sorted(path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*.yaml"))

    def edit(self, chance: random.Random, path: str) -> None:
        full = self.folder / path
        text = full.read_text()
        full.write_text(chance.choice(EDITS)(chance, text) if chance.random() < 0.9 else text + "---\n" + text)


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    write_repository(tmp_path / "shop")
    (tmp_path / "shop" / "meshlint.toml").touch()
    return Project(tmp_path / "shop", tmp_path / "cache")


@pytest.fixture
def apps(tmp_path: Path) -> Project:
    """Applications that Kustomize builds, each with its own folder, beside a plain folder."""
    for number in range(APPS):
        here = tmp_path / "apps" / f"app-{number}"
        here.mkdir(parents=True)
        (here / "kustomization.yaml").write_text(f"resources: [mesh.yaml]\nnamespace: team-{number % 7}\n")
        (here / "mesh.yaml").write_text(_MESH.format(name=f"app-{number}"))
    (tmp_path / "apps" / "plain.yaml").write_text(_MESH.format(name="plain"))
    (tmp_path / "apps" / "meshlint.toml").touch()
    return Project(tmp_path / "apps", tmp_path / "cache")


_MESH = """apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{selector: {{app: {name}}}, ports: [{{port: 80}}]}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: {name}}}
spec: {{hosts: [{name}], http: [{{route: [{{destination: {{host: {name}, subset: v1}}}}]}}]}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {{name: {name}}}
spec: {{host: {name}, subsets: [{{name: v1, labels: {{version: v1}}}}]}}
"""


@pytest.mark.parametrize("seed", range(3))
def test_edits_by_chance(shop: Project, reused: list[int], seed: int) -> None:
    chance = random.Random(seed)
    shop.check("-o", "json")
    for number in range(6):
        for path in chance.sample(shop.paths(), chance.choice((1, 1, 2))):
            shop.edit(chance, path)
        shop.check("-o", FORMATS[number % len(FORMATS)])
    assert any(reused)


@pytest.mark.parametrize("seed", range(3))
def test_runs_about_a_file(shop: Project, seed: int) -> None:
    chance = random.Random(seed)
    shop.run()
    for _ in range(4):
        path = chance.choice(shop.paths())
        shop.edit(chance, path)
        shop.check(path=path)


def test_files_come_and_go(shop: Project) -> None:
    shop.run()
    (shop.folder / "plain/a/policy.yaml").rename(shop.folder / "plain/a/other.yaml")
    shop.check()
    (shop.folder / "plain/b/policy.yaml").unlink()
    shop.check()
    (shop.folder / "plain/c").mkdir()
    shutil.copy(shop.folder / "flux/app/app.yaml", shop.folder / "plain/c/app.yaml")
    shop.check()


def differences(folder: Path, work: Path, chance: random.Random, steps: int) -> Iterator[str]:
    """How runs that keep findings differ from those that do not, while files of a repository change."""
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(folder, work / "repository", symlinks=True)
    (work / "repository" / "meshlint.toml").touch()
    project = Project(work / "repository", work / "cache")
    project.run()
    files = [path for path in project.paths() if _text(project.folder / path)]
    for path in chance.sample(files, min(steps, len(files))):
        project.edit(chance, path)
        if project.run().out != project.fresh().out:
            yield f"{folder.name}: {path}"


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError):
        return ""


FOLDERS = [folder for folder in sorted(CASES.glob("*/*/")) if any(folder.rglob("*.yaml"))]


@pytest.mark.parametrize("folder", FOLDERS[::80], ids=lambda folder: f"{folder.parent.name}/{folder.name}")
def test_some_cases(folder: Path, tmp_path: Path) -> None:
    assert list(differences(folder, tmp_path / "work", random.Random(folder.name), 2)) == []


@pytest.mark.slow
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: f"{folder.parent.name}/{folder.name}")
def test_every_case(folder: Path, tmp_path: Path) -> None:
    assert list(differences(folder, tmp_path / "work", random.Random(f"slow {folder.name}"), 3)) == []


@pytest.mark.corpus
@pytest.mark.skipif("MESHLINT_CORPUS" not in os.environ, reason="MESHLINT_CORPUS names no folder")
def test_real_repositories(tmp_path: Path) -> None:
    for folder in sorted(path for path in Path(os.environ["MESHLINT_CORPUS"]).iterdir() if path.is_dir()):
        assert list(differences(folder, tmp_path / "work", random.Random(folder.name), 5)) == []


class TestWhatIsAskedAgain:
    def test_one_environment_of_many(self, apps: Project, reused: list[int]) -> None:
        apps.run()
        (apps.folder / "app-3/mesh.yaml").write_text(_MESH.format(name="app-3").replace("subset: v1", "subset: v2"))
        apps.check()
        assert reused == [0, APPS]  # all but its own, and the plain folder

    def test_nothing_in_a_fresh_checkout(self, apps: Project, reused: list[int]) -> None:
        apps.run()
        for path in apps.paths():
            os.utime(apps.folder / path, (LONG_AGO, LONG_AGO))
        apps.check()
        assert reused == [0, APPS + 1]

    def test_who_looked_for_what_changed(self, apps: Project, reused: list[int]) -> None:
        """The subset of a DestinationRule comes to be used by a route of another environment."""
        rule, route = apps.folder / "app-9/mesh.yaml", apps.folder / "app-0/mesh.yaml"
        rule.write_text(rule.read_text().replace("version: v1}}", "version: v1}}, {name: v2, labels: {version: v2}}"))
        apps.run()
        route.write_text(route.read_text().replace("host: app-0, subset: v1", "host: app-9.team-2.svc.cluster.local, subset: v2"))
        apps.check()
        assert 0 < reused[-1] < APPS

    def test_a_namespace_of_another_environment(self, apps: Project, reused: list[int]) -> None:
        namespace = apps.folder / "team.yaml"
        for mode in ("none", "ambient"):
            namespace.write_text(
                f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: team-3, labels: {{istio.io/dataplane-mode: {mode}}}}}\n"
            )
            apps.check()
        assert 0 < reused[-1] < APPS

    @pytest.mark.parametrize("words", ["--goal gateway-api", "--ignore ML101", "--assume-mode ambient", "--severity ML101=note"])
    def test_everything_with_other_settings(self, apps: Project, reused: list[int], words: str) -> None:
        apps.run()
        apps.check("-o", "json", *words.split())
        assert reused == [0, 0]

    def test_everything_where_the_installation_changes(self, apps: Project, reused: list[int]) -> None:
        apps.run()
        (apps.folder / "istio.yaml").write_text("apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nspec: {tag: 1.24.3}\n")
        apps.check()
        assert reused == [0, 0]

    def test_nothing_is_taken_from_a_damaged_file(self, apps: Project, reused: list[int]) -> None:
        apps.run()
        (kept,) = apps.cache.glob("*.found")
        content = kept.read_bytes()
        for damaged in (b"", content[:-100], content[:200] + b"x" + content[201:]):
            kept.write_bytes(damaged)
            (apps.folder / "plain.yaml").write_text(_MESH.format(name="plain") + f"# {len(damaged)}\n")
            apps.check()
            assert reused[-1] == 0

    def test_a_rule_that_failed_is_asked_again(self, apps: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        real = Runner._one

        def fails(runner: Runner, rule: object, resource: object, mesh: object) -> object:
            if resource is not None and getattr(resource, "name", "") == "app-5":
                runner._broken = True
                return [runner._failed(rule, resource, mesh, ValueError("no"))]  # type: ignore[arg-type]
            return real(runner, rule, resource, mesh)  # type: ignore[arg-type]

        with monkeypatch.context() as broken:
            broken.setattr(Runner, "_one", fails)
            assert apps.run("-o", "json", "--jobs", "1").code == 2
        apps.check()

    def test_settings_that_no_environment_holds_any_more(self, apps: Project, reused: list[int]) -> None:
        """Which object a patch takes out of an overlay decides on whose MeshConfig a file speaks of."""
        config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {}}}\n"
        (apps.folder / "base").mkdir()
        mesh = config.format("istio") + "data: {mesh: 'outboundTrafficPolicy: {mode: REGISTRY_ONLY}'}\n"
        (apps.folder / "base/kustomization.yaml").write_text("resources: [mesh.yaml]\nnamespace: istio-system\n")
        (apps.folder / "base/mesh.yaml").write_text(f"{mesh}---\n{config.format('other')}")
        (apps.folder / "app-0/kustomization.yaml").write_text("resources: [../base]\npatches: [{path: less.yaml}]\n")
        (apps.folder / "app-0/mesh.yaml").unlink()
        (apps.folder / "plain.yaml").write_text(_MESH.format(name="plain") + "---\n" + config.format("plain"))
        for name in ("istio", "other", "istio"):
            (apps.folder / "app-0/less.yaml").write_text(config.format(name) + "$patch: delete\n")
            apps.check()
        assert reused == [0, 0, 0]

    def test_a_label_of_an_inline_patch(self, apps: Project, reused: list[int]) -> None:
        """Its place has no digest; its text has."""
        tunnel = "{apiVersion: sailoperator.io/v1, kind: ZTunnel, metadata: {name: default%s}}"
        (apps.folder / "app-0/mesh.yaml").write_text(tunnel % "")
        patch = tunnel % ", labels: {team: one}"
        (apps.folder / "app-0/kustomization.yaml").write_text(f"resources: [mesh.yaml]\npatches: [{{patch: '{patch}'}}]\n")
        apps.run()
        (apps.folder / "app-3/mesh.yaml").write_text(_MESH.format(name="app-3").replace("subset: v1", "subset: v2"))
        apps.check()
        assert reused[-1] == APPS - 1  # all but its own, and the one that is patched

    def test_uses_of_subsets_that_hang_on_others(self, apps: Project, reused: list[int]) -> None:
        """Nobody but the question which subsets are in use looks for what the host of a route stands for."""
        words = ("-o", "json", "--select", "subset-unused")
        route, service = apps.folder / "app-0/mesh.yaml", apps.folder / "app-1/mesh.yaml"
        route.write_text(_MESH.format(name="app-0").replace("destination: {host: app-0", "destination: {host: two.team-1"))
        service.write_text(_MESH.format(name="one") + "---\n" + _MESH.format(name="two").split("---\n")[2])
        using = apps.folder / "app-7/mesh.yaml"
        for subset in ("v2", "v1"):  # of app-0's DestinationRule
            host = "app-0.team-0.svc.cluster.local"
            using.write_text(_MESH.format(name="app-7").replace("host: app-7, subset: v1", f"host: {host}, subset: {subset}"))
            apps.check(*words)
        service.write_text(service.read_text().replace("kind: Service\nmetadata: {name: one}", "kind: Service\nmetadata: {name: two}"))
        apps.check(*words)
        assert 0 < reused[-1] < APPS

    @pytest.mark.parametrize("words", ["-o json", "-o text", "-o sarif"])
    def test_a_file_whose_name_is_no_utf8(self, apps: Project, words: str) -> None:
        try:
            (apps.folder / os.fsdecode(b"caf\xe9.yaml")).write_text(_MESH.format(name="cafe"))
        except OSError:
            pytest.skip("the file system takes no such name")
        for name in ("plain", "other"):
            apps.check(*words.split())
            (apps.folder / "plain.yaml").write_text(_MESH.format(name=name))

    def test_fixes_of_what_is_kept(self, apps: Project) -> None:
        apps.run("-o", "github")
        (apps.folder / "plain.yaml").write_text(_MESH.format(name="plain").replace("v1}", "v2}"))
        apps.check("-o", "sarif")


def test_a_config_map_that_a_release_names_by_its_prefix(apps: Project, reused: list[int]) -> None:
    """The file that holds it speaks of nothing that is installed."""
    here = apps.folder / "flux"
    here.mkdir()
    (here / "kustomization.yaml").write_text("resources: [map.yaml, release.yaml]\nnamePrefix: p-\nnamespace: istio-system\n")
    (here / "release.yaml").write_text(
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: istiod}\nspec:\n"
        "  chart: {spec: {chart: istiod, version: 1.28.0, sourceRef: {kind: HelmRepository, name: istio}}}\n"
        "  valuesFrom: [{kind: ConfigMap, name: p-vals, valuesKey: domain, targetPath: global.trustDomain}]\n"
    )
    for domain in ("one", "two"):
        (here / "map.yaml").write_text(f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: vals}}\ndata: {{domain: {domain}}}\n")
        apps.check()
    assert reused == [0, 0]


@pytest.mark.tools
@pytest.mark.parametrize(("image", "kept"), [("web", True), ("istio/pilot", False)])
def test_what_a_tool_prints_is_judged_in_every_run(apps: Project, reused: list[int], image: str, kept: bool) -> None:
    need("kustomize")
    here = apps.folder / "app-1"
    (here / "kustomization.yaml").write_text("resources: [mesh.yaml]\nnamespace: team-1\nimages: [{name: web, newTag: v2}]\n")
    pod = f"apiVersion: v1\nkind: Pod\nmetadata: {{name: web}}\nspec: {{containers: [{{name: web, image: {image}}}]}}\n---\n"
    for comment in ("", "# moved\n"):
        (here / "mesh.yaml").write_text(comment + pod + _MESH.format(name="app-1"))
        apps.check("-o", "json", "--render", "auto")
    assert reused[-1] == (APPS if kept else 0)


@pytest.mark.tools
def test_a_chart_that_another_file_repairs(tmp_path: Path) -> None:
    """A helper of templates is no manifest: a run in which a tool failed is not said again."""
    need("helm")
    chart = tmp_path / "shop"
    (chart / "templates").mkdir(parents=True)
    (chart / "meshlint.toml").touch()
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: shop\nversion: 1.0.0\n")
    (chart / "templates/mesh.yaml").write_text(_MESH.format(name='{{ include "name" . }}'))
    for text in ("{{ nothing }}", "shop"):
        (chart / "templates/_helpers.tpl").write_text(f'{{{{ define "name" }}}}{text}{{{{ end }}}}')
        for path in chart.rglob("*.*"):
            os.utime(path, (LONG_AGO, LONG_AGO))
        Project(chart, tmp_path / "cache").check("-o", "json", "--render", "auto")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="copies need fork")
@pytest.mark.parametrize("jobs", ["1", "3"])
def test_processes_that_share_the_rules(shop: Project, reused: list[int], monkeypatch: pytest.MonkeyPatch, jobs: str) -> None:
    for module in (engine, runner):
        monkeypatch.setattr(module, "ENOUGH", 0)
    chance = random.Random(jobs)
    shop.run("-o", "json", "--jobs", jobs)
    for path in chance.sample(shop.paths(), 5):
        shop.edit(chance, path)
        shop.check("-o", "json", "--jobs", jobs)
    assert any(reused)
