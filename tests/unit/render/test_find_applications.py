"""What applications of Argo CD, Flux and helmfile say of their sources."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from render_helpers import Repo, obj

from meshlint.render.find.application import Application
from meshlint.render.find.applications import applications_of
from meshlint.render.find.helmfile import applications as releases_of
from meshlint.render.find.repository import Holder
from meshlint.render.find.walk import Walk
from meshlint.render.group import Group
from meshlint.render.tree import Tree

GIT = "{repoURL: https://git.example.com/shop.git, "


def holder_of(repo: Repo) -> Holder:
    return Walk(Tree(repo.files()), None).holder


def applications(repo: Repo) -> list[Application]:
    holder = holder_of(repo)
    tree = holder.tree
    return [one for path in tree.files for draft in tree.drafts(path) for one in applications_of(draft, holder)]


def argo(spec: str, kind: str = "Application") -> str:
    return obj(kind, "shop", "argocd", "spec:\n" + "\n".join(f"  {line}" for line in spec.strip("\n").splitlines()) + "\n")


def chart(repo: Repo) -> Repo:
    repo.write("charts/shop/Chart.yaml", "apiVersion: v2\nname: shop\n").write("charts/shop/values-prod.yaml", "a: 1\n")
    return repo.write("charts/shop/templates/s.yaml", obj("Service", "s")).write("conf/shop.yaml", "b: 2\n").write("conf/cert.json", "{}\n")


def test_helm_settings_of_argo_cd_in_their_order(tmp_path: Path) -> None:
    repo = chart(Repo(tmp_path)).write("app.yaml", argo(f"""
destination: {{namespace: web, name: prod}}
sources:
- {GIT}ref: conf}}
- repoURL: https://git.example.com/shop.git
  path: charts/shop
  helm:
    releaseName: front
    skipCrds: true
    valueFiles: [values-prod.yaml, $conf/conf/shop.yaml, /conf/shop.yaml, gone.yaml]
    values: "c: 3"
    valuesObject: {{c: 4}}
    parameters: [{{name: tag, value: '7', forceString: true}}]
    fileParameters: [{{name: cert, path: ../../conf/cert.json}}]
"""))  # fmt: skip
    (application,) = applications(repo)
    (source,) = application.sources
    assert (application.by, application.cluster, source.folder, source.release, source.namespace) == (
        "argocd",
        "prod",
        "charts/shop",
        "front",
        "web",
    )
    assert [value.file for value in source.values] == ["charts/shop/values-prod.yaml", "conf/shop.yaml", "conf/shop.yaml", None]
    assert source.values[-1].node is not None and source.values[-1].node.get("c").value == 4
    assert [(one.name, one.value.text, one.as_string, one.file) for one in source.parameters] == [
        ("tag", "7", True, None),
        ("cert", "../../conf/cert.json", False, "conf/cert.json"),
    ]
    assert not source.include_crds
    assert [one.what for one in source.missing] == ["values file gone.yaml is not in the repository"]


def test_missing_values_files_may_be_ignored(tmp_path: Path) -> None:
    spec = f"source: {GIT}path: charts/shop, helm: {{ignoreMissingValueFiles: true, valueFiles: [gone.yaml]}}}}"
    (application,) = applications(chart(Repo(tmp_path)).write("app.yaml", argo(spec)))
    assert application.sources[0].missing == ()


@pytest.mark.parametrize(
    ("destination", "cluster"),
    [
        ("{server: https://kubernetes.default.svc}", ""),
        ("{name: in-cluster}", ""),
        ("{server: '', name: far}", "far"),
        ("{name: '', server: https://far.example.com}", "https://far.example.com"),
        ("{name: '${CLUSTER}'}", None),
        ("{namespace: web}", None),
    ],
)
def test_where_argo_cd_applies(tmp_path: Path, destination: str, cluster: str | None) -> None:
    (application,) = applications(Repo(tmp_path).write("app.yaml", argo(f"destination: {destination}\nsource: {GIT}path: x}}")))
    assert application.cluster == cluster


def test_kustomize_settings_of_argo_cd(tmp_path: Path) -> None:
    settings = (
        "{namePrefix: a-, nameSuffix: -b, namespace: n, images: [x=y], patches: [], replicas: [], commonLabels: {a: b}, components: [c]}"
    )
    repo = Repo(tmp_path).write("app.yaml", argo(f"source: {GIT}path: k, kustomize: {settings}}}"))
    repo.write("k/kustomization.yaml", "resources: []\n")
    (application,) = applications(repo)
    fields = [field for field, _ in application.sources[0].overlay]
    assert fields == ["namePrefix", "nameSuffix", "namespace", "images", "patches", "components", "replicas", "commonLabels"]


def test_labels_without_selectors(tmp_path: Path) -> None:
    settings = "{labelWithoutSelector: true, commonLabels: {a: b}}"
    (application,) = applications(Repo(tmp_path).write("app.yaml", argo(f"source: {GIT}path: k, kustomize: {settings}}}")))
    assert [field for field, _ in application.sources[0].overlay] == ["labels"]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{repoURL: oci://x, chart: istiod, targetRevision: 1.2.3}", "chart istiod 1.2.3 of oci://x is not in the repository"),
        (GIT + "path: nowhere}", "nowhere of https://git.example.com/shop.git is not in the repository"),
        (GIT + "path: 'envs/${ENV}'}", "a template decides which folder envs/${ENV} is"),
        (GIT + "path: .}", ". of https://git.example.com/shop.git is not in the repository"),
    ],
)
def test_what_is_not_here_is_said(tmp_path: Path, source: str, reason: str) -> None:
    (application,) = applications(Repo(tmp_path).write("app.yaml", argo(f"source: {source}")))
    assert (application.sources[0].folder, application.sources[0].reason) == (None, reason)


def test_a_repository_most_of_whose_paths_are_not_here_is_another_one(tmp_path: Path) -> None:
    repo = Repo(tmp_path).write("apps/s.yaml", obj("Service", "s"))
    for name in ("apps", "one", "two"):
        repo.write(f"{name}.yaml", argo(f"source: {GIT}path: {name}}}"))
    assert [application.sources[0].folder for application in applications(repo)] == [None, None, None]


def test_the_namespace_that_argo_cd_makes(tmp_path: Path) -> None:
    policy = "syncPolicy: {managedNamespaceMetadata: {labels: {istio.io/dataplane-mode: ambient}}, syncOptions: [CreateNamespace=true]}"
    repo = Repo(tmp_path).write("app.yaml", argo(f"destination: {{namespace: web}}\nsource: {GIT}path: apps}}\n{policy}"))
    repo.write("apps/s.yaml", obj("Service", "s"))
    (namespace,) = (resource for resource in repo.by_name()["apps"].resources if resource.kind.kind == "Namespace")
    assert (namespace.name, dict(namespace.labels)) == ("web", {"istio.io/dataplane-mode": "ambient"})
    assert namespace.label("istio.io/dataplane-mode").file == "app.yaml"


def test_a_namespace_that_is_written_stands_before_the_one_that_is_made(tmp_path: Path) -> None:
    policy = "syncPolicy: {managedNamespaceMetadata: {labels: {a: b}}, syncOptions: [CreateNamespace=true]}"
    repo = Repo(tmp_path).write("app.yaml", argo(f"destination: {{namespace: web}}\nsource: {GIT}path: apps}}\n{policy}"))
    repo.write("apps/s.yaml", obj("Namespace", "web"))
    assert [dict(resource.labels) for resource in repo.by_name()["apps"].resources] == [{}]


def release(spec: str) -> str:
    return obj("HelmRelease", "shop", "web", "spec:\n" + "\n".join(f"  {line}" for line in spec.strip("\n").splitlines()) + "\n")


MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: conf, namespace: web}\ndata:\n  values.yaml: |\n    a: 1\n  tag: v7\n"


def test_a_release_and_its_values(tmp_path: Path) -> None:
    repo = chart(Repo(tmp_path)).write("conf.yaml", MAP).write("r.yaml", release("""
targetNamespace: live
install: {crds: Skip}
chart: {spec: {chart: ./charts/shop, sourceRef: {kind: GitRepository, name: r}, valuesFiles: [charts/shop/values-prod.yaml]}}
valuesFrom:
- {kind: ConfigMap, name: conf}
- {kind: ConfigMap, name: conf, valuesKey: tag, targetPath: image.tag}
- {kind: ConfigMap, name: gone, optional: true}
- {kind: Secret, name: password}
values: {b: 2}
postRenderers: [{kustomize: {images: [{name: a, newTag: b}]}}]
"""))  # fmt: skip
    (application,) = applications(repo)
    (source,) = application.sources
    assert (source.folder, source.release, source.namespace, source.include_crds) == ("charts/shop", "live-shop", "live", False)
    assert [(value.file, value.node.text if value.node else None, value.under) for value in source.values] == [
        ("charts/shop/values-prod.yaml", None, ()),
        (None, "a: 1\n", ()),
        (None, "v7", ("image", "tag")),
        (None, None, ()),
    ]
    assert [field for field, _ in source.overlay] == ["images"]
    assert [one.what for one in source.missing] == ["Secret password is not known"]


def test_the_last_of_the_values_files_holds(tmp_path: Path) -> None:
    repo = chart(Repo(tmp_path)).write("r.yaml", release("""
chart: {spec: {chart: charts/shop, sourceRef: {kind: GitRepository, name: r}, valuesFiles: [charts/shop/values-prod.yaml, conf/shop.yaml]}}
values: {b: 2}
"""))  # fmt: skip
    (application,) = applications(repo)
    assert [value.file for value in application.sources[0].values] == ["charts/shop/values-prod.yaml", "conf/shop.yaml", None]


def test_values_of_a_config_map_that_a_kustomization_generates(tmp_path: Path) -> None:
    repo = chart(Repo(tmp_path)).write("k/kustomization.yaml", "configMapGenerator: [{name: conf, files: [values.yaml=own.yaml]}]\n")
    repo.write("k/own.yaml", "a: 1\n").write("k/r.yaml", release("""
chart: {spec: {chart: charts/shop, sourceRef: {kind: GitRepository, name: r}}}
valuesFrom: [{kind: ConfigMap, name: conf}]
"""))  # fmt: skip
    (application,) = applications(repo)
    assert [value.file for value in application.sources[0].values] == ["k/own.yaml"]


def test_charts_of_other_repositories(tmp_path: Path) -> None:
    repo = chart(Repo(tmp_path)).write("a.yaml", release("chart: {spec: {chart: charts/shop, sourceRef: {kind: HelmRepository, name: r}}}"))
    repo.write("b.yaml", release("chartRef: {kind: OCIRepository, name: shop}"))
    repo.write("c.yaml", release("chartRef: {kind: HelmChart, name: own}")).write("d.yaml", """
        apiVersion: source.toolkit.fluxcd.io/v1
        kind: HelmChart
        metadata: {name: own}
        spec: {chart: charts/shop, sourceRef: {kind: GitRepository, name: r}}
        """)  # fmt: skip
    assert [(one.sources[0].folder, one.sources[0].reason) for one in applications(repo)] == [
        (None, "chart charts/shop of HelmRepository r is not in the repository"),
        (None, "the chart of OCIRepository shop is not in the repository"),
        ("charts/shop", None),
    ]


def flux(spec: str) -> str:
    return obj(
        "FluxKustomization", "apps", "flux-system", "spec:\n" + "\n".join(f"  {line}" for line in spec.strip("\n").splitlines()) + "\n"
    )


def test_what_flux_adds_and_substitutes(tmp_path: Path) -> None:
    conf = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: conf, namespace: flux-system}\ndata: {zone: a, tier: gold}\n"
    repo = Repo(tmp_path).write("conf.yaml", conf).write("apps/s.yaml", obj("Service", "s")).write("k.yaml", flux("""
path: ./apps
targetNamespace: live
commonMetadata: {labels: {team: web}}
kubeConfig: {secretRef: {name: far}}
postBuild:
  substitute: {zone: b}
  substituteFrom: [{kind: ConfigMap, name: conf}, {kind: Secret, name: s, optional: true}]
"""))  # fmt: skip
    (application,) = applications(repo)
    (source,) = application.sources
    assert (application.cluster, source.folder, [field for field, _ in source.overlay]) == ("far", "apps", ["namespace", "labels"])
    assert source.substitute is not None and {name: text for name, text, _ in source.substitute} == {"zone": "b", "tier": "gold"}
    assert source.missing == ()


def test_the_nearest_config_map_is_the_one_that_is_meant(tmp_path: Path) -> None:
    repo = Repo(tmp_path)
    for name in ("one", "two"):
        conf = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: conf, namespace: flux-system}}\ndata: {{zone: {name}}}\n"
        repo.write(f"{name}/conf.yaml", conf).write(f"{name}/apps/s.yaml", obj("Service", "s"))
        repo.write(f"{name}/k.yaml", flux(f"path: {name}/apps\npostBuild: {{substituteFrom: [{{kind: ConfigMap, name: conf}}]}}"))
    texts = [[text for _, text, _ in application.sources[0].substitute or ()] for application in applications(repo)]
    assert texts == [["one"], ["two"]]


def test_a_variable_whose_value_is_a_variable_stays_one(tmp_path: Path) -> None:
    conf = obj("Service", "s").replace("Service", "ConfigMap").replace("name: s", "name: conf") + "data: {zone: 'a-${ZONE}'}\n"
    repo = Repo(tmp_path).write("conf.yaml", conf).write("apps/s.yaml", obj("Service", "s")).write("k.yaml", flux("""
path: apps
postBuild:
  substitute: {tier: "${tier}"}
  substituteFrom: [{kind: ConfigMap, name: conf}]
"""))  # fmt: skip
    assert [(name, text) for name, text, _ in applications(repo)[0].sources[0].substitute or ()] == [
        ("zone", "${zone}"),
        ("tier", "${tier}"),
    ]


def test_a_source_of_flux_most_of_whose_paths_are_not_here_is_another_repository(tmp_path: Path) -> None:
    repo = Repo(tmp_path).write("apps/s.yaml", obj("Service", "s"))
    for name in ("apps", "one", "two"):
        repo.write(f"{name}.yaml", flux(f"path: {name}\nsourceRef: {{kind: GitRepository, name: other}}"))
    repo.write("own.yaml", flux("path: apps\nsourceRef: {kind: GitRepository, name: flux-system}"))
    found = {one.sources[0].said: one.sources[0].reason for one in applications(repo)}
    assert [one.sources[0].folder for one in applications(repo)] == [None, None, "apps", None]
    assert found["one"] == "one of GitRepository other is not in the repository"


OCI = "path: ./\nsourceRef: {kind: %s, name: all}"


@pytest.mark.parametrize(
    ("kind", "more", "folder"), [("OCIRepository", "", None), ("OCIRepository", "./apps", ""), ("GitRepository", "", "")]
)
def test_the_top_folder_of_a_registry_is_that_of_another_repository(tmp_path: Path, kind: str, more: str, folder: str | None) -> None:
    """It is this one where another path of it is here."""
    repo = Repo(tmp_path).write("apps/s.yaml", obj("Service", "s")).write("k.yaml", flux(OCI % kind))
    if more:
        repo.write("more.yaml", flux(OCI.replace("./", more) % kind))
    first = applications(repo)[0].sources[0]
    reason = None if folder is not None else "./ of OCIRepository all is not in the repository"
    assert (first.folder, first.reason) == (folder, reason)


@pytest.mark.parametrize("folder", ["c", "sources"])
def test_folders_of_artifacts_that_are_copied_together(tmp_path: Path, folder: str) -> None:
    repo = Repo(tmp_path).write("apps/prod/s.yaml", obj("Service", "s")).write("c/k.yaml", flux("""
path: ./prod
sourceRef: {kind: ExternalArtifact, name: apps}
"""))  # fmt: skip
    repo.write(f"{folder}/artifacts.yaml", """
        apiVersion: source.extensions.fluxcd.io/v1beta1
        kind: ArtifactGenerator
        metadata: {name: all}
        spec:
          artifacts:
          - name: apps
            copy:
            - {from: "@mono/base/**", to: "@artifact/base/"}
            - {from: "@mono/apps/prod/**", to: "@artifact/prod/"}
        """)  # fmt: skip
    (application,) = applications(repo)
    assert application.sources[0].folder == "apps/prod"


def test_releases_of_a_helmfile(tmp_path: Path) -> None:
    repo = chart(Repo(tmp_path)).write("helmfile.yaml", """
        helmDefaults: {kubeContext: east}
        releases:
        - name: shop
          namespace: web
          chart: ./charts/shop
          values: [conf/shop.yaml, {a: 1}, gone.yaml.gotmpl]
          secrets: [s.yaml]
          set: [{name: tag, value: 7}]
        - {name: db, chart: bitnami/db, version: 1.0.0, kubeContext: west}
        - {name: off, chart: ./charts/shop, installed: false}
        """)  # fmt: skip
    holder = holder_of(repo)
    shop, db = releases_of(holder.tree.files["helmfile.yaml"], holder)
    (source,) = shop.sources
    assert (shop.cluster, db.cluster, source.folder, source.namespace) == ("east", "west", "charts/shop", "web")
    assert [value.file for value in source.values] == ["conf/shop.yaml", None]
    assert [(one.name, one.value.value) for one in source.parameters] == [("tag", 7)]
    assert [one.what for one in source.missing] == [
        "values file gone.yaml.gotmpl is a template, which is not followed",
        "values of s.yaml are not known",
    ]
    assert db.sources[0].reason == "chart bitnami/db 1.0.0 is not in the repository"


def test_releases_of_a_helmfile_with_templates(tmp_path: Path) -> None:
    repo = chart(Repo(tmp_path)).write("helmfile.d/10.yaml.gotmpl", """
        releases:
        - name: shop-{{ .Environment.Name }}
          namespace: {{ .Values.namespace }}
          chart: ../charts/shop
          values: [../conf/shop.yaml, {host: {{ .Values.host }}}, "{{ .Values.file }}"]
        - {name: other, chart: {{ .Values.chart }}}
        """)  # fmt: skip
    walk = Walk(Tree(repo.files()), None)
    shop, other = releases_of(walk.tree.files["helmfile.d/10.yaml.gotmpl"], walk.holder)
    (source,) = shop.sources
    assert (shop.name, source.folder, source.namespace, source.unsure) == ("shop-{{ .Environment.Name }}", "charts/shop", "", True)
    assert [value.file for value in source.values] == ["conf/shop.yaml", None]
    assert [one.what for one in source.missing] == ["a template decides which values file {{ .Values.file }} is"]
    assert (other.sources[0].folder, other.sources[0].reason) == (None, "a template decides which chart {{ .Values.chart }} is")
    walk.run()
    assert [group.applied.name for group in walk.groups if group.applied is not None] == ["shop-{{ .Environment.Name }}", "other"]


def recipes(repo: Repo) -> list[Any]:
    walk = Walk(Tree(repo.files()), None)
    walk.run()
    groups: list[Group] = walk.groups
    return [(recipe.tool, recipe.folder, recipe.files) for group in groups for recipe in group.recipes]


def test_a_plain_folder_is_rendered_only_where_something_is_added(tmp_path: Path) -> None:
    repo = Repo(tmp_path).write("a/s.yaml", obj("Service", "s")).write("b/s.yaml", obj("Service", "s"))
    repo.write("k.yaml", flux("path: a"), flux("path: b\npostBuild: {substitute: {a: b}}").replace("apps", "b"))
    assert recipes(repo) == [("directory", "b", ("b/s.yaml",))]


@pytest.mark.parametrize(("settings", "tool"), [("", "kustomize"), (", helm: {releaseName: x}", "helm"), (", kustomize: {}", "kustomize")])
def test_a_chart_with_a_kustomization_is_one_unless_helm_is_asked_for(tmp_path: Path, settings: str, tool: str) -> None:
    repo = chart(Repo(tmp_path)).write("app.yaml", argo(f"source: {GIT}path: charts/shop{settings}}}"))
    repo.write("charts/shop/kustomization.yaml", "resources: [own.yaml]\n").write("charts/shop/own.yaml", obj("Service", "own"))
    assert [kind for kind, _, _ in recipes(repo) if kind == tool] == [tool]
    (environment,) = (one for one in repo.by_name().values() if any(part.application == "shop" for part in one.parts))
    assert [part.tool for part in environment.parts] == [tool]


def test_flux_leaves_to_a_kustomization_all_that_lies_below_it(tmp_path: Path) -> None:
    """Also where another application names one of those, and with it what it generates from files."""
    repo = Repo(tmp_path).write("k.yaml", flux("path: apps\npostBuild: {substitute: {a: b}}")).write("w.yaml", flux("path: apps/web/app"))
    repo.write("apps/loose/s.yaml", obj("Service", "loose")).write("apps/web/kustomization.yaml", "resources: [s.yaml]\n")
    repo.write("apps/web/s.yaml", obj("Service", "s")).write("apps/web/left.yaml", obj("Service", "left"))
    repo.write("apps/web/app/kustomization.yaml", "configMapGenerator: [{name: c, files: [own/conf.yaml]}]\n")
    repo.write("apps/web/app/own/conf.yaml", "a: 1\n")
    assert ("directory", "apps", ("apps/loose/s.yaml",)) in recipes(repo)
    assert [resource.name for resource in repo.by_name()["."].resources if resource.kind.kind == "Service"] == ["left"]
