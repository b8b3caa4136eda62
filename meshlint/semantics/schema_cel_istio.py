"""CEL rules of the CRDs of Istio that no limit of one value expresses, each with the release that brought it.

Checked against the CRDs of 1.21.0 to 1.31.0-rc.0. Exclusive groups and bounds are limits of the tables and not repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from meshlint.model.kind import Kind
from meshlint.model.lazy_regex import lazy_regex
from meshlint.model.node import Node, dotted
from meshlint.model.resource import Resource
from meshlint.model.schema import Fault, FaultKind
from meshlint.model.target import Target

_URL: Final = lazy_regex(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_PLACEHOLDER: Final = lazy_regex(r"[A-Z][A-Z0-9_]*\Z")  # for sed and the like
_PORT_NAME: Final = lazy_regex(r"[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?\Z")
_ADDRESSES: Final = {
    Kind.WORKLOAD_ENTRY: ("spec",), Kind.WORKLOAD_GROUP: ("spec", "template"), Kind.SERVICE_ENTRY: ("spec", "endpoints"),
}  # fmt: skip


def refused(resource: Resource, target: Target) -> Iterator[Fault]:
    """What these rules refuse of an object."""
    for since, needs, check in _BY_KIND.get(resource.kind, ()):
        if not resource.root.table.keys.isdisjoint(needs) and target.istio_at_least(since):
            yield from check(resource)


def _said(resource: Resource, at: Node) -> str:
    return dotted(at.path[len(resource.root.path) :])


def _service_entry(entry: Resource) -> Iterator[Fault]:
    resolution, endpoints = entry.spec.get("resolution"), entry.spec.get("endpoints")
    if resolution.unknown or endpoints.unknown:
        return
    mode = resolution.text or "NONE"
    about = ((resolution, f"resolution is {mode}"),) if resolution.present else ()
    for address in entry.spec.each("addresses"):
        if address.text and "/" in address.text and mode not in ("NONE", "STATIC"):
            text = f"{_said(entry, address)} is the range {address.text}, which resolution {mode} does not take"
            yield Fault(FaultKind.INVALID, address, text, about, "Write resolution: STATIC or NONE, or a single address.")
            return
    if mode == "NONE" and endpoints.present:
        default = "" if resolution.present else ", the default,"
        text = f"{_said(entry, endpoints)} is set, but resolution NONE{default} takes no endpoints"
        yield Fault(FaultKind.EXCLUSIVE, endpoints, text, about, "Write resolution: STATIC or DNS, or leave endpoints out.")
    if mode == "DNS_ROUND_ROBIN" and len(found := list(endpoints.each())) > 1:
        text = f"{_said(entry, endpoints)} has {len(found)} entries; resolution DNS_ROUND_ROBIN takes one"
        yield Fault(FaultKind.INVALID, found[1], text, about, "Keep one of them, or write resolution: DNS.")


def _sockets(resource: Resource) -> Iterator[Fault]:
    path = _ADDRESSES[resource.kind]
    for holder in resource.root.each(*path) if path[-1] == "endpoints" else (resource.root.get(*path),):
        address, ports = holder.get("address"), holder.get("ports")
        if (address.text or "").startswith("unix://"):
            yield from _socket(resource, address, ports)
        for name, port in ports.items():
            if not port.unknown and (len(name) >= 63 or not _PORT_NAME.match(name)):
                text = f'{_said(resource, ports)} has the key "{name}"; a name of a port has letters, digits and dashes'
                yield Fault(FaultKind.INVALID, port, text)


def _socket(resource: Resource, address: Node, ports: Node) -> Iterator[Fault]:
    said, text = _said(resource, address), address.text or ""
    if text[7:8] not in ("/", "@"):
        yield Fault(FaultKind.INVALID, address, f"{said} is {text}; a socket is an absolute path or begins with @")
    elif text.endswith("/"):
        yield Fault(FaultKind.INVALID, address, f"{said} is {text}, a folder and no socket")
    if ports.present:
        text = f"{_said(resource, ports)} is set, but the address is a socket, which has no ports"
        yield Fault(FaultKind.EXCLUSIVE, ports, text, ((address, "the address"),), "Leave ports out.")


def _jwt(policy: Resource) -> Iterator[Fault]:
    for field in ("jwksUri", "jwks_uri"):
        for uri in policy.spec.each("jwtRules", field):
            found = _URL.match(uri.text or "")
            if uri.text and not _PLACEHOLDER.match(uri.text) and (found is None or found[1] not in ("http", "https")):
                text = f'{_said(policy, uri)} is "{uri.text}", no URL of http or https'
                yield Fault(FaultKind.INVALID, uri, text, (), "Write the whole URL, with https://.")


def _wasm(plugin: Resource) -> Iterator[Fault]:
    holder = plugin.spec.get("wasm") if plugin.kind is Kind.TRAFFIC_EXTENSION else plugin.spec
    url = holder.get("url")
    found = _URL.match(url.text or "")
    if found is not None and found[1] not in ("http", "https", "file", "oci"):
        text = f'{_said(plugin, url)} has the scheme "{found[1]}"; it must be http, https, file or oci'
        yield Fault(FaultKind.INVALID, url, text)


def _wasm_env(plugin: Resource) -> Iterator[Fault]:
    holder = plugin.spec.get("wasm") if plugin.kind is Kind.TRAFFIC_EXTENSION else plugin.spec
    for env in holder.each("vmConfig", "env"):
        value, origin = env.get("value"), env.get("valueFrom")
        if origin.text == "HOST" and value.present:
            text = f"{_said(plugin, value)} is set, but valueFrom is HOST: the value is that of the proxy"
            yield Fault(FaultKind.EXCLUSIVE, value, text, ((origin, "valueFrom is HOST"),), "Leave value out, or write valueFrom: INLINE.")


def _tags(telemetry: Resource) -> Iterator[Fault]:
    for tags in telemetry.spec.each("metrics", "overrides", "tagOverrides"):
        for _, tag in tags.items():  # noqa: PERF102 - a Node
            operation, value = tag.get("operation"), tag.get("value")
            about = ((operation, "the operation"),)
            if operation.text == "UPSERT" and not value.unknown and value.value in (None, ""):
                yield Fault(FaultKind.MISSING, value, f"{_said(telemetry, tag)} lacks value, which operation UPSERT requires", about)
            elif operation.text == "REMOVE" and value.present:
                text = f"{_said(telemetry, value)} is set, but operation REMOVE takes none"
                yield Fault(FaultKind.EXCLUSIVE, value, text, about, "Leave value out.")


def _accounts(policy: Resource) -> Iterator[Fault]:
    for source in policy.spec.each("rules", "from", "source"):
        accounts = [source.get(name) for name in ("serviceAccounts", "notServiceAccounts") if source.get(name).present]
        names = ("principals", "notPrincipals", "namespaces", "notNamespaces") if accounts else ()
        others = [source.get(name) for name in names if source.get(name).present]
        if others:
            text = f"{_said(policy, source)} has {accounts[0].path[-1]} and {others[0].path[-1]}; only one of them may be there"
            at, other = sorted((accounts[0], others[0]), key=lambda node: -node.row)
            remedy = "Write service accounts as NAMESPACE/NAME, and leave the other out."
            yield Fault(FaultKind.EXCLUSIVE, at, text, ((other, "excludes it"),), remedy)


_WASM: Final = (Kind.WASM_PLUGIN, Kind.TRAFFIC_EXTENSION)
_CHECKS: Final[tuple[tuple[Sequence[Kind], str, Sequence[str], Callable[[Resource], Iterator[Fault]]], ...]] = (
    ((Kind.SERVICE_ENTRY,), "1.24.0", ("addresses", "endpoints"), _service_entry),
    ((Kind.SERVICE_ENTRY,), "1.23.0", ("endpoints",), _sockets),
    ((Kind.WORKLOAD_ENTRY, Kind.WORKLOAD_GROUP), "1.23.0", ("address", "ports"), _sockets),
    ((Kind.REQUEST_AUTHENTICATION,), "1.23.0", ("jwksUri", "jwks_uri"), _jwt),
    (_WASM, "1.21.0", ("url",), _wasm),
    (_WASM, "1.21.0", ("vmConfig",), _wasm_env),
    ((Kind.TELEMETRY,), "1.21.0", ("tagOverrides",), _tags),
    ((Kind.AUTHORIZATION_POLICY,), "1.25.0", ("serviceAccounts", "notServiceAccounts"), _accounts),
)
_BY_KIND: Final = {kind: [row[1:] for row in _CHECKS if kind in row[0]] for row in _CHECKS for kind in row[0]}
"""By kind: since when, the keys of which one is there, and the check."""
