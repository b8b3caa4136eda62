"""ML601 envoyfilter-sidecar."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from meshlint.api import WORKLOADS, Impact, Kind, Mesh, Node, Problem, Resource, Severity, rule

_CONTEXTS = frozenset({"SIDECAR_INBOUND", "SIDECAR_OUTBOUND", "ANY"})
_GENERATED = re.compile(r"(tcp-)?(stats-filter|metadata-exchange)(-|$)")
_GATEWAY_PORTS = frozenset({80, 443, 8080, 8443, 15443})


class _Use(NamedTuple):
    """What a patch is for, how to recognise it, and what does the same without an EnvoyFilter."""

    what: str
    words: re.Pattern[str]
    advice: str


def _use_of(what: str, words: str, advice: str) -> _Use:
    return _Use(what, re.compile(words, re.IGNORECASE), advice)


_KEEP = "do it in the application or at the ingress gateway, or keep the workload on its sidecar"
_USES = (
    _use_of("a rate limit", r"rate_?limit", "nothing first-class exists in ambient: " + _KEEP),
    _use_of("a Lua filter", r"\blua\b", ""),
    _use_of("a Wasm filter", r"\bwasm\b", ""),
    _use_of("external authorization", r"ext_authz", "use an AuthorizationPolicy with action CUSTOM and targetRefs at a waypoint"),
    _use_of("JWT authentication", r"jwt_authn", "use a RequestAuthentication with targetRefs at a waypoint"),
    _use_of("authorization", r"filters\.(http|network)\.rbac", "use an AuthorizationPolicy, with targetRefs where it reads HTTP"),
    _use_of("header manipulation", r"header_mutation|headers_to_(add|remove)", "use header filters of an HTTPRoute at a waypoint"),
    _use_of("compression", r"compressor|gzip|brotli", _KEEP),
    _use_of("TCP keepalive", r"keepalive", "use connectionPool.tcp.tcpKeepalive of a DestinationRule at a waypoint"),
    _use_of("access logging", r"access_?log", "use a Telemetry with targetRefs for HTTP; the logs of connections come from ztunnel"),
    _use_of(
        "timeouts",
        r"idle_timeout|request_timeout|max_connection_duration|common_http_protocol_options",
        "use idleTimeout in the connectionPool of a DestinationRule, or the timeouts of a route, at a waypoint",
    ),
    _use_of("request buffering", r"filters\.http\.buffer|max_request_bytes", _KEEP),
    _use_of("fault injection", r"filters\.http\.fault", "use the fault of a VirtualService at a waypoint"),
)


@rule(
    "ML601",
    "envoyfilter-sidecar",
    Severity.ERROR,
    impact=Impact.IGNORED,
    each=Kind.ENVOY_FILTER,
    needs=["configPatches"],
    reads=[Kind.GATEWAY, Kind.K8S_GATEWAY, Kind.NAMESPACE, Kind.ARGO_APPLICATION, *WORKLOADS],
    evidence="code",
    sources=[
        "istio@86c9f01:pilot/pkg/model/policyattachment.go (ShouldAttachPolicy)",
        "https://istio.io/latest/docs/reference/config/networking/envoy-filter/",
        "https://github.com/istio/istio.io/pull/16477",
    ],
    remedy="Replace it by a first-class API that a waypoint reads, or keep the workload on its sidecar.",
    points_to=[],
)
def envoyfilter_sidecar(filter: Resource, mesh: Mesh) -> Iterator[Problem]:
    """An EnvoyFilter patches sidecars (context SIDECAR_INBOUND, SIDECAR_OUTBOUND or ANY); in ambient the patched proxy is gone.

    ztunnel is not Envoy, and a waypoint takes no filter by workloadSelector, namespace or root namespace. Rate limits, header
    rules and security filters vanish without an error. A patch without `context` is one for ANY.

    ```yaml
    apiVersion: networking.istio.io/v1alpha3
    kind: EnvoyFilter
    metadata:
      name: add-header
      namespace: shop
    spec:
      workloadSelector:
        labels:
          app: catalog
      configPatches:
        - applyTo: HTTP_FILTER
          match:
            context: SIDECAR_INBOUND # expect: ML601
          patch:
            operation: INSERT_BEFORE
            value:
              name: envoy.filters.http.lua
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua
                default_source_code:
                  inline_string: |
                    function envoy_on_request(handle)
                      handle:headers():add("x-shop", "catalog")
                    end
    ```

    Remedy by purpose: Lua and Wasm become a TrafficExtension with targetRefs (Istio 1.30; before that a WasmPlugin); headers
    become HTTPRoute filters, keepalive and idle timeouts a DestinationRule, external authorization an AuthorizationPolicy
    with action CUSTOM, logs a Telemetry. For rate limits, buffers and compression nothing first-class exists: a gateway,
    the application, or a workload that keeps its sidecar. There is no automatic fix: a patch says how Envoy is
    configured, not what for.

    A warning only, if the filter stands in the root namespace for ANY proxy but matches listeners of gateways alone.
    One finding per object, at the first patch that decides; the others are its related places.

    Not reported when: every patch is for GATEWAY; the selector takes gateway pods only; the namespace stays out of ambient;
    the filter has targetRefs (another rule judges those); istioctl generated it (`stats-filter-*` and its kin): such
    filters go with the upgrade.
    """
    if filter.spec.get("targetRefs") or filter.spec.get("targetRef") or _generated(filter, mesh) or not _moves(filter, mesh):
        return
    deciding = [patch for patch in filter.spec.each("configPatches") if _context(patch) in _CONTEXTS]
    if not deciding:
        return
    first, *others = deciding
    purposes = list(dict.fromkeys(use for patch in deciding if (use := _use(patch)) is not None))
    only_gateways = filter.namespace == mesh.settings.root_namespace and all(_gateway_listener(patch, mesh) for patch in deciding)
    yield Problem(
        _place(first),
        _message(filter, first, purposes),
        severity=Severity.WARNING if only_gateways else None,
        remedy=_remedy(purposes, mesh),
        related=tuple((_place(patch), f"patches sidecars as well ({_context(patch)})") for patch in others),
    )


def _message(filter: Resource, patch: Node, purposes: Sequence[_Use]) -> str:
    written = "" if patch.get("match", "context").present else " by default"
    what = f" with {' and '.join(use.what for use in purposes)}" if purposes else ""
    return (
        f"{filter.title} patches sidecars (context {_context(patch)}{written}){what}. Ambient pods have no sidecar, and neither ztunnel "
        "nor a waypoint applies a filter by selector or namespace, so it is lost without an error."
    )


def _context(patch: Node) -> str:
    """The context of a patch, its default ANY; empty where a template decides it."""
    if patch.unknown or patch.get("match").unknown or patch.get("match", "context").unknown:
        return ""
    return patch.get("match", "context").text or "ANY"


def _place(patch: Node) -> Node:
    context = patch.get("match", "context")
    if context.present:
        return context
    return patch.get("match") if patch.get("match").present else patch


def _generated(filter: Resource, mesh: Mesh) -> bool:
    """Did istioctl generate it? Its name says so, and its label or namespace does."""
    labelled = any(label == "istio.io/rev" or label.startswith("install.operator.istio.io/") for label in filter.labels)
    return bool(_GENERATED.match(filter.name)) and (labelled or filter.namespace == mesh.settings.root_namespace)


def _moves(filter: Resource, mesh: Mesh) -> bool:
    """Does it cover pods with sidecars that are or may become ambient?"""
    written = filter.spec.get("workloadSelector", "labels")
    selector = written.strings()
    templated = written.unknown or any(value.unknown for _, value in written.items())
    if templated or not mesh.candidate(filter) or mesh.selects_only_gateways(selector, filter.namespace):
        return False
    if not selector or filter.namespace == mesh.settings.root_namespace:
        return True
    found = mesh.workloads(selector, filter.namespace)
    return not found or any(mesh.candidate(workload.resource) for workload in found if not workload.gateway)


def _gateway_listener(patch: Node, mesh: Mesh) -> bool:
    """Does a patch for ANY proxy match what only gateways have: a Gateway's route, or one of their listeners?"""
    if _context(patch) != "ANY":
        return False
    match = patch.get("match")
    if match.get("routeConfiguration", "gateway").present:
        return True
    port = match.get("listener", "portNumber")
    ports = {server.scalar for gateway in mesh.all(Kind.GATEWAY) for server in gateway.spec.each("servers", "port", "number")}
    return port.scalar is not None and (port.scalar in _GATEWAY_PORTS or port.scalar in ports)


def _use(patch: Node) -> _Use | None:
    """What a patch is for, by the filters that it names and the fields that it sets."""
    words = " ".join(_words(patch.get("patch", "value"), 8))
    return next((use for use in _USES if use.words.search(words)), None)


def _words(node: Node, depth: int) -> Iterator[str]:
    for key, below in node.items():
        yield key
        if key in ("name", "@type", "type_url") and below.text:
            yield below.text
        elif depth and (below.is_map or below.is_list):
            yield from _words(below, depth - 1)
    if node.is_list and depth:
        for item in node.each():
            yield from _words(item, depth - 1)


def _remedy(purposes: Sequence[_Use], mesh: Mesh) -> str | None:
    if not purposes:
        return None
    said = "; ".join(f"for {use.what}, {use.advice or _extension(use, mesh)}" for use in purposes)
    return f"{said[:1].upper()}{said[1:]}."


def _extension(use: _Use, mesh: Mesh) -> str:
    """Lua and Wasm, by release: TrafficExtension came with Istio 1.30."""
    if mesh.target.istio_at_least("1.30.0"):
        return "use a TrafficExtension with targetRefs at a waypoint"
    now = "use a WasmPlugin with targetRefs" if "Wasm" in use.what else "rewrite it as a Wasm module"
    return f"{now}, or a TrafficExtension from Istio 1.30 on (the target is {mesh.target.istio})"
