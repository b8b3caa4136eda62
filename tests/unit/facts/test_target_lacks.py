"""Finding in an object what the target's release and channel do not have."""

from meshlint.model.kind import Kind
from meshlint.model.node import dotted
from meshlint.model.resource import Resource
from meshlint.model.target import resolve_target
from meshlint.read.file import read_text

ROUTE = """\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: reviews, namespace: shop}
spec:
  parentRefs: [{kind: Service, group: "", name: reviews}]
  rules:
    - filters:
        - type: RequestHeaderModifier
        - type: CORS
          cors: {allowOrigins: ["*"]}
        - type: RequestRedirect
          requestRedirect: {statusCode: 307}
      backendRefs: [{name: reviews, port: 80}]
    - retry: {attempts: 2}
      timeouts: {request: 1s}
"""


def lacking(spec, text=ROUTE):
    root = read_text(text, "route.yaml").documents[0].root
    route = Resource(Kind.HTTP_ROUTE, "gateway.networking.k8s.io/v1", "reviews", "shop", root)
    return {(dotted(node.path), node.place.start.line + 1, field.value) for node, field in resolve_target(spec).lacks(route)}


def test_fields_and_values_with_their_places():
    assert lacking("gateway-api=1.5") == {("spec.rules[1].retry", 14, None)}
    assert lacking("gateway-api=1.4") == {
        ("spec.rules[1].retry", 14, None),
        ("spec.rules[0].filters[1].cors", 10, None),
        ("spec.rules[0].filters[1].type", 9, "CORS"),
        ("spec.rules[0].filters[2].requestRedirect.statusCode", 12, "307"),
    }


def test_nothing_in_the_experimental_channel_of_a_newer_release():
    assert lacking("gateway-api=1.5,channel=experimental") == set()


def test_values_of_a_wrong_shape_are_passed_over():
    text = "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nspec:\n  rules: {retry: {}}\n"
    assert lacking("gateway-api=1.5", text) == set()
    assert lacking("gateway-api=1.5", "apiVersion: a/v1\nkind: HTTPRoute\nspec: 3\n") == set()
