"""What installs istiod, the CNI agent and ztunnel, wherever it stands, and which value it sets at which place."""

from __future__ import annotations

from pathlib import Path

import pytest

from meshlint.config import Config
from meshlint.engine import load
from meshlint.index.mesh import MeshIndex
from meshlint.index.repository import Repository
from meshlint.model.installation import CILIUM, CNI, ISTIOD, ZTUNNEL, Installer
from meshlint.model.target import resolve_target
from meshlint.project import project

FLUX = """\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: plane, namespace: istio-system}
spec:
  chart: {spec: {chart: istiod, version: 1.30.x}}
  values: {profile: ambient, pilot: {env: {A: "1"}}, env: {A: "2", B: "3"}, revision: blue}
"""
ARGO = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: plane, namespace: argocd}
spec:
  destination: {namespace: istio-system}
  sources:
    - repoURL: https://charts.example.com
      chart: istiod
      targetRevision: 1.29.4
      helm:
        parameters: [{name: revision, value: first}]
        valuesObject: {revision: second, global: {network: east}}
        values: |
          global: {network: west, platform: gke}
        valueFiles: [$here/values/istiod.yaml]
    - {repoURL: https://git.example.com/mesh.git, ref: here}
"""
OPERATOR = """\
apiVersion: install.istio.io/v1alpha1
kind: IstioOperator
metadata: {name: mesh, namespace: istio-system}
spec:
  profile: %s
  tag: 1.30.2
  revision: green
  meshConfig: {trustDomain: one}
  values: {meshConfig: {trustDomain: two, rootNamespace: root}, global: {network: east}, cni: {excludeNamespaces: [a]}}
  components:
    pilot: {k8s: {env: [{name: A, value: "1"}]}}
    ztunnel: {namespace: nodes}
"""
SAIL = "apiVersion: sailoperator.io/v1\nkind: %s\nmetadata: {name: default}\nspec: {%s}\n"
RENDERED = """\
apiVersion: apps/v1
kind: %s
metadata: {name: %s, namespace: istio-system, labels: {app: istiod}}
spec:
  template:
    spec:
      containers:
        - name: one
          image: registry.example.com/istio/pilot:1.28.3-distroless
          env: [{name: REVISION, value: red}, {name: NETWORK, value: east}, {name: EXCLUDE_NAMESPACES, value: "a,b"}]
"""
NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: x}\n"


def repository(folder: Path, **files: str) -> Repository:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_yaml", ".yaml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    loaded = load(project([str(folder)]), Config(render="never"))
    targets = [resolve_target(None, current) for current in loaded.currents]
    return Repository(loaded.environments, loaded.files, targets, Config().settings)


def mesh(folder: Path, **files: str) -> MeshIndex:
    made = repository(folder, **files)
    return made.index(made.environments[0])


def one(asked: MeshIndex, component: str) -> Installer:
    found = asked.installers(component)
    assert len(found) == 1
    return found[0]


def test_flux(tmp_path: Path) -> None:
    found = one(mesh(tmp_path, a_yaml=FLUX), ISTIOD)
    assert (found.ambient, found.closed, found.namespace, str(found.release)) == (True, True, "istio-system", "1.30")
    assert [found.env(name).text for name in ("A", "B", "C")] == ["1", "3", None]  # pilot.env over env
    assert found.revision.text == "blue" and found.revision.span.start.line == 5
    absent = found.value("global", "network")
    assert not absent.present and absent.place.start.line == 5


REFERRED = """\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: plane, namespace: istio-system}
spec: {chartRef: {kind: OCIRepository, name: chart}, values: {profile: ambient}}
"""
SOURCE = "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata: {name: chart}\nspec: {url: %s, ref: {tag: %s}}\n"


def test_a_chart_that_is_an_artifact(tmp_path: Path) -> None:
    source = SOURCE % ("oci://gcr.io/istio-release/charts/istiod", "1.28.4")
    found = one(mesh(tmp_path, **{"a/release.yaml": REFERRED, "b/chart.yaml": source}), ISTIOD)
    assert (str(found.release), found.version.file, found.ambient) == ("1.28.4", "b/chart.yaml", True)


def test_of_several_artifacts_the_one_beside_the_release(tmp_path: Path) -> None:
    plane, other = SOURCE % ("oci://gcr.io/istio-release/charts/istiod", "1.28.4"), SOURCE % ("oci://charts.example.com/shop", "1.0.0")
    found = one(mesh(tmp_path, **{"a/release.yaml": REFERRED, "a/chart.yaml": plane, "b/chart.yaml": other}), ISTIOD)
    assert str(found.release) == "1.28.4"
    (tmp_path / "a/chart.yaml").rename(tmp_path / "c.yaml")
    assert not mesh(tmp_path).installers(ISTIOD)


GENERATED = """\
resources: [plane.yaml]
configMapGenerator:
- {name: one, files: [values.yaml=one.yaml, more.yaml]}
- {name: two, files: [values.yaml]}
- {name: text, literals: [values.yaml=revision]}
"""


def generated(folder: Path, *items: str) -> Installer:
    release = FLUX.replace("values: {profile: ambient, ", f"valuesFrom: [{', '.join(items)}]\n  values: {{")
    files = {"one.yaml": "{profile: ambient, revision: one, global: {network: one}}\n", "values.yaml": "{global: {network: two}}\n"}
    asked = mesh(folder, **{"kustomization.yaml": GENERATED, "plane.yaml": release, "more.yaml": "{global: {network: more}}\n", **files})
    return one(asked, ISTIOD)


def test_values_of_config_maps_that_a_kustomization_generates(tmp_path: Path) -> None:
    found = generated(tmp_path, "{kind: ConfigMap, name: one}", "{kind: ConfigMap, name: two}")
    assert (found.value("revision").text, found.value("global", "network").text, found.ambient) == ("blue", "two", True)
    assert (found.value("profile").file, found.closed) == ("one.yaml", True)
    found = generated(tmp_path, "{kind: ConfigMap, name: one, valuesKey: more.yaml}")
    assert (found.value("global", "network").text, found.closed) == ("more", True)


@pytest.mark.parametrize(
    "item", ["{kind: ConfigMap, name: text}", "{kind: ConfigMap, name: one, targetPath: global}", "{kind: Secret, name: one}"]
)
def test_other_values_of_flux_leave_it_open(item: str, tmp_path: Path) -> None:
    found = generated(tmp_path, item)
    assert (found.value("revision").text, found.value("global", "network").present, found.closed) == ("blue", False, False)


def held(folder: Path, items: str, *maps: str, values: str = "") -> Installer:
    """A release with values from ConfigMaps that stand beside it."""
    release = FLUX.replace("values: {profile: ambient, ", f"valuesFrom: [{items}]\n  values: {{{values}")
    return one(mesh(folder, a_yaml="---\n".join([release, *maps])), ISTIOD)


HELD = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: %s, namespace: %s}
data:
  values.yaml: |
    profile: ambient
    revision: %s
    global: {network: %s}
  east.yaml: |
    global:
      network: east
  network: far
  flag: '{a,b}'
"""


def test_values_of_config_maps_in_the_order_of_flux(tmp_path: Path) -> None:
    maps = HELD % ("one", "istio-system", "a", "one"), HELD % ("two", "istio-system", "b", "two")
    found = held(tmp_path, "{kind: ConfigMap, name: one}, {kind: ConfigMap, name: two}", *maps)
    assert (found.value("revision").text, found.value("global", "network").text, found.ambient, found.closed) == ("blue", "two", True, True)
    found = held(tmp_path, "{kind: ConfigMap, name: two}, {kind: ConfigMap, name: one, valuesKey: east.yaml}", *maps)
    at = found.value("global", "network")
    assert (at.text, at.exact) == ("east", True)
    assert (tmp_path / "a.yaml").read_text().splitlines()[at.place.start.line].strip() == "network: east"


def test_a_value_of_a_config_map_at_a_path(tmp_path: Path) -> None:
    item, after = "{kind: ConfigMap, name: one, valuesKey: network, targetPath: global.network}", "{kind: ConfigMap, name: one}"
    found = held(tmp_path, f"{after}, {item}", HELD % ("one", "istio-system", "a", "one"))
    assert (found.value("global", "network").text, found.closed) == ("far", True)
    found = held(tmp_path, f"{item}, {after}", HELD % ("one", "istio-system", "a", "one"))
    assert found.value("global", "network").text == "one"
    found = held(tmp_path, item, HELD % ("one", "istio-system", "a", "one"), values="global: {network: own}, ")
    assert (found.value("global", "network").text, found.ambient) == ("own", False)


@pytest.mark.parametrize(
    ("item", "namespace"),
    [
        ("{kind: ConfigMap, name: one}", "other"),
        ("{kind: Secret, name: one}", "istio-system"),
        ("{kind: ConfigMap, name: one, optional: true}", "other"),
        ("{kind: ConfigMap, name: one, valuesKey: gone}", "istio-system"),
        ("{kind: ConfigMap, name: one, valuesKey: network}", "istio-system"),
        ("{kind: ConfigMap, name: one, valuesKey: flag, targetPath: global.network}", "istio-system"),
        ("{kind: ConfigMap, name: one, valuesKey: network, targetPath: 'a[0]'}", "istio-system"),
    ],
)
def test_config_maps_that_say_nothing_leave_it_open(item: str, namespace: str, tmp_path: Path) -> None:
    found = held(tmp_path, item, HELD % ("one", namespace, "a", "one"))
    assert (found.value("global", "network").present, found.ambient, found.closed) == (False, None, False)


def test_config_maps_of_each_environment(tmp_path: Path) -> None:
    release = FLUX.replace("values: {profile: ambient, ", "valuesFrom: [{kind: ConfigMap, name: one}]\n  values: {")
    files = {f"{name}/kustomization.yaml": "resources: [../base, map.yaml]\n" for name in ("east", "west")}
    maps = {f"{name}/map.yaml": HELD % ("one", "istio-system", "a", name) for name in ("east", "west")}
    base = {"base/kustomization.yaml": "resources: [release.yaml]\n", "base/release.yaml": release}
    made = repository(tmp_path, **files, **maps, **base)
    found = {environment.name: one(made.index(environment), ISTIOD) for environment in made.environments}
    assert {name: plane.value("global", "network").text for name, plane in found.items()} == {"east": "east", "west": "west"}


def test_a_wrapper_chart_with_values_of_config_maps(tmp_path: Path) -> None:
    chart = "name: mesh\ndependencies: [{name: istiod, alias: plane, version: 1.30.2}]\n"
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\ndata: {a: '{plane: {revision: a}}', b: far}\n"
    items = "{kind: ConfigMap, name: one, valuesKey: a}, {kind: ConfigMap, name: one, valuesKey: b, targetPath: plane.network}"
    items += ", {kind: ConfigMap, name: one, valuesKey: b, targetPath: global.x}"
    release = FLUX.replace("chart: istiod, version: 1.30.x", "chart: charts/mesh")
    release = release.replace("values: {", f"valuesFrom: [{items}]\n  values: {{")
    found = one(mesh(tmp_path, a_yaml=release + "---\n" + text, **{"charts/mesh/Chart.yaml": chart}), ISTIOD)
    assert (found.revision.text, found.value("network").text, found.value("global", "x").text) == ("a", "far", "far")
    assert not found.value("x").present


def test_argo_cd_parameters_over_objects_over_files(tmp_path: Path) -> None:
    found = one(mesh(tmp_path, a_yaml=ARGO, values__istiod_yaml="profile: ambient\nglobal: {platform: k3s}\n"), ISTIOD)
    assert [found.revision.text, found.value("global", "network").text, found.value("global", "platform").text] == ["first", "east", "k3s"]
    assert found.value("profile").file.endswith("values/istiod.yaml") and found.ambient and found.closed


def test_a_file_that_is_not_here_leaves_it_open(tmp_path: Path) -> None:
    found = one(mesh(tmp_path, a_yaml=ARGO), ISTIOD)
    assert not found.closed and found.ambient is None


def test_operator(tmp_path: Path) -> None:
    asked = mesh(tmp_path, a_yaml=OPERATOR % "ambient")
    plane, agent, tunnel = (one(asked, component) for component in (ISTIOD, CNI, ZTUNNEL))
    assert [plane.ambient, agent.ambient, tunnel.ambient] == [True, True, True]
    assert plane.value("meshConfig", "trustDomain").text == "one" and plane.value("meshConfig", "rootNamespace").text == "root"
    assert (plane.env("A").text, plane.revision.text, str(plane.release), tunnel.namespace) == ("1", "green", "1.30.2", "nodes")
    assert [item.text for item in agent.value("excludeNamespaces").each()] == ["a"]
    assert tunnel.value("global", "network").text == "east"


@pytest.mark.parametrize(
    ("profile", "ambient", "parts"),
    [("default", False, 0), ("openshift", False, 1), ("openshift-ambient", True, 2), ('"{{ .Values.profile }}"', None, 0)],
)
def test_profiles_of_the_operator(profile: str, ambient: bool | None, parts: int, tmp_path: Path) -> None:
    asked = mesh(tmp_path, a_yaml=OPERATOR % profile)
    assert one(asked, ISTIOD).ambient is ambient
    assert len([*asked.installers(CNI), *asked.installers(ZTUNNEL)]) == parts
    assert asked.ambient_control_plane() is ambient


def test_the_sail_operator(tmp_path: Path) -> None:
    istio = SAIL % ("Istio", "version: v1.30.2, profile: ambient, values: {pilot: {env: {A: true}}}")
    asked = mesh(tmp_path, a_yaml=istio + "---\n" + SAIL % ("ZTunnel", "version: v1.30.1, values: {ztunnel: {network: east}}"))
    plane, tunnel = one(asked, ISTIOD), one(asked, ZTUNNEL)
    assert (plane.namespace, tunnel.namespace, str(tunnel.release)) == ("istio-system", "ztunnel", "1.30.1")
    assert asked.istiod_env("A") == "true" and tunnel.value("network").text == "east"


def test_rendered_manifests(tmp_path: Path) -> None:
    parts = [RENDERED % kind for kind in (("Deployment", "istiod"), ("DaemonSet", "ztunnel"), ("DaemonSet", "istio-cni-node"))]
    asked = mesh(tmp_path, a_yaml="---\n".join(parts))
    plane, tunnel, agent = (one(asked, component) for component in (ISTIOD, ZTUNNEL, CNI))
    assert (plane.revision.text, plane.ambient, str(plane.release)) == ("red", False, "1.28.3")
    assert tunnel.value("network").text == "east" and not tunnel.value("caAddress").present
    assert agent.value("excludeNamespaces").text == "a,b"


def test_a_wrapper_chart_with_values_for_each_environment(tmp_path: Path) -> None:
    parts = ("{name: istiod, alias: plane, version: 1.30.2}", "{name: cni, condition: cni.used}", "{name: cilium}")
    chart = f"name: mesh\ndependencies: [{', '.join(parts)}]\n"
    asked = mesh(
        tmp_path, Chart_yaml=chart, values_yaml="global: {network: east}\ncni: {used: false}\nplane: {revision: a}\ncilium: {x: 1}\n",
        templates__ns_yaml=NAMESPACE, **{"values-prod_yaml": "plane: {revision: b}\n"},
    )  # fmt: skip
    plane = one(asked, ISTIOD)
    assert plane.revision.text == "b" and plane.value("global", "network").text == "east" and not plane.closed
    assert not asked.installers(CNI) and one(asked, CILIUM).value("x").value == 1


@pytest.mark.parametrize(
    ("text", "ambient", "closed"),
    [("plane: {profile: ambient}\n", True, False), ("shop: {profile: ambient}\n", False, True), ("plane: ambient\n", False, True)],
)
def test_values_of_a_wrapper_chart_in_a_file_of_another_name(text: str, ambient: bool, closed: bool, tmp_path: Path) -> None:
    chart = "name: mesh\ndependencies: [{name: istiod, alias: plane, version: 1.30.2}]\n"
    plane = one(mesh(tmp_path, Chart_yaml=chart, base_yaml=text, templates__ns_yaml=NAMESPACE), ISTIOD)
    assert (plane.ambient, plane.closed) == (ambient, closed)


def test_kustomize_helmfile_and_files_of_values(tmp_path: Path) -> None:
    charts = "helmCharts:\n- {name: istiod, valuesFile: v.yaml, valuesInline: {revision: a}}\n- {name: cni}\nresources: [ns.yaml]\n"
    folder = {"kustomization_yaml": charts, "v_yaml": "profile: ambient\nrevision: b\n"}
    asked = mesh(tmp_path / "a", **folder, ns_yaml=NAMESPACE)
    assert one(asked, ISTIOD).revision.text == "a" and one(asked, ISTIOD).ambient
    releases = "releases:\n- {name: z, chart: istio/ztunnel, namespace: nodes, values: [{network: east}]}\n"
    asked = mesh(tmp_path / "b", helmfile_yaml=releases, ns_yaml=NAMESPACE)
    assert one(asked, ZTUNNEL).value("network").text == "east" and one(asked, ZTUNNEL).namespace == "nodes"
    asked = mesh(tmp_path / "c", istiod__values_yaml="pilot: {revision: a}\n", ns_yaml=NAMESPACE)
    assert one(asked, ISTIOD).revision.text == "a" and not one(asked, ISTIOD).closed


def test_templates_of_helmfile(tmp_path: Path) -> None:
    values = "[{network: {{ .Values.n }}, caAddress: x}]"
    releases = f"releases:\n- name: z\n  chart: istio/ztunnel\n  version: {{{{ .Values.v }}}}\n  values: {values}\n"
    found = one(mesh(tmp_path, **{"helmfile.d/1.yaml.gotmpl": releases, "ns.yaml": NAMESPACE}), ZTUNNEL)
    assert (found.value("network").unknown, found.value("caAddress").text, found.release) == (True, "x", None)


@pytest.mark.parametrize(
    ("merge", "words"), [("override", "inline more"), ("merge", "file more"), ("replace", "inline more"), ("", "inline more")]
)
def test_which_values_of_kustomize_win(merge: str, words: str, tmp_path: Path) -> None:
    inline = "valuesInline: {a: inline, b: inline}" + (f", valuesMerge: {merge}" if merge else "")
    chart = f"helmCharts:\n- {{name: istiod, valuesFile: v.yaml, {inline}, additionalValuesFiles: [w.yaml]}}\nresources: [ns.yaml]\n"
    files = {"v.yaml": "{a: file, b: file, c: file}\n", "w.yaml": "b: more\n", "ns.yaml": NAMESPACE}
    found = one(mesh(tmp_path, **{"kustomization.yaml": chart, **files}), ISTIOD)
    assert [found.value("a").text, found.value("b").text] == words.split()
    assert (found.value("c").text, found.closed) == (None if merge == "replace" else "file", True)


def test_one_installation_for_all_environments_but_no_alternatives(tmp_path: Path) -> None:
    used = "resources: [a.yaml]\n"
    shop = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"
    made = repository(tmp_path / "a", mesh__kustomization_yaml=used, mesh__a_yaml=FLUX, shop__kustomization_yaml=used, shop__a_yaml=shop)
    assert [len(made.index(e).installers(ISTIOD)) for e in made.environments] == [1, 1]
    other = FLUX.replace("plane", "other")
    made = repository(
        tmp_path / "b", mesh__kustomization_yaml=used, mesh__a_yaml=FLUX, more__kustomization_yaml=used, more__a_yaml=other,
        shop__kustomization_yaml=used, shop__a_yaml=shop,
    )  # fmt: skip
    by_name = {e.name: made.index(e) for e in made.environments}
    assert [len(by_name[name].installers(ISTIOD)) for name in ("mesh", "more", "shop")] == [1, 1, 0]
    assert len(by_name["shop"].installers(ISTIOD, anywhere=True)) == 2


def test_what_a_template_fills_in_is_unknown(tmp_path: Path) -> None:
    found = one(mesh(tmp_path, a_yaml=FLUX.replace("ambient", '"${PROFILE}"').replace("blue", '"${REVISION}"')), ISTIOD)
    assert found.ambient is None and found.revision.unknown and not found.revision
