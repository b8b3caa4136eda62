"""Where a new object goes."""

from __future__ import annotations

import pytest

from meshlint.edit.habits import file_name
from meshlint.read.file import read_text


@pytest.mark.parametrize(
    ("file", "kind", "name", "new_kind", "new_name", "expected"),
    [
        ("a/reviews.yaml", "VirtualService", "reviews", "HTTPRoute", "reviews", "a/reviews-httproute.yaml"),
        ("reviews-virtualservice.yaml", "VirtualService", "reviews", "HTTPRoute", "reviews", "reviews-httproute.yaml"),
        ("reviews-vs.yml", "VirtualService", "reviews", "HTTPRoute", "reviews", "reviews-httproute.yml"),
        ("vs-reviews.yaml", "VirtualService", "reviews", "HTTPRoute", "orders", "httproute-orders.yaml"),
        ("virtual-service.yaml", "VirtualService", "reviews", "HTTPRoute", "reviews", "http-route.yaml"),
        ("VirtualService_reviews.yaml", "VirtualService", "reviews", "HTTPRoute", "reviews", "HTTPRoute_reviews.yaml"),
        ("service.yaml", "Service", "reviews", "Service", "reviews-v1", "service-reviews-v1.yaml"),
        ("reviews-service.yaml", "Service", "reviews", "Service", "reviews-v1", "reviews-v1-service.yaml"),
        ("mesh.yaml", "VirtualService", "reviews", "Gateway", "waypoint", "waypoint-gateway.yaml"),
        ("app.yaml", "Gateway", "waypoint", "ConfigMap", "waypoint-params", "waypoint-params-configmap.yaml"),
        ("istio.yaml", "Istio", "east", "ZTunnel", "default", "ztunnel.yaml"),
        ("mesh.yaml", "VirtualService", "reviews", "HTTPRoute", "reviews", "reviews-httproute.yaml"),
        ("reviews.yaml", "VirtualService", "reviews-route", "HTTPRoute", "reviews-route", "reviews-httproute.yaml"),
        ("cart-authz.yaml", "AuthorizationPolicy", "cart", "AuthorizationPolicy", "cart-from-waypoint", "cart-from-waypoint-authz.yaml"),
        ("policy.json", "AuthorizationPolicy", "x", "Gateway", "waypoint", "waypoint-gateway.json"),
        ("authz.yaml", "AuthorizationPolicy", "x", "Gateway", "waypoint", "waypoint-gateway.yaml"),
        ("service.yaml", "Service", "service", "Gateway", "waypoint", "waypoint-gateway.yaml"),
        ("a/mesh.yaml", "Service", "../../x", "DestinationRule", "../../x", "a/x-destinationrule.yaml"),
        ("a/mesh.yaml", "Service", "x", "DestinationRule", "/etc/x", "a/etc-x-destinationrule.yaml"),
        ("a/mesh.yaml", "Service", "x", "DestinationRule", "..", "a/object-destinationrule.yaml"),
    ],
)  # fmt: skip
def test_names_of_files(file: str, kind: str, name: str, new_kind: str, new_name: str, expected: str) -> None:
    node = read_text("a: 1\n", file, True).documents[0].root
    assert file_name(node, kind, name, {"kind": new_kind, "metadata": {"name": new_name}}) == expected
