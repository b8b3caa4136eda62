"""Small clusters for tests of single conversions, from YAML as people write it."""

from __future__ import annotations

from typing import Any

import yaml

from meshlint.model.conversion import Converted, Manner, Outcome
from meshlint.model.kind import Kind
from meshlint.model.node import dotted
from tests.routing.convert import mesh_of

NEW = "istio=1.31,gateway-api=1.6"
OLD = "istio=1.24,gateway-api=1.2"

CLUSTER = """
apiVersion: v1
kind: Service
metadata: {name: reviews, namespace: shop, labels: {istio.io/use-waypoint: waypoint, team: a}}
spec: {selector: {app: reviews}, ports: [{name: http, port: 9080, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: ratings, namespace: shop}
spec: {selector: {app: ratings}, ports: [{name: http, port: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: pay, namespace: bank}
spec: {selector: {app: pay}, ports: [{name: http, port: 80}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews, namespace: shop}
spec:
  host: reviews
  trafficPolicy: {loadBalancer: {simple: RANDOM}}
  subsets:
    - {name: v1, labels: {version: v1}}
    - {name: v2, labels: {version: v2}, trafficPolicy: {outlierDetection: {consecutive5xxErrors: 3}}}
"""
GATEWAY = """
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: public, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers:
    - port: {number: 80, name: http, protocol: HTTP}
      hosts: [shop.example.com]
"""


def virtual_service(spec: str, name: str = "reviews", namespace: str = "shop") -> dict[str, Any]:
    """A VirtualService for reviews, where the spec names no hosts."""
    written = yaml.safe_load(spec)
    body = {**({} if "hosts" in written else {"hosts": ["reviews"]}), **written}
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": name, "namespace": namespace},
        "spec": body,
    }


def convert(spec: str, *more: str, target: str = NEW, manner: Manner | None = None) -> Converted:
    """The verdict on a VirtualService in the cluster, with more objects beside."""
    objects = [one for text in (CLUSTER, *more) for one in yaml.safe_load_all(text) if one]
    mesh = mesh_of([*objects, virtual_service(spec)], target)
    (service,) = [one for one in mesh.all(Kind.VIRTUAL_SERVICE) if one.name == "reviews"]
    return mesh.convert(service, manner)


def made(found: Converted, kind: str = "HTTPRoute") -> list[dict[str, Any]]:
    """The made objects of a kind."""
    return [dict(one) for one in found.documents if one["kind"] == kind]


def route(found: Converted, kind: str = "HTTPRoute") -> dict[str, Any]:
    """The spec of the one route."""
    assert found.outcome is Outcome.CONVERTS, [reason.text for reason in found.because]
    (only,) = made(found, kind)
    return dict(only["spec"])


def stays(found: Converted) -> tuple[str, str]:
    """The path of the deciding value, and what is said."""
    assert found.outcome is Outcome.STAYS
    assert not found.documents
    reason = found.because[0]
    return dotted(reason.at.path), reason.text
