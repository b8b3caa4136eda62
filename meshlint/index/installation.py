"""What installs the mesh: MeshConfig wherever it stands, and whether the control plane is ambient.

MeshConfig stands in IstioOperator `spec.meshConfig` and `spec.values`, in the sail operator's Istio CR, in the `mesh` key of
the `istio` ConfigMap, in Helm values (files, HelmRelease, Argo CD Application), and in other vendors' installers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from meshlint.model.document import Document, FileRead
from meshlint.model.kind import Kind, kind_of
from meshlint.model.later import MESH_CONFIG
from meshlint.model.mesh import MeshSetting
from meshlint.model.node import Node
from meshlint.model.resource import Resource

_SCHEMAS = frozenset({"CustomResourceDefinition", "ClusterPolicy", "Policy", "ConstraintTemplate", "ValidatingAdmissionPolicy"})
_POLICY_GROUPS = ("kyverno.io", "gatekeeper.sh", "admissionregistration.k8s.io", "apiextensions.k8s.io")  # and what ends in them
_MESH_HOLDERS = frozenset({"Sidecar"})
_DEPTH = 12


def settings_in(files: Iterable[FileRead], holders: Mapping[Node, Resource]) -> Iterator[MeshSetting]:
    """Every MeshConfig of the files. `holders`: the objects of the repository by their root."""
    for file in files:
        if file.source is None or not any(map(file.source.holds, MESH_CONFIG)):
            continue
        for document in file.documents:
            holder = holders.get(document.root)
            for config in _configs(document):
                yield MeshSetting(config, holder, file.path)


def _configs(document: Document) -> Iterator[Node]:
    if document.kind in _SCHEMAS or document.kind in _MESH_HOLDERS or _of_policies(document):
        return
    if kind_of(document.api_version, document.kind) is Kind.CONFIG_MAP:
        name = document.root.get("metadata", "name").text or ""
        for path, root in document.inner:
            if path == "data.mesh" and (name == "istio" or name.startswith("istio-")):
                yield root
            else:
                yield from _nested(root, _DEPTH)
        return
    yield from _nested(document.root, _DEPTH)
    for _, root in document.inner:
        yield from _nested(root, _DEPTH)


def _of_policies(document: Document) -> bool:
    """Is it of an engine that checks or changes other objects? What such an object mentions is a pattern."""
    group = document.api_version.rpartition("/")[0]
    return any(group == suffix or group.endswith(f".{suffix}") for suffix in _POLICY_GROUPS)


def _nested(node: Node, depth: int) -> Iterator[Node]:
    """`meshConfig` mappings, and `global` mappings of the old charts that hold outboundTrafficPolicy, at any depth."""
    if depth == 0:
        return
    for key, below in node.items():
        if key == "meshConfig":
            if below.is_map and not _is_schema(below):
                yield below
        elif key == "global" and below.get("outboundTrafficPolicy").present and not _is_schema(below):
            yield below
        elif below.is_map and key not in ("properties", "patterns", "pattern", "validate"):
            yield from _nested(below, depth - 1)
        elif below.is_list and key != "rules":
            for item in below.each():
                yield from _nested(item, depth - 1)


def _is_schema(node: Node) -> bool:
    return bool(node.get("properties")) and node.get("type").text == "object"


class Installation:
    """Is an ambient control plane installed by the objects of an environment?"""

    def __init__(self, resources: Sequence[Resource]) -> None:
        self._resources = resources
        self._installers: list[tuple[Resource, bool]] | None = None  # what installs a control plane, and an ambient one?

    def ambient(self) -> bool | None:
        found = [answer for _, answer in self._found()]
        return any(found) if found else None

    def _found(self) -> list[tuple[Resource, bool]]:
        if self._installers is None:
            self._installers = [(resource, answer) for resource in self._resources if (answer := _ambient(resource)) is not None]
        return self._installers

    def env(self, variable: str) -> str | None:
        """What istiod's environment sets a variable to."""
        for resource, _ in self._found():
            if (value := _istiod_env(resource).get(variable)) is not None:
                return value
        return None


def _ambient(resource: Resource) -> bool | None:
    """True or False: this object installs a control plane, ambient or not. None: it installs none."""
    kind = resource.kind
    if kind in (Kind.ZTUNNEL,):
        return True
    if kind in (Kind.ISTIO_OPERATOR, Kind.ISTIO, Kind.ISTIO_REVISION):
        return _operator(resource)
    if kind is Kind.DAEMON_SET and resource.name.startswith("ztunnel"):
        return True
    if kind is Kind.DEPLOYMENT and (resource.labels.get("app") == "istiod" or resource.labels.get("istio") == "pilot"):
        return _on(_env(resource.root.get("spec", "template", "spec")))
    if kind in (Kind.HELM_RELEASE, Kind.ARGO_APPLICATION):
        return _release(resource)
    return None


def _operator(resource: Resource) -> bool | None:
    spec = resource.spec
    profile = spec.get("profile")
    if profile.unknown:
        return None
    if "ambient" in (profile.text or spec.get("values", "profile").text or ""):
        return True
    pilot = spec.get("components", "pilot")
    if pilot.get("enabled").value is False or (profile.text in ("empty", "remote") and not pilot):
        return None
    if spec.get("components", "ztunnel", "enabled").value is True or _on(_values_env(spec.get("values"))):
        return True
    return _on(_env(pilot.get("k8s")))


def _release(resource: Resource) -> bool | None:
    chart = resource.spec.get("chart", "spec", "chart").text or resource.spec.get("source", "chart").text
    if chart == "ztunnel":
        return True
    if chart not in ("istiod", "istio-discovery"):
        return None
    values = resource.spec.get("values")
    if not values:
        values = resource.spec.get("source", "helm", "valuesObject")
    return "ambient" in (values.get("profile").text or "") or _on(_values_env(values))


def _istiod_env(resource: Resource) -> Mapping[str, str]:
    """The variables that an object which installs a control plane gives istiod."""
    if resource.kind is Kind.DEPLOYMENT:
        return _env(resource.root.get("spec", "template", "spec"))
    values = [resource.spec.get("values"), resource.spec.get("source", "helm", "valuesObject")]
    written = {key: value for node in values for key, value in _values_env(node).items()}
    return written | dict(_env(resource.spec.get("components", "pilot", "k8s")))


def _values_env(values: Node) -> Mapping[str, str]:
    return {**values.get("pilot", "env").strings(), **values.get("env").strings()}


def _env(holder: Node) -> Mapping[str, str]:
    out: dict[str, str] = {}
    for entry in [*holder.each("env"), *holder.each("containers", "env")]:
        if entry.get("name").text:
            out[entry.get("name").text or ""] = entry.get("value").text or ""
    return out


def _on(env: Mapping[str, str]) -> bool:
    return env.get("PILOT_ENABLE_AMBIENT", "").lower() == "true"
