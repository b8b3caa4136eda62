"""CEL rules of the CRDs of Gateway API that no limit of one value expresses, each with the release that brought it.

Checked against the CRDs of v1.0.0 to v1.6.1. Rules that name a type of filter, and what route-backend-invalid and
route-unsupported-filter say of routes, are not repeated. Nothing is concluded from what a template fills in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from meshlint.model.kind import ROUTES, Kind
from meshlint.model.lazy_regex import lazy_regex
from meshlint.model.node import Node, dotted
from meshlint.model.resource import Resource
from meshlint.model.schema import Fault, FaultKind
from meshlint.model.target import Target
from meshlint.model.tuples import NamedTuple
from meshlint.semantics.schema_values import seconds_of

_GATEWAYS: Final = (Kind.K8S_GATEWAY, Kind.LISTENER_SET, Kind.X_LISTENER_SET)
_PATH: Final = lazy_regex(r"(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})+\Z")
_SERVICE: Final = lazy_regex(r"(?i)\.?[a-z_][a-z_0-9]*(\.[a-z_][a-z_0-9]*)*\Z")
_METHOD: Final = lazy_regex(r"[A-Za-z_][A-Za-z_0-9]*\Z")
_IP: Final = lazy_regex(r"\d{1,3}(\.\d{1,3}){3}\Z")
_HOST: Final = lazy_regex(r"(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\Z")
_IN_PATH: Final = ("//", "/./", "/../", "%2f", "%2F", "#")
_GROUP: Final = "gateway.networking.k8s.io"


class _Place(NamedTuple):
    resource: Resource
    target: Target

    def said(self, at: Node) -> str:
        return dotted(at.path[len(self.resource.root.path) :])

    def since(self, standard: str, experimental: str = "") -> bool:
        wanted = experimental if experimental and self.target.channel == "experimental" else standard
        return self.target.gateway_api_at_least(wanted)


def refused(resource: Resource, target: Target) -> Iterator[Fault]:
    """What these rules refuse of an object."""
    place = _Place(resource, target)
    for kinds, check in _CHECKS:
        if resource.kind in kinds:
            yield from check(place)


def _listeners(place: _Place) -> Iterator[Fault]:
    seen: dict[tuple[str, ...], Node] = {}
    for listener in place.resource.spec.each("listeners"):
        yield from _listener(place, listener)
        fields = [listener.get(name) for name in ("port", "protocol", "hostname")]
        if any(field.unknown for field in fields) or not fields[0].value:
            continue
        key = tuple(str(field.value) for field in fields)
        if key in seen:
            host = f"hostname {fields[2].text}" if fields[2].text else "no hostname"
            text = f"{place.said(listener)} has port {fields[0].value}, protocol {fields[1].text} and {host} like one before it"
            yield Fault(FaultKind.INVALID, fields[0], text, ((seen[key], "the first"),), "Keep one, or tell them apart by hostname.")
        seen.setdefault(key, listener)


def _listener(place: _Place, listener: Node) -> Iterator[Fault]:
    protocol, tls, hostname = listener.get("protocol").text, listener.get("tls"), listener.get("hostname")
    about = ((listener.get("protocol"), "the protocol"),)
    if protocol in ("HTTP", "TCP", "UDP") and tls.is_map:
        text = f"{place.said(tls)} is set, but protocol {protocol} takes none"
        yield Fault(FaultKind.EXCLUSIVE, tls, text, about, f"Leave tls out, or write protocol: {'HTTPS' if protocol == 'HTTP' else 'TLS'}.")
    if protocol in ("TCP", "UDP") and hostname.text:
        text = f"{place.said(hostname)} is set, but protocol {protocol} takes none"
        yield Fault(FaultKind.EXCLUSIVE, hostname, text, about, "Leave hostname out.")
    mode = tls.get("mode")
    if protocol == "HTTPS" and mode.text not in (None, "", "Terminate") and place.since("1.1"):
        text = f"{place.said(mode)} is {mode.text}; it must be Terminate for protocol HTTPS"
        yield Fault(FaultKind.INVALID, mode, text, about, "Write mode: Terminate, or protocol: TLS for a TLSRoute.")
    if protocol == "TLS" and not tls.present and place.since("1.5"):
        text = f"{place.said(listener)} lacks tls, which protocol TLS requires"
        yield Fault(FaultKind.MISSING, tls, text, about, "Add tls with its mode.")
    bare = not tls.get("certificateRefs").value and not tls.get("options").value
    ends = mode.text == "Terminate" or not mode.present
    if tls.is_map and ends and bare and protocol not in ("HTTP", "TCP", "UDP") and place.since("1.1"):
        default = "" if mode.present else ", the default,"
        text = f"{place.said(tls)} lacks certificateRefs or options; mode Terminate{default} requires one of them"
        yield Fault(FaultKind.MISSING, tls.get("certificateRefs"), text)


def _addresses(place: _Place) -> Iterator[Fault]:
    seen: dict[tuple[str, str], Node] = {}
    for address in place.resource.spec.each("addresses"):
        kind, value = address.get("type"), address.get("value")
        name = "IPAddress" if not kind.present else kind.text
        if name not in ("IPAddress", "Hostname") or not value.text:
            continue
        if name == "Hostname" and not _HOST.match(value.text):
            yield Fault(FaultKind.INVALID, value, f'{place.said(value)} is "{value.text}", which is no hostname')
        if (name, value.text) in seen:
            text = f"{place.said(value)} is {value.text} like one before it"
            yield Fault(FaultKind.INVALID, value, text, ((seen[name, value.text], "the first"),), "Keep one of them.")
        seen.setdefault((name, value.text), value)


def _parents(place: _Place) -> Iterator[Fault]:
    """References to one parent have a sectionName each (in the experimental channel a sectionName or port), all of them another."""
    if place.resource.kind is not Kind.HTTP_ROUTE and not place.since("1.1"):
        return
    fields = ("sectionName", "port") if place.target.channel == "experimental" else ("sectionName",)
    yield from _several(place, list(place.resource.spec.each("parentRefs")), ("Gateway", _GROUP), fields)


def _targets(place: _Place) -> Iterator[Fault]:
    if place.since("1.4", "1.3"):
        yield from _several(place, list(place.resource.spec.each("targetRefs")), ("", ""), ("sectionName",))


def _several(place: _Place, refs: Sequence[Node], default: tuple[str, str], fields: tuple[str, ...]) -> Iterator[Fault]:
    seen: dict[tuple[str | None, ...], list[Node]] = {}
    for ref in refs:
        if any(ref.get(name).unknown for name in ("group", "kind", "name", "namespace", *fields)):
            continue
        group = ref.get("group").text if ref.get("group").text is not None else default[1]
        key = (group, ref.get("kind").text or default[0], ref.get("name").text, ref.get("namespace").text)
        before = seen.setdefault(key, [])
        if before and (clash := next((one for one in before if _alike(one, ref, fields)), None)) is not None:
            own = " or ".join(fields)
            text = f"{place.said(ref)} names {key[1]} {key[2]} like an entry before it; each then needs a {own} that no other has"
            yield Fault(FaultKind.INVALID, ref.get("name"), text, ((clash.get("name"), "the other"),), _APART.format(own))
        before.append(ref)


_APART: Final = "Keep one of them, or give each a {} of its own; where that cannot be, write an object for each."


def _alike(one: Node, other: Node, fields: tuple[str, ...]) -> bool:
    """The same fields, or one of the two has a field that the other has not."""
    pairs = [(one.get(name).value or None, other.get(name).value or None) for name in fields]
    return all(a == b for a, b in pairs) or any((a is None) != (b is None) for a, b in pairs)


def _http(place: _Place) -> Iterator[Fault]:
    for rule in place.resource.spec.each("rules"):
        for path in rule.each("matches", "path"):
            yield from _path(place, path)
        yield from _timeouts(place, rule.get("timeouts"))
        for cors in rule.each("filters", "cors"):
            yield from _cors(place, cors)
    yield from _mirrors(place)


def _path(place: _Place, path: Node) -> Iterator[Fault]:
    kind, value = path.get("type"), path.get("value")
    if kind.text not in (None, "Exact", "PathPrefix") or kind.unknown or value.text is None:
        return
    text, wrong = value.text, ""
    if not text.startswith("/"):
        wrong = "does not begin with /"
    elif found := next((one for one in _IN_PATH if one in text), ""):
        wrong = f"holds {found}"
    elif text.endswith(("/..", "/.")):
        wrong = f"ends with {text[text.rindex('/') :]}"
    elif not _PATH.match(text):
        wrong = "holds characters that a path cannot have"
    if wrong:
        said = f'{place.said(value)} is "{text}", which {wrong}; type {kind.text or "PathPrefix"} wants a plain absolute path'
        yield Fault(FaultKind.INVALID, value, said, (), "Correct the path, or write type: RegularExpression for a pattern.")


def _timeouts(place: _Place, timeouts: Node) -> Iterator[Fault]:
    backend = timeouts.get("backendRequest")
    request, own = seconds_of(timeouts.get("request").text or ""), seconds_of(backend.text or "")
    if request and own and own > request and place.since("1.2", "1.0"):
        text = f"{place.said(backend)} is {backend.text}, longer than the request timeout of {timeouts.get('request').text}"
        yield Fault(FaultKind.INVALID, backend, text, ((timeouts.get("request"), "the request timeout"),), "Shorten it, or raise request.")


def _cors(place: _Place, cors: Node) -> Iterator[Fault]:
    for field, standard, experimental in (("allowMethods", "1.5", "1.3"), ("allowOrigins", "1.5", "1.4"), ("allowHeaders", "1.5", "1.5")):
        values = list(cors.each(field))
        star = next((value for value in values if value.text == "*"), None)
        if star is not None and len(values) > 1 and place.since(standard, experimental):
            yield Fault(FaultKind.INVALID, star, f"{place.said(cors.get(field))} has * beside others", (), "Keep * alone, or leave it out.")


def _mirrors(place: _Place) -> Iterator[Fault]:
    for fraction in place.resource.spec.each("rules", "filters", "requestMirror", "fraction"):
        top, bottom = fraction.get("numerator"), fraction.get("denominator")
        whole = bottom.value if bottom.present else 100
        if isinstance(top.value, int) and isinstance(whole, int) and top.value > whole and place.since("1.3", "1.2"):
            yield Fault(FaultKind.INVALID, top, f"{place.said(top)} is {top.value}, more than the denominator {whole}")


def _grpc(place: _Place) -> Iterator[Fault]:
    for method in place.resource.spec.each("rules", "matches", "method"):
        service, name = method.get("service"), method.get("method")
        if method.is_map and not service.present and not name.present:
            yield Fault(FaultKind.MISSING, service, f"{place.said(method)} lacks service or method; one of them is required")
        for node, form in ((service, _SERVICE), (name, _METHOD)):
            if method.get("type").text in (None, "Exact") and node.text and not form.match(node.text):
                text = f'{place.said(node)} is "{node.text}", which is no name of a gRPC {node.path[-1]}'
                yield Fault(FaultKind.INVALID, node, text, (), "Write the name of the definition: package.Service, or Method.")
    yield from _mirrors(place)


def _tls(place: _Place) -> Iterator[Fault]:
    for host in place.resource.spec.each("hostnames"):
        if host.text and _IP.match(host.text) and place.since("1.5"):
            yield Fault(FaultKind.INVALID, host, f"{place.said(host)} is an address, and no server name is one")


def _backend_tls(place: _Place) -> Iterator[Fault]:
    validation = place.resource.spec.get("validation")
    refs, known = validation.get("caCertificateRefs"), validation.get("wellKnownCACertificates")
    if not validation.is_map or refs.unknown or known.unknown:
        return
    if refs.value and known.text:
        text = f"{place.said(validation)} has caCertificateRefs and wellKnownCACertificates; only one of them may be there"
        at, other = sorted((refs, known), key=lambda node: -node.row)
        yield Fault(FaultKind.EXCLUSIVE, at, text, ((other, "excludes it"),), "Keep one of them.")
    elif not refs.value and not known.text:
        text = f"{place.said(validation)} lacks caCertificateRefs or wellKnownCACertificates; one of them is required"
        yield Fault(FaultKind.MISSING, refs, text)


_CHECKS: Final[tuple[tuple[Sequence[Kind], Callable[[_Place], Iterator[Fault]]], ...]] = (
    (_GATEWAYS, _listeners), ((Kind.K8S_GATEWAY,), _addresses), (ROUTES, _parents), ((Kind.HTTP_ROUTE,), _http),
    ((Kind.GRPC_ROUTE,), _grpc), ((Kind.TLS_ROUTE,), _tls), ((Kind.BACKEND_TLS_POLICY,), _targets),
    ((Kind.BACKEND_TLS_POLICY,), _backend_tls),
)  # fmt: skip
