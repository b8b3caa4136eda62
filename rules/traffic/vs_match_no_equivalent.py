"""ML117 vs-match-no-equivalent."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import Impact, Kind, Mesh, Node, Problem, Resource, Severity, converted, rule

_REMEDIES = {
    "withoutHeaders": "Write what it excludes as a rule of its own with that header: it is more specific and goes first.",
    "ignoreUriCase": "Write the path as a regular expression with (?i), or keep the VirtualService.",
    "authority": "Leave it to the parent Service, or to the hostnames of a route at a gateway.",
    "scheme": "Split by port: a route with parentRefs[].port (or a listener's sectionName) for each scheme.",
    "port": "Write it as parentRefs[].port of a route of its own.",
    "statPrefix": "Leave it out: only the name of a metric changes.",
    "gateways": "Make one route for each parent: the Service for mesh, the Gateway for gateways.",
    "method": "Write one match for each method.",
    "headers": "Write it as a regular expression: .* for a header that is there, start.* for a beginning.",
    "queryParams": "Write it as a regular expression: .* for a parameter that is there, start.* for a beginning.",
}


@rule(
    "ML117", "vs-match-no-equivalent", Severity.WARNING, impact=Impact.DIFFERS, each=Kind.VIRTUAL_SERVICE, evidence="code",
    needs=["match"],
    reads=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE, Kind.GATEWAY, Kind.K8S_GATEWAY],
    sources=["gateway-api v1.6.1 apis/v1/httproute_types.go", "ingress2gateway pkg/i2gw/providers/istio/converter.go"],
    remedy="Rewrite the match with what HTTPRoute has, or keep the VirtualService.",
    yields_in_object=["egress-gateway-classic"],
    points_to=[],
)  # fmt: skip
def vs_match_no_equivalent(service: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A match of the mesh uses a condition that a match of HTTPRoute does not have.

    HTTPRoute matches on path, headers, query parameters (each exact or by regular expression, the path also by prefix) and on
    one exact method. Exclusions, case, authority, scheme and port cannot be written in a match, a mere presence or beginning
    only as a regular expression. Converters leave such a condition out and print a valid object, whose rule takes more than
    before.

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
        - match:
            - withoutHeaders:  # expect: ML117
                x-internal: {}
          timeout: 1s
          route: [{destination: {host: ratings}}]
        - route: [{destination: {host: ratings}}]
    ```

    Remedy: an exclusion becomes an earlier, more specific rule; authority the parent Service or `hostnames`; a port
    parentRefs[].port; presence the regular expression `.*`. Otherwise keep the VirtualService. meshlint can convert it where
    every request goes the same way then; it needs a look, because the rewritten rules have to be read as a whole. There is no
    automatic fix where one would go another way (`meshlint convert` tells which).

    One finding for each condition of a VirtualService, at its first place. A note for statPrefix, which only names a metric.
    Not reported when `ignoreUriCase` is false; for a port where the host has no other or its ports are not known; for regular
    expressions on path, headers and query parameters, which Istio takes over; for sourceLabels and sourceNamespace
    (vs-source-match); when the rule is for gateways only, which go on executing it (but with `--goal gateway-api`); with
    `--goal ambient`; and when the namespace of the host stays out of the mesh.
    """
    places: dict[str, list[Node]] = {}
    for rule_ in mesh.converted_rules(service):
        for match in rule_.each("match"):
            for field, at in _conditions(match, service, mesh):
                places.setdefault(field, []).append(at)
    for field, found in places.items():
        more = f" (in {len(found)} matches)" if len(found) > 1 else ""
        message = f"{service.title} matches on {_said(field, found[0])}{more}, which a match of HTTPRoute cannot do{_but(field)}."
        severity, impact = (Severity.NOTE, Impact.ADVICE) if field == "statPrefix" else (None, None)
        subject = mesh.mesh_subject(service)
        fix = partial(converted, [service], mesh)
        yield Problem(found[0], message, severity, impact, remedy=_REMEDIES[field], fix=fix, subject=subject)


def _conditions(match: Node, service: Resource, mesh: Mesh) -> Iterator[tuple[str, Node]]:
    written = {key: at for key, at in match.items() if key in _REMEDIES and at}
    for field in ("withoutHeaders", "authority", "scheme", "statPrefix"):
        at = written.get(field)
        if at and at.value not in ({}, ""):
            yield field, at
    if "ignoreUriCase" in written and written["ignoreUriCase"].value is True and match.get("uri"):
        yield "ignoreUriCase", written["ignoreUriCase"]
    if "port" in written and _has_other_ports(service, mesh):
        yield "port", written["port"]
    if "gateways" in written and written["gateways"].value and _is_split(service, mesh):
        yield "gateways", written["gateways"]
    if "method" in written and (written["method"].get("prefix") or written["method"].get("regex")):
        yield "method", written["method"]
    for field in [key for key in ("headers", "queryParams") if key in written]:
        vague = [at for _, at in written[field].items() if at.value == {} or at.get("prefix")]
        yield from ((field, at) for at in vague)


def _has_other_ports(service: Resource, mesh: Mesh) -> bool:
    held = [host.resource for _, host in mesh.hosts(service) if host.resource is not None]
    return any(len(list(resource.spec.each("ports"))) > 1 for resource in held)


def _is_split(service: Resource, mesh: Mesh) -> bool:
    binding = mesh.binding(service)
    return binding.mesh + len(binding.gateways) > 1


def _said(field: str, at: Node) -> str:
    if field in ("headers", "queryParams"):
        kind = "header" if field == "headers" else "query parameter"
        return f"the {'presence' if at.value == {} else 'beginning'} of the {kind} {at.path[-1]}"
    return "more than one method" if field == "method" else field


def _but(field: str) -> str:
    return " but by a regular expression" if field in ("headers", "queryParams") else ""
