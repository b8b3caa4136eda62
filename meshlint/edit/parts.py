"""The parts of ambient that an installation lacks, installed as istiod is."""

from __future__ import annotations

from typing import Any, Final

from meshlint.edit.changes import Changes
from meshlint.edit.document import known, plain
from meshlint.edit.emit import Plain
from meshlint.edit.installs import set_profile
from meshlint.edit.operations import RefusedError
from meshlint.edit.waypoints import namespace_of
from meshlint.model.installation import CNI, ISTIOD, ZTUNNEL, Installer
from meshlint.model.kind import Kind
from meshlint.model.mesh import Mesh
from meshlint.model.node import Node
from meshlint.model.resource import Resource

_NAMES: Final = {CNI: "istio-cni"}
_OF_A_RELEASE: Final = frozenset({"interval", "timeout", "targetNamespace", "install", "upgrade"})
_PROFILE: Final[dict[str, Plain]] = {"profile": "ambient"}
_ZTUNNEL_V1: Final = (1, 28)  # of the sail operator; an older istiod may be run by one that serves v1alpha1 only, which is served still


def add_part(made: Changes, plane: Installer, component: str, mesh: Mesh) -> bool:
    """Install the istio-cni agent or ztunnel beside istiod: of the same release, from the same place, in its namespace. False: how
    istiod is installed tells not how."""
    holder = plane.holder
    if holder is None:
        return _entry(made, plane.root, component)
    if holder.kind is Kind.ISTIO_OPERATOR:
        return set_profile(made, plane)
    value: dict[str, Any] | None
    if holder.kind is Kind.ISTIO:
        value = _sail(plane, component)
    elif holder.kind is Kind.HELM_RELEASE:
        value = _flux(holder, component, mesh)
    elif holder.kind is Kind.ARGO_APPLICATION:
        value = _argo(holder, component, mesh)
    else:
        return False
    if value is None or not known(value):
        return False
    made.add_object(holder, value)
    return True


def _sail(plane: Installer, component: str) -> dict[str, Any]:
    spec: dict[str, Any] = {"version": plane.version.text} if plane.version.text else {}
    trusted = plane.value("trustedZtunnelNamespace").text
    spec["namespace"] = trusted if component == ZTUNNEL and trusted else plane.namespace
    if component == CNI:
        spec |= _PROFILE
    kind, release = "IstioCNI" if component == CNI else "ZTunnel", plane.release
    before = component != CNI and release is not None and (release.major, release.minor) < _ZTUNNEL_V1
    api = "sailoperator.io/v1alpha1" if before else "sailoperator.io/v1"
    if component == ZTUNNEL and plane.called and plane.holder is not None:
        spec["targetRef"] = {"kind": plane.holder.kind.kind, "name": plane.holder.name}
    return {"apiVersion": api, "kind": kind, "metadata": {"name": "default"}, "spec": spec}


def _flux(holder: Resource, component: str, mesh: Mesh) -> dict[str, Any] | None:
    chart = holder.spec.get("chart", "spec")
    if chart.get("chart").text != ISTIOD or chart.get("valuesFiles").present:
        return None
    rest = {key: value for key, value in _plain(holder.spec).items() if key in _OF_A_RELEASE}
    of_chart = {**_plain(chart), "chart": component}
    spec: dict[str, Any] = {**rest, "chart": {"spec": of_chart}}
    return _beside(holder, component, spec | ({"values": dict(_PROFILE)} if component == CNI else {}), mesh)


def _argo(holder: Resource, component: str, mesh: Mesh) -> dict[str, Any] | None:
    source = holder.spec.get("source")
    if source.get("chart").text != ISTIOD:
        return None
    spec = _plain(holder.spec)
    kept = {key: value for key, value in _plain(source).items() if key != "helm"}
    helm = {"helm": {"valuesObject": dict(_PROFILE)}} if component == CNI else {}
    return _beside(holder, component, {**spec, "source": {**kept, "chart": component, **helm}}, mesh)


def _beside(holder: Resource, component: str, spec: dict[str, Any], mesh: Mesh) -> dict[str, Any] | None:
    name = _NAMES.get(component, component)
    if mesh.find(holder.kind, holder.namespace, name) is not None:
        return None
    metadata = {"name": name, **namespace_of(holder)}
    return {"apiVersion": holder.api_version, "kind": holder.kind.kind, "metadata": metadata, "spec": spec}


def _plain(node: Node) -> dict[str, Any]:
    try:
        value = plain(node)
    except RefusedError:
        return {}
    return value if isinstance(value, dict) else {}


def _entry(made: Changes, plane: Node, component: str) -> bool:
    """One more release in the list of a helmfile."""
    entries, name, chart = plane.parent, _NAMES.get(component, component), plane.get("chart").text
    own = {key: node.scalar for key, node in plane.items() if key in ("namespace", "version") and node}
    if entries is None or not entries.is_list or not chart or not chart.endswith(f"/{ISTIOD}"):
        return False
    values = {"values": [dict(_PROFILE)]} if component == CNI else {}
    made.append(entries, {"name": name, "chart": f"{chart.rpartition('/')[0]}/{component}", **own, **values})
    return True
