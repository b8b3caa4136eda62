"""ML116 vs-cors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from meshlint.api import Impact, Kind, Mesh, Node, Problem, Resource, Severity, converted, rule

_TYPE = "spec.rules[].filters[].type"
_ANY = frozenset({"*", ".*", ".+", "^.*$"})
_ORIGIN = re.compile(r"\*|https?://((\*\.)?([a-zA-Z0-9-]+\.)*[a-zA-Z0-9-]+|\*)(:\d{1,5})?")


@rule(
    "ML116", "vs-cors", Severity.WARNING, impact=Impact.DIFFERS, each=Kind.VIRTUAL_SERVICE, needs=["corsPolicy"], evidence="code",
    reads=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE, Kind.GATEWAY, Kind.K8S_GATEWAY],
    sources=["gateway-api v1.6.1 apis/v1/httproute_types.go", "istio pilot/pkg/config/kube/gateway/conversion.go (createCorsFilter)"],
    remedy="Use the CORS filter of HTTPRoute (standard since Gateway API 1.5), in front of browsers: on the route of the ingress.",
    points_to=[],
)  # fmt: skip
def vs_cors(service: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A CORS policy of the mesh says what the CORS filter of the target's HTTPRoute cannot say.

    The filter is experimental in Gateway API 1.3 and 1.4 and standard since 1.5. It knows exact origins, a wildcard for the
    whole host or its first label, and `*`, but no regular expressions, and Istio answers preflights of other origins itself
    (`unmatchedPreflights: IGNORE`). Converters leave corsPolicy out: the browser then blocks what it could read before.

    ```yaml
    apiVersion: v1
    kind: Service
    metadata:
      name: ratings
      namespace: bookinfo
    spec:
      selector: {app: ratings}
      ports: [{name: http, port: 9080}]
    ---
    apiVersion: networking.istio.io/v1
    kind: VirtualService
    metadata:
      name: ratings
      namespace: bookinfo
    spec:
      hosts: [ratings]  # expect: ML105
      http:
        - corsPolicy:
            allowOrigins:
              - regex: https://(app|admin)-[0-9]+\\.example\\.com  # expect: ML116
          route: [{destination: {host: ratings}}]
    ```

    Remedy: list the origins, or cover them by a wildcard (`https://*.example.com`); CORS is for browsers, so the route of
    the ingress is mostly the only place that needs it. Where the expression matters, keep the VirtualService. No automatic
    fix: a wildcard lets in more than the expression did.

    One finding for each policy: at what has no counterpart, else at corsPolicy where the target's channel lacks the filter.
    Not reported when the target has the filter and the policy can be written with it; when the rule is for gateways only,
    which go on executing it (but with `--goal gateway-api`); with `--goal ambient`; and when the namespace of the host stays
    out of the mesh.
    """
    filter_ = mesh.target.enum_value(Kind.HTTP_ROUTE, _TYPE, "CORS")
    usable = filter_.in_target and "CORS" in mesh.target.filters(Kind.HTTP_ROUTE)
    for rule_ in mesh.converted_rules(service):
        policy = rule_.get("corsPolicy")
        if not policy:
            continue
        at, said = next(_inexpressible(policy), (policy, ""))
        if said:
            message = f"{service.title} has a CORS policy with {said}."
        else:
            target = f"the {mesh.target.channel} channel of Gateway API {mesh.target.gateway_api}"
            message = f"{service.title} has a CORS policy, and HTTPRoute has no CORS filter in {target} ({filter_.since})."
        if said or not usable:
            yield Problem(at, message, fix=partial(converted, [service], mesh), subject=mesh.mesh_subject(service))


def _inexpressible(policy: Node) -> Iterator[tuple[Node, str]]:
    for origin in policy.each("allowOrigins"):
        regex, prefix = origin.get("regex"), origin.get("prefix")
        if regex.text is not None and regex.text not in _ANY:
            yield regex, f"a regular expression for origins ({regex.text}), and the CORS filter of HTTPRoute takes origins and wildcards"
        if prefix.text is not None and not _ORIGIN.fullmatch(prefix.text + "*"):
            yield prefix, f"the beginning of an origin ({prefix.text}), and the CORS filter of HTTPRoute has wildcards in front only"
    forward = policy.get("unmatchedPreflights")
    if forward.text == "FORWARD":
        yield forward, "unmatchedPreflights: FORWARD, and for the CORS filter of HTTPRoute Istio sets IGNORE"
