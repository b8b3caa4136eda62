"""ML808 route-backend-invalid."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import (
    ROUTES,
    Confidence,
    Fix,
    Host,
    HostKind,
    Impact,
    Kind,
    Mesh,
    Node,
    Problem,
    Resource,
    Severity,
    changes,
    close_name,
    rule,
    slip_of,
)

_ISTIO = "networking.istio.io"
_SERVICE, _HOSTNAME = ("", "Service"), (_ISTIO, "Hostname")
_OTHERS = frozenset({
    ("multicluster.x-k8s.io", "ServiceImport"), ("inference.networking.k8s.io", "InferencePool"),
    ("inference.networking.x-k8s.io", "InferencePool"), ("gateway.networking.x-k8s.io", "XBackend"),
})  # fmt: skip
_SHARED = ".mesh.internal"  # Solo's distribution makes ServiceEntries with such hosts for Services that clusters share
_SHARE = "its share of the traffic is answered with an error (500)"


@rule(
    "ML808",
    "route-backend-invalid",
    Severity.ERROR,
    impact=Impact.BREAKS,
    each=ROUTES,
    reads=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.K8S_GATEWAY, Kind.LISTENER_SET, Kind.X_LISTENER_SET, Kind.VIRTUAL_SERVICE,
           Kind.DESTINATION_RULE],
    evidence="code",
    sources=["istio@86c9f01:pilot/pkg/config/kube/gateway/conversion.go (buildDestination)"],
    remedy="Name the Service by its name, namespace and port.",
    points_to=[Kind.SERVICE, Kind.SERVICE_ENTRY],
)  # fmt: skip
def route_backend_invalid(route: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A backendRef of a route (or of its mirror) cannot be resolved: a DNS name in place of a Service's name, no port, a port
    or Service that does not exist, or a kind that Istio takes no traffic to.

    A VirtualService's host is a DNS name; a backendRef wants the name of an object, and a port. Conversions that keep the
    DNS name make invalid references, and Istio answers their share of the traffic with 500.

    ```yaml
    apiVersion: gateway.networking.k8s.io/v1
    kind: HTTPRoute
    metadata:
      name: reviews
      namespace: bookinfo
    spec:
      parentRefs:
        - name: edge
      rules:
        - backendRefs:
            - name: reviews.bookinfo.svc.cluster.local # expect: ML808
              port: 9080
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata:
      name: edge
      namespace: bookinfo
    spec:
      gatewayClassName: istio
      listeners:
        - name: http
          port: 80
          protocol: HTTP
    ```

    Remedy: name, namespace and port of the Service; for a host that only a ServiceEntry declares, Istio's own kind:

        backendRefs:
        - {name: reviews, namespace: prod, port: 9080}
        - {group: networking.istio.io, kind: Hostname, name: httpbin.org, port: 443}

    meshlint can write them where they are told: the parts of the name, the port that is the Service's only one or of which the
    written number is the targetPort, and at a gateway the ReferenceGrant for another namespace. It needs a look, because the
    route begins to send traffic there. There is no automatic fix where one of several ports could be meant, or the name is a
    slip of the pen.

    A note of low confidence where a Service is not in the repository although others of its namespace are, except where one
    of them has the same name but for one letter. Not reported when: the repository holds no Service of the namespace; one of
    several copies of the Service in plain folders has the port; weight is 0 (Istio leaves such a reference out); the kind is
    ServiceImport, InferencePool or XBackend; with Solo's distribution, a host in mesh.internal, which it makes itself; the
    route is not Istio's to run.
    """
    if not mesh.istio_runs(route):
        return
    for ref in _references(route):
        if ref.get("weight").value != 0 and not any(ref.get(field).unknown for field in ("group", "kind", "name", "namespace")):
            yield from _judge(route, ref, mesh)


def _references(route: Resource) -> Iterator[Node]:
    for entry in route.spec.each("rules"):
        yield from entry.each("backendRefs")
        yield from entry.each("filters", "requestMirror", "backendRef")


def _judge(route: Resource, ref: Node, mesh: Mesh) -> Iterator[Problem]:
    kind = (ref.get("group").text or "", ref.get("kind").text or "Service")
    name = ref.get("name").text
    if name is None or kind in _OTHERS:
        return
    said = f"{route.title} has the backend {name}"
    if kind == _HOSTNAME:
        yield from _hostname(said, route, ref, mesh)
    elif kind != _SERVICE:
        what = f"kind {kind[1]} of group \"{kind[0]}\", which Istio accepts no backend of: {_SHARE}"
        remedy = "Use group: networking.istio.io, kind: Hostname with a host of the ServiceEntry." if kind[1] == "ServiceEntry" else None
        fix = partial(_fix, route, ref, mesh) if kind[1] == "ServiceEntry" else None
        yield Problem(ref.get("kind") or ref.get("name"), f"{said} of {what}.", remedy=remedy, fix=fix, final=True)
    elif "." in name:
        message = f"{said}, a DNS name: a backendRef takes the name of a Service, so the whole rule is refused."
        yield Problem(ref.get("name"), message, remedy=_split(name), fix=partial(_fix, route, ref, mesh), final=True)
    elif not ref.get("port").present:
        yield _portless(said, route, ref, mesh)
    else:
        yield from _service(said, route, ref, mesh)


def _portless(said: str, route: Resource, ref: Node, mesh: Mesh) -> Problem:
    message = f"{said} without a port, which a backendRef needs: the whole rule is refused."
    return Problem(ref.get("name"), message, remedy="Add the port.", fix=partial(_fix, route, ref, mesh), final=True)


def _hostname(said: str, route: Resource, ref: Node, mesh: Mesh) -> Iterator[Problem]:
    if ref.get("namespace").present:
        message = f"{said} of kind Hostname with a namespace: the whole rule is refused."
        remedy = "Leave the namespace out: a Hostname is a full DNS name."
        yield Problem(ref.get("namespace"), message, remedy=remedy, fix=partial(_fix, route, ref, mesh), final=True)
    elif not ref.get("port").present:
        yield _portless(said, route, ref, mesh)
    elif (host := mesh.host(ref.get("name"), route)).kind is HostKind.ENTRY:
        yield from _entry_port(said, route, ref, host, mesh)
    elif host.kind is HostKind.EXTERNAL and not (mesh.target.distribution == "solo" and host.fqdn.endswith(_SHARED)):
        yield Problem(
            ref.get("name"),
            f"{said} of kind Hostname, and no ServiceEntry of the repository declares that host: if none does, {_SHARE}.",
            confidence=Confidence.MEDIUM if mesh.all(Kind.SERVICE_ENTRY) else Confidence.LOW,
            severity=None if mesh.all(Kind.SERVICE_ENTRY) else Severity.WARNING,
            remedy="Add a ServiceEntry for the host.",
            final=True,
        )


def _entry_port(said: str, route: Resource, ref: Node, host: Host, mesh: Mesh) -> Iterator[Problem]:
    """A port that none of the ServiceEntries of the host has."""
    ports = [port for entry in host.entries for port in entry.spec.each("ports")]
    written, known = ref.get("port"), [port.get("number").value for port in ports]
    if not ports or not isinstance(written.value, int) or any(not isinstance(value, int) for value in known) or written.value in known:
        return
    listed = ", ".join(str(value) for value in known)
    yield Problem(
        written,
        f"{said} of kind Hostname on port {written.value}, which {host.entries[0].title} does not have (it has {listed}): "
        "requests to it fail.",
        related=((ports[0], "the ports of the ServiceEntry"),),
        remedy=f"Write a port of the ServiceEntry: {listed}.",
        fix=partial(_fix, route, ref, mesh),
        final=True,
    )


def _service(said: str, route: Resource, ref: Node, mesh: Mesh) -> Iterator[Problem]:
    host = mesh.backend_host(route, ref)
    if host.service is None:
        yield from _absent(said, ref, host, mesh)
        return
    ports = list(host.service.spec.each("ports"))
    written = ref.get("port")
    known = [port.get("port").value for port in ports]
    if not ports or not isinstance(written.value, int) or any(not isinstance(value, int) for value in known) or written.value in known:
        return
    copies = mesh.copies(host.service)
    if any(port.get("port").value == written.value for one in copies for port in one.spec.each("ports")):
        return
    target = next((port for port in ports if port.get("targetPort").value == written.value), None)
    hint = f" ({written.value} is the targetPort of port {target.get('port').value})" if target is not None else ""
    listed = ", ".join(str(value) for value in known)
    yield Problem(
        written,
        f"{said} on port {written.value}, which {host.service.title} does not have (it has {listed}){hint}: requests to it fail.",
        related=((ports[0], "the ports of the Service"),),
        remedy=f"Write port: {target.get('port').value}." if target is not None else f"Write a port of the Service: {listed}.",
        fix=partial(_fix, route, ref, mesh) if len(copies) == 1 else None,
        final=True,
    )


def _absent(said: str, ref: Node, host: Host, mesh: Mesh) -> Iterator[Problem]:
    if host.kind is not HostKind.ASSUMED or not mesh.knows(host) or not host.namespace:
        return
    names = [service.name for service in mesh.all(Kind.SERVICE) if service.namespace == host.namespace]
    slip = slip_of(ref.get("name").text or "", names)
    close = slip or close_name(ref.get("name").text or "", names)
    sure = slip is not None and not mesh.elsewhere(Kind.SERVICE)
    yield Problem(
        ref.get("name"),
        f"{said}, and the repository holds Services of namespace {host.namespace}, but none of that name: if there is none, {_SHARE}.",
        severity=None if sure else Severity.NOTE,
        confidence=Confidence.MEDIUM if sure else Confidence.LOW,
        remedy=f"Did you mean {close}?" if close else "Correct the name, or name the Service in assume.services of the configuration.",
        final=True,
    )


def _split(name: str) -> str:
    parts = name.split(".")
    if len(parts) > 2 and parts[2] == "svc":
        return f"Write name: {parts[0]}, namespace: {parts[1]}, and the port."
    return "Write the Service's name (and namespace and port); for another host use group: networking.istio.io, kind: Hostname."


def _fix(route: Resource, ref: Node, mesh: Mesh) -> Fix | None:
    """The reference as it has to be written: kind, name, namespace and port."""
    from meshlint.api import grants

    host = _meant(route, ref, mesh)
    port = _port(ref, host) if host is not None else None
    if host is None or port is None:
        return None
    made = changes()
    at_gateway = any((parent.get("kind").text or "Gateway") == "Gateway" for parent in route.spec.each("parentRefs"))
    if host.kind is HostKind.ENTRY:
        wanted: tuple[tuple[str, str | None], ...] = (("group", _ISTIO), ("kind", "Hostname"), ("name", host.fqdn), ("namespace", None))
    else:
        name, namespace = host.fqdn.partition(".")[0], host.namespace if host.namespace != route.namespace else None
        wanted = (("name", name), ("namespace", namespace))
        if namespace and at_gateway and not mesh.granted(route, "", "Service", namespace, name):
            grants.allow(made, route, namespace, "", "Service", name, mesh)
    for key, value in wanted:
        if value is not None:
            made.set_key(ref, key, value, before="name" if key in ("group", "kind") else None)
        elif ref.get(key).present:
            made.remove(ref.get(key))
    return made.set_key(ref, "port", port).fix(f"Name {host.title}, port {port}")


def _meant(route: Resource, ref: Node, mesh: Mesh) -> Host | None:
    """The Service, or the host of a ServiceEntry, that a reference is to name."""
    name, kind = ref.get("name").text or "", ref.get("kind").text or "Service"
    if kind == "ServiceEntry":
        entry = mesh.find(Kind.SERVICE_ENTRY, ref.get("namespace").text or route.namespace, name)
        hosts = [host for host in mesh.hosts_of(entry) if not host.wildcard] if entry is not None else []
        return hosts[0] if len(hosts) == 1 and hosts[0].kind is HostKind.ENTRY else None
    if kind == "Service" and "." not in name:
        return mesh.backend_host(route, ref)
    host = mesh.host(ref.get("name"), route)
    if host.kind is HostKind.PARTIAL:
        parts = name.split(".")
        service = mesh.find(Kind.SERVICE, parts[1], parts[0]) if parts[2:] in ([], ["svc"]) else None
        return mesh.hosts_of(service)[0] if service is not None else None
    return host if host.kind in (HostKind.SERVICE, HostKind.ASSUMED, HostKind.ENTRY) and host.namespace + host.fqdn else None


def _port(ref: Node, host: Host) -> int | None:
    """The written port where there is one of that number, or nobody knows; else the one it is the targetPort of, or the only one."""
    written = ref.get("port")
    ports = list(host.resource.spec.each("ports")) if host.resource is not None else []
    fields = ("port", "targetPort") if host.service is not None else ("number", "targetPort")
    numbers = [port.get(fields[0]).value for port in ports]
    if isinstance(written.value, int) and (not ports or written.value in numbers):
        return written.value
    targets = [port.get(fields[0]).value for port in ports if written.present and port.get(fields[1]).value == written.value]
    found = targets if len(targets) == 1 else numbers
    return found[0] if len(found) == 1 and isinstance(found[0], int) else None
