"""What the installation says on DNS capture, by which ambient pods learn the addresses of ServiceEntries."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.index.store import Store
from meshlint.model.kind import Kind
from meshlint.model.node import Node
from meshlint.model.resource import Resource

_INSTALLERS = (Kind.ISTIO_CNI, Kind.ISTIO_OPERATOR, Kind.HELM_RELEASE, Kind.ARGO_APPLICATION)
_CNI_CHARTS = frozenset({"cni", "istio-cni"})


def dns_capture(store: Store) -> Node | None:
    """The setting `dnsCapture` of the CNI's values; None where no object sets it."""
    found = [node for kind in _INSTALLERS for resource in store.of_kind(kind) for node in _settings(resource)]
    return next((node for node in found if node.present), None)


def _settings(resource: Resource) -> Iterator[Node]:
    values = resource.spec.get("values")
    chart = resource.spec.get("chart", "spec", "chart").text
    if resource.kind is Kind.ARGO_APPLICATION:
        values, chart = resource.spec.get("source", "helm", "valuesObject"), resource.spec.get("source", "chart").text
    yield values.get("cni", "ambient", "dnsCapture")
    if chart in _CNI_CHARTS:
        yield values.get("ambient", "dnsCapture")
