"""Charts of the repository that kustomizations inflate."""

from __future__ import annotations

from pathlib import Path

import pytest
from render_helpers import Repo, obj, titles

from meshlint.render.find.helm_charts import application
from meshlint.render.find.walk import Walk
from meshlint.render.tree import Tree

CHARTS = "helmCharts: [{name: shop, releaseName: front}]\n"
SMP = "{apiVersion: v1, kind: Service, metadata: {name: web, labels: {a: b}}}"
OPS = "[{op: replace, path: /spec/ports, value: []}]"


def shop(folder: Path, at: str = "k/charts/shop") -> Repo:
    repo = Repo(folder).write(f"{at}/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.0.0\n")
    return repo.write(f"{at}/templates/s.yaml", obj("Service", "web"))


@pytest.mark.parametrize(
    ("at", "text"),
    [
        ("k/charts/shop", CHARTS),
        ("charts/shop", "helmGlobals: {chartHome: ../charts}\n" + CHARTS),
        ("k/charts/shop-1.0.0/shop", "helmCharts: [{name: shop, version: 1.0.0, repo: https://charts.example.com}]\n"),
        ("k/charts/shop", "helmCharts: [{name: shop, version: 1.0.0, repo: https://charts.example.com}]\n"),
    ],
)
def test_where_a_chart_is_looked_for(at: str, text: str, tmp_path: Path) -> None:
    built = shop(tmp_path, at).write("k/kustomization.yaml", text).built()
    assert {one.name: titles(one.resources) for one in built.list} == {"k": ["Service web"]}
    assert not built.troubles


@pytest.mark.parametrize(
    "text",
    [
        "helmCharts: [{name: other}]\n",
        "helmGlobals: {chartHome: ../../elsewhere}\n" + CHARTS,
        CHARTS + "components: [../part]\n",
        CHARTS + f"patches: [{{target: {{kind: Service}}, patch: '{OPS}'}}]\n",
        CHARTS + "patches: [{path: p.yaml}]\n",
        CHARTS + "labels: [{pairs: {a: b}, includeSelectors: true}]\n",
        CHARTS + "transformers: [t.yaml]\n",
    ],
)
def test_what_cannot_be_followed_is_said(text: str, tmp_path: Path) -> None:
    repo = shop(tmp_path).write("k/kustomization.yaml", text).write("k/p.yaml", SMP)
    repo.write("part/kustomization.yaml", "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n")
    built = repo.built()
    found = {one.name: one for one in built.list}
    assert (found["k"].resources, titles(found["k/charts/shop"].resources)) == ((), ["Service web"])
    assert any("is not rendered" in trouble.message for trouble in built.troubles)


def test_what_levels_do_to_the_objects_of_a_chart(tmp_path: Path) -> None:
    repo = shop(tmp_path).write("k/kustomization.yaml", f"{CHARTS}patches: [{{patch: '{SMP}'}}]\nlabels: [{{pairs: {{c: d}}}}]\n")
    repo.write("prod/kustomization.yaml", "resources: [../k]\nnamespace: live\nnamePrefix: x-\n")
    repo.write("two/kustomization.yaml", "resources: [../prod]\nnameSuffix: -y\n")
    two = repo.by_name()["two"]
    assert not two.resources and two.missing == ("chart shop is not rendered",)  # names that two levels change
    (Path(repo.folder) / "two/kustomization.yaml").write_text("resources: [../prod]\nnamespace: other\n")
    (two,) = repo.built().list
    (service,) = two.resources
    assert (two.kind, service.namespace, service.name, dict(service.labels)) == ("kustomize", "other", "x-web", {"a": "b", "c": "d"})


def test_flux_inflates_no_charts(tmp_path: Path) -> None:
    repo = shop(tmp_path).write("k/kustomization.yaml", CHARTS)
    spec = "spec: {path: ./k, sourceRef: {kind: GitRepository, name: r}}\n"
    found = repo.write("flux.yaml", obj("FluxKustomization", "apps", "flux-system", spec)).by_name()
    assert (titles(found["k"].resources), found["k"].missing) == ([], ("chart shop is not rendered",))


@pytest.mark.parametrize(
    ("merge", "order"), [("override", ["v.yaml", "-", "w.yaml"]), ("merge", ["-", "v.yaml", "w.yaml"]), ("replace", ["-", "w.yaml"])]
)
def test_the_values_of_an_entry(merge: str, order: list[str], tmp_path: Path) -> None:
    values = f"valuesFile: v.yaml, valuesInline: {{a: 1}}, valuesMerge: {merge}, additionalValuesFiles: [w.yaml, gone.yaml]"
    repo = shop(tmp_path).write("k/v.yaml", "a: 1\n").write("k/w.yaml", "a: 1\n")
    repo.write("k/kustomization.yaml", f"helmCharts: [{{name: shop, includeCRDs: true, namespace: live, {values}}}]\n")
    walk = Walk(Tree(repo.files()), None)
    (chart,) = walk.kustomize.build("k").charts
    (source,) = application(chart, walk.holder, ()).sources
    assert [one.file.removeprefix("k/") if one.file else "-" for one in source.values] == order
    assert (source.release, source.namespace, source.include_crds) == ("shop", "live", True)
    assert [one.what for one in source.missing] == ["values file gone.yaml is not in the repository"]
