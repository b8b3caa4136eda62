"""Rendering a repository that means harm: it reads and writes nothing outside of its root."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from meshlint.model.node import Node
from meshlint.read.discover import discover
from meshlint.read.file import read_file, read_text
from meshlint.render.environments import environments
from meshlint.render.recipe import Parameter, Recipe, Values
from meshlint.render.run.renderer import Renderer, Settings
from tests.hostile_rendering import CHART, CONFIG_MAP, QUICK, SECRET, charted, kustomized, packed, printed, render, repository, write
from tests.tools import need

pytestmark = pytest.mark.tools


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return repository(tmp_path)


@pytest.mark.parametrize("path", ["{outside}/secret.yaml", "{outside}", "../../outside/secret.yaml", "../../outside"])
@pytest.mark.parametrize("key", ["resources", "components", "crds", "transformers", "generators", "patchesStrategicMerge"])
def test_kustomize_reads_nothing_outside(root: Path, path: str, key: str) -> None:
    used = path.format(outside=root.parent / "outside")
    write(root, {"app/ours.yaml": CONFIG_MAP})
    written = f"{key}: [{used}]\n" if key != "resources" else ""
    write(root, {"app/kustomization.yaml": f"resources: [ours.yaml{f', {used}' if key == 'resources' else ''}]\n{written}"})
    outcome = kustomized(root)
    assert outcome.objects is not None and SECRET not in printed(outcome) and outcome.missing


@pytest.mark.parametrize("path", ["{outside}/secret.yaml", "../../outside/secret.yaml", "key=../../outside/secret.yaml"])
def test_a_generator_reads_nothing_outside(root: Path, path: str) -> None:
    used = path.format(outside=root.parent / "outside")
    write(root, {"app/kustomization.yaml": f"configMapGenerator:\n- name: ours\n  files: ['{used}']\n  envs: ['{used}']\n"})
    outcome = kustomized(root)
    assert SECRET not in printed(outcome) and outcome.objects is not None and outcome.missing


def test_a_builtin_plugin_reads_nothing_outside(root: Path) -> None:
    secret = root.parent / "outside" / "secret.yaml"
    plugin = f"apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {{name: stolen}}\nfiles: ['{secret}']\n"
    write(root, {"app/kustomization.yaml": "generators: [stolen.yaml]\n", "app/stolen.yaml": plugin})
    outcome = kustomized(root)
    assert SECRET not in printed(outcome) and outcome.missing


@pytest.mark.parametrize("folder", [False, True])
def test_a_link_out_of_the_root_is_not_followed(root: Path, folder: bool) -> None:
    write(root, {"app/kustomization.yaml": "resources: [ours.yaml, link]\nconfigMapGenerator: [{name: c, files: [link]}]\n"})
    write(root, {"app/ours.yaml": CONFIG_MAP})
    outside = root.parent / "outside"
    (root / "app/link").symlink_to(outside if folder else outside / "secret.yaml")
    outcome = kustomized(root)
    assert outcome.objects is not None and SECRET not in printed(outcome)
    assert outcome.reason is not None and "a link that leads out of the repository" in outcome.reason


@pytest.mark.parametrize(
    "template",
    [
        '{{ .Files.Get "/etc/passwd" }}',
        '{{ .Files.Get "../../outside/secret.yaml" }}',
        '{{ .Files.Get "link" }}{{ range $p, $b := .Files.Glob "**" }}{{ $b | toString }}{{ end }}',
        '{{ range .Files.Lines "link" }}{{ . }}{{ end }}',
    ],
)
def test_a_chart_reads_nothing_outside(root: Path, template: str) -> None:
    (root / "evil").mkdir()
    (root / "evil/link").symlink_to(root.parent / "outside" / "secret.yaml")
    (root / "evil/folder").symlink_to(root.parent / "outside")
    outcome = charted(root, f"{CONFIG_MAP}  stolen: |-\n    {template}\n".replace("data: {key: value}", "data:"))
    assert outcome.objects is not None and SECRET not in printed(outcome) and "root:" not in printed(outcome)


@pytest.mark.parametrize("path", ["file://../../outside/lower", "file://{outside}/lower"])
def test_a_chart_takes_no_dependency_from_outside(root: Path, path: str) -> None:
    outside = root.parent / "outside"
    write(outside, {"lower/Chart.yaml": CHART.replace("evil", "lower"), "lower/templates/x.yaml": CONFIG_MAP.replace("value", SECRET)})
    repository = path.format(outside=outside)
    write(root, {"evil/Chart.yaml": f"{CHART}dependencies: [{{name: lower, version: 1.0.0, repository: '{repository}'}}]\n"})
    need("helm")
    write(root, {"evil/templates/x.yaml": CONFIG_MAP})
    outcome = render(root, Recipe("helm", "evil"))
    assert outcome.objects is not None and SECRET not in printed(outcome)
    assert [lack.what for lack in outcome.missing] == [f"chart lower of {repository} is not in the repository"]


@pytest.mark.parametrize("path", ["../outside/secret.yaml", "{outside}/secret.yaml", "evil/link"])
def test_a_chart_takes_no_values_from_outside(root: Path, path: str) -> None:
    need("helm")
    template = CONFIG_MAP.replace("value", "{{ .Values | toJson | quote }}")
    write(root, {"evil/Chart.yaml": CHART, "evil/templates/x.yaml": template})
    (root / "evil/link").symlink_to(root.parent / "outside" / "secret.yaml")
    file = path.format(outside=root.parent / "outside")
    outcome = render(root, Recipe("helm", "evil", values=(Values(file),), parameters=(Parameter("x", nowhere(), file=file),)))
    assert outcome.objects is not None and SECRET not in printed(outcome) and 'key: "{}"' in printed(outcome)
    assert {lack.what for lack in outcome.missing} == {f"{file} does not exist"}


def nowhere() -> Node:
    return read_text("a: b\n", "app.yaml").documents[0].root


def test_a_packed_chart_writes_nothing_outside(root: Path) -> None:
    names = ["lower/Chart.yaml", "lower/templates/x.yaml", "/tmp/meshlint-written"]
    names += ["../../../../written.yaml", "lower/../../../written.yaml"]
    packed(root / "evil/charts/lower-1.0.0.tgz", dict.fromkeys(names, CHART.replace("evil", "lower").encode()))
    charted(root, CONFIG_MAP)
    assert not list(root.parent.rglob("written*")) and not os.path.exists("/tmp/meshlint-written")


APPLICATION = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: all}}
spec:
  destination: {{server: https://kubernetes.default.svc, namespace: a}}
  sources:
  - repoURL: https://git.example.com/a.git
    path: evil
    helm: {{valueFiles: ['{0}/secret.yaml', ../../outside/secret.yaml, /../outside/secret.yaml]}}
  - {{repoURL: https://git.example.com/a.git, path: '{0}'}}
  - {{repoURL: https://git.example.com/a.git, path: ../outside}}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {{name: all, namespace: flux-system}}
spec:
  path: ./app
  sourceRef: {{kind: GitRepository, name: a}}
  components: ['{0}', ../../outside]
  patches: [{{path: '{0}/secret.yaml'}}, {{path: ../../outside/secret.yaml, target: {{kind: ConfigMap}}}}]
"""


def test_an_application_names_nothing_outside(root: Path) -> None:
    need("kustomize", "helm")
    template = CONFIG_MAP.replace("value", "{{ .Values | toJson | quote }}")
    write(root, {"evil/Chart.yaml": CHART, "evil/templates/x.yaml": template, "all.yaml": APPLICATION.format(root.parent / "outside")})
    write(root, {"app/ours.yaml": CONFIG_MAP, "app/kustomization.yaml": "resources: [ours.yaml]\n"})
    files = [read_file(str(root / path), path) for path in discover(str(root), ["."], use_git=False).files]
    render = Renderer(str(root), Settings(limits=QUICK))
    text = "".join(file.source.text for file in environments(files, render=render).output if file.source is not None)
    assert text.count("name: ours") == 2 and SECRET not in text
